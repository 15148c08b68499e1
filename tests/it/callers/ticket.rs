//! Tickets: minted here, by the tool, and by the README's recipes; each bad one with its code.

use http::HeaderMap;
use insta::assert_snapshot;
use oss_upload_signer::app::App;
use oss_upload_signer::auth::authenticator::{RequestCredentials, X_UPLOAD_TICKET};
use oss_upload_signer::auth::origin::OriginStatus;
use oss_upload_signer::auth::ticket;
use oss_upload_signer::auth::ticket::{Options, Ticket};
use oss_upload_signer::auth::{AuthError, AuthMethod};
use oss_upload_signer::config::Settings;
use oss_upload_signer::config::environment::Environment;
use oss_upload_signer::crypto;
use oss_upload_signer::secret::Secret;
use oss_upload_signer::time::Timestamp;

use crate::callers::bearer;
use crate::support::app::{Function, NOW, SMALL};
use crate::support::ticket::ticket_of;

const KEY: &str = "an example key of more than 32 bytes";
const OLD_KEY: &str = "an older key of 32 bytes and more";

const FILE: &str = "auth = \"ticket\"\n[routes.default]\n[routes.avatar]\n[routes.other]\n";

fn function() -> Function {
    let keys = format!("{KEY}, {OLD_KEY}");
    Function::with_file(&[("UPLOAD_AUTH", ""), ("UPLOAD_TICKET_KEYS", &keys)], FILE)
}

fn ticket(route: Option<&str>) -> Ticket {
    Ticket {
        route: route.map(str::to_owned),
        issued_at: Some(NOW),
        ..ticket_of("alice", NOW + 600)
    }
}

fn minted(ticket: &Ticket) -> String {
    ticket.sign(&Secret::new(KEY))
}

/// Signs any payload as the format says, without a line of the signer's own.
fn signed(payload: &str) -> String {
    use base64::Engine;
    let encode = |bytes: &[u8]| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes);
    let text = format!("v1.{}", encode(payload.as_bytes()));
    let code = crypto::hmac_sha256(KEY.as_bytes(), format!("oss-upload-ticket.{text}").as_bytes());
    format!("{text}.{}", encode(code.as_slice()))
}

async fn code(function: &Function, ticket: &str) -> String {
    function.ask("?route=avatar", &[("x-upload-ticket", ticket)]).await.code()
}

