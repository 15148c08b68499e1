//! The target of the checks: a signer, a page that calls it, a route, and the credentials of the page.

use std::sync::OnceLock;
use std::time::Duration;

use http::Uri;

use crate::doctor::Options;
use crate::error::CommandError;
use crate::http_client::WebRequest;
use crate::language::Language;
use oss_upload_signer::auth::origin::Origin;
use oss_upload_signer::config::environment::Environment;
use oss_upload_signer::credentials::Credentials;
use oss_upload_signer::credentials::session_policy::{DOWNLOAD_ACTIONS, upload_actions};
use oss_upload_signer::secret::Secret;

/// The origin of a page that cannot exist: `invalid` is a reserved top-level domain (RFC 2606).
pub(super) const FOREIGN_ORIGIN: &str = "https://doctor.invalid";

/// The target of the checks. It may contain a token, so it has no `Debug`.
pub(super) struct DoctorTarget {
    /// The signer's address, without a slash at its end.
    pub(super) signer: String,
    /// The host name of the signer.
    pub(super) host: String,
    /// The origin of the page that calls the signer.
    pub(super) origin: String,
    /// Whether the page is the signer's own.
    pub(super) is_own_page: bool,
    pub(super) route: String,
    /// Headers that authenticate the page; their values are secret.
    pub(super) credentials: Vec<(&'static str, String)>,
    /// Whether pages of every origin may call the signer on purpose.
    pub(super) any_origin: bool,
    /// Whether test uploads may be sent.
    pub(super) uploads: bool,
    /// `OSS_BUCKET` and `UPLOAD_DIR` of the user's environment.
    pub(super) bucket: Option<String>,
    pub(super) directory: Option<String>,
    /// Values for metadata that the route requires.
    pub(super) metadata: Vec<(String, String)>,
    pub(super) language: Language,
    /// What the route offers, once its description is known.
    pub(super) features: OnceLock<RouteFeatures>,
    /// The access key of the user's environment, with which the rules of the bucket are read.
    pub(super) bucket_key: Option<Credentials>,
}

/// What a route offers besides forms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct RouteFeatures {
    pub(super) multipart: Option<MultipartFeature>,
    /// Whether it gives out download links.
    pub(super) download: bool,
}

/// How a route uploads large files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MultipartFeature {
    /// How long an upload can be resumed.
    pub(super) resume: Duration,
}

impl RouteFeatures {
    /// Returns the methods of the requests that pages send to the bucket.
    pub(super) fn methods(self) -> Vec<&'static str> {
        let mut methods = vec!["POST"];
        methods.extend(self.multipart.map(|_| "PUT"));
        if self.download {
            methods.extend(["GET", "HEAD"]);
        }
        methods
    }

    /// Returns the permissions that the role needs.
    pub(super) fn actions(self) -> Vec<&'static str> {
        let mut actions = upload_actions(self.multipart.is_some()).to_vec();
        if self.download {
            actions.extend(DOWNLOAD_ACTIONS);
        }
        actions
    }
}

impl DoctorTarget {
    /// Returns what the route offers, as far as it is known.
    pub(super) fn features(&self) -> RouteFeatures {
        self.features.get().copied().unwrap_or_default()
    }

    /// Takes over what the description of the route says. The first call counts.
    pub(super) fn set_features(&self, features: RouteFeatures) {
        let _ = self.features.set(features);
    }

