//! Who is asking, and may they?
//!
//! A route names what it accepts; nothing is open unless it is written. `origin` decides for
//! browsers by the page's origin; `access` names the ways in. What a caller may do once in is the
//! route's rules (`policy/`).

pub mod access;
pub mod origin;
