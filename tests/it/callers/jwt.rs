//! Tokens: the good of each algorithm, and each bad one with its code.

use http::HeaderMap;
use insta::assert_snapshot;
use oss_upload_signer::app::App;
use oss_upload_signer::auth::AuthMethod;
use oss_upload_signer::auth::authenticator::RequestCredentials;
use oss_upload_signer::auth::jwt::key::VerificationKey;
use oss_upload_signer::auth::origin::OriginStatus;
use oss_upload_signer::config::Settings;
use oss_upload_signer::config::environment::Environment;
use oss_upload_signer::time::Timestamp;
use serde_json::Value;

use crate::callers::{bearer, text, vectors};
use crate::support::app::{Function, NOW, SMALL};

/// The function with every kind of key, and everything checked that can be.
fn strict(vectors: &Value) -> Function {
    Function::new(&[
        ("UPLOAD_AUTH", "jwt"),
        ("UPLOAD_JWT_SECRET", text(vectors, "/secret")),
        ("UPLOAD_JWT_PUBLIC_KEY", &vectors["jwks"].to_string()),
        ("UPLOAD_JWT_ISSUER", "https://login.example.com/"),
        ("UPLOAD_JWT_AUDIENCE", "uploads"),
        ("UPLOAD_JWT_CLAIMS", "tenant=t1"),
    ])
}

fn with_key(name: &str, key: &str) -> Function {
    Function::new(&[("UPLOAD_AUTH", "jwt"), (name, key)])
}

async fn code(function: &Function, token: &str) -> String {
    function.ask("", &[("authorization", &bearer(token))]).await.code()
}

#[tokio::test]
async fn a_token_of_each_algorithm_lets_its_bearer_in() {
    let vectors = vectors();
    let function = strict(&vectors);
    for name in ["hs256", "rs256", "es256", "eddsa", "no_kid", "list_of_audiences", "fraction"] {
        let token = text(&vectors, &format!("/tokens/{name}"));
        assert_eq!(code(&function, token).await, "", "{name}");
    }
    let token = text(&vectors, "/tokens/es256");
    for headers in
        [[("authorization", format!("bearer  {token}"))], [("uppy-auth-token", token.to_owned())]]
    {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(function.ask("", &headers).await.status, 200, "{headers:?}");
    }
}

#[tokio::test]
async fn a_key_in_pem_verifies_its_own_algorithm_and_no_other() {
    let vectors = vectors();
    for (own, token) in [("rsa", "rs256"), ("ec", "es256"), ("ed", "eddsa")] {
        let pem = text(&vectors, &format!("/pem/{own}"));
        for key in [pem.to_owned(), pem.replace('\n', "\\n"), format!("a comment\n{pem}\n")] {
            let function = with_key("UPLOAD_JWT_PUBLIC_KEY", &key);
            for other in ["hs256", "rs256", "es256", "eddsa"] {
                let expected = if other == token { "" } else { "token_algorithm_not_allowed" };
                let token = text(&vectors, &format!("/tokens/{other}"));
                assert_eq!(code(&function, token).await, expected, "{own} {other}");
            }
        }
    }
    let both = format!("{}{}", text(&vectors, "/pem/rsa"), text(&vectors, "/pem/ec"));
    let function = with_key("UPLOAD_JWT_PUBLIC_KEY", &both);
    for name in ["rs256", "es256"] {
        assert_eq!(code(&function, text(&vectors, &format!("/tokens/{name}"))).await, "", "{name}");
    }
}

/// What stands around a key is as fixed as the key's own bytes.
#[test]
fn a_key_that_is_cut_short_or_goes_on_is_refused() {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    let vectors = vectors();
    for kind in ["rsa", "ec", "ed"] {
        let pem = text(&vectors, &format!("/pem/{kind}"));
        let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let der = STANDARD.decode(body).unwrap();
        let read = |der: &[u8]| {
            let body = STANDARD.encode(der);
            VerificationKey::read_public(&format!(
                "-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----"
            ))
        };
        assert_eq!(read(&der).unwrap().len(), 1, "{kind}");
        for length in 0..der.len() {
            assert!(read(&der[..length]).is_err(), "{kind} {length}");
        }
        assert!(read(&[&der[..], &[0]].concat()).is_err(), "{kind}");
        for place in 0..9 {
            let mut other = der.clone();
            other[place] ^= 1;
            assert!(read(&other).is_err(), "{kind} {place}");
        }
    }
}

/// The classic: the public key, which everybody has, taken for the secret of an HMAC.
#[tokio::test]
async fn a_public_key_is_never_a_secret() {
    let vectors = vectors();
    let cases = vectors["refused"].as_array().unwrap();
    let confused = cases.iter().find(|case| case["name"] == "hs256_with_the_public_key_as_secret");
    let token = text(confused.unwrap(), "/token");
    let function = with_key("UPLOAD_JWT_PUBLIC_KEY", text(&vectors, "/pem/rsa"));
    assert_eq!(code(&function, token).await, "token_algorithm_not_allowed");
}

