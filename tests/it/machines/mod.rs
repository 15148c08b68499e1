//! What is served for machines is true: `openapi.json` against the table, the codes and real answers,
//! `llms.txt` against all of them.

mod calls;
mod description;
pub(crate) mod document;
mod llms;
mod values;
mod walk;
