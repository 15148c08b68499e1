//! The table of behaviours: one row for each thing that the local gateway does with a request or a response.
//!
//! The documentation says little about most of them, so each row names its source. The table in `docs/emulator.md` is
//! generated from these rows, and `oss-upload conformance --signer` has a probe for each of them that does not say why
//! there can be none: it compares the gateway in front of a deployed function. A new behaviour is a new row.

use std::fmt::Write as _;

/// What the local gateway does in one point.
#[derive(Clone, Copy, Debug)]
pub struct GatewayBehaviour {
    /// The name of the row, in lower case with hyphens. Reports of measurements use it, so it does not change.
    pub name: &'static str,
    /// The question, in Markdown.
    pub question: &'static str,
    /// What the sources say, in Markdown.
    pub documented: &'static str,
    /// What the local gateway does, in Markdown.
    pub behaviour: &'static str,
    /// Why no probe from outside can measure the row; `None` if one does. Completes the sentence "it …".
    pub without_probe: Option<&'static str>,
}

/// Each row: name; question; what is documented; behaviour; and the reason if it has no probe.
macro_rules! behaviours {
    ($(
        $name:literal; $question:literal; $documented:literal; $behaviour:literal;
        $(no probe: $reason:literal;)?
    )*) => {
        /// Every behaviour, in the order of the documentation.
        pub static BEHAVIOURS: &[GatewayBehaviour] = &[$(GatewayBehaviour {
            name: $name,
            question: $question,
            documented: $documented,
            behaviour: $behaviour,
            without_probe: behaviours!(@reason $($reason)?),
        }),*];
    };
    (@reason) => { None };
    (@reason $reason:literal) => { Some($reason) };
}

behaviours! {
    "method";
        "A method that the trigger lists";
        "Web functions: requests are passed on";
        "arrives as it was sent";
    "method-head";
        "`HEAD`";
        "HTTP triggers overview lists it";
        "arrives as `HEAD`; the response has no body";
    "method-options";
        "A preflight request, with `OPTIONS` in the trigger's methods";
        "HTTP triggers overview: the default domain can answer by itself";
        "the function answers";
    "method-not-listed";
        "A method that the trigger does not list";
        "nothing; the function is not called";
        "405 `MethodNotAllowed`";
    "path";
        "A path with encoded characters and empty segments";
        "Web functions: requests are passed on";
        "arrives as it was sent";
    "query";
        "A query with repeated names, spaces and a name alone";
        "Web functions: requests are passed on";
        "arrives as it was sent";
    "host";
        "The `Host` of a request";
        "nothing";
        "arrives as it was sent";
    "foreign-host";
        "A `Host` that is no name of this machine";
        "nothing";
        "421, before the function is called";
        no probe: "is a rule of the local gateway only, which protects this machine";
    "repeated-headers";
        "A header that is sent twice";
        "nothing";
        "two fields";
    "reserved-headers";
        "A header of the caller that begins with `x-fc-`";
        "Web functions: such headers are not supported; an answer of the vendor: they are ignored";
        "removed";
    "forged-headers";
        "`x-fc-client-ip` of the caller";
        "as above; a public measurement says that it arrives";
        "replaced by the platform's own, which is empty";
    "connection-headers";
        "`Connection` and the headers that it names, `Keep-Alive`, `TE`";
        "an answer of the vendor: ignored";
        "removed";
    "expect";
        "`Expect: 100-continue`";
        "nothing";
        "removed, since the gateway has read the body";
    "accept-encoding";
        "`Accept-Encoding`";
        "an older answer of the vendor: ignored; a captured request has one";
        "arrives as it was sent";
    "forwarded-for";
        "`X-Forwarded-For` of the caller";
        "a public measurement: it arrives";
        "arrives as it was sent";
    "forwarded-for-added";
        "`X-Forwarded-For` where the caller sends none";
        "a public measurement: none is added";
        "none is added";
    "platform-headers";
        "The names of the headers that the platform adds";
        "Context and log format has a list; a captured request has more, many of them empty";
        "those of the captured request";
    "base-path";
        "`x-fc-base-path`";
        "a captured request";
        "the path of the request";
    "control-path";
        "`x-fc-control-path` of a call of the HTTP trigger";
        "Context and log format: `/http-invoke`";
        "`/http-invoke`";
    "retry-count";
        "`x-fc-retry-count` of a first call";
        "a captured request";
        "`0`";
    "timeout-header";
        "`x-fc-function-timeout`";
        "a captured request";
        "whole seconds";
    "request-id";
        "The form of a request id";
        "a captured request: `1-` and 8, 8 and 12 hex digits; older pages: a UUID";
        "that of the captured request";
    "request-id-returned";
        "The request id in the response";
        "Context and log format: `X-Fc-Request-Id`";
        "that of the request";
    "role-keys";
        "The credentials of the role in the headers of a request";
        "Context and log format: only on Debian 9 and 10; newer runtimes have them in the environment";
        "as the options of the gateway say; `dev` sends them";
    "request-headers-limit";
        "Headers of a request over 8 KB";
        "Web functions: 400 `InvalidArgument`; what counts is not said";
        "400 `InvalidArgument`; names and values count, without separators";
    "request-path-limit";
        "A path and query over 4 KB";
        "Web functions: 400 `InvalidArgument`";
        "400 `InvalidArgument`";
    "request-body-limit";
        "A body over 32 MB";
        "Web functions: 400 `InvalidArgument`";
        "400 `InvalidArgument`";
        no probe: "would send over 32 MB, and the function takes 1 MiB";
    "body";
        "A body with a length";
        "Web functions: requests are passed on";
        "arrives as it was sent";
    "chunked-body";
        "A body with `Transfer-Encoding: chunked`";
        "nothing";
        "arrives with a length, since the gateway has read it";
    "slow-body";
        "A body with a pause of some seconds";
        "nothing";
        "arrives whole";
    "async";
        "`X-Fc-Invocation-Type: Async` of any caller";
        "Web functions: 202, and the function is called later";
        "202 without a body";
    "async-body-limit";
        "The body of such a request over 128 KB";
        "Limits: 128 KB, without the error";
        "400 `EntityTooLarge`";
    "status";
        "A status of the function other than 200";
        "Web functions: responses are passed on";
        "passed on";
    "reserved-response-headers";
        "A header of the response that begins with `x-fc-`";
        "HTTP triggers overview: cannot be set";
        "removed";
    "server-header";
        "`Server` of the response";
        "HTTP triggers overview: cannot be set";
        "removed";
    "content-disposition";
        "`Content-Disposition` of the response";
        "Web functions: `attachment` at the default domain";
        "`attachment` at the default domain, unchanged at others";
    "cors-headers";
        "`Access-Control-Allow-Origin` beside that of the function";
        "nothing about both together";
        "none is added, unless an option says so";
    "response-headers-limit";
        "Headers of a response over 8 KB";
        "HTTP triggers overview: 502 `BadResponse`";
        "502 `BadResponse`";
    "slow-response";
        "A response after some seconds, within the timeout of the function";
        "nothing against it";
        "passed on";
    "function-timeout";
        "A response after the timeout of the function";
        "the page of error codes: `FunctionTimeout`, without its status";
        "502, and the instance is stopped";
        no probe: "needs a function that answers after its timeout, and this one answers before it";
    "streamed-response";
        "A response without a length";
        "nothing";
        "passed on piece by piece";
        no probe: "needs a function that sends a response in pieces, and this one sends it whole";
    "lost-connection";
        "A connection that the function closes before its response";
        "the page of the error: only `GET`, `HEAD`, `OPTIONS` and `TRACE` are repeated; others get 502";
        "repeated once, or 502";
        no probe: "needs a function that closes its connections";
    "instances-limit";
        "More requests at once than all instances take";
        "the page of instance concurrency: 429 `ResourceExhausted`";
        "429 `ResourceExhausted`";
        no probe: "needs as many requests at once as all instances of the region take";
    "failed-initializer";
        "A call while the initializer fails";
        "the page of lifecycle hooks: 200 with `X-Fc-Error-Type: InitializationError`";
        "200 with that header";
        no probe: "needs a function whose initializer fails";
    "closed-address";
        "A trigger that is closed to the internet";
        "Web functions: a message, without its status";
        "403 with that message";
        no probe: "needs a trigger that is closed to the internet";
    "freeze";
        "An instance between two requests";
        "the pages of billing: it is frozen";
        "stopped by a signal, and continued";
        no probe: "cannot be seen by a caller";
}

