//! The text of errors of STS: enough for a correction, and no secrets.

use insta::assert_snapshot;
use oss_upload_signer::credentials::sts::request::{StsAuthentication, StsRequest};
use oss_upload_signer::net::SendError;

use crate::sts::fixture::{NOW, base_key, moment, refusal, refused, role};
use crate::support::script::ScriptedResponse;

const MISMATCH: &str =
    "Specified signature is not matched with our calculation. server string to sign is:";

/// The text that the first request signs.
fn ours() -> String {
    let nonce = format!("01{}01", "0".repeat(28));
    let request =
        StsRequest::new(&role(), StsAuthentication::AccessKey(&base_key(1)), &nonce, moment(NOW));
    request.string_to_sign.unwrap().expose().to_owned()
}

#[tokio::test(start_paused = true)]
async fn an_error_says_what_happened_and_what_to_do() {
    let message = "You are not authorized to do this action. You should be authorized by RAM.";
    let said = refused([refusal(403, "NoPermission", message)]).await;
    assert_snapshot!(said, @"Permanent: STS answered NoPermission (403): You are not authorized to do this action. You should be authorized by RAM; let the role's trust policy name the caller, and allow the caller sts:AssumeRole on the role; an account's own key can take no role; request id R-1");
    let said =
        refused([refusal(404, "EntityNotExist.Role", "The specified Role not exists .")]).await;
    assert_snapshot!(said, @"Permanent: STS answered EntityNotExist.Role (404): The specified Role not exists; check the role's ARN; request id R-1");
    let said = refused([refusal(400, "SomethingNew", "")]).await;
    assert_snapshot!(said, @"Permanent: STS answered SomethingNew (400); request id R-1");
    let xml = "<?xml version='1.0' encoding='UTF-8'?><Error><RequestId>R-2</RequestId>\
               <HostId>sts.example</HostId><Code>InvalidAccessKeyId.NotFound</Code>\
               <Message>Specified access key is not found.</Message></Error>";
    assert_snapshot!(refused([ScriptedResponse::answer(404, &[], xml)]).await, @"Permanent: STS answered InvalidAccessKeyId.NotFound (404): Specified access key is not found; check that the access key exists and is enabled; request id R-2");
    let small = r#"{"requestId":"R-3","code":"MissingSecurityToken","message":"no\ntoken"}"#;
    assert_snapshot!(refused([ScriptedResponse::answer(400, &[], small)]).await, @"Permanent: STS answered MissingSecurityToken (400): no token; the key is a temporary one, so set its token too; request id R-3");
}

#[tokio::test(start_paused = true)]
async fn a_wrong_secret_is_distinguished_from_a_changed_request() {
    let said =
        refused([refusal(400, "SignatureDoesNotMatch", &format!("{MISMATCH}{}", ours()))]).await;
    assert_snapshot!(said, @"Permanent: STS answered SignatureDoesNotMatch (400): Specified signature is not matched with our calculation; both signed the same text, so the access key's secret is wrong; request id R-1");
    let changed = ours().replace("signer", "other");
    let said =
        refused([refusal(400, "SignatureDoesNotMatch", &format!("{MISMATCH}{changed}"))]).await;
    assert_snapshot!(said, @"Permanent: STS answered SignatureDoesNotMatch (400): Specified signature is not matched with our calculation; STS signed another text, so something on the way changes requests; request id R-1");
    let xml = format!(
        "<Error><Code>SignatureDoesNotMatch</Code><Message>{MISMATCH}{}</Message></Error>",
        ours().replace('&', "&amp;")
    );
    assert_snapshot!(refused([ScriptedResponse::answer(400, &[], xml)]).await, @"Permanent: STS answered SignatureDoesNotMatch (400): Specified signature is not matched with our calculation; both signed the same text, so the access key's secret is wrong");
    let said = refused([refusal(400, "SignatureDoesNotMatch", "Not matched.")]).await;
    assert_snapshot!(said, @"Permanent: STS answered SignatureDoesNotMatch (400): Not matched; check the access key's secret; request id R-1");
}

#[tokio::test(start_paused = true)]
async fn an_error_does_not_repeat_secrets() {
    for message in [
        format!("String to Sign: {}", ours()),
        format!("We signed {}", ours()),
        "The token marker-base-token+1 is bad.".to_owned(),
        "The parameter SecurityToken=marker-base-token%2B1 is bad.".to_owned(),
        format!("用户 {MISMATCH}{}", ours()),
    ] {
        // `refused` searches for the marker.
        let said = refused([refusal(400, "InvalidSecurityToken.Malformed", &message)]).await;
        assert!(said.ends_with("; check that key and token belong together; request id R-1"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_response_that_is_not_from_sts_is_not_repeated() {
    let page = ScriptedResponse::answer(403, &[], "<html>marker</html>");
    assert_snapshot!(refused([page]).await, @"Temporary: the answer (403) is not one that STS writes; check the URL of STS and the proxies before it");
    let half =
        || ScriptedResponse::answer(200, &[], r#"{"Credentials":{"AccessKeySecret":"marker"#);
    assert_snapshot!(refused([half(), half(), half()]).await, @"Temporary: the answer (200) is not one that STS writes; check the URL of STS and the proxies before it");
    let cut = || ScriptedResponse::Error(SendError::Broken("connection reset".to_owned()));
    assert_snapshot!(refused([cut(), cut(), cut()]).await, @"Temporary: STS could not be reached: the connection broke (connection reset)");
    let long = refusal(400, "Long", &"word ".repeat(999));
    assert!(refused([long]).await.len() < 400);
}
