//! Prints a line for each request of a page whose origin is not allowed, with the setting that allows it.
//! Preflight requests count too: the browser reports them to the page as a network error only.

use http::{Request, Response, StatusCode, header};
use tower::{Service, ServiceExt};

use crate::console;
use oss_upload_signer::auth::origin::{Origin, Origins};
use oss_upload_signer::config::environment::Environment;

/// The variable of the setting.
const VARIABLE: &str = "UPLOAD_ORIGINS";

/// The allowed origins, and the place where the developer sets them.
#[derive(Clone, Debug)]
pub(super) struct OriginLog {
    allowed: Vec<String>,
    /// The settings file, unless the variable overrides it.
    file: Option<String>,
}

impl OriginLog {
    /// `file` is the path of the settings file that was read.
    pub(super) fn new(origins: &Origins, environment: &Environment, file: Option<&str>) -> Self {
        let file = file.filter(|_| environment.get(VARIABLE).is_none());
        Self { allowed: list(origins), file: file.map(str::to_owned) }
    }

    /// Wraps the function's service. A request of a page that gets a 403 from it, and whose origin is the
    /// reason, prints a line.
    pub(super) fn wrap<S, Q, R>(
        self,
        service: S,
    ) -> impl Service<Request<Q>, Response = Response<R>, Error = S::Error, Future: Send> + Clone
    where
        S: Service<Request<Q>, Response = Response<R>, Future: Send> + Clone + Send + 'static,
        S::Error: Send,
        Q: Send + 'static,
        R: Send,
    {
        tower::service_fn(move |request: Request<Q>| {
            let (service, log) = (service.clone(), self.clone());
            async move {
                let origin = request.headers().get(header::ORIGIN);
                let origin =
                    origin.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
                let response = service.oneshot(request).await?;
                if let Some(origin) = origin.filter(|_| is_refused(&response)) {
                    console::print_line(&log.line(&origin));
                }
                Ok(response)
            }
        })
    }

    /// Returns the line for a refused origin.
    fn line(&self, origin: &str) -> String {
        // A valid origin has no character that means something to a shell or in TOML.
        let Ok(Origin::Exact(origin)) = Origin::parse(origin) else {
            let shown: String = origin.chars().take(100).collect();
            return format!(
                "refused  origin {shown:?}: no setting allows it; open the page from a web server, \
                 not from a file"
            );
        };
        let mut origins = self.allowed.clone();
        origins.push(origin.clone());
        let setting = match &self.file {
            Some(file) => format!("origins = {origins:?} in {file}"),
            None => format!("{VARIABLE}={}", origins.join(",")),
        };
        format!("refused  origin {origin}: to allow it, set {setting}, and restart")
    }
}

/// Returns whether the function refused the origin of the page: it answers such a page without the header
/// that would let the page read the response.
fn is_refused<R>(response: &Response<R>) -> bool {
    response.status() == StatusCode::FORBIDDEN
        && !response.headers().contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN)
}

/// Returns the origins as a CORS rule names them. Pages of this machine are not part of the list.
pub(super) fn list(origins: &Origins) -> Vec<String> {
    let write = |origin: &Origin| match origin {
        Origin::Exact(origin) => Some(origin.clone()),
        Origin::Subdomains { scheme, suffix } => Some(format!("{scheme}*{suffix}")),
        Origin::Loopback => None,
    };
    match origins {
        Origins::Same => Vec::new(),
        Origins::List(origins) => origins.iter().filter_map(write).collect(),
        Origins::Any => vec!["*".to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(allowed: &str, file: Option<&str>, variable: &str) -> OriginLog {
        let parsed = allowed.split(',').filter(|text| !text.is_empty());
        let origins = Origins::List(parsed.map(|text| Origin::parse(text).unwrap()).collect());
        let mut environment = Environment::default();
        environment.set(VARIABLE, variable);
        OriginLog::new(&origins.with_loopback(), &environment, file)
    }

    #[test]
    fn the_line_has_the_setting_that_allows_the_origin_and_keeps_the_others() {
        let new = "http://192.168.1.5:3000";
        assert_eq!(
            log("", None, "").line(new),
            format!("refused  origin {new}: to allow it, set UPLOAD_ORIGINS={new}, and restart")
        );
        let two = log("https://a.test,https://*.b.test", None, "").line(new);
        assert!(two.contains(&format!(" UPLOAD_ORIGINS=https://a.test,https://*.b.test,{new},")));
        let in_file = log("https://a.test", Some("x/upload.toml"), "").line(new);
        let setting = format!(r#" origins = ["https://a.test", "{new}"] in x/upload.toml,"#);
        assert!(in_file.contains(&setting), "{in_file}");
        let overridden = log("https://a.test", Some("upload.toml"), "https://a.test");
        assert!(overridden.line(new).contains("UPLOAD_ORIGINS="));
    }

    #[test]
    fn a_text_that_is_no_origin_is_never_part_of_a_setting() {
        for text in ["null", "http://a b", "https://a.test/$(id)", "https://*.a.test"] {
            let line = log("", None, "").line(text);
            assert!(line.contains("no setting allows it"), "{line}");
        }
    }
}
