//! Tests the golden vectors of V4, requests that `ali-oss` signs with V1, and every error code of the
//! two places of a signature.

use http::Request;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::*;
use crate::dates;
use crate::oss::strictness::{SignatureCheck, Strictness};
use crate::ram::{Permissions, RamPolicy};

const PRESIGN: &str = include_str!("../../../../../tests/vectors/oss-v4-presign.json");
const MULTIPART: &str = include_str!("../../../../../tests/vectors/oss-v4-multipart.json");

const NOW: i64 = 1_732_687_781;
const TOKEN: &str = "CAISExampleToken/with+plus=and/slash==";

/// A request that a test changes before it is judged.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) method: String,
    /// The decoded key.
    pub(super) key: String,
    /// Decoded names and values.
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) bucket: LocalBucket,
    pub(super) keys: Vec<AccessKey>,
    pub(super) strictness: Strictness,
    pub(super) now: i64,
}

impl Case {
    /// The request of a positive vector, signed as the vector says.
    pub(super) fn of(vector: &Value) -> Self {
        let input = &vector["input"];
        let text = |name: &str| input[name].as_str().unwrap_or_default().to_owned();
        let mut case = Self {
            method: text("method"),
            key: text("key"),
            query: pairs(&input["query"]),
            headers: pairs(&input["headers"]),
            bucket: LocalBucket { name: text("bucket"), region: text("region") },
            keys: vec![AccessKey {
                security_token: input["security_token"].as_str().map(str::to_owned),
                ..AccessKey::new(text("access_key_id"), text("access_key_secret"))
            }],
            strictness: Strictness::default(),
            now: dates::parse_basic(&text("utc_time")).unwrap(),
        };
        let credential =
            format!("{}/{}", text("access_key_id"), vector["expected"]["scope"].as_str().unwrap());
        let signature = vector["expected"]["signature_hex"].as_str().unwrap();
        if vector["mode"] == "query" {
            case.sign_url(input, &credential, signature);
        } else {
            case.sign_header(input, &credential, signature);
        }
        case
    }

    fn sign_url(&mut self, input: &Value, credential: &str, signature: &str) {
        self.set_query("x-oss-signature-version", V4_VERSION);
        self.set_query("x-oss-credential", credential);
        self.set_query("x-oss-date", input["utc_time"].as_str().unwrap());
        self.set_query("x-oss-expires", &input["expires"].to_string());
        if let Some(token) = input["security_token"].as_str() {
            self.set_query(X_OSS_SECURITY_TOKEN, token);
        }
        let additional = additional(&input["additional_headers"]);
        if !additional.is_empty() {
            self.set_query("x-oss-additional-headers", &additional);
        }
        self.set_query("x-oss-signature", signature);
    }

    fn sign_header(&mut self, input: &Value, credential: &str, signature: &str) {
        self.set_header("x-oss-date", input["utc_time"].as_str().unwrap());
        self.set_header("x-oss-content-sha256", "UNSIGNED-PAYLOAD");
        if let Some(token) = input["security_token"].as_str() {
            self.set_header(X_OSS_SECURITY_TOKEN, token);
        }
        let additional = match additional(&input["additional_headers"]) {
            names if names.is_empty() => String::new(),
            names => format!(",AdditionalHeaders={names}"),
        };
        let value =
            format!("{V4_VERSION} Credential={credential}{additional},Signature={signature}");
        self.set_header("authorization", &value);
    }

    pub(super) fn set_query(&mut self, name: &str, value: &str) -> &mut Self {
        self.remove_query(name);
        self.query.push((name.to_owned(), value.to_owned()));
        self
    }

    fn remove_query(&mut self, name: &str) -> &mut Self {
        self.query.retain(|(one, _)| one != name);
        self
    }

