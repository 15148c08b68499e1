//! Upload callbacks and webhooks in `dev`: the address that the local OSS calls, and a line on the console
//! for each webhook.

use std::fmt;
use std::time::Instant;

use bytes::Bytes;
use http::{Request, Response};

use crate::console;
use oss_upload_signer::config::Settings;
use oss_upload_signer::net::{HttpClient, RequestLimits, ReqwestClient, ResponseFuture, SendError};

/// Sets the public URL of the function to the address of this run. Another address of this machine in the
/// settings stays, because it is that of a proxy in front of the function.
pub(super) fn use_local_url(settings: &mut Settings, local_url: &str) {
    let public_url = &mut settings.callback.public_url;
    if !public_url.as_deref().is_some_and(is_local) {
        *public_url = Some(local_url.to_owned());
    }
}

fn is_local(url: &str) -> bool {
    let host = url.strip_prefix("http://").and_then(|rest| rest.split(':').next());
    host.is_some_and(|host| {
        host == "localhost" || host.ends_with(".localhost") || host.starts_with("127.")
    })
}

/// An HTTP client that prints a line for each webhook.
pub(super) struct LoggingClient(pub(super) ReqwestClient);

impl HttpClient for LoggingClient {
    fn send(&self, request: Request<Bytes>, limits: RequestLimits) -> ResponseFuture<'_> {
        if !request.headers().contains_key("webhook-id") {
            return self.0.send(request, limits);
        }
        let mut log = WebhookLog::start(&request);
        let sending = self.0.send(request, limits);
        Box::pin(async move {
            let result = sending.await;
            log.finish(&result);
            result
        })
    }
}

impl fmt::Debug for LoggingClient {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("LoggingClient").field(&self.0).finish()
    }
}

/// The line of a webhook. It is printed on drop, because the function may stop waiting at any time.
struct WebhookLog {
    url: String,
    outcome: String,
    started_at: Instant,
}

impl WebhookLog {
    fn start(request: &Request<Bytes>) -> Self {
        let outcome = "failed  no response in time".to_owned();
        Self { url: request.uri().to_string(), outcome, started_at: Instant::now() }
    }

    fn finish(&mut self, result: &Result<Response<Bytes>, SendError>) {
        self.outcome = match result {
            Ok(response) => response.status().as_u16().to_string(),
            Err(error) => format!("failed  {error}"),
        };
    }
}

impl Drop for WebhookLog {
    fn drop(&mut self) {
        let spent = self.started_at.elapsed().as_millis();
        console::print_line(&format!("webhook  {}  {}  {spent} ms", self.url, self.outcome));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_this_machine_are_local() {
        for url in ["http://127.0.0.1:8080", "http://localhost:3000", "http://a.localhost"] {
            assert!(is_local(url), "{url}");
        }
        for url in
            ["https://signer.example.com", "http://localhost.example.com", "https://127.0.0.1"]
        {
            assert!(!is_local(url), "{url}");
        }
    }
}
