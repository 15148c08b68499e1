//! Providers over real connections: the requests on the wire, with and without a proxy.

use std::sync::Arc;
use std::time::Duration;

use oss_upload_signer::credentials::providers::ecs_metadata::{EcsMetadata, EcsMetadataOptions};
use oss_upload_signer::credentials::providers::uri::CredentialsUri;
use oss_upload_signer::credentials::{FetchRequest, Provider, ProviderErrorKind};
use oss_upload_signer::net::{Proxy, ReqwestClient};
use oss_upload_signer::secret::Secret;
use oss_upload_signer::time::Timestamp;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

const KEY: &str = r#"{"Code":"Success","AccessKeyId":"STS.a","AccessKeySecret":"s","SecurityToken":"t","Expiration":"2030-01-02T09:04:05Z"}"#;

/// Starts a server with one response for each connection; returns its URL and, later, the requests.
async fn serve(answers: &[&str]) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let answers: Vec<String> = answers.iter().map(|answer| (*answer).to_owned()).collect();
    let seen = tokio::spawn(async move {
        let mut seen = Vec::new();
        for answer in answers {
            let mut connection = listener.accept().await.unwrap().0;
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let mut chunk = [0; 1024];
                let count = connection.read(&mut chunk).await.unwrap();
                assert!(count > 0, "the request ends early");
                request.extend_from_slice(&chunk[..count]);
            }
            connection.write_all(answer.as_bytes()).await.unwrap();
            seen.push(String::from_utf8(request).unwrap());
        }
        seen
    });
    (address, seen)
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

/// A client whose proxy refuses connections.
fn client_with_unreachable_proxy() -> Arc<ReqwestClient> {
    let proxy = Proxy { url: "http://127.0.0.1:1".into(), except: None };
    Arc::new(ReqwestClient::new(Some(proxy)))
}

fn fetch_request() -> FetchRequest<'static> {
    let now = Timestamp::from_unix(1_893_553_445).unwrap();
    FetchRequest { platform_keys: None, now, timeout: Duration::from_secs(8) }
}

/// The requests without the port and the version.
fn shown(requests: &[String], address: &str) -> String {
    let host = address.trim_start_matches("http://");
    let agent = concat!("oss-upload-signer/", env!("CARGO_PKG_VERSION"));
    requests.join("").replace(host, "HOST").replace(agent, "AGENT").replace("\r\n", "\n")
}

#[tokio::test]
async fn the_metadata_service_gets_a_put_and_two_gets_without_a_proxy() {
    let (address, seen) = serve(&[&ok("the-token"), &ok("the-role"), &ok(KEY)]).await;
    let options = EcsMetadataOptions { base_url: address.clone(), role: None, token_only: true };
    let metadata = EcsMetadata::new(options, client_with_unreachable_proxy());
    assert_eq!(metadata.fetch(fetch_request()).await.unwrap().key_id, "STS.a");
    insta::assert_snapshot!(shown(&seen.await.unwrap(), &address), @"
    PUT /latest/api/token HTTP/1.1
    x-aliyun-ecs-metadata-token-ttl-seconds: 21600
    connection: close
    accept: */*
    user-agent: AGENT
    host: HOST

    GET /latest/meta-data/ram/security-credentials/ HTTP/1.1
    x-aliyun-ecs-metadata-token: the-token
    connection: close
    accept: */*
    user-agent: AGENT
    host: HOST

    GET /latest/meta-data/ram/security-credentials/the-role HTTP/1.1
    x-aliyun-ecs-metadata-token: the-token
    connection: close
    accept: */*
    user-agent: AGENT
    host: HOST
    ");
}

#[tokio::test]
async fn a_refused_connection_means_that_there_is_no_metadata_service() {
    let options =
        EcsMetadataOptions { base_url: "http://127.0.0.1:1".into(), role: None, token_only: false };
    let failure = EcsMetadata::new(options, client_with_unreachable_proxy())
        .fetch(fetch_request())
        .await
        .unwrap_err();
    assert_eq!(failure.kind, ProviderErrorKind::Absent);
    assert!(!failure.reason.contains("127.0.0.1"), "{failure}");
}

#[tokio::test]
async fn a_credentials_uri_gets_a_plain_request_and_redirects_are_not_followed() {
    let elsewhere =
        "HTTP/1.1 302 Found\r\nlocation: /other\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let (address, seen) = serve(&[&ok(KEY), elsewhere]).await;
    let uri = CredentialsUri::new(
        Secret::new(format!("{address}/hidden?x=1")),
        client_with_unreachable_proxy(),
    );
    assert_eq!(uri.fetch(fetch_request()).await.unwrap().key_id, "STS.a");
    let failure = uri.fetch(fetch_request()).await.unwrap_err();
    assert_eq!(failure.kind, ProviderErrorKind::Permanent);
    insta::assert_snapshot!(failure, @"the credentials URI on 127.0.0.1 failed: status 302 sends elsewhere; give the last address itself");
    let seen = seen.await.unwrap();
    insta::assert_snapshot!(shown(&seen[..1], &address), @"
    GET /hidden?x=1 HTTP/1.1
    connection: close
    accept: */*
    user-agent: AGENT
    host: HOST
    ");
}
