//! Signs browser uploads to Alibaba Cloud OSS, and rehearses the whole journey on a laptop.
//!
//! A browser asks the function, the function signs with the temporary keys of its role, the browser
//! posts the file straight to OSS. `README.md` tells how to use it; this is the map of the code.
//!
//! # Layout
//!
//! Data moves one way, and nobody calls back:
//!
//! ```text
//! bytes ─▶ runtime ─▶ routes ─▶ identity ─▶ credentials ─▶ grant ─▶ routes ─▶ runtime ─▶ bytes
//!                                                          │   │
//!                                                     policy   signature
//! ```
//!
//! * [`runtime`]: the HTTP front of a custom runtime. Knows nothing of OSS.
//! * [`routes`]: the HTTP face, its [dialects](routes::dialect) and its [one error
//!   door](routes::problem).
//! * [`identity`], [`credentials`], [`policy`]: who asks, whom we sign as, what is allowed.
//! * [`signature`]: the proof. [`grant`]: the one place where policy and signature meet.
//! * [`settings`], [`app`]: what the process is told, and what it is made of.
//! * [`receipt`], [`completion`]: what was granted, and who is told when it is stored.
//! * [`http_client`]: the one door to the network outwards.
//! * [`time`], [`secret`], [`crypto`]: leaves that everybody may use.

pub mod app;
pub mod auth;
pub mod callback;
pub mod config;
pub mod credentials;
pub mod crypto;
pub mod grant;
pub mod http;
pub mod net;
pub mod policy;
pub mod receipt;
pub mod secret;
pub mod signing;
pub mod time;
