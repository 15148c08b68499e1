//! The sources of keys over real connections: what is seen on the wire, proxy or not.

use std::sync::Arc;
use std::time::Duration;

use oss_upload_signer::credentials::Errand;
use oss_upload_signer::credentials::FailureKind;
use oss_upload_signer::credentials::Provider;
use oss_upload_signer::credentials::provider::metadata::Metadata;
use oss_upload_signer::credentials::provider::metadata::MetadataOptions;
use oss_upload_signer::credentials::provider::uri::CredentialsUri;
use oss_upload_signer::net::Proxy;
use oss_upload_signer::net::ReqwestClient;
use oss_upload_signer::secret::Secret;
use oss_upload_signer::time::Timestamp;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

const KEY: &str = r#"{"Code":"Success","AccessKeyId":"STS.a","AccessKeySecret":"s","SecurityToken":"t","Expiration":"2030-01-02T09:04:05Z"}"#;

/// Answers one request after the other, a connection for each, and gives back what it read.
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

/// A network whose proxy nobody can reach.
fn behind_a_dead_proxy() -> Arc<ReqwestClient> {
    let proxy = Proxy { url: "http://127.0.0.1:1".into(), except: None };
    Arc::new(ReqwestClient::new(Some(proxy)))
}

fn errand() -> Errand<'static> {
    let now = Timestamp::from_unix(1_893_553_445).unwrap();
    Errand { hint: None, now, patience: Duration::from_secs(8) }
}

/// The requests without the port and the version, which change.
fn shown(requests: &[String], address: &str) -> String {
    let host = address.trim_start_matches("http://");
    let agent = concat!("oss-upload-signer/", env!("CARGO_PKG_VERSION"));
    requests.join("").replace(host, "HOST").replace(agent, "AGENT").replace("\r\n", "\n")
}

#[tokio::test]
async fn the_metadata_service_sees_a_put_and_two_gets_without_a_proxy() {
    let (address, seen) = serve(&[&ok("the-token"), &ok("the-role"), &ok(KEY)]).await;
    let options = MetadataOptions { base_url: address.clone(), role: None, token_only: true };
    let metadata = Metadata::new(options, behind_a_dead_proxy());
    assert_eq!(metadata.fetch(errand()).await.unwrap().key_id, "STS.a");
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
async fn where_nobody_listens_there_is_no_metadata_service() {
    let options =
        MetadataOptions { base_url: "http://127.0.0.1:1".into(), role: None, token_only: false };
    let failure = Metadata::new(options, behind_a_dead_proxy()).fetch(errand()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Absent);
    assert!(!failure.reason.contains("127.0.0.1"), "{failure}");
}

#[tokio::test]
async fn a_credentials_uri_is_asked_plainly_and_not_followed_elsewhere() {
    let elsewhere =
        "HTTP/1.1 302 Found\r\nlocation: /other\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let (address, seen) = serve(&[&ok(KEY), elsewhere]).await;
    let uri =
        CredentialsUri::new(Secret::new(format!("{address}/hidden?x=1")), behind_a_dead_proxy());
    assert_eq!(uri.fetch(errand()).await.unwrap().key_id, "STS.a");
    let failure = uri.fetch(errand()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Permanent);
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