    /// Reads the options, and the credentials from the environment, because arguments are visible in the
    /// process list.
    pub(super) fn new(options: &Options, environment: &Environment) -> Result<Self, CommandError> {
        let signer = options.signer.trim_end_matches('/');
        let uri: Uri = signer.parse().map_err(|_| invalid_signer(&options.signer))?;
        let own = origin_of(&uri).ok_or_else(|| invalid_signer(&options.signer))?;
        let origin = match &options.origin {
            None => own.clone(),
            Some(text) => match Origin::parse(text) {
                Ok(Origin::Exact(origin)) => origin,
                _ => {
                    return Err(CommandError::usage(format!(
                        "--origin {text:?} is no origin; write https://app.example.com, without a \
                         path"
                    )));
                }
            },
        };
        let credentials = [
            ("DOCTOR_TOKEN", "authorization", "Bearer "),
            ("DOCTOR_TICKET", "x-upload-ticket", ""),
        ];
        let credentials = credentials.into_iter().filter_map(|(variable, header, scheme)| {
            Some((header, format!("{scheme}{}", environment.get(variable)?)))
        });
        let known = |variable: &str| environment.get(variable).map(str::to_owned);
        Ok(Self {
            signer: signer.to_owned(),
            host: uri.host().unwrap_or_default().to_owned(),
            is_own_page: origin == own,
            origin,
            route: options.route.clone(),
            credentials: credentials.collect(),
            any_origin: options.any_origin,
            uploads: !options.no_upload,
            bucket: known("OSS_BUCKET"),
            directory: known("UPLOAD_DIR"),
            metadata: options.metadata.clone(),
            language: options.lang,
            features: OnceLock::new(),
            bucket_key: bucket_key(environment),
        })
    }

    /// Removes the credentials from a text, in case a response repeated them.
    pub(super) fn redact(&self, text: String) -> String {
        let secrets = self.credentials.iter().map(|(_, value)| value.trim_start_matches("Bearer "));
        // A value of a few characters is no token, and could be part of many words.
        let secrets = secrets.filter(|secret| secret.len() >= 8);
        secrets.fold(text, |text, secret| text.replace(secret, "…"))
    }

    /// Returns the origin that the page sends as its `Referer` to another site; `None` for the signer's own
    /// page, which has the referrer policy `no-referrer`.
    pub(super) fn referer(&self) -> Option<String> {
        (!self.is_own_page).then(|| format!("{}/", self.origin))
    }

    /// Adds the headers that a browser sends for the page.
    pub(super) fn as_page(&self, request: WebRequest) -> WebRequest {
        request.of_page(&self.origin, self.referer().as_deref())
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.signer)
    }

    /// Returns whether the page may load a URL. Browsers block http on https pages, except for this
    /// machine.
    pub(super) fn may_load(&self, url: &str) -> bool {
        let host = url.parse::<Uri>().ok().and_then(|uri| uri.host().map(str::to_owned));
        !self.origin.starts_with("https://")
            || url.starts_with("https://")
            || host.is_some_and(|host| is_this_machine(&host))
    }
}

/// Reads the access key of the environment.
fn bucket_key(environment: &Environment) -> Option<Credentials> {
    let secret = |name| environment.get(name).map(Secret::new);
    Some(Credentials {
        key_id: environment.get("ALIBABA_CLOUD_ACCESS_KEY_ID")?.to_owned(),
        secret: secret("ALIBABA_CLOUD_ACCESS_KEY_SECRET")?,
        token: secret("ALIBABA_CLOUD_SECURITY_TOKEN"),
        usable_until: None,
    })
}

/// Returns whether a host is this machine, which browsers trust without TLS.
pub(super) fn is_this_machine(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let loopback = bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    loopback || bare.rsplit('.').next() == Some("localhost")
}

/// Returns the origin of a URL as a browser writes it: in lower case, without a default port.
fn origin_of(uri: &Uri) -> Option<String> {
    let scheme = uri.scheme_str().filter(|scheme| ["http", "https"].contains(scheme))?;
    let authority = uri.authority()?;
    if uri.query().is_some() || authority.as_str().contains('@') {
        return None;
    }
    match Origin::parse(&format!("{scheme}://{authority}")) {
        Ok(Origin::Exact(origin)) => Some(origin),
        _ => None,
    }
}

fn invalid_signer(text: &str) -> CommandError {
    CommandError::usage(format!(
        "--signer {text:?}: write the function's whole address, with https://"
    ))
}
