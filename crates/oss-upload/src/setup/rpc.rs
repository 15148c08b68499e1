//! Requests to RAM and STS: RPC with signature version 1, the one that the function's own client of STS writes.
//!
//! The parameters of an action go into the body, because policies would be too long for a URL, and gateways log URLs.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::http_client::{WebClient, WebRequest, WebResponse};
use crate::language::Text;
use crate::setup::refusal::{CloudError, CloudErrorCause, CloudService, Refusal};
use oss_upload_signer::credentials::sts::request::{
    Parameter, canonical, encode, sign, string_to_sign,
};
use oss_upload_signer::credentials::{Credentials, RandomSource};
use oss_upload_signer::time::Timestamp;
use oss_upload_signer::{crypto, time};

/// The pauses before a request is repeated that met a limit of the rate or a failure of the service.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(3)];

/// The media type of parameters in a body.
const FORM: &str = "application/x-www-form-urlencoded";

/// Sends requests to RAM and STS.
pub(super) struct RpcClient {
    pub(super) web: WebClient,
    pub(super) credentials: Arc<Credentials>,
    pub(super) random: RandomSource,
    /// Scheme and host.
    pub(super) sts: String,
    pub(super) ram: String,
}

/// A request.
#[derive(Clone, Copy)]
pub(super) struct RpcRequest<'a> {
    pub(super) service: CloudService,
    /// The right that the request needs: the service and the action.
    pub(super) action: &'static str,
    /// What the request is about, for errors.
    pub(super) subject: &'a Text,
    pub(super) parameters: &'a [Parameter<'a>],
}

impl RpcRequest<'_> {
    fn version(&self) -> &'static str {
        if self.service == CloudService::Sts { "2015-04-01" } else { "2015-05-01" }
    }

    fn name(&self) -> &'static str {
        self.action.split_once(':').map_or(self.action, |(_, name)| name)
    }

    fn error(&self, cause: CloudErrorCause) -> CloudError {
        let Self { service, action, subject, .. } = *self;
        CloudError { service, action, subject: subject.clone(), cause }
    }
}

impl RpcClient {
    /// Sends a request and returns the response. A request that the service did not accept is repeated.
    pub(super) async fn call(&self, request: RpcRequest<'_>) -> Result<Value, CloudError> {
        let mut pauses = PAUSES.iter();
        loop {
            let error = match self.send(request).await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            let is_temporary = error.refusal().is_some_and(Refusal::is_temporary);
            match pauses.next().filter(|_| is_temporary) {
                Some(pause) => tokio::time::sleep(*pause).await,
                None => return Err(error),
            }
        }
    }

    async fn send(&self, request: RpcRequest<'_>) -> Result<Value, CloudError> {
        let endpoint = if request.service == CloudService::Sts { &self.sts } else { &self.ram };
        let nonce = (self.random)().map_err(|_| request.error(CloudErrorCause::Malformed))?;
        let (query, body) = self.sign(request, &crypto::hex(&nonce), time::now());
        let post = WebRequest::post(format!("{endpoint}/?{query}"), FORM, body);
        let response = self.web.send(post.header("accept", "application/json")).await;
        let response =
            response.map_err(|error| request.error(CloudErrorCause::Transport(error)))?;
        read(&response).map_err(|cause| request.error(cause))
    }

    /// Writes the query and the body.
    fn sign(&self, request: RpcRequest<'_>, nonce: &str, now: Timestamp) -> (String, String) {
        let key = &self.credentials;
        let now = now.rfc3339();
        let mut query = vec![
            ("Action", request.name()),
            ("Version", request.version()),
            ("Format", "JSON"),
            ("Timestamp", now.as_str()),
            ("SignatureMethod", "HMAC-SHA1"),
            ("SignatureVersion", "1.0"),
            ("SignatureNonce", nonce),
            ("AccessKeyId", key.key_id.as_str()),
        ];
        let mut body = request.parameters.to_vec();
        body.extend(key.token.as_ref().map(|token| ("SecurityToken", token.expose())));
        let all = [query.as_slice(), body.as_slice()].concat();
        let signature = sign(&key.secret, &string_to_sign("POST", &canonical(&all)));
        query.push(("Signature", &signature));
        (encode(&query), encode(&body))
    }
}

fn read(response: &WebResponse) -> Result<Value, CloudErrorCause> {
    let status = response.status.as_u16();
    if status == 200 {
        return response.json().ok_or(CloudErrorCause::Malformed);
    }
    Err(CloudErrorCause::Refused(Box::new(Refusal::of_rpc(status, &response.body))))
}
