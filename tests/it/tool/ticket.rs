//! `ticket` issues tickets that the function accepts, and never with a key from its arguments.

use insta::assert_snapshot;
use oss_upload_signer::auth::AuthError;
use oss_upload_signer::auth::ticket::{MAX_LIFETIME, Options};
use oss_upload_signer::secret::Secret;
use oss_upload_signer::time;

use crate::support::tool::{Outcome, Tool};

const KEY: &str = "an example key of more than 32 bytes";

#[tokio::test]
async fn a_ticket_is_valid_for_its_route_and_its_lifetime() {
    let tool = Tool::new()
        .with("UPLOAD_TICKET_KEYS", &format!("{KEY},the older key of 32 bytes and more"));
    let arguments = ["ticket", "--sub", "alice", "--route", "avatar", "--for", "10m"];
    let ticket = tool.run(&arguments).await.good();
    let options = Options { keys: vec![Secret::new(KEY)], max_lifetime: MAX_LIFETIME };
    let verify = |route, seconds| {
        let now = time::now().plus(std::time::Duration::from_secs(seconds));
        options.verify(ticket.trim(), route, now)
    };
    assert_eq!(verify("avatar", 0).unwrap().subject.as_deref(), Some("alice"));
    assert_eq!(verify("other", 0), Err(AuthError::TicketRouteMismatch));
    assert_eq!(verify("avatar", 600), Err(AuthError::TicketExpired));
}

#[tokio::test]
async fn a_ticket_that_cannot_be_issued_gives_one_line() {
    let tool = Tool::new().with("UPLOAD_TICKET_KEYS", KEY);
    let said = [
        Tool::new().run(&["ticket", "--sub", "alice"]).await,
        Tool::new().with("UPLOAD_TICKET_KEYS", "short").run(&["ticket", "--sub", "alice"]).await,
        tool.run(&["ticket"]).await,
        tool.run(&["ticket", "--sub", ""]).await,
        tool.run(&["ticket", "--sub", "alice", "--for", "61m"]).await,
        tool.run(&["ticket", "--sub", "alice", "--for", "0s"]).await,
        tool.run(&["ticket", "--sub", "alice", "--for", "10"]).await,
    ];
    let said = said.map(Outcome::complaint);
    assert_snapshot!(said.join("\n"), @"
    oss-upload: there is no key to sign the ticket with; set UPLOAD_TICKET_KEYS to what the function has
    oss-upload: UPLOAD_TICKET_KEYS: each key has at least 32 bytes. Example: UPLOAD_TICKET_KEYS=$(openssl rand -base64 32)
    oss-upload: the following required arguments were not provided: --sub <NAME>; --help lists the options
    oss-upload: --sub is empty; name the user of the ticket
    oss-upload: --for: the lifetime of a ticket is 1s to 3600s; UPLOAD_TICKET_LIFETIME raises the limit, here and in the function
    oss-upload: --for: the lifetime of a ticket is 1s to 3600s; UPLOAD_TICKET_LIFETIME raises the limit, here and in the function
    oss-upload: invalid value '10' for '--for <TIME>': a time is a whole number with s, m, h or d; --help lists the options
    ");
}

#[tokio::test]
async fn the_tool_signs_for_routes_that_require_authentication() {
    let tool = Tool::new();
    tool.write("upload.toml", "bucket = \"a-bucket\"\nregion = \"cn-hangzhou\"\n[routes.a]\nauth = \"any(jwt, ticket)\"\n");
    let outcome = tool.run(&["sign", "--route", "a", "--filename", "a.png"]).await;
    assert!(outcome.good().contains("x-oss-signature"));
}