impl GatewayBehaviour {
    /// Returns the row with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        BEHAVIOURS.iter().find(|row| row.name == name)
    }
}

/// Writes the table for `docs/emulator.md`.
#[must_use]
pub fn markdown() -> String {
    let mut table =
        "| Name | Question | What is documented | Behaviour here | Probe |\n".to_owned();
    table.push_str("|---|---|---|---|---|\n");
    for row in BEHAVIOURS {
        let GatewayBehaviour { name, question, documented, behaviour, without_probe } = row;
        let probe =
            without_probe.map_or_else(|| "yes".to_owned(), |reason| format!("none: it {reason}"));
        // Writing into a String cannot fail.
        let _ = writeln!(table, "| `{name}` | {question} | {documented} | {behaviour} | {probe} |");
    }
    table
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_name_is_of_one_row() {
        let names: BTreeSet<_> = BEHAVIOURS.iter().map(|row| row.name).collect();
        assert_eq!(names.len(), BEHAVIOURS.len());
        let is_plain = |name: &str| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
        assert!(names.iter().all(|name| is_plain(name) && GatewayBehaviour::named(name).is_some()));
    }

    /// The table is between two comments. Where `UPDATE_DOCS` is set, it is written instead of compared.
    #[test]
    fn the_table_of_the_documentation_is_generated() {
        const START: &str = "<!-- behaviours -->\n\n";
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/emulator.md");
        let text = fs::read_to_string(&path).unwrap();
        let start = text.find(START).unwrap() + START.len();
        let end = start + text[start..].find("\n<!-- end -->").unwrap();
        let expected = format!("{}{}{}", &text[..start], markdown(), &text[end..]);
        #[expect(clippy::disallowed_methods, reason = "the variable is for this test only")]
        let writes = std::env::var_os("UPDATE_DOCS").is_some();
        if expected != text && writes {
            fs::write(&path, expected).unwrap();
            return;
        }
        assert!(
            expected == text,
            "docs/emulator.md is not up to date: run UPDATE_DOCS=1 cargo test -p fc-emulator --lib behaviours"
        );
    }
}
