//! A call of STS taken apart: method, host, headers, parameters of query and form.
//!
//! Parameters may stand in the query, in a form body, or in both; official clients do each of the
//! three. Signing and meaning do not care where they stand, with the exception of ACS3, which signs
//! query and body apart.

use std::borrow::Cow;

use bytes::Bytes;
use http::HeaderMap;
use http::Method;
use http::header;
use http::request;

use crate::faults;
use crate::sts::refusal::Kind;
use crate::sts::refusal::Refusal;

const FORM: &str = "application/x-www-form-urlencoded";

/// A name and its value, both decoded.
pub(super) type Parameter = (String, String);

/// An action that is played here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    AssumeRole,
    AssumeRoleWithOidc,
}

impl Action {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::AssumeRole => "AssumeRole",
            Self::AssumeRoleWithOidc => "AssumeRoleWithOIDC",
        }
    }

    pub(super) fn fault(self) -> faults::Call {
        match self {
            Self::AssumeRole => faults::Call::AssumeRole,
            Self::AssumeRoleWithOidc => faults::Call::AssumeRoleWithOidc,
        }
    }
}

/// One call.
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) query: Vec<Parameter>,
    pub(super) form: Vec<Parameter>,
    pub(super) body: Bytes,
}

impl Call {
    pub(super) fn new(head: request::Parts, body: Bytes) -> Self {
        let query = head.uri.query().unwrap_or_default();
        let mut headers = head.headers;
        if let (false, Some(host)) = (headers.contains_key(header::HOST), head.uri.authority()) {
            // A call in process, or through a proxy, names its host in the address.
            if let Ok(host) = host.as_str().parse() {
                headers.insert(header::HOST, host);
            }
        }
        let mut call = Self {
            method: head.method,
            path: head.uri.path().to_owned(),
            query: parameters(query.as_bytes()),
            form: Vec::new(),
            headers,
            body,
        };
        if call.is_form() {
            call.form = parameters(&call.body);
        }
        call
    }

    /// Returns a parameter of query or form.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let known = self.all().find(|(known, _)| known == name);
        known.map(|(_, value)| value.as_str())
    }

    /// Returns all parameters.
    pub(super) fn all(&self) -> impl Iterator<Item = &Parameter> {
        self.query.iter().chain(&self.form)
    }

    /// Returns a header's text, or none.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Returns what ACS3 has in a header and V1 in a parameter.
    pub(super) fn common(&self, header: &str, parameter: &str) -> Option<&str> {
        self.parameter(parameter).or_else(|| self.header(header))
    }

    /// Returns the action, if it is one that is played here.
    pub(super) fn action(&self) -> Option<Action> {
        let name = self.common("x-acs-action", "Action")?;
        [Action::AssumeRole, Action::AssumeRoleWithOidc].into_iter().find(|one| one.name() == name)
    }

    /// Says whether the answer is wanted as JSON; otherwise it is XML.
    pub(super) fn wants_json(&self) -> bool {
        match self.parameter("Format") {
            Some(format) => format.eq_ignore_ascii_case("json"),
            None => self.header("accept").is_some_and(|accept| accept.contains("application/json")),
        }
    }

    /// Checks what can be checked before it is known who asks.
    pub(super) fn check(&self) -> Result<Action, Refusal> {
        if !matches!(self.method, Method::GET | Method::POST) {
            return Err(Kind::MethodNotAllowed.plain());
        }
        if !self.body.is_empty() && !self.is_form() {
            return Err(Kind::ContentType.plain());
        }
        let mut names: Vec<&str> = self.all().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        let mut pairs = names.iter().zip(names.iter().skip(1));
        if let Some((name, _)) = pairs.find(|(one, next)| one == next) {
            return Err(Kind::Invalid.because(format_args!("{name} is given twice")));
        }
        for (header, name) in [("x-acs-action", "Action"), ("x-acs-version", "Version")] {
            if self.common(header, name).is_none() {
                return Err(Kind::Missing.because(name));
            }
        }
        let action = self.action();
        let version = self.common("x-acs-version", "Version");
        match action {
            Some(action) if version == Some("2015-04-01") => Ok(action),
            _ => Err(Kind::Invalid.because("Action or Version is not known here")),
        }
    }

    fn is_form(&self) -> bool {
        let kind = self.header("content-type").unwrap_or_default();
        kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case(FORM))
    }
}

/// Reads a query or a form; a plus sign means a space there.
fn parameters(bytes: &[u8]) -> Vec<Parameter> {
    form_urlencoded::parse(bytes)
        .map(|(name, value)| (Cow::into_owned(name), Cow::into_owned(value)))
        .collect()
}