    pub(super) fn set_header(&mut self, name: &str, value: &str) -> &mut Self {
        self.remove_header(name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    fn remove_header(&mut self, name: &str) -> &mut Self {
        self.headers.retain(|(one, _)| !one.eq_ignore_ascii_case(name));
        self
    }

    fn target(&self) -> String {
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let query: Vec<String> = self
            .query
            .iter()
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
            .collect();
        format!("/{}?{}", encode(&self.key), query.join("&"))
    }

    pub(super) fn try_it(&self) -> Result<RequestIdentity, OssError> {
        let mut builder = Request::builder().method(self.method.as_str()).uri(self.target());
        for (name, value) in &self.headers {
            builder = builder.header(name, value);
        }
        let (head, ()) = builder.body(()).unwrap().into_parts();
        let validator = Validator {
            bucket: &self.bucket,
            keys: &self.keys,
            strictness: &self.strictness,
            now: self.now,
        };
        identify(&validator, &head)
    }

    fn refused(&self) -> OssError {
        self.try_it().unwrap_err()
    }

    fn kind(&self) -> OssErrorKind {
        self.refused().kind()
    }
}

fn pairs(object: &Value) -> Vec<(String, String)> {
    let members = object.as_object().into_iter().flatten();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    members.map(|(name, value)| (name.clone(), text(value))).collect()
}

fn additional(names: &Value) -> String {
    let names = names.as_array().into_iter().flatten();
    let mut names: Vec<String> = names.map(|name| name.as_str().unwrap().to_lowercase()).collect();
    names.sort();
    names.join(";")
}

pub(super) fn vectors() -> Vec<Value> {
    let read = |text| serde_json::from_str::<Vec<Value>>(text).unwrap();
    read(PRESIGN).into_iter().chain(read(MULTIPART)).collect()
}

fn named(name: &str) -> Case {
    Case::of(vectors().iter().find(|vector| vector["name"] == name).unwrap())
}

#[test]
fn every_positive_vector_is_accepted() {
    let mut count = 0;
    for vector in vectors().iter().filter(|vector| vector["kind"] == "positive") {
        let case = Case::of(vector);
        let identity = case
            .try_it()
            .unwrap_or_else(|error| panic!("{}: {error} {:?}", vector["name"], error.children()));
        assert_eq!(identity.key_id(), vector["input"]["access_key_id"].as_str());
        count += 1;
    }
    assert_eq!(count, 51);
}

#[test]
fn the_urls_and_headers_of_the_vectors_are_accepted_as_they_are_written() {
    let mut count = 0;
    for vector in vectors() {
        let (input, expected) = (&vector["input"], &vector["expected"]);
        let case = || Case::of(&vector);
        if let Some(url) = expected["url"].as_str() {
            let rest = url.split_once("://").unwrap().1;
            let target = &rest[rest.find('/').unwrap()..];
            let mut builder =
                Request::builder().method(input["method"].as_str().unwrap()).uri(target);
            for (name, value) in pairs(&input["headers"]) {
                builder = builder.header(name, value);
            }
            let (head, ()) = builder.body(()).unwrap().into_parts();
            let case = case();
            let (bucket, keys, strictness) = (&case.bucket, &case.keys, &case.strictness);
            let validator = Validator { bucket, keys, strictness, now: case.now };
            assert!(identify(&validator, &head).unwrap().is_signed(), "{}", vector["name"]);
            count += 1;
        }
        for style in ["authorization", "authorization_oss2_style"] {
            if let Some(value) = expected[style].as_str() {
                assert!(case().set_header("authorization", value).try_it().is_ok(), "{style}");
                count += 1;
            }
        }
    }
    assert!(count > 50, "{count}");
}

#[test]
fn every_negative_vector_is_refused() {
    let all = vectors();
    let mut count = 0;
    for vector in all.iter().filter(|vector| vector["kind"] == "negative") {
        let base = all.iter().find(|one| one["name"] == vector["based_on"]).unwrap();
        let (mut case, received) = (Case::of(base), &vector["received"]);
        for (field, place) in [("method", &mut case.method), ("key", &mut case.key)] {
            if let Some(text) = received[field].as_str() {
                text.clone_into(place);
            }
        }
        if received["headers"].is_object() {
            case.headers = pairs(&received["headers"]);
        }
        if received["query"].is_object() {
            case.query = pairs(&received["query"]);
            case.set_query("x-oss-signature", received["signature_hex"].as_str().unwrap());
        }
        if received["expires"].is_i64() {
            case.set_query("x-oss-expires", &received["expires"].to_string());
        }
        // The vector names the host that the URL was signed for.
        if vector["name"] == "neg-head-host" {
            case.set_header("host", "other.example.com");
        }
        let error = case.refused();
        let expected = if vector["name"] == "neg-get-token" {
            OssErrorKind::KeyIdUnknown
        } else {
            OssErrorKind::RequestSignatureMismatch
        };
        assert_eq!(error.kind(), expected, "{}", vector["name"]);
        count += 1;
    }
    assert_eq!(count, 20);
}

#[test]
fn a_mismatch_shows_what_is_signed() {
    let mut case = named("put-content-type");
    case.keys = vec![AccessKey::new("LTAI5tExampleKeyId0001", "another")];
    let error = case.refused();
    let names: Vec<&str> = error.children().iter().map(|(name, _)| *name).collect();
    assert_eq!(
        names,
        [
            "OSSAccessKeyId",
            "SignatureProvided",
            "StringToSign",
            "StringToSignBytes",
            "CanonicalRequest"
        ]
    );
    let vectors = vectors();
    let vector = vectors.iter().find(|vector| vector["name"] == "put-content-type").unwrap();
    assert_eq!(error.children()[2].1, vector["expected"]["string_to_sign"].as_str().unwrap());
    assert_eq!(error.children()[4].1, vector["expected"]["canonical_request"].as_str().unwrap());
    assert!(error.reason().contains("content-type"), "{error}");
}

/// Parameters of a URL, what they are changed to, and the EC of the error.
const URL_FAULTS: &[(&str, Option<&str>, Option<&str>)] = &[
    ("x-oss-signature-version", Some("OSS2"), Some("0002-00000066")),
    ("x-oss-signature-version", None, None),
    ("x-oss-credential", None, None),
    ("x-oss-credential", Some("id"), Some("0002-00000224")),
    (
        "x-oss-credential",
        Some("/20241127/cn-hangzhou/oss/aliyun_v4_request"),
        Some("0002-00000224"),
    ),
    (
        "x-oss-credential",
        Some("a/2024112/cn-hangzhou/oss/aliyun_v4_request"),
        Some("0002-00000223"),
    ),
    (
        "x-oss-credential",
        Some("a/20241127/oss-cn-hangzhou/oss/aliyun_v4_request"),
        Some("0002-00000228"),
    ),
    (
        "x-oss-credential",
        Some("a/20241127/cn-hangzhou/s3/aliyun_v4_request"),
        Some("0002-00000224"),
    ),
    ("x-oss-credential", Some("a/20241127/cn-hangzhou/oss/aws4_request"), Some("0002-00000224")),
    (
        "x-oss-credential",
        Some("a/20241126/cn-hangzhou/oss/aliyun_v4_request"),
        Some("0002-00000223"),
    ),
    ("x-oss-date", None, None),
    ("x-oss-date", Some("2024-11-27T06:09:41Z"), None),
    ("x-oss-expires", None, Some("0002-00000215")),
    ("x-oss-expires", Some(""), Some("0002-00000216")),
    ("x-oss-expires", Some("0"), Some("0002-00000232")),
    ("x-oss-expires", Some("604801"), Some("0002-00000232")),
    ("x-oss-expires", Some("+60"), Some("0002-00000232")),
    ("x-oss-expires", Some("1h"), Some("0002-00000232")),
    ("x-oss-additional-headers", Some(""), Some("0002-00000076")),
    ("x-oss-additional-headers", Some("content-length"), Some("0002-00000077")),
    ("x-oss-additional-headers", Some("content-type"), Some("0002-00000077")),
    ("x-oss-signature", None, None),
    ("x-oss-signature", Some(""), None),
];

#[test]
fn the_parameters_of_a_url_have_their_error_codes() {
    for (name, value, ec) in URL_FAULTS.iter().copied() {
        let mut case = named("put-content-type");
        match value {
            Some(value) => case.set_query(name, value),
            None => case.remove_query(name),
        };
        let error = case.refused();
        assert_eq!((error.status(), error.code()), (400, "InvalidArgument"), "{name} {value:?}");
        assert_eq!(error.ec(), ec, "{name} {value:?}");
    }
}

#[test]
fn the_items_of_a_header_have_their_error_codes() {
    const SCOPE: &str = "20241127/cn-hangzhou/oss/aliyun_v4_request";
    for (items, ec) in [
        (format!("Credential=id,Signature={}", "0".repeat(64)), Some("0002-00000213")),
        (
            "Credential=a/x/cn-hangzhou/oss/aliyun_v4_request,Signature=0".to_owned(),
            Some("0002-00000212"),
        ),
        (
            "Credential=a/20241127/cn-x/oss/aliyun_v4_request,Signature=0".to_owned(),
            Some("0002-00000226"),
        ),
        (
            "Credential=a/20241127/cn-hangzhou/s3/aliyun_v4_request,Signature=0".to_owned(),
            Some("0002-00000227"),
        ),
        (
            format!("Credential=LTAI5tExampleKeyId0001/{SCOPE},AdditionalHeaders=,Signature=0"),
            Some("0002-00000209"),
        ),
        (
            format!(
                "Credential=LTAI5tExampleKeyId0001/{SCOPE},AdditionalHeaders=range,Signature=0"
            ),
            Some("0002-00000211"),
        ),
        (
            format!("Credential=LTAI5tExampleKeyId0001/{SCOPE},AdditionalHeaders=a_b,Signature=0"),
            Some("0002-00000211"),
        ),
        (format!("Credential=LTAI5tExampleKeyId0001/{SCOPE}"), None),
        ("Signature=0".to_owned(), None),
        ("Signature=0,Signature=0".to_owned(), None),
        ("Credential=a,Other=b,Signature=0".to_owned(), None),
        (String::new(), None),
    ] {
        let mut case = named("header-put");
        case.set_header("authorization", &format!("{V4_VERSION} {items}"));
        let error = case.refused();
        assert_eq!((error.status(), error.code()), (400, "InvalidArgument"), "{items}");
        assert_eq!(error.ec(), ec, "{items}");
    }
    let mut case = named("header-put");
    assert_eq!(case.set_header("x-oss-content-sha256", "00").refused().ec(), Some("0002-00000214"));
    let mut case = named("header-put");
    assert_eq!(case.remove_header("x-oss-date").kind(), OssErrorKind::DateHeaderInvalid);
    let mut case = named("header-put");
    case.set_header("authorization", "AWS4-HMAC-SHA256 Credential=a");
    assert_eq!(case.kind(), OssErrorKind::AuthorizationInvalid);
}

#[test]
fn a_url_is_valid_from_15_minutes_before_its_date_to_the_end_of_its_lifetime() {
    let at = |seconds: i64| {
        let mut case = named("put-content-type");
        let now = case.now + seconds;
        case.now = now;
        case.try_it().map_err(|error| error.kind())
    };
    let expires = 3600;
    assert_eq!(at(-901).unwrap_err(), OssErrorKind::UrlTooEarly);
    assert!(at(-900).is_ok() && at(expires).is_ok());
    assert_eq!(at(expires + 1).unwrap_err(), OssErrorKind::UrlExpired);
}

#[test]
fn the_date_of_a_header_may_differ_by_15_minutes() {
    for (seconds, is_right) in [(-901, false), (-900, true), (900, true), (901, false)] {
        let mut case = named("header-put");
        case.now += seconds;
        let result = case.try_it().map_err(|error| error.kind());
        assert_eq!(result.is_ok(), is_right, "{seconds}");
        assert!(is_right || result.unwrap_err() == OssErrorKind::TimeTooSkewed);
    }
}

#[test]
fn keys_and_tokens_are_checked_before_the_signature() {
    let mut case = named("get-basic");
    case.keys.clear();
    assert_eq!(case.kind(), OssErrorKind::KeyIdUnknown);
    let mut case = named("get-basic");
    assert_eq!(case.set_query(X_OSS_SECURITY_TOKEN, "x").kind(), OssErrorKind::TokenInvalid);
    let mut case = named("put-token-content-type");
    case.keys[0].expires_at = Some(case.now);
    assert_eq!(case.kind(), OssErrorKind::TokenExpired);
    let mut case = named("put-token-content-type");
    let token = case.keys[0].security_token.clone().unwrap();
    // A token in a header does not count for a URL.
    case.remove_query(X_OSS_SECURITY_TOKEN).set_header(X_OSS_SECURITY_TOKEN, &token);
    assert_eq!(case.kind(), OssErrorKind::KeyIdUnknown);
}

#[test]
fn a_request_without_a_signature_is_anonymous_and_one_with_two_is_refused() {
    let mut case = named("get-basic");
    case.query.clear();
    let identity = case.try_it().unwrap();
    assert!(!identity.is_signed() && identity.key_id().is_none());
    let error = identity.check("oss:GetObject", &case.bucket, "a").unwrap_err();
    assert_eq!(error.kind(), OssErrorKind::Anonymous);
    let mut case = named("get-basic");
    case.set_header("authorization", "OSS id:signature");
    assert_eq!(case.kind(), OssErrorKind::SignedTwice);
}

#[test]
fn a_permission_is_checked_for_the_object_and_the_bucket() {
    let policy = r#"{"Version":"1","Statement":[
        {"Effect":"Allow","Action":"oss:GetObject","Resource":"acs:oss:*:*:examplebucket/a/*"},
        {"Effect":"Allow","Action":"oss:ListMultipartUploads","Resource":"acs:oss:*:*:examplebucket"}]}"#;
    let mut case = named("get-basic");
    case.keys[0].permissions =
        Some(Permissions::default().restricted_by(RamPolicy::parse(policy).unwrap()));
    let identity = case.try_it().unwrap();
    let check = |action: &str, key: &str| {
        identity.check(action, &case.bucket, key).map_err(|error| error.kind())
    };
    assert_eq!(check("oss:GetObject", "a/b"), Ok(()));
    assert_eq!(check("oss:GetObject", "b"), Err(OssErrorKind::NoPermission));
    assert_eq!(check("oss:PutObject", "a/b"), Err(OssErrorKind::NoPermission));
    assert_eq!(check("oss:ListMultipartUploads", ""), Ok(()));
}

