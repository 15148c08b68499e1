//! OSS reports a stored object: which reports are accepted, and which back ends are notified. The signatures are made
//! by OpenSSL, the receipts by the function.

mod agreement;
mod described;
mod event;
pub(crate) mod fixture;
mod key_address;
mod mismatched;
mod notify;
pub(crate) mod openssl;
pub(crate) mod outside;
mod random;
mod receipts;
mod replay;
mod shared;
mod signature;
mod variables;
