//! The proxy, and which calls take it.
//!
//! The rules for exceptions are those that `curl` and most clients keep: names with their
//! subdomains, addresses, networks, `*`.

use std::fmt;

use http::Uri;
use hyper_util::client::proxy::matcher::Intercept;
use hyper_util::client::proxy::matcher::Matcher;

/// The proxy that outgoing calls take, as `HTTPS_PROXY` and `NO_PROXY` name it.
#[derive(Clone)]
pub struct Proxy {
    /// The proxy's address, `http://host:port`; it may hold a user and a password.
    pub url: String,
    /// Hosts that are called directly, separated by commas.
    pub except: Option<String>,
}

/// An address may hold a password, so it does not show.
impl fmt::Debug for Proxy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Proxy(…)")
    }
}

impl Proxy {
    /// Gives the proxy if it stands in the way to `target`, and none if the way is direct.
    ///
    /// # Errors
    /// The proxy's address cannot be used. The matcher would then take the direct way, which is
    /// not what was asked for.
    pub(super) fn intercept(&self, target: &Uri) -> Result<Option<Intercept>, &'static str> {
        let all = || Matcher::builder().all(self.url.as_str());
        match all().build().intercept(target) {
            Some(proxy) if proxy.uri().scheme_str() == Some("http") => {
                let except = self.except.as_deref().unwrap_or_default();
                Ok(all().no(except).build().intercept(target))
            }
            _ => Err("the proxy's address cannot be used; write http://host:port"),
        }
    }
}
