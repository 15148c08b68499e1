//! What a route allows, and how that is said to OSS.
//!
//! Owns the rules of a named route, object keys and their templates, the conditions and the policy
//! document. Knows nothing of keys and signatures (`signature/`), of who asks (`identity/`), or of
//! how the two meet (`grant`). Everything here is pure: the clock and the random are arguments.
//!
//! | file | question it answers |
//! |---|---|
//! | `route` | which bucket, under which rules? |
//! | `name` | is this a bucket, a region, an upload host? |
//! | `template` | where do this route's objects go? |
//! | `key` | what will this one object be called? |
//! | `content_type` | is this type allowed, and how is that said? |
//! | `header` | which other fields does a route fix? |
//! | `callback` | what is told when an object is stored, and to whom? |
//! | `metadata` | which metadata may an ask give? |
//! | `refusal` | why is a wish not granted? |
//! | `condition` | one line of a policy |
//! | `document` | the policy's text |

pub mod callback;
pub mod condition;
pub mod content_type;
pub mod document;
pub mod error;
pub mod header;
pub mod key;
pub mod metadata;
pub mod name;
pub mod route;
pub mod template;