#[test]
fn without_the_secret_only_the_shape_of_a_signature_is_checked() {
    let mut case = named("get-basic");
    case.keys[0].secret = String::new();
    case.strictness.signature_check = SignatureCheck::Shape;
    assert!(case.try_it().is_ok());
    case.set_query("x-oss-signature", &"A".repeat(64));
    assert_eq!(case.kind(), OssErrorKind::RequestSignatureMismatch);
}

/// A request that `ali-oss` 6.23.0 signed with V1 at [`NOW`].
fn v1(method: &str, target: &str, signature: &str, headers: &[(&str, &str)]) -> Case {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut case = named("get-basic");
    method.clone_into(&mut case.method);
    path.trim_start_matches('/').clone_into(&mut case.key);
    case.query = RequestQuery::parse(Some(query))
        .unwrap()
        .iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    case.now = NOW;
    case.headers.clear();
    if !signature.is_empty() {
        case.set_header("authorization", &format!("OSS LTAI5tExampleKeyId0001:{signature}"));
        case.set_header("x-oss-date", "Wed, 27 Nov 2024 06:09:41 GMT");
    }
    for (name, value) in headers {
        case.set_header(name, value);
    }
    case
}

fn v1_header() -> Case {
    v1(
        "PUT",
        "/docs/a b+合.txt",
        "zB1dDWaH5zggl5eVXBN7rpnfveI=",
        &[
            ("content-md5", "XrY7u+Ae7tCTyyK7j1rNww=="),
            ("content-type", "text/plain"),
            ("x-oss-meta-author", "foo"),
        ],
    )
}

