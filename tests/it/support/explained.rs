//! Compares the verdict of `explain` on a request with the response of the local OSS, with the keys and
//! without them.

use oss_emulator::oss::Options;
use oss_upload::explain::{View, explain};
use oss_upload::language::Language;
use oss_upload_signer::time::Timestamp;

use crate::support::oss::Reply;

/// Codes that do not depend on the request alone: on other requests, on the connection, on the machine
/// that the local OSS runs on, on the bucket being there, or on the keys that exist.
const OF_THE_SERVER: [&str; 10] = [
    "InvalidAccessKeyId",
    "FileAlreadyExists",
    "CallbackFailed",
    "IncompleteBody",
    "RequestTimeout",
    "MisdirectedRequest",
    "AccessForbidden",
    "NoSuchBucket",
    "TransferAccelerationDisabled",
    "InternalError",
];

/// Codes and ECs that depend on the secret, the token or the permissions of a key.
const OF_THE_KEYS: [&str; 5] = [
    "SignatureDoesNotMatch",
    "InvalidSecurityToken",
    "AccessKeyIdAndSecurityTokenNotMatch",
    "SecurityTokenExpired",
    "0003-00000001",
];

/// Fails unless `explain` gives the code and the EC that the local OSS responded with.
pub(crate) async fn agrees(options: &Options, now: i64, request: &[u8], reply: &Reply) {
    let (code, ec) = (reply.child("Code"), reply.child("EC"));
    let is_error = !code.is_empty();
    if OF_THE_SERVER.contains(&code.as_str()) {
        return;
    }
    let keys = options.ring.all().iter().chain(&options.keys).cloned().collect();
    let with_keys = View { keys, ..view(options, now, request) };
    let expected = is_error.then(|| (code.clone(), ec.clone()));
    assert_eq!(verdict(request, &with_keys).await, expected, "with the keys");
    if !OF_THE_KEYS.iter().any(|one| *one == code || *one == ec) {
        let keyless = view(options, now, request);
        assert_eq!(verdict(request, &keyless).await, expected, "without the keys");
    }
}

/// Fails unless `explain` gives the code and the EC that the local OSS responded to a signed request with.
/// It does not know the body and the objects, so for it other requests are in order.
pub(crate) async fn agrees_on_signature(
    options: &Options,
    now: i64,
    request: &[u8],
    reply: &Reply,
) {
    let head =
        String::from_utf8_lossy(request).split("\r\n\r\n").next().unwrap_or_default().to_owned();
    let is_signed =
        head.contains("ignature=") || head.to_ascii_lowercase().contains("authorization: oss");
    if !is_signed || head.starts_with("OPTIONS ") || head.starts_with("HEAD ") {
        return;
    }
    let is_error = reply.header("content-type") == "application/xml";
    let (code, ec) = if is_error {
        (reply.child("Code"), reply.child("EC"))
    } else {
        (String::new(), String::new())
    };
    if OF_THE_SERVER.contains(&code.as_str()) {
        return;
    }
    let is_of_head = ec.starts_with("0002-") || ec == "0003-00000001" || code == "NotImplemented";
    let expected = is_of_head.then(|| (code.clone(), ec.clone()));
    let keys = options.ring.all().iter().chain(&options.keys).cloned().collect();
    let with_keys = View { keys, ..view(options, now, request) };
    assert_eq!(verdict(request, &with_keys).await, expected, "with the keys: {head}");
    if !OF_THE_KEYS.iter().any(|one| *one == code || *one == ec) {
        let keyless = view(options, now, request);
        assert_eq!(verdict(request, &keyless).await, expected, "without the keys: {head}");
    }
}

fn view(options: &Options, now: i64, request: &[u8]) -> View {
    let head = String::from_utf8_lossy(request.split(|byte| *byte == 0).next().unwrap_or_default());
    let host = head.lines().find_map(|line| line.strip_prefix("Host: ")).unwrap_or_default();
    let bucket =
        options.buckets.iter().find(|bucket| host.starts_with(&format!("{}.", bucket.name)));
    let bucket = bucket.or(options.buckets.first());
    View {
        language: Language::En,
        now: Timestamp::from_unix(now).unwrap(),
        is_fixed: true,
        bucket: bucket.map(|bucket| bucket.name.clone()),
        region: bucket.map(|bucket| bucket.region.clone()),
        keys: Vec::new(),
        strictness: options.strictness.clone(),
    }
}

async fn verdict(request: &[u8], view: &View) -> Option<(String, String)> {
    let explanation = explain(request, view).await.unwrap();
    assert_eq!(explanation.verdicts.len(), 1, "{:?}", explanation.lines);
    let error = explanation.verdicts.first().unwrap().as_ref()?;
    Some((error.code().to_owned(), error.ec().unwrap_or_default().to_owned()))
}
