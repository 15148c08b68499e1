//! The tool's HTTP client: checks HTTPS as `http_client` does, which cannot send a file while it is read
//! or show every header as it came. Redirects are answers like others: where to go is said by nobody but
//! the user.

use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder};

use crate::failure::Failure;
use oss_upload_signer::net;

/// How long a connection may take to come about.
const CONNECT_LIMIT: Duration = Duration::from_secs(15);

/// Opens a client, with what else it is to have.
pub(super) fn open(more: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Result<Client, Failure> {
    let tls = net::tls_config().map_err(|error| Failure::new(error.to_string()))?;
    let client = Client::builder()
        .tls_backend_preconfigured(tls)
        .http1_only()
        .redirect(Policy::none())
        .connect_timeout(CONNECT_LIMIT)
        .user_agent(concat!("oss-upload/", env!("CARGO_PKG_VERSION")));
    more(client).build().map_err(|error| Failure::new(error.to_string()))
}
