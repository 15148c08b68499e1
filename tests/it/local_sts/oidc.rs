//! Tests `AssumeRoleWithOIDC` with tokens of a provider that shares a secret with the local STS.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use oss_emulator::sts::{OidcProvider, TrustedPrincipal};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::support::form::NOW;
use crate::support::local_sts::{ROLE_ARN, Reply, StsFixture, encode, form};

const PROVIDER: &str = "acs:ram::1234567890123456:oidc-provider/ack";
const SECRET: &str = "ProviderSecret";

fn sts() -> StsFixture {
    StsFixture::with(|options| {
        options.providers = vec![OidcProvider::new("ack", "https://issuer.test", SECRET)];
        options.roles[0].trusted = vec![TrustedPrincipal::Provider("ack".to_owned())];
    })
}

fn claims() -> Value {
    json!({
        "iss": "https://issuer.test",
        "sub": "system:serviceaccount:default:signer",
        "aud": ["sts.aliyuncs.com"],
        "exp": NOW + 600,
        "iat": NOW,
    })
}

fn token(header: &Value, claims: &Value, secret: &str) -> String {
    let text = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", text(header), text(claims));
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

fn good(claims: &Value) -> String {
    token(&json!({"alg": "HS256", "typ": "JWT"}), claims, SECRET)
}

async fn exchange(sts: &StsFixture, provider: &str, token: &str) -> Reply {
    let parameters = [
        ("Action", "AssumeRoleWithOIDC"),
        ("Version", "2015-04-01"),
        ("Format", "JSON"),
        ("Timestamp", "2024-11-27T06:09:41Z"),
        ("OIDCProviderArn", provider),
        ("OIDCToken", token),
        ("RoleArn", ROLE_ARN),
        ("RoleSessionName", "session"),
    ];
    let pairs = parameters.map(|(name, value)| format!("{name}={}", encode(value)));
    sts.send(form(&pairs.join("&"))).await
}

#[tokio::test]
async fn a_token_is_exchanged_for_keys_of_the_role() {
    let reply = exchange(&sts(), PROVIDER, &good(&claims())).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let answer = reply.json();
    assert!(answer["Credentials"]["AccessKeyId"].as_str().unwrap().starts_with("STS."));
    insta::assert_snapshot!(serde_json::to_string_pretty(&answer["OIDCTokenInfo"]).unwrap(), @r#"
    {
      "ClientIds": "sts.aliyuncs.com",
      "ExpirationTime": "2024-11-27T06:19:41Z",
      "IssuanceTime": "2024-11-27T06:09:41Z",
      "Issuer": "https://issuer.test",
      "Subject": "system:serviceaccount:default:signer",
      "VerificationInfo": "Success"
    }
    "#);
}

#[tokio::test]
async fn each_fault_of_a_token_has_its_code() {
    let with = |name: &str, value: Value| {
        let mut claims = claims();
        claims[name] = value;
        good(&claims)
    };
    let header = json!({"alg": "none"});
    for (token, code) in [
        (String::new(), "Invalid"),
        ("aaa.bbb.ccc".to_owned(), "Invalid"),
        (format!("{}\n", good(&claims())), "Invalid"),
        (with("exp", json!("soon")), "Invalid"),
        (token(&json!({"alg": "HS256"}), &claims(), "other"), "InvalidSignature"),
        (token(&header, &claims(), SECRET), "InvalidSignature"),
        (with("iss", json!("https://other.test")), "IssuerNotMatch"),
        (with("aud", json!("somebody")), "AudienceNotMatch"),
        (with("exp", json!(NOW)), "Expired"),
    ] {
        let refusal = exchange(&sts(), PROVIDER, &token).await.refusal();
        assert_eq!(refusal, (401, format!("AuthenticationFail.OIDCToken.{code}")));
    }
}

#[tokio::test]
async fn a_provider_must_be_registered_and_trusted() {
    let refused = (401, "AuthenticationFail.NoPermission".to_owned());
    let other = "acs:ram::1234567890123456:oidc-provider/other";
    assert_eq!(exchange(&sts(), other, &good(&claims())).await.refusal(), refused);
    let distrusting = StsFixture::with(|options| {
        options.providers = vec![OidcProvider::new("ack", "https://issuer.test", SECRET)];
    });
    assert_eq!(exchange(&distrusting, PROVIDER, &good(&claims())).await.refusal(), refused);
}
