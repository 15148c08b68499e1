//! The case: which signer, seen from which page, under which route, and what to show there.

use http::Uri;

use crate::doctor::Options;
use crate::failure::Failure;
use oss_upload_signer::auth::origin::Origin;
use oss_upload_signer::config::environment::Environment;

/// A page that nobody has: names below `invalid` lead nowhere, for ever (RFC 2606).
pub(super) const FOREIGN: &str = "https://doctor.invalid";

/// What every examination knows. It may hold a token, so it has no `Debug`.
pub(super) struct Case {
    /// The signer's address, without a slash at its end.
    pub(super) signer: String,
    /// Host of the signer, without its port.
    pub(super) host: String,
    /// The page that asks.
    pub(super) origin: String,
    /// Whether that page is the signer's own.
    pub(super) is_own_page: bool,
    pub(super) route: String,
    /// What shows who asks: headers, which are secret.
    pub(super) proof: Vec<(&'static str, String)>,
    /// Whether pages of every origin are meant to ask.
    pub(super) any_origin: bool,
    pub(super) uploads: bool,
    /// The bucket and the directory as the deployer's shell names them.
    pub(super) bucket: Option<String>,
    pub(super) directory: Option<String>,
    /// Values for metadata that the route wants.
    pub(super) metadata: Vec<(String, String)>,
}

impl Case {
    /// Takes the options, and from the environment what must not stand in a list of processes.
    pub(super) fn open(options: &Options, environment: &Environment) -> Result<Self, Failure> {
        let signer = options.signer.trim_end_matches('/');
        let uri: Uri = signer.parse().map_err(|_| wrong_signer(&options.signer))?;
        let own = origin_of(&uri).ok_or_else(|| wrong_signer(&options.signer))?;
        let origin = match &options.origin {
            None => own.clone(),
            Some(text) => match Origin::parse(text) {
                Ok(Origin::Exact(origin)) => origin,
                _ => {
                    return Err(Failure::arguments(format!(
                        "--origin {text:?} is no origin; write https://app.example.com, without a \
                         path"
                    )));
                }
            },
        };
        let proof = [
            ("DOCTOR_TOKEN", "authorization", "Bearer "),
            ("DOCTOR_TICKET", "x-upload-ticket", ""),
        ];
        let proof = proof.into_iter().filter_map(|(variable, header, scheme)| {
            Some((header, format!("{scheme}{}", environment.get(variable)?)))
        });
        let known = |variable: &str| environment.get(variable).map(str::to_owned);
        Ok(Self {
            signer: signer.to_owned(),
            host: uri.host().unwrap_or_default().to_owned(),
            is_own_page: origin == own,
            origin,
            route: options.route.clone(),
            proof: proof.collect(),
            any_origin: options.any_origin,
            uploads: !options.no_upload,
            bucket: known("OSS_BUCKET"),
            directory: known("UPLOAD_DIR"),
            metadata: options.metadata.clone(),
        })
    }

    /// Takes what was shown out of a text, should the other side have repeated it.
    pub(super) fn hide(&self, text: String) -> String {
        let secrets = self.proof.iter().map(|(_, value)| value.trim_start_matches("Bearer "));
        // A word of a few letters is no token, and would tear others apart.
        let secrets = secrets.filter(|secret| secret.len() >= 8);
        secrets.fold(text, |text, secret| text.replace(secret, "…"))
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.signer)
    }

    /// Whether a page of `https` may load what has this address: browsers except this machine.
    pub(super) fn may_load(&self, url: &str) -> bool {
        let host = url.parse::<Uri>().ok().and_then(|uri| uri.host().map(str::to_owned));
        !self.origin.starts_with("https://")
            || url.starts_with("https://")
            || host.is_some_and(|host| is_this_machine(&host))
    }
}

/// Whether a host is this machine, which browsers trust without TLS.
pub(super) fn is_this_machine(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let loopback = bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    loopback || bare.rsplit('.').next() == Some("localhost")
}

/// Writes the origin of an address as a browser does: in lower case, without a usual port.
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

fn wrong_signer(text: &str) -> Failure {
    Failure::arguments(format!(
        "--signer {text:?}: write the function's whole address, with https://"
    ))
}
