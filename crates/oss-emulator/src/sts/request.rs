//! A parsed request to STS: method, host, headers, and the parameters of query and form.
//!
//! Parameters may be in the query, in a form body, or in both; official clients use all three. Only
//! the signature version ACS3 distinguishes them, because it signs query and body separately.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderMap, Method, header, request};

use crate::faults;
use crate::sts::error::{StsError, StsErrorKind};
use crate::sts::ram_action::RamAction;

const FORM: &str = "application/x-www-form-urlencoded";

/// A parameter's decoded name and value.
pub(super) type StsParameter = (String, String);

/// An emulated action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StsAction {
    AssumeRole,
    AssumeRoleWithOidc,
    GetCallerIdentity,
    /// An operation of RAM, which has another version.
    Ram(RamAction),
}

/// The version of STS.
const STS_VERSION: &str = "2015-04-01";

/// The version of RAM.
const RAM_VERSION: &str = "2015-05-01";

impl StsAction {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::AssumeRole => "AssumeRole",
            Self::AssumeRoleWithOidc => "AssumeRoleWithOIDC",
            Self::GetCallerIdentity => "GetCallerIdentity",
            Self::Ram(action) => action.name(),
        }
    }

    fn version(self) -> &'static str {
        match self {
            Self::Ram(_) => RAM_VERSION,
            Self::AssumeRole | Self::AssumeRoleWithOidc | Self::GetCallerIdentity => STS_VERSION,
        }
    }

    pub(super) fn operation(self) -> faults::Operation {
        match self {
            Self::AssumeRole => faults::Operation::AssumeRole,
            Self::AssumeRoleWithOidc => faults::Operation::AssumeRoleWithOidc,
            Self::GetCallerIdentity => faults::Operation::CallerIdentity,
            Self::Ram(_) => faults::Operation::Ram,
        }
    }
}

/// A parsed request.
pub(super) struct StsRequest {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) query: Vec<StsParameter>,
    pub(super) form: Vec<StsParameter>,
    pub(super) body: Bytes,
}

impl StsRequest {
    pub(super) fn new(head: request::Parts, body: Bytes) -> Self {
        let query = head.uri.query().unwrap_or_default();
        let mut headers = head.headers;
        if let (false, Some(host)) = (headers.contains_key(header::HOST), head.uri.authority()) {
            // A request in process, or through a proxy, names its host in the URI.
            if let Ok(host) = host.as_str().parse() {
                headers.insert(header::HOST, host);
            }
        }
        let mut request = Self {
            method: head.method,
            path: head.uri.path().to_owned(),
            query: parameters(query.as_bytes()),
            form: Vec::new(),
            headers,
            body,
        };
        if request.is_form() {
            request.form = parameters(&request.body);
        }
        request
    }

    /// Returns a parameter of the query or the form.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let known = self.all().find(|(known, _)| known == name);
        known.map(|(_, value)| value.as_str())
    }

    /// Returns all parameters.
    pub(super) fn all(&self) -> impl Iterator<Item = &StsParameter> {
        self.query.iter().chain(&self.form)
    }

    /// Returns the text of a header.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Returns a value that ACS3 sends in a header and V1 in a parameter.
    pub(super) fn common(&self, header: &str, parameter: &str) -> Option<&str> {
        self.parameter(parameter).or_else(|| self.header(header))
    }

    /// Returns the action, if it is an emulated one.
    pub(super) fn action(&self) -> Option<StsAction> {
        let name = self.common("x-acs-action", "Action")?;
        let ram = RamAction::ALL.into_iter().map(|(_, action)| StsAction::Ram(action));
        [StsAction::AssumeRole, StsAction::AssumeRoleWithOidc, StsAction::GetCallerIdentity]
            .into_iter()
            .chain(ram)
            .find(|one| one.name() == name)
    }

    /// Returns whether the response should be JSON; otherwise it is XML.
    pub(super) fn wants_json(&self) -> bool {
        match self.parameter("Format") {
            Some(format) => format.eq_ignore_ascii_case("json"),
            None => self.header("accept").is_some_and(|accept| accept.contains("application/json")),
        }
    }

    /// Checks everything that does not depend on the caller.
    pub(super) fn check(&self) -> Result<StsAction, StsError> {
        if !matches!(self.method, Method::GET | Method::POST) {
            return Err(StsErrorKind::MethodNotAllowed.error());
        }
        if !self.body.is_empty() && !self.is_form() {
            return Err(StsErrorKind::ContentType.error());
        }
        let mut names: Vec<&str> = self.all().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        let mut pairs = names.iter().zip(names.iter().skip(1));
        if let Some((name, _)) = pairs.find(|(one, next)| one == next) {
            return Err(StsErrorKind::Invalid.because(format_args!("{name} is given twice")));
        }
        for (header, name) in [("x-acs-action", "Action"), ("x-acs-version", "Version")] {
            if self.common(header, name).is_none() {
                return Err(StsErrorKind::Missing.because(name));
            }
        }
        let action = self.action();
        let version = self.common("x-acs-version", "Version");
        match action {
            Some(action) if version == Some(action.version()) => Ok(action),
            _ => Err(StsErrorKind::Invalid.because("Action or Version is not known here")),
        }
    }

    fn is_form(&self) -> bool {
        let kind = self.header("content-type").unwrap_or_default();
        kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case(FORM))
    }
}

/// Parses a query or a form, in which a plus sign means a space.
fn parameters(bytes: &[u8]) -> Vec<StsParameter> {
    form_urlencoded::parse(bytes)
        .map(|(name, value)| (Cow::into_owned(name), Cow::into_owned(value)))
        .collect()
}
