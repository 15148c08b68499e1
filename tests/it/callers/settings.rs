//! Settings of authentication: errors and warnings.

use insta::assert_snapshot;
use oss_upload_signer::config::Settings;
use oss_upload_signer::config::environment::Environment;
use oss_upload_signer::time::Timestamp;

use crate::callers::{text, vectors};
use crate::support::app::{NOW, SMALL};

const KEY: &str = "an example key of more than 32 bytes";

fn load(variables: &[(&str, &str)], file: &str) -> Result<Settings, String> {
    let mut environment = Environment::default();
    for (name, value) in SMALL.iter().chain(variables) {
        environment.set(name, *value);
    }
    let now = Timestamp::from_unix(NOW).unwrap();
    Settings::load(&environment, Some(file), now).map_err(|errors| errors.to_string())
}

#[test]
fn a_rule_without_its_key_is_an_error() {
    let variables = [("UPLOAD_AUTH", "any(jwt, ticket)")];
    assert_snapshot!(load(&variables, "").unwrap_err(), @r#"
    2 problems with the settings; nothing was started
      auth = "any(jwt, ticket)": tokens need a key to be verified with; set UPLOAD_JWKS_URL, UPLOAD_JWT_PUBLIC_KEY or UPLOAD_JWT_SECRET. Example: UPLOAD_JWKS_URL=https://login.example.com/.well-known/jwks.json
      auth = "any(jwt, ticket)": tickets need a key to be verified with; set UPLOAD_TICKET_KEYS. Example: UPLOAD_TICKET_KEYS=$(openssl rand -base64 32)
    "#);
    let variables = [("UPLOAD_AUTH", "all(origin, anonymous)")];
    assert_snapshot!(load(&variables, "").unwrap_err(), @r#"
    1 problem with the settings; nothing was started
      UPLOAD_AUTH = "all(origin, anonymous)": 'anonymous' cannot be combined: in 'any' it would admit everyone, in 'all' it would have no effect. Example: UPLOAD_AUTH=anonymous
    "#);
    let variables = [("UPLOAD_AUTH", "origin"), ("UPLOAD_ORIGINS", "*")];
    assert_snapshot!(load(&variables, "").unwrap_err(), @r#"
    1 problem with the settings; nothing was started
      auth = "origin": it requires an allowed origin, and origins is '*', which allows every page. Example: UPLOAD_ORIGINS=https://app.example.com
    "#);
}

#[test]
fn auth_at_the_top_may_be_missing_if_every_route_has_its_own() {
    let silent = [("UPLOAD_AUTH", "")];
    let file = "[routes.a]\nauth = \"anonymous\"\n[routes.b]\n";
    assert!(load(&silent, file).unwrap_err().contains("UPLOAD_AUTH: it is not set"));
    let settings = load(&silent, &format!("{file}auth = \"anonymous\"\n")).unwrap();
    assert_eq!(settings.auth.rules.len(), 2);
    // The variable applies to every route without a rule of its own, and adds no route.
    let keys = [("UPLOAD_AUTH", "ticket"), ("UPLOAD_TICKET_KEYS", KEY)];
    let settings = load(&keys, file).unwrap();
    let rules: Vec<_> =
        settings.auth.rules.iter().map(|(name, rule)| format!("{name}: {rule}")).collect();
    assert_eq!(rules, ["a: anonymous", "b: ticket"]);
}

#[test]
fn every_invalid_value_is_an_error_that_shows_no_secret() {
    let vectors = vectors();
    let private = "-----BEGIN PRIVATE KEY-----\nmarker\n-----END PRIVATE KEY-----";
    let variables = [
        ("UPLOAD_JWT_SECRET", "marker"),
        ("UPLOAD_TICKET_KEYS", "marker, an example key of more than 32 bytes"),
        ("UPLOAD_JWT_PUBLIC_KEY", private),
        ("UPLOAD_JWKS_URL", "https://user:marker@login.example.com/keys"),
        ("UPLOAD_JWT_LEEWAY", "1h"),
        ("UPLOAD_JWT_CLAIMS", "tenant, =x"),
        ("UPLOAD_TICKET_LIFETIME", "7d"),
        ("UPLOAD_BUDGET_GRANTS", "0"),
        ("UPLOAD_BUDGET_BYTES", "lots"),
        ("UPLOAD_BUDGET_WINDOW", "0s"),
        ("UPLOAD_ORIGINS", "https://*.com"),
    ];
    let errors = load(&variables, "jwt_secret = \"marker\"\n").unwrap_err();
    assert!(!errors.contains("marker"), "{errors}");
    assert_snapshot!(errors, @r#"
    12 problems with the settings; nothing was started
      upload.toml line 1, jwt_secret: a secret is set in the environment only, as UPLOAD_JWT_SECRET. Example: UPLOAD_JWT_SECRET=$(openssl rand -base64 32)
      UPLOAD_ORIGINS = "https://*.com": in "https://*.com", an origin is scheme and host, perhaps a port, and nothing after it; 'https://*.example.com' is every host below example.com. Example: UPLOAD_ORIGINS=https://app.example.com
      UPLOAD_JWT_LEEWAY = "1h": clocks may differ by 5m at most. Example: UPLOAD_JWT_LEEWAY=1m
      UPLOAD_JWT_CLAIMS = "tenant, =x": in "=x", a claim is 'name' or 'name=value'. Example: UPLOAD_JWT_CLAIMS=email_verified=true
      UPLOAD_JWKS_URL: a key set is at 'https://…', or at 'http://…' on this machine, without a password. Example: UPLOAD_JWKS_URL=https://login.example.com/.well-known/jwks.json
      UPLOAD_JWT_PUBLIC_KEY: it is a private key; only its public half belongs here. Example: UPLOAD_JWT_PUBLIC_KEY=-----BEGIN PUBLIC KEY-----\n…
      UPLOAD_JWT_SECRET: a secret for HS256 has at least 32 bytes. Example: UPLOAD_JWT_SECRET=$(openssl rand -base64 32)
      UPLOAD_TICKET_LIFETIME = "7d": a ticket lives from 1s to 24h. Example: UPLOAD_TICKET_LIFETIME=1h
      UPLOAD_TICKET_KEYS: each key has at least 32 bytes. Example: UPLOAD_TICKET_KEYS=$(openssl rand -base64 32)
      UPLOAD_BUDGET_GRANTS = "0": a budget is a whole number of grants, 1 or more. Example: UPLOAD_BUDGET_GRANTS=100
      UPLOAD_BUDGET_BYTES = "lots": a size is a whole number with B, KB, KiB, MB, MiB, GB or GiB. Example: UPLOAD_BUDGET_BYTES=1GiB
      UPLOAD_BUDGET_WINDOW = "0s": a window lasts from 1s to 24h. Example: UPLOAD_BUDGET_WINDOW=1m
    "#);
    for (key, error) in [
        (text(&vectors, "/pem/rsa_1024"), "keys are RSA from 2048"),
        (text(&vectors, "/pem/p384"), "keys are RSA from 2048"),
        ("{\"keys\":[]}", "keys are RSA from 2048"),
        ("{", "neither a public key in PEM nor"),
        ("-----BEGIN PUBLIC KEY-----", "neither a public key in PEM nor"),
        ("words", "neither a public key in PEM nor"),
    ] {
        let errors = load(&[("UPLOAD_JWT_PUBLIC_KEY", key)], "").unwrap_err();
        assert!(errors.contains(error), "{errors}");
    }
}

#[test]
fn claims_of_a_route_without_effect_are_errors() {
    let variables = [("UPLOAD_AUTH", ""), ("UPLOAD_TICKET_KEYS", KEY), ("UPLOAD_JWT_SECRET", KEY)];
    let file = "auth = \"jwt\"\n[routes.a]\njwt_claims = \"tenant, =x\"\n\
                [routes.b]\nauth = \"ticket\"\njwt_claims = [\"tenant=\"]\n\
                [routes.c]\njwt_claims = []\n[routes.d]\njwt_claims = 1\n[routes.e]\njwt_claims = {}\n\
                [routes.f]\njwt_issuer = \"x\"\n";
    assert_snapshot!(load(&variables, file).unwrap_err(), @r#"
    6 problems with the settings; nothing was started
      upload.toml line 12, routes.e.jwt_claims: the value is a text, a number, true, false, or a list of texts. Example: jwt_claims = "email_verified=true"
      upload.toml line 14, routes.f.jwt_issuer: it is no setting of a route: write it at the top of the file. Example: jwt_issuer = "https://login.example.com/"
      upload.toml line 3, routes.a.jwt_claims = "tenant, =x": in "=x", a claim is 'name' or 'name=value'. Example: jwt_claims = "email_verified=true"
      upload.toml line 6, routes.b.jwt_claims = ["tenant="]: in "tenant=", a claim is 'name' or 'name=value'. Example: jwt_claims = "email_verified=true"
      upload.toml line 6, routes.b.jwt_claims = ["tenant="]: the route's auth takes no token, so no claim is checked. Example: auth = "jwt"
      upload.toml line 8, routes.c.jwt_claims = []: it names no claim, and cannot remove those at the top: leave it out. Example: jwt_claims = "email_verified=true"
    "#);
    // Alone it adds no route.
    let variables = [("UPLOAD_JWT_CLAIMS", "tenant"), ("UPLOAD_JWT_SECRET", KEY)];
    let settings =
        load(&variables, "[routes.a]\njwt_claims = [\"level=3\"]\nauth = \"jwt\"\n").unwrap();
    assert_eq!(settings.routes.len(), 1);
    assert_eq!(settings.auth.claims["a"].len(), 1);
}

#[test]
fn a_key_set_is_fetched_over_tls_or_from_this_machine() {
    for (url, is_good) in [
        ("https://login.example.com/keys", true),
        ("https://login.example.com:8443/keys?a=b", true),
        ("http://127.0.0.1:9/keys", true),
        ("http://localhost/keys", true),
        ("http://[::1]:9/keys", true),
        ("http://login.example.com/keys", false),
        ("http://localhost.example.com/keys", false),
        ("http://127.0.0.1.example.com/keys", false),
        ("https://user@login.example.com/keys", false),
        ("ftp://login.example.com/keys", false),
        ("login.example.com/keys", false),
        ("/keys", false),
        ("https://", false),
    ] {
        assert_eq!(load(&[("UPLOAD_JWKS_URL", url)], "").is_ok(), is_good, "{url}");
    }
}

#[test]
fn weak_authentication_is_warned_of() {
    let url = ("UPLOAD_JWKS_URL", "https://login.example.com/keys");
    let file = "[routes.a]\nauth = \"jwt\"\n[routes.b]\nauth = \"anonymous\"\n[routes.c]\nauth = \"any(origin, jwt)\"\n";
    let settings =
        load(&[("UPLOAD_AUTH", ""), url, ("UPLOAD_BUDGET_BYTES", "1MiB")], file).unwrap();
    assert_snapshot!(settings.warnings().join("\n"), @"
    auth is 'anonymous' for route 'b': whoever reaches this address may upload within the routes' limits
    auth lets callers in by their origin alone for route 'c': it stops other pages in browsers, but a program can claim any origin
    jwt_audience is not set: tokens that the issuer made for any other service are taken here too
    jwt_issuer is not set: a token of any issuer is taken if one of the keys signed it
    budget_bytes (1 MiB) is smaller than max_size of route 'a' (100 MiB): a request without a size is always refused
    budget_bytes (1 MiB) is smaller than max_size of route 'b' (100 MiB): a request without a size is always refused
    budget_bytes (1 MiB) is smaller than max_size of route 'c' (100 MiB): a request without a size is always refused
    ");
    let checked = [
        ("UPLOAD_AUTH", "all(origin, jwt)"),
        url,
        ("UPLOAD_JWT_AUDIENCE", "uploads"),
        ("UPLOAD_JWT_ISSUER", "https://login.example.com/"),
        ("UPLOAD_ORIGINS", "https://app.example.com"),
    ];
    assert_eq!(load(&checked, "").unwrap().warnings(), Vec::<String>::new());
}
