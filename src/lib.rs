//! Signs browser uploads to Alibaba Cloud OSS.

pub mod app;
pub mod credentials;
pub mod crypto;
#[cfg(feature = "emulator")]
pub mod emulator;
pub mod grant;
pub mod identity;
pub mod policy;
pub mod routes;
pub mod runtime;
pub mod secret;
pub mod settings;
pub mod signature;
pub mod time;
#[cfg(feature = "tool")]
pub mod tool;
