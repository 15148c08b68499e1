//! Signs browser uploads to Alibaba Cloud OSS.

pub mod crypto;
#[cfg(feature = "emulator")]
pub mod emulator;
pub mod runtime;
pub mod secret;
pub mod time;
