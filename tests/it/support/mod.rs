//! What the tests share. Servers listen on port 0 of the loopback and end with their test.

pub(crate) mod app;
#[cfg(feature = "emulator")]
pub(crate) mod callback_server;
pub(crate) mod caller;
#[cfg(feature = "tool")]
pub(crate) mod emulate;
#[cfg(feature = "emulator")]
pub(crate) mod form;
#[cfg(feature = "emulator")]
pub(crate) mod gateway;
#[cfg(feature = "emulator")]
pub(crate) mod local_sts;
pub(crate) mod log;
#[cfg(feature = "emulator")]
pub(crate) mod oss;
pub(crate) mod script;
pub(crate) mod server;
pub(crate) mod source;
#[cfg(feature = "tool")]
pub(crate) mod tool;