#[tokio::test]
async fn every_bad_token_is_refused_with_its_code() {
    let vectors = vectors();
    let function = strict(&vectors);
    for case in vectors["refused"].as_array().unwrap() {
        let answer = function.ask("", &[("authorization", &bearer(text(case, "/token")))]).await;
        let expected = text(case, "/code");
        assert_eq!(answer.code(), expected, "{}", case["name"]);
        assert_eq!(answer.status, 401, "{}", case["name"]);
        let challenge = format!("Bearer error=\"invalid_token\", error_description=\"{expected}\"");
        assert_eq!(answer.headers["www-authenticate"], challenge.as_str());
        assert!(!String::from_utf8_lossy(&answer.body).contains("eyJ"), "{}", case["name"]);
    }
}

#[tokio::test]
async fn a_token_that_is_too_long_is_not_looked_at() {
    let vectors = vectors();
    let function = strict(&vectors);
    let long = format!("{}{}", text(&vectors, "/tokens/hs256"), "A".repeat(8 * 1024));
    assert_eq!(code(&function, &long).await, "token_malformed");
}

#[tokio::test]
async fn a_token_counts_where_it_is_looked_for_and_nowhere_else() {
    let vectors = vectors();
    let function = strict(&vectors);
    let token = text(&vectors, "/tokens/hs256");
    let with = bearer(token);
    for (query, headers, expected) in [
        (
            format!("?token={token}&access_token={token}&authorization={token}"),
            vec![],
            "token_missing",
        ),
        (String::new(), vec![("cookie", token)], "token_missing"),
        (String::new(), vec![("authorization", token)], "token_missing"),
        (String::new(), vec![("authorization", "Basic YTpi")], "token_missing"),
        (String::new(), vec![("authorization", "Bearer ")], "token_malformed"),
        (String::new(), vec![("x-upload-ticket", token)], "token_missing"),
        (
            String::new(),
            vec![("authorization", &with), ("authorization", &with)],
            "token_malformed",
        ),
    ] {
        assert_eq!(function.ask(&query, &headers).await.code(), expected, "{headers:?}");
    }
}

#[tokio::test]
async fn the_clock_and_the_leeway_decide() {
    let vectors = vectors();
    let secret = text(&vectors, "/secret");
    let token = text(&vectors, "/tokens/hs256");
    for (leeway, later, expected) in [
        ("1m", 659, ""),
        ("1m", 660, "token_expired"),
        ("0s", 599, ""),
        ("0s", 600, "token_expired"),
        ("5m", 899, ""),
        ("1m", -70, ""),
        ("1m", -71, "token_not_yet_valid"),
    ] {
        let variables =
            [("UPLOAD_AUTH", "jwt"), ("UPLOAD_JWT_SECRET", secret), ("UPLOAD_JWT_LEEWAY", leeway)];
        let function = Function::new(&variables).at(later);
        assert_eq!(code(&function, token).await, expected, "{leeway} {later}");
    }
}

#[tokio::test]
async fn required_claims_are_there_with_their_values() {
    let vectors = vectors();
    let secret = text(&vectors, "/secret");
    let token = text(&vectors, "/tokens/hs256");
    for (claims, is_met) in [
        ("tenant", true),
        ("tenant=t1, level=3, admin=false", true),
        ("roles=uploader", true),
        ("scope=upload", true),
        ("scope=up", false),
        ("roles=upload", false),
        ("roles", true),
        ("admin=true", false),
        ("tenant=t1, level=4", false),
        ("email", false),
    ] {
        let variables =
            [("UPLOAD_AUTH", "jwt"), ("UPLOAD_JWT_SECRET", secret), ("UPLOAD_JWT_CLAIMS", claims)];
        let expected = if is_met { "" } else { "token_claim_missing" };
        assert_eq!(code(&Function::new(&variables), token).await, expected, "{claims}");
    }
}

#[tokio::test]
async fn a_route_requires_claims_of_its_own_beside_those_of_every_route() {
    let vectors = vectors();
    let secret = text(&vectors, "/secret");
    let header = bearer(text(&vectors, "/tokens/hs256"));
    let file = "auth = \"jwt\"\njwt_claims = \"tenant=t1\"\n[routes.default]\n\
                [routes.same]\njwt_claims = [\"tenant=t1\"]\n\
                [routes.more]\njwt_claims = \"level=3, roles=uploader\"\n\
                [routes.missing]\njwt_claims = \"email\"\n\
                [routes.other]\njwt_claims = \"tenant=t2\"\n\
                [routes.either]\nauth = \"any(jwt, origin)\"\njwt_claims = \"email\"\n";
    for (of_every_route, query, expected) in [
        ("", "", ""),
        ("", "?route=same", ""),
        ("", "?route=more", ""),
        ("", "?route=missing", "token_claim_missing"),
        ("", "?route=other", "token_claim_missing"),
        ("", "?route=either", "token_claim_missing"),
        ("admin=false", "?route=more", ""),
        // The environment wins over the top of the file, and is added to as well.
        ("admin=true", "", "token_claim_missing"),
        ("admin=true", "?route=more", "token_claim_missing"),
        ("tenant=t2", "?route=same", "token_claim_missing"),
    ] {
        let variables = [
            ("UPLOAD_AUTH", ""),
            ("UPLOAD_JWT_SECRET", secret),
            ("UPLOAD_JWT_CLAIMS", of_every_route),
        ];
        let function = Function::with_file(&variables, file);
        let answer = function.ask(query, &[("authorization", &header)]).await;
        assert_eq!(answer.code(), expected, "{of_every_route} {query}");
    }
}