#[test]
fn requests_that_ali_oss_signs_with_v1_in_the_header_are_accepted() {
    let mp4 = ("content-type", "video/mp4");
    let part = "/videos/a.mp4?partNumber=2&uploadId=0004B9894A22E5B1888A1E29F8236E2D";
    for case in [
        v1_header(),
        v1("PUT", part, "9vi/xN+bHQHW9RZu69pVC5oPOeo=", &[mp4]),
        v1("POST", "/videos/a.mp4?uploads=", "HHRlLRcumYda/57brDzzz10UJts=", &[mp4]),
    ] {
        assert!(case.try_it().unwrap().is_signed(), "{}", case.key);
        let mut other = case.clone();
        other.key.push('x');
        assert_eq!(other.kind(), OssErrorKind::RequestSignatureMismatch);
    }
    let token = (X_OSS_SECURITY_TOKEN, TOKEN);
    for mut case in [
        v1(
            "GET",
            "/a.txt",
            "ifihSAUwaJZOj7T2MEjkEVSv+xY=",
            &[token, ("content-type", "text/plain")],
        ),
        v1("GET", "/?max-uploads=10&uploads=", "o4vkOZl+oJGzz0fRlK5et2fnyHY=", &[token]),
    ] {
        case.keys[0].security_token = Some(TOKEN.to_owned());
        assert!(case.try_it().unwrap().is_signed(), "{}", case.key);
        assert_eq!(case.remove_header(X_OSS_SECURITY_TOKEN).kind(), OssErrorKind::KeyIdUnknown);
    }
}

