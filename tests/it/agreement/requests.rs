//! The signer of URLs and headers and the judge agree on random requests: what the signer signs is
//! accepted, and no part that was signed can be changed.

use std::time::Duration;

use http::Request;
use oss_emulator::hosts::AllowedHosts;
use oss_emulator::oss::{AccessKey, LocalBucket, OssErrorKind, Strictness, UploadValidator};
use oss_upload_signer::secret::Secret;
use oss_upload_signer::signing::request::{OssRequest, RequestSigner, object_path};
use oss_upload_signer::signing::v4::V4Signer;
use oss_upload_signer::time::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;

use crate::support::form::{BUCKET, KEY_ID, NOW, REGION, SECRET};

/// A request as the signer and the judge see it.
#[derive(Clone, Debug)]
struct Sent {
    method: &'static str,
    key: String,
    /// Names and values; an empty value is a bare name.
    query: Vec<(String, String)>,
    /// The signed headers.
    headers: Vec<(String, String)>,
    /// The headers that are signed in addition.
    additional: Vec<(String, String)>,
}

fn sent() -> impl Strategy<Value = Sent> {
    let key = "[a-z/ +%~é图.-]{0,12}[a-z]";
    let value = "[ -~é]{0,10}";
    let names = vec!["uploadId", "partNumber", "response-content-type", "prefix", "x-oss-process"];
    let query = prop::collection::btree_map(prop::sample::select(names), value, 0..3);
    let header = prop_oneof!["x-oss-meta-[a-z]{1,4}", Just("content-type".to_owned())];
    let headers = prop::collection::btree_map(header, "[!-~]{1,8}( [!-~]{1,8})?", 0..3);
    let additional = prop::sample::subsequence(vec!["content-length", "host", "range"], 0..=3);
    let methods = prop::sample::select(vec!["GET", "PUT", "HEAD", "DELETE"]);
    (methods, key, query, headers, additional).prop_map(
        |(method, key, query, headers, additional)| Sent {
            method,
            key,
            query: query.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            headers: headers.into_iter().collect(),
            additional: additional
                .into_iter()
                .map(|name| (name.to_owned(), if name == "host" { HOST } else { "17" }.to_owned()))
                .collect(),
        },
    )
}

const HOST: &str = "examplebucket.oss-cn-hangzhou.aliyuncs.com";

/// The parts of a signature: the query of a URL, or headers.
enum Signature {
    Url(String),
    Headers(Vec<(&'static str, String)>),
}

impl Sent {
    fn sign(&self, in_url: bool) -> Signature {
        let secret = Secret::new(SECRET);
        let signer = RequestSigner::new(V4Signer {
            key_id: KEY_ID,
            secret: &secret,
            token: None,
            region: REGION,
            now: Timestamp::from_unix(NOW).unwrap(),
        });
        let query: Vec<(&str, Option<&str>)> = self
            .query
            .iter()
            .map(|(name, value)| (name.as_str(), Some(value.as_str()).filter(|v| !v.is_empty())))
            .collect();
        let headers: Vec<(&str, &str)> = self
            .headers
            .iter()
            .chain(&self.additional)
            .map(|(n, v)| (n.as_str(), v.as_str()))
            .collect();
        let additional: Vec<&str> = self.additional.iter().map(|(name, _)| name.as_str()).collect();
        let request = OssRequest {
            query: &query,
            headers: &headers,
            additional_headers: &additional,
            ..OssRequest::new(self.method, BUCKET, &self.key)
        };
        if in_url {
            Signature::Url(signer.presign(&request, Duration::from_hours(1)).to_string())
        } else {
            Signature::Headers(signer.sign_headers(&request))
        }
    }

    /// Has the judge look at this request with that signature.
    fn judge(&self, signature: &Signature) -> Result<(), OssErrorKind> {
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let query: Vec<String> =
            self.query.iter().map(|(n, v)| format!("{}={}", encode(n), encode(v))).collect();
        let mut target = object_path(&self.key);
        target.push('?');
        target.push_str(&match signature {
            // The URL holds the whole query, as it was signed; the request's own parameters replace it.
            Signature::Url(url) => own(url).chain(query).collect::<Vec<_>>().join("&"),
            Signature::Headers(_) => query.join("&"),
        });
        let mut request = Request::builder().method(self.method).uri(target);
        let signed = match signature {
            Signature::Url(_) => &[][..],
            Signature::Headers(headers) => headers.as_slice(),
        };
        for (name, value) in self.headers.iter().chain(&self.additional) {
            request = request.header(name, value);
        }
        for (name, value) in signed {
            request = request.header(*name, value);
        }
        if !self.additional.iter().any(|(name, _)| name == "host") {
            request = request.header("host", HOST);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        let validator = UploadValidator {
            buckets: &[LocalBucket { name: BUCKET.to_owned(), region: REGION.to_owned() }],
            hosts: &AllowedHosts::default(),
            keys: &[AccessKey::new(KEY_ID, SECRET)],
            strictness: &Strictness::default(),
            now: NOW,
        };
        validator.validate_head(&head).map(|_| ()).map_err(|error| error.kind())
    }
}

/// Returns the parameters of a signed URL that belong to the signature.
fn own(url: &str) -> impl Iterator<Item = String> {
    const NAMES: [&str; 6] = [
        "x-oss-additional-headers=",
        "x-oss-credential=",
        "x-oss-date=",
        "x-oss-expires=",
        "x-oss-signature",
        "x-oss-security-token=",
    ];
    let is_own = |item: &&str| NAMES.iter().any(|name| item.starts_with(name));
    url.split('&').filter(is_own).map(str::to_owned).collect::<Vec<_>>().into_iter()
}

/// Changes one part. Returns `false` where the request has no such part.
fn change(sent: &mut Sent, part: usize, text: &str) -> bool {
    let extend_first = |pairs: &mut Vec<(String, String)>| match pairs.first_mut() {
        Some((_, value)) => {
            value.push_str(text);
            true
        }
        None => false,
    };
    match part {
        0 => sent.key.push_str(text),
        1 => sent.method = if sent.method == "PUT" { "GET" } else { "PUT" },
        2 => return extend_first(&mut sent.query),
        3 => return extend_first(&mut sent.headers),
        4 => {
            sent.additional.retain(|(name, _)| name != "host");
            return extend_first(&mut sent.additional);
        }
        5 => sent.headers.push((format!("x-oss-meta-new{}", text.len()), text.to_owned())),
        6 => sent.query.push(("another".to_owned(), text.to_owned())),
        7 => return sent.headers.pop().is_some(),
        _ => return sent.query.pop().is_some(),
    }
    true
}

proptest! {
    #[test]
    fn what_the_signer_signs_the_judge_accepts_and_no_part_can_be_changed(
        sent in sent(),
        in_url in any::<bool>(),
        part in 0_usize..9,
        text in "[a-z0-9]{1,6}",
    ) {
        let signature = sent.sign(in_url);
        prop_assert_eq!(sent.judge(&signature), Ok(()));
        let mut changed = sent.clone();
        if change(&mut changed, part, &text) {
            let refusal = changed.judge(&signature);
            let is_absent = matches!(
                refusal,
                Err(OssErrorKind::UrlNameAbsent | OssErrorKind::HeaderNameAbsent)
            );
            prop_assert!(
                is_absent || refusal == Err(OssErrorKind::RequestSignatureMismatch),
                "{refusal:?} {changed:?}"
            );
        }
    }
}