#[tokio::test]
async fn refusals_as_whole_answers() {
    let vectors = vectors();
    let function = strict(&vectors);
    assert_snapshot!(function.ask("", &[]).await.whole(), @r#"
    401 Unauthorized
    cache-control: no-store
    content-length: 132
    content-type: application/json
    vary: Origin
    www-authenticate: Bearer
    x-content-type-options: nosniff

    {"error":"token_missing","message":"This route asks for a token. Send it as 'Authorization: Bearer <token>'.","request_id":"1-test"}
    "#);
    let expired =
        vectors["refused"].as_array().unwrap().iter().find(|case| case["name"] == "expired");
    let header = bearer(text(expired.unwrap(), "/token"));
    assert_snapshot!(function.ask("", &[("authorization", &header)]).await.whole(), @r#"
    401 Unauthorized
    cache-control: no-store
    content-length: 115
    content-type: application/json
    vary: Origin
    www-authenticate: Bearer error="invalid_token", error_description="token_expired"
    x-content-type-options: nosniff

    {"error":"token_expired","message":"The token's time is over. Sign in again, or refresh it.","request_id":"1-test"}
    "#);
    // Every other sentence, under its code.
    let mut seen = std::collections::BTreeMap::new();
    for case in vectors["refused"].as_array().unwrap() {
        let answer = function.ask("", &[("authorization", &bearer(text(case, "/token")))]).await;
        seen.insert(answer.code(), answer.json()["message"].as_str().unwrap().to_owned());
    }
    let lines: Vec<_> = seen.iter().map(|(code, message)| format!("{code}: {message}")).collect();
    assert_snapshot!(lines.join("\n"), @r#"
    token_algorithm_not_allowed: No key here verifies tokens of this algorithm. Let the issuer sign with the one that the settings have a key for.
    token_audience_not_allowed: The token is meant for another service; see UPLOAD_JWT_AUDIENCE.
    token_claim_missing: The token's claim "tenant" is missing or has another value; it has to be there.
    token_expired: The token's time is over. Sign in again, or refresh it.
    token_issuer_not_allowed: The token comes from an issuer that is not taken here; see UPLOAD_JWT_ISSUER.
    token_key_unknown: No key here has the id that the token names. Compare the issuer with UPLOAD_JWKS_URL or UPLOAD_JWT_PUBLIC_KEY.
    token_malformed: This is no token that can be read. Send it whole and once, as it was issued.
    token_not_yet_valid: The token's time has not come. Compare the clocks of issuer and function.
    token_signature_invalid: The token was not signed with any key here. Compare the issuer's key with the settings.
    "#);
}

#[tokio::test]
async fn what_the_token_says_is_known_of_the_caller_as_text() {
    let vectors = vectors();
    let mut environment = Environment::default();
    let secret = ("UPLOAD_JWT_SECRET", text(&vectors, "/secret"));
    for (name, value) in SMALL.into_iter().chain([("UPLOAD_AUTH", "jwt"), secret]) {
        environment.set(name, value);
    }
    let now = Timestamp::from_unix(NOW).unwrap();
    let app = App::new(Settings::load(&environment, None, now).unwrap());
    let caller = |token: &str| {
        let header = bearer(text(&vectors, &format!("/tokens/{token}"))).parse().unwrap();
        let headers = HeaderMap::from_iter([(http::header::AUTHORIZATION, header)]);
        let app = &app;
        async move {
            let evidence = RequestCredentials {
                headers: &headers,
                path_ticket: None,
                origin: OriginStatus::Absent,
                route: "default",
            };
            app.authenticator.authenticate(&evidence, now, &*app.http).await.unwrap()
        }
    };
    let alice = caller("hs256").await;
    assert_eq!((alice.subject.as_deref(), alice.method), (Some("alice"), AuthMethod::Jwt));
    let claims = ["sub", "tenant", "level", "admin", "scope", "roles", "email"]
        .map(|name| alice.claim(name));
    assert_eq!(
        claims,
        [Some("alice"), Some("t1"), Some("3"), Some("false"), Some("read upload"), None, None]
    );
    assert!(!format!("{alice:?}").contains("read upload"));
    assert_eq!(caller("without_subject").await.subject, None);
}
