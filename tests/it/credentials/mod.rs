//! Whose key is taken, from the settings to the key.

#[cfg(feature = "emulator")]
mod cloud;
#[cfg(feature = "emulator")]
mod journey;
mod order;
#[cfg(feature = "emulator")]
mod secrets;
#[cfg(feature = "emulator")]
mod soak;
