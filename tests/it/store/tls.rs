//! A store that speaks TLS: with a certificate of a private authority, with one that no authority has signed, and without
//! a client that expects TLS.

use std::fs;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tempfile::TempDir;

use crate::store::{Instance, PATIENT};
use crate::support::log::Log;
use crate::support::redis::RedisServer;

fn pem(label: &str, der: &[u8]) -> String {
    use base64::Engine;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
}

/// Starts a server whose certificate an authority has signed. Returns the authority's certificate too.
async fn start() -> (RedisServer, String) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().unwrap();
    let certificate = pem("CERTIFICATE", authority.self_signed(&authority_key).unwrap().der());
    let issuer = Issuer::new(authority, authority_key);
    let server_key = KeyPair::generate().unwrap();
    let server = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let server = server.signed_by(&server_key, &issuer).unwrap();
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("cert.pem"), pem("CERTIFICATE", server.der())).unwrap();
    fs::write(path("key.pem"), pem("PRIVATE KEY", &server_key.serialize_der())).unwrap();
    let files = ["--tls-cert-file", &path("cert.pem"), "--tls-key-file", &path("key.pem")];
    let redis = RedisServer::start(&[&files[..], &["--tls-auth-clients", "no"]].concat()).await;
    (redis, certificate)
}

#[tokio::test]
async fn a_store_with_tls_is_used_if_its_authority_is_trusted() {
    let (redis, authority) = start().await;
    let url = format!("rediss://127.0.0.1:{}", redis.port);
    let authority = authority.replace('\n', "\\n");
    let variables = [("UPLOAD_BUDGETS", "caller 1/1h"), ("UPLOAD_STORE_CA", &authority)];
    let instance = Instance::of(&url, &variables);
    assert_eq!(instance.start().ask("", &[]).await.status, 200);
    assert_eq!(instance.start().ask("", &[]).await.status, 429);
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_and_a_wrong_scheme_have_their_sentences() {
    let (with_tls, _) = start().await;
    let without = RedisServer::start(&[]).await;
    for (scheme, port, sentence) in [
        ("rediss", with_tls.port, "TLS failed (invalid peer certificate: UnknownIssuer"),
        ("rediss", without.port, "TLS failed (no answer); write redis:// if the store has none"),
        ("redis", with_tls.port, "the connection broke; write rediss:// if the store requires TLS"),
    ] {
        let url = format!("{scheme}://:marker-password@127.0.0.1:{port}");
        let variables = [("UPLOAD_BUDGETS", "caller 9/1h"), ("UPLOAD_STORE_FAILURE", "refuse")];
        // A server without TLS says nothing to a handshake.
        let connect_limit = if port == without.port { Duration::from_secs(1) } else { PATIENT };
        let instance = Instance { connect_limit, ..Instance::of(&url, &variables) };
        let function = instance.start();
        let log = Log::capture("warn");
        assert_eq!(function.ask("", &[]).await.code(), "limits_unavailable");
        let text = log.text();
        assert!(text.contains(sentence) && !text.contains("marker"), "{text}");
    }
}
