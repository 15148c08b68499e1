//! Signs browser uploads to Alibaba Cloud OSS: the library of the function.
//!
//! A browser asks the function for a form, the function signs it with the temporary credentials of its
//! role, and the browser posts the file straight to OSS. `docs/architecture.md` describes the workspace
//! and each module; `tests/architecture.rs` checks which module may import which.
//!
//! ```text
//! request ─▶ fc-http ─▶ http ─▶ auth ─▶ credentials ─▶ grant ─▶ policy ─▶ signing ─▶ http ─▶ response
//! ```
//!
//! * [`http`]: router, the APIs and their response formats, errors, CORS.
//! * [`auth`], [`credentials`], [`policy`]: who calls, which key signs, what is allowed.
//! * [`grant`], [`signing`]: the signed form.
//! * [`bucket`]: the requests that the function itself sends to OSS.
//! * [`callback`]: the upload callbacks of OSS, receipts and webhooks.
//! * [`config`], [`app`]: the settings, and everything that is built from them once.
//! * [`store`]: the optional store that all instances share. [`net`]: outbound HTTP. [`time`], [`secret`], [`crypto`]: leaf modules.

pub mod app;
pub mod auth;
pub mod bucket;
pub mod cached_resource;
pub mod callback;
pub mod config;
pub mod credentials;
pub mod crypto;
pub mod grant;
pub mod http;
pub mod net;
pub mod policy;
pub mod secret;
pub mod signing;
pub mod store;
pub mod time;
