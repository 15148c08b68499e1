//! Tests the services that return keys without a signature: instance metadata and credentials URI.

use std::sync::atomic::Ordering;

use http::Request;
use http_body_util::Full;
use oss_emulator::sts::RamRole;
use serde_json::Value;

use crate::support::form::NOW;
use crate::support::local_sts::{Keys, StsFixture};

const TOKEN_PATH: &str = "/latest/api/token";
const ROLES_PATH: &str = "/latest/meta-data/ram/security-credentials/";
const KEYS_PATH: &str = "/latest/meta-data/ram/security-credentials/EcsRamRoleTest";
const TTL: &str = "x-aliyun-ecs-metadata-token-ttl-seconds";
const TOKEN: &str = "x-aliyun-ecs-metadata-token";

fn sts(hardened: bool) -> StsFixture {
    StsFixture::with(|options| {
        options.roles = vec![RamRole::new("EcsRamRoleTest")];
        options.metadata.role = Some("EcsRamRoleTest".to_owned());
        options.metadata.hardened = hardened;
    })
}

async fn token(sts: &StsFixture, ttl: &str) -> String {
    let reply = sts.get("PUT", TOKEN_PATH, &[(TTL, ttl)]).await;
    assert_eq!(reply.status, 200);
    reply.text
}

#[tokio::test]
async fn the_requests_of_an_official_library_lead_to_keys() {
    let all: Value = serde_json::from_str(include_str!("../../vectors/sts.json")).unwrap();
    let flow = all["vectors"].as_array().unwrap().iter().find(|one| one["id"] == "imds-v2-flow");
    let flow = flow.unwrap();
    let sts = sts(true);
    let mut last = String::new();
    let mut answers = Vec::new();
    for step in flow["steps"].as_array().unwrap() {
        let mut request = Request::builder()
            .method(step["method"].as_str().unwrap())
            .uri(step["url"].as_str().unwrap());
        for (name, value) in step["headers"].as_object().unwrap() {
            let token = name == TOKEN;
            request = request.header(name, if token { &last } else { value.as_str().unwrap() });
        }
        let reply = sts.send(request.body(Full::default()).unwrap()).await;
        assert_eq!(reply.status, 200, "{step} {}", reply.text);
        last.clone_from(&reply.text);
        answers.push(reply);
    }
    let expected = &flow["response_bodies"];
    assert_eq!(answers[1].text, expected["role_name"].as_str().unwrap());
    let (got, wanted) = (answers[3].json(), &expected["credentials"]);
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&got), names(wanted));
    assert_eq!(got["Code"], wanted["Code"]);
    assert_eq!(got["LastUpdated"], "2024-11-27T06:09:41Z");
    assert_eq!(got["Expiration"], "2024-11-27T12:09:41Z");
}

#[tokio::test]
async fn a_token_is_valid_for_one_second_to_six_hours() {
    let sts = sts(false);
    for ttl in ["1", "21600"] {
        token(&sts, ttl).await;
    }
    for ttl in ["0", "21601", "-1", "long", ""] {
        let reply = sts.get("PUT", TOKEN_PATH, &[(TTL, ttl)]).await;
        assert_eq!(reply.status, 400, "{ttl}");
    }
    assert_eq!(sts.get("PUT", TOKEN_PATH, &[]).await.status, 400);
    assert_eq!(sts.get("GET", TOKEN_PATH, &[(TTL, "60")]).await.status, 405);
    assert_eq!(sts.get("POST", ROLES_PATH, &[]).await.status, 405);
}

#[tokio::test]
async fn a_token_is_valid_until_it_expires() {
    let sts = sts(false);
    let token = token(&sts, "60").await;
    let ask = async || sts.get("GET", KEYS_PATH, &[(TOKEN, &token)]).await.status;
    assert_eq!(ask().await, 200);
    sts.clock.store(NOW + 60, Ordering::Relaxed);
    assert_eq!(ask().await, 401);
    assert_eq!(sts.get("GET", ROLES_PATH, &[(TOKEN, "invented")]).await.status, 401);
}

#[tokio::test]
async fn a_hardened_instance_requires_a_token_and_refuses_proxies() {
    assert_eq!(sts(false).get("GET", ROLES_PATH, &[]).await.text, "EcsRamRoleTest");
    assert_eq!(sts(true).get("GET", ROLES_PATH, &[]).await.status, 403);
    let sts = sts(false);
    let token = token(&sts, "60").await;
    let forwarded = ("x-forwarded-for", "10.0.0.1");
    assert_eq!(sts.get("GET", ROLES_PATH, &[(TOKEN, &token), forwarded]).await.status, 403);
    assert_eq!(sts.get("PUT", TOKEN_PATH, &[(TTL, "60"), forwarded]).await.status, 403);
}

#[tokio::test]
async fn an_instance_without_a_role_has_no_keys() {
    let none = StsFixture::open();
    for path in [ROLES_PATH, KEYS_PATH, "/credentials"] {
        assert_eq!(none.get("GET", path, &[]).await.status, 404, "{path}");
    }
    let path = format!("{ROLES_PATH}OtherRole");
    assert_eq!(sts(false).get("GET", &path, &[]).await.status, 404);
}

#[tokio::test]
async fn keys_are_renewed_after_half_of_their_lifetime() {
    let sts = sts(false);
    let keys = async || Keys::of(&sts.get("GET", KEYS_PATH, &[]).await.json());
    let first = keys().await;
    sts.clock.store(NOW + 3 * 3600 - 1, Ordering::Relaxed);
    assert_eq!(keys().await, first);
    sts.clock.store(NOW + 3 * 3600, Ordering::Relaxed);
    let second = keys().await;
    assert_ne!(second.id, first.id);
    assert_eq!(second.expiration, "2024-11-27T15:09:41Z");
    // Both are valid at STS, the older one until it expires.
    let role = ("RoleArn", "acs:ram::1234567890123456:role/EcsRamRoleTest");
    for keys in [&first, &second] {
        assert_eq!(sts.ask(&keys.caller(), &[role]).await.status, 200);
    }
}

#[tokio::test]
async fn the_credentials_uri_returns_the_same_keys() {
    let sts = sts(true);
    let reply = sts.get("GET", "/credentials?x=1", &[]).await;
    assert_eq!(reply.json()["Code"], "Success");
    let token = token(&sts, "60").await;
    let other = sts.get("GET", KEYS_PATH, &[(TOKEN, &token)]).await;
    assert_eq!(reply.json(), other.json());
    assert_eq!(sts.get("POST", "/credentials", &[]).await.status, 405);
}
