//! Who is asking, and may they?
//!
//! A route names what it accepts; nothing is open unless it is written. What a caller may do once in
//! is the route's rules (`policy/`); how a refusal is worded is `routes/`.
//!
//! | file | owns |
//! |---|---|
//! | `access` | the rule of a route: `anonymous`, `jwt`, `ticket`, `origin`, and how they combine |
//! | `gate` | the judge: rule + evidence + now → caller or refusal |
//! | `evidence` | what a call shows: headers, a ticket in the path, its page's origin |
//! | `caller` | who was let in, and by what |
//! | `denied` | why somebody was not |
//! | `jwt/` | tokens of an identity provider |
//! | `ticket` | short-lived tickets of a back end |
//! | `origin` | which pages may ask |
//! | `budget` | how much one caller may be granted, within one instance |

pub mod authenticator;
pub mod caller;
pub mod error;
pub mod jwt;
pub mod origin;
pub mod rate_limit;
pub mod request_credentials;
pub mod rule;
pub mod ticket;
