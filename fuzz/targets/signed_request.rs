//! The head of a signed request: no input causes a panic, a request that is accepted with its secret is
//! also accepted where only the shape of the signature is checked, and with another secret no signed
//! request is accepted.
//!
//! Input: the method, a space and the target, and then header lines (`name: value`).

use http::{HeaderName, HeaderValue, Method, Request, Uri};
use oss_emulator::hosts::AllowedHosts;
use oss_emulator::oss::{
    AccessKey, LocalBucket, OssError, SignatureCheck, Strictness, UploadValidator, ValidRequest,
};

/// The moment of the signatures in the corpus: 2024-11-27T06:09:41Z.
const NOW: i64 = 1_732_687_781;
const KEY_ID: &str = "LTAI5tExampleKeyId0001";
const SECRET: &str = "ExampleSecretKey/abcDEF+0123456789=";

/// Runs one input.
pub(crate) fn run(input: &[u8]) {
    let Some(head) = std::str::from_utf8(input).ok().and_then(head) else {
        return;
    };
    let Ok(valid) = judge(&head, SECRET, SignatureCheck::Value) else {
        return;
    };
    let by_shape = judge(&head, "", SignatureCheck::Shape).map_err(|error| error.kind());
    assert_eq!(by_shape.as_ref(), Ok(&valid));
    let by_another = judge(&head, "another", SignatureCheck::Value);
    assert_eq!(by_another.is_ok(), valid.key_id.is_none());
}

fn head(text: &str) -> Option<http::request::Parts> {
    let mut lines = text.lines();
    let (method, target) = lines.next()?.split_once(' ')?;
    let mut request = Request::new(());
    *request.method_mut() = Method::from_bytes(method.as_bytes()).ok()?;
    *request.uri_mut() = Uri::try_from(target).ok()?;
    for line in lines {
        let (name, value) = line.split_once(':')?;
        let name = HeaderName::try_from(name).ok()?;
        request.headers_mut().append(name, HeaderValue::try_from(value.trim()).ok()?);
    }
    Some(request.into_parts().0)
}

fn judge(
    head: &http::request::Parts,
    secret: &str,
    signature_check: SignatureCheck,
) -> Result<ValidRequest, OssError> {
    let bucket = LocalBucket { name: "examplebucket".to_owned(), region: "cn-hangzhou".to_owned() };
    let validator = UploadValidator {
        buckets: &[bucket],
        hosts: &AllowedHosts::default(),
        keys: &[AccessKey::new(KEY_ID, secret)],
        strictness: &Strictness { signature_check, ..Strictness::default() },
        now: NOW,
    };
    validator.validate_head(head)
}