#[test]
fn urls_that_ali_oss_signs_with_v1_are_accepted_until_they_expire() {
    let id = "OSSAccessKeyId=LTAI5tExampleKeyId0001&Expires=1732691381";
    let disposition = "response-content-disposition=attachment%3B%20filename%3D%22a%20b.txt%22";
    let get = format!("/docs/合.txt?{id}&Signature=H5%2BnC0DqRXAUvE9uO3CfD8EmPjs%3D&{disposition}");
    let put = format!("/docs/put.txt?{id}&Signature=zV08M74DOIaizskwGvmyxHdOQaE%3D");
    let get = v1("GET", &get, "", &[]);
    assert!(get.try_it().unwrap().is_signed());
    assert!(v1("PUT", &put, "", &[("content-type", "text/plain")]).try_it().is_ok());
    let refused = v1("PUT", &put, "", &[]).kind();
    assert_eq!(refused, OssErrorKind::RequestSignatureMismatch);
    let with_token = format!(
        "/a.txt?{id}&Signature=k2YsP4j0lwwAZ7uUpmEVOMZuAzc%3D&x-oss-process=image%2Fresize%2Cw_200\
         &security-token=CAISExampleToken%2Fwith%2Bplus%3Dand%2Fslash%3D%3D"
    );
    let mut with_token = v1("GET", &with_token, "", &[]);
    with_token.keys[0].security_token = Some(TOKEN.to_owned());
    assert!(with_token.try_it().is_ok());
    let mut late = get.clone();
    late.now = 1_732_691_382;
    assert_eq!(late.refused().ec(), Some("0002-00000069"));
    let mut changed = get.clone();
    changed.set_query("response-content-disposition", "inline");
    assert_eq!(changed.kind(), OssErrorKind::RequestSignatureMismatch);
    // V1 does not sign a parameter that names no resource.
    let mut more = get.clone();
    assert!(more.set_query("utm", "1").try_it().is_ok());
    for name in ["OSSAccessKeyId", "Expires", "Signature"] {
        let mut case = get.clone();
        assert_eq!(case.remove_query(name).kind(), OssErrorKind::V1UrlIncomplete, "{name}");
    }
}

