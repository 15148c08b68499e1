//! Where a request goes, and what it says of that on the wire.

use bytes::Bytes;
use http::HeaderValue;
use http::Request;
use http::Uri;
use http::header::CONNECTION;
use http::header::HOST;
use http::header::PROXY_AUTHORIZATION;
use http::header::USER_AGENT;
use http_body_util::Full;
use hyper_util::client::proxy::matcher::Intercept;

/// The other end of a call.
#[derive(Debug)]
pub(super) struct Target {
    /// Whether TLS protects it.
    pub(super) https: bool,
    /// The name or address, without the brackets that an IPv6 address wears in a URL.
    pub(super) host: String,
    /// The port, also when it is the usual one.
    pub(super) port: u16,
}

impl Target {
    /// Reads the address of a request, or of a proxy.
    pub(super) fn of(uri: &Uri) -> Option<Self> {
        let https = match uri.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let host = uri.host()?.trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = uri.port_u16().unwrap_or(if https { 443 } else { 80 });
        Some(Self { https, host, port })
    }

    /// Writes `host:port`, as a tunnel is asked for.
    pub(super) fn authority(&self) -> String {
        let Self { host, port, .. } = self;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }

    /// Prepares a request for the wire: a server is told the path alone, a proxy that passes plain
    /// requests on is told the whole address.
    pub(super) fn address(
        &self,
        mut request: Request<Bytes>,
        proxy: Option<&Intercept>,
    ) -> Result<Request<Full<Bytes>>, http::Error> {
        let uri = request.uri().clone();
        let port = uri.port().map(|port| format!(":{port}")).unwrap_or_default();
        let host = format!("{}{port}", uri.host().unwrap_or_default());
        let headers = request.headers_mut();
        headers.insert(HOST, HeaderValue::try_from(host)?);
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        let us = concat!("oss-upload-signer/", env!("CARGO_PKG_VERSION"));
        headers.entry(USER_AGENT).or_insert(HeaderValue::from_static(us));
        match proxy {
            Some(proxy) if !self.https => {
                let proof = proxy.basic_auth().map(|proof| (PROXY_AUTHORIZATION, proof.clone()));
                headers.extend(proof);
            }
            _ => {
                let path = uri.path_and_query().map_or("/", |path| path.as_str());
                *request.uri_mut() = Uri::try_from(path)?;
            }
        }
        Ok(request.map(Full::new))
    }
}
