//! Tests the order of the checks: of several faults the earliest is reported.

use crate::support::form::{Form, NOW};
use crate::support::oss::Server;

/// A fault, and the error that a form with it gets.
type Fault = (fn(&mut Form), &'static str, &'static str);

/// The faults in the order of the checks. Each is reported although all later ones are present too.
const FAULTS: [Fault; 13] = [
    (|form| form.file_head.clear(), "MalformedPOSTRequest", "0006-00000109"),
    (|form| drop(form.take("key")), "InvalidArgument", ""),
    (|form| set(form, "x-oss-signature-version", "2"), "InvalidArgument", "0002-00000701"),
    (|form| set(form, "x-oss-signature", ""), "InvalidArgument", "0002-00000704"),
    (
        |form| replace(form, "x-oss-credential", "cn-hangzhou", "cn-beijing"),
        "InvalidArgument",
        "0002-00000715",
    ),
    (|form| set(form, "x-oss-date", "20241127T160000Z"), "InvalidArgument", "0002-00000709"),
    (
        |form| replace(form, "x-oss-credential", "0001", "0002"),
        "InvalidAccessKeyId",
        "0002-00000902",
    ),
    (|form| replace(form, "x-oss-signature", "a", "b"), "SignatureDoesNotMatch", "0002-00000705"),
    (|form| condition(form, &["[]"]), "InvalidPolicyDocument", "0006-00000216"),
    (|form| condition(form, &[r#"["eq","$key","other"]"#]), "AccessDenied", "0006-00000227"),
    (|form| set(form, "x-oss-object-acl", "public"), "InvalidArgument", ""),
    (
        |form| condition(form, &[r#"["content-length-range",0,3]"#]),
        "EntityTooLarge",
        "0006-00000003",
    ),
    (|form| set(form, "x-oss-forbid-overwrite", "true"), "FileAlreadyExists", ""),
];

fn set(form: &mut Form, name: &str, value: &str) {
    form.set(name, value);
}

fn replace(form: &mut Form, name: &str, from: &str, to: &str) {
    let value = form.take(name).replace(from, to);
    form.set(name, &value);
}

/// Adds a condition and signs the form again. This repairs later faults, so it comes before them.
fn condition(form: &mut Form, conditions: &[&str]) {
    form.allow(conditions);
}

#[tokio::test]
async fn the_error_is_that_of_the_earliest_fault() {
    let server = Server::start().await;
    assert_eq!(server.post(&Form::good()).await.status, 204);
    for first in 0..FAULTS.len() {
        let mut form = Form::good();
        // Later faults are added first, so that they are not repaired by an earlier one.
        for (spoil, _, _) in FAULTS[first..].iter().rev() {
            spoil(&mut form);
        }
        let (_, code, ec) = server.post(&form).await.refusal();
        assert_eq!((code.as_str(), ec.as_str()), (FAULTS[first].1, FAULTS[first].2), "{first}");
    }
    server.stop().await;
}

#[tokio::test]
async fn expiry_is_checked_after_the_signature_and_before_the_conditions() {
    let server = Server::start().await;
    server.clock.store(NOW + 3601, std::sync::atomic::Ordering::Relaxed);
    let mut form = Form::good();
    condition(&mut form, &[r#"["eq","$key","other"]"#]);
    assert_eq!(server.post(&form).await.refusal().2, "0006-00000213");
    replace(&mut form, "x-oss-signature", "a", "b");
    assert_eq!(server.post(&form).await.refusal().2, "0002-00000705");
    server.stop().await;
}

#[tokio::test]
async fn uncovered_v4_fields_are_checked_after_the_conditions() {
    let server = Server::start().await;
    let mut form = Form::good();
    let expiration = r#""expiration":"2024-11-27T07:09:41.000Z""#;
    form.sign(&format!(r#"{{{expiration},"conditions":[{{"bucket":"examplebucket"}}]}}"#));
    assert_eq!(server.post(&form).await.refusal().2, "0006-00000228");
    form.sign(&format!(r#"{{{expiration},"conditions":[{{"bucket":"other"}}]}}"#));
    assert_eq!(server.post(&form).await.refusal().2, "0006-00000227");
    server.stop().await;
}