#[test]
fn v1_in_a_header_needs_a_date_near_the_clock_and_can_be_refused() {
    let mut case = v1_header();
    assert_eq!(case.remove_header("x-oss-date").kind(), OssErrorKind::DateHeaderInvalid);
    let mut case = v1_header();
    case.now += 901;
    assert_eq!(case.kind(), OssErrorKind::TimeTooSkewed);
    let mut case = v1_header();
    case.strictness.refuse_v1 = true;
    assert_eq!(case.kind(), OssErrorKind::V1Refused);
    for value in ["OSS ", "OSS id", "OSS :x", "OSS id:"] {
        let mut case = v1_header();
        case.set_header("authorization", value);
        assert_eq!(case.kind(), OssErrorKind::AuthorizationInvalid, "{value}");
    }
    let mut case = v1_header();
    case.strictness.signature_check = SignatureCheck::Shape;
    case.keys[0].secret = String::new();
    assert!(case.try_it().is_ok());
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    /// All accepted requests: the positive vectors, and those that `ali-oss` signed.
    fn accepted() -> Vec<Case> {
        let vectors = vectors();
        let positive = vectors.iter().filter(|vector| vector["kind"] == "positive");
        positive.map(Case::of).chain([v1_header()]).collect()
    }

    /// A change of something that every signature covers.
    #[derive(Clone, Debug)]
    enum Change {
        Method(&'static str),
        Key(String),
        Header(String, String),
        Parameter(usize, String),
        Secret(String),
        Bucket(String),
    }

    fn change() -> impl Strategy<Value = Change> {
        let text = "[a-zA-Z0-9/+=%~._ é-]{1,12}";
        prop_oneof![
            prop::sample::select(vec!["GET", "PUT", "POST", "HEAD", "DELETE"])
                .prop_map(Change::Method),
            text.prop_map(Change::Key),
            ("x-oss-[a-z-]{1,12}|content-type|content-md5", "[!-~]{1,12}")
                .prop_map(|(name, value)| Change::Header(name, value)),
            (any::<usize>(), text).prop_map(|(index, value)| Change::Parameter(index, value)),
            text.prop_map(Change::Secret),
            "[a-z0-9]{3,12}".prop_map(Change::Bucket),
        ]
    }

    /// Changes a case; returns whether it is another request now.
    fn applied(case: &mut Case, change: Change) -> bool {
        let before = format!("{:?}", (&case.method, &case.key, &case.query, &case.headers));
        match change {
            Change::Method(method) => method.clone_into(&mut case.method),
            Change::Key(key) => case.key = key,
            Change::Header(name, value) => {
                // This one chooses among the keys, and is no part of the signature in a URL.
                case.set_header(&name, &value);
            }
            Change::Parameter(index, value) => {
                let count = case.query.len();
                match case.query.get_mut(index % (count + 1)) {
                    Some((_, old)) => *old = value,
                    // V1 signs no parameter that names no resource.
                    None => case.query.push(("x-oss-other".to_owned(), value)),
                }
            }
            Change::Secret(secret) => {
                let is_other = case.keys[0].secret != secret;
                case.keys[0].secret = secret;
                return is_other;
            }
            Change::Bucket(bucket) => {
                let is_other = case.bucket.name != bucket;
                case.bucket.name = bucket;
                return is_other;
            }
        }
        format!("{:?}", (&case.method, &case.key, &case.query, &case.headers)) != before
    }

    proptest! {
        #[test]
        fn a_changed_request_is_refused(index in any::<prop::sample::Index>(), change in change()) {
            let cases = accepted();
            let mut case = index.get(&cases).clone();
            prop_assert!(case.try_it().is_ok());
            if applied(&mut case, change.clone()) {
                prop_assert!(case.try_it().is_err(), "{change:?} {case:?}");
            }
        }

        #[test]
        fn another_length_is_refused_where_the_length_is_signed(length in 0_u64..1 << 40) {
            let mut case = named("mp-part-length");
            prop_assume!(length != 8_388_608);
            case.set_header("content-length", &length.to_string());
            prop_assert_eq!(case.kind(), OssErrorKind::RequestSignatureMismatch);
        }

        #[test]
        fn no_request_causes_a_panic(
            method in "[A-Z]{1,8}",
            query in "[!-~]{0,80}",
            names in prop::collection::vec("x-oss-[a-z-]{1,12}|date|authorization|host", 0..4),
            value in "(OSS|OSS4-HMAC-SHA256|) [ -~]{0,40}",
        ) {
            let target = format!("/{}", query.replace(['#', '<', '>', '"', '`', '{', '}', '|', '\\', '^'], ""));
            let Ok(uri) = target.parse::<http::Uri>() else { return Ok(()) };
            let mut builder = Request::builder().method(method.as_str()).uri(uri);
            for name in names {
                builder = builder.header(name, value.as_str());
            }
            let (head, ()) = builder.body(()).unwrap().into_parts();
            let case = named("get-basic");
            let (bucket, keys, strictness) = (&case.bucket, &case.keys, &case.strictness);
            let _ = identify(&Validator { bucket, keys, strictness, now: case.now }, &head);
        }
    }
}