#[tokio::test]
async fn a_ticket_lets_its_bearer_in_where_it_is_good() {
    let function = function();
    let (one, every) = (minted(&ticket(Some("avatar"))), minted(&ticket(None)));
    let bearer = bearer(&one);
    for header in
        [("x-upload-ticket", one.as_str()), ("authorization", &bearer), ("uppy-auth-token", &one)]
    {
        assert_eq!(function.ask("?route=avatar", &[header]).await.status, 200, "{header:?}");
    }
    for route in ["?route=avatar", "?route=other", ""] {
        assert_eq!(
            function.ask(route, &[("x-upload-ticket", &every)]).await.status,
            200,
            "{route}"
        );
    }
    let answer = function.ask("?route=other", &[("x-upload-ticket", &one)]).await;
    assert_snapshot!(answer.whole(), @r#"
    403 Forbidden
    cache-control: no-store
    content-length: 146
    content-type: application/json
    vary: Origin
    x-content-type-options: nosniff

    {"error":"ticket_route_mismatch","message":"The ticket is good for another route. Ask the back end for one for this route.","request_id":"1-test"}
    "#);
}

#[tokio::test]
async fn an_older_key_verifies_and_the_first_one_mints() {
    let function = function();
    assert_eq!(code(&function, &ticket(None).sign(&Secret::new(OLD_KEY))).await, "");
    let stranger = ticket(None).sign(&Secret::new("a key that nobody gave to the function"));
    assert_eq!(code(&function, &stranger).await, "ticket_signature_invalid");
}

/// Shows tickets and holds each answer against its code; an empty one means that it was taken.
async fn expect(table: &[(&str, String, &str)]) {
    let function = function();
    for (name, ticket, expected) in table {
        let answer = function.ask("?route=avatar", &[("x-upload-ticket", ticket)]).await;
        assert_eq!(answer.code(), *expected, "{name}");
        let status = if expected.is_empty() { 200 } else { 401 };
        assert_eq!(answer.status, status, "{name}");
        assert_eq!(answer.headers.contains_key("www-authenticate"), status == 401, "{name}");
    }
}

#[tokio::test]
async fn the_times_of_a_ticket_decide() {
    let with = |change: &dyn Fn(&mut Ticket)| {
        let mut ticket = ticket(None);
        change(&mut ticket);
        minted(&ticket)
    };
    let undated = |exp: i64| signed(&format!(r#"{{"sub":"a","exp":{exp}}}"#));
    let (early, long) = ("ticket_not_yet_valid", "ticket_lifetime_too_long");
    expect(&[
        ("good", with(&|_| ()), ""),
        ("expired", with(&|ticket| ticket.expires_at = NOW), "ticket_expired"),
        ("negative", with(&|ticket| ticket.expires_at = i64::MIN), "ticket_expired"),
        ("not before", with(&|ticket| ticket.not_before = Some(NOW + 31)), early),
        ("a clock ahead", with(&|ticket| ticket.issued_at = Some(NOW + 30)), ""),
        ("from the future", with(&|ticket| ticket.issued_at = Some(NOW + 31)), early),
        ("an hour", with(&|ticket| ticket.expires_at = NOW + 3600), ""),
        ("more than an hour", with(&|ticket| ticket.expires_at = NOW + 3601), long),
        ("a long one at its end", with(&|ticket| ticket.issued_at = Some(NOW - 3001)), long),
        ("for ever", with(&|ticket| ticket.expires_at = i64::MAX), long),
        ("minted before time", with(&|ticket| ticket.issued_at = Some(i64::MIN)), long),
        ("no date, an hour", undated(NOW + 3600), ""),
        ("no date, longer", undated(NOW + 3601), long),
    ])
    .await;
}

#[tokio::test]
async fn what_is_no_ticket_of_ours_is_refused() {
    let good = minted(&ticket(None));
    let (text, mac) = good.rsplit_once('.').unwrap();
    let other = minted(&Ticket { subject: "bob".to_owned(), ..ticket(None) });
    let other = other.rsplit_once('.').unwrap().1;
    let more = |members: &str| signed(&format!(r#"{{"exp":{},{members}}}"#, NOW + 600));
    let (forged, malformed) = ("ticket_signature_invalid", "ticket_malformed");
    expect(&[
        ("an id of its own", more(r#""sub":"a","jti":"7""#), ""),
        ("no subject", more(r#""jti":"7""#), malformed),
        ("an empty subject", more(r#""sub":"""#), malformed),
        ("no end", signed(r#"{"sub":"a"}"#), malformed),
        ("a limit nobody knows", more(r#""sub":"a","max_size":1"#), malformed),
        ("twice", more(r#""sub":"a","exp":1"#), malformed),
        ("no JSON", signed("x"), malformed),
        ("another's code", format!("{text}.{other}"), forged),
        ("half a code", format!("{text}.{}", &mac[..20]), forged),
        ("no code", format!("{text}."), forged),
        ("padded", format!("{good}="), malformed),
        ("two parts", text.to_owned(), malformed),
        ("another version", good.replacen("v1.", "v2.", 1), malformed),
        ("too long", format!("v1.{}.{mac}", "A".repeat(2048)), malformed),
        ("words", "words".to_owned(), malformed),
    ])
    .await;
}

#[tokio::test]
async fn no_ticket_and_two_of_them() {
    let function = function();
    assert_snapshot!(function.ask("", &[]).await.whole(), @r#"
    401 Unauthorized
    cache-control: no-store
    content-length: 130
    content-type: application/json
    vary: Origin
    www-authenticate: Bearer
    x-content-type-options: nosniff

    {"error":"ticket_missing","message":"This route asks for a ticket. Send it as 'X-Upload-Ticket: <ticket>'.","request_id":"1-test"}
    "#);
    let good = minted(&ticket(None));
    let header = ("x-upload-ticket", good.as_str());
    assert_eq!(function.ask("", &[header, header]).await.code(), "ticket_malformed");
    assert_eq!(function.ask(&format!("?ticket={good}"), &[]).await.code(), "ticket_missing");
    assert_eq!(
        function.ask("", &[("authorization", "Bearer eyJ.e30.")]).await.code(),
        "ticket_missing"
    );
}

/// For clients that cannot send a header.
#[tokio::test]
async fn a_ticket_in_the_path_counts_before_any_other() {
    let mut environment = Environment::default();
    let ways = [("UPLOAD_AUTH", "ticket"), ("UPLOAD_TICKET_KEYS", KEY)];
    for (name, value) in SMALL.into_iter().chain(ways) {
        environment.set(name, value);
    }
    let now = Timestamp::from_unix(NOW).unwrap();
    let app = App::new(Settings::load(&environment, None, now).unwrap());
    let other = minted(&Ticket { subject: "bob".to_owned(), ..ticket(None) });
    let headers = HeaderMap::from_iter([(X_UPLOAD_TICKET, other.parse().unwrap())]);
    let good = minted(&Ticket { id: Some("7".to_owned()), ..ticket(Some("default")) });
    let evidence = RequestCredentials {
        headers: &headers,
        path_ticket: Some(&good),
        origin: OriginStatus::Absent,
        route: "default",
    };
    let caller = app.authenticator.authenticate(&evidence, now, &*app.http).await.unwrap();
    assert_eq!((caller.subject.as_deref(), caller.method), (Some("alice"), AuthMethod::Ticket));
    assert_eq!((caller.claim("sub"), caller.claim("jti")), (Some("alice"), Some("7")));
    let empty = RequestCredentials { path_ticket: Some(""), ..evidence };
    assert_eq!(
        app.authenticator.authenticate(&empty, now, &*app.http).await,
        Err(AuthError::TicketMalformed)
    );
    assert!(!format!("{evidence:?}").contains("v1."));
}

/// The same key in both places gives nobody a token for a ticket, nor a ticket for a token.
#[tokio::test]
async fn a_token_is_no_ticket_even_under_the_same_key() {
    let vectors = crate::callers::vectors();
    let secret = crate::callers::text(&vectors, "/secret");
    let token = crate::callers::text(&vectors, "/tokens/hs256");
    let options = Options { keys: vec![Secret::new(secret)], max_lifetime: ticket::MAX_LIFETIME };
    let now = Timestamp::from_unix(NOW).unwrap();
    let disguised = format!("v1.{}", token.split_once('.').unwrap().1);
    assert_eq!(options.verify(&disguised, "default", now), Err(AuthError::TicketSignatureInvalid));
}

/// Takes the block of a language out of the README.
fn recipe(language: &str) -> &'static str {
    let readme = include_str!("../../../docs/auth.md");
    let after = readme.split("<!-- ticket-recipes -->").nth(1).unwrap();
    let block = after.split(&format!("```{language}\n")).nth(1).unwrap();
    block.split("```").next().unwrap()
}

/// The recipes, each with the program that runs it, and a line that prints a ticket.
fn recipes() -> [(&'static str, &'static [&'static str], String); 2] {
    let node = format!("{}\nconsole.log(ticket('alice', 'avatar'))", recipe("js"));
    let python = format!("{}\nprint(ticket('alice', 'avatar'))", recipe("python"));
    [("node", &["--input-type=module", "-e"], node), ("python3", &["-c"], python)]
}

/// Runs a recipe in its language with this key.
fn run(program: &str, arguments: &[&str], code: &str, key: Option<&str>) -> std::process::Output {
    let mut command = std::process::Command::new(program);
    command.args(arguments).arg(code).env_remove("UPLOAD_TICKET_KEY");
    command.envs(key.map(|key| ("UPLOAD_TICKET_KEY", key)));
    command.output().unwrap()
}

#[test]
fn the_recipes_of_the_readme_mint_good_tickets() {
    let options = Options { keys: vec![Secret::new(KEY)], max_lifetime: ticket::MAX_LIFETIME };
    for (program, arguments, code) in recipes() {
        let output = run(program, arguments, &code, Some(KEY));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let ticket = String::from_utf8(output.stdout).unwrap().trim().to_owned();
        let now = oss_upload_signer::time::now();
        let caller = options.verify(&ticket, "avatar", now).unwrap();
        assert_eq!(caller.subject.as_deref(), Some("alice"), "{program}");
        assert_eq!(options.verify(&ticket, "other", now), Err(AuthError::TicketRouteMismatch));
    }
}

#[test]
fn the_recipes_mint_nothing_with_the_empty_key() {
    for (program, arguments, code) in recipes() {
        for key in [None, Some(""), Some(" ")] {
            let output = run(program, arguments, &code, key);
            let error = String::from_utf8_lossy(&output.stderr);
            assert!(!output.status.success() && output.stdout.is_empty(), "{program} {key:?}");
            assert!(error.contains("UPLOAD_TICKET_KEY is not set"), "{program} {key:?}: {error}");
        }
    }
}
