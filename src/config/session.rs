//! Whether each caller of a route has a key of their own.

use crate::config::route::Reader;
use crate::config::setting;
use crate::policy::route::SessionMode;
use crate::policy::template::Template;

/// Reads it. A session of the caller's own needs a role to take and a directory of the caller's own.
pub(super) fn read(reader: &mut Reader<'_, '_>, template: Option<&Template>) -> SessionMode {
    let session = reader.value(&setting::SESSION, parse).unwrap_or_default();
    let Some(entry) = reader.entry(&setting::SESSION).filter(|_| session == SessionMode::Caller)
    else {
        return session;
    };
    if reader.config.top_entry(&setting::ROLE_ARN).is_none() {
        let example = format!("{} = \"{}\"", setting::ROLE_ARN.key, setting::ROLE_ARN.example);
        let problem = "a key for each caller is a role's, so role_arn has to name one";
        reader.config.add_error(entry.describe(), problem.to_owned(), example);
    }
    if template.is_some_and(|template| !template.has_caller_prefix()) {
        let problem = "the key has to begin with a directory of the caller's own, named by {sub}";
        let example = "dir = \"users/{sub}/{uuid}/\"".to_owned();
        reader.config.add_error(entry.describe(), problem.to_owned(), example);
    }
    session
}

fn parse(text: &str) -> Result<SessionMode, &'static str> {
    SessionMode::parse(text).ok_or("a key is 'shared' by all callers, or each 'caller' has one")
}
