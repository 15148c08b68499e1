//! Tests every error code of family 0002 that concerns a form, and the golden vectors.

use serde_json::Value;

use super::*;
use crate::dates;
use crate::keys::AccessKey;
use crate::oss::options::LocalBucket;
use crate::oss::strictness::{SignatureCheck, Strictness};

const VECTORS: &str = include_str!("../../../../../../tests/vectors/post-v4.json");

/// The fields of the first vector, which a test then changes.
#[derive(Clone)]
struct Case {
    fields: Vec<(String, String)>,
    bucket: LocalBucket,
    keys: Vec<AccessKey>,
    strictness: Strictness,
    now: i64,
}

impl Case {
    fn of(vector: &Value) -> Self {
        let input = |name: &str| vector["input"][name].as_str().map(str::to_owned);
        let now = input("utc_time").and_then(|text| dates::parse_basic(&text));
        Self {
            fields: Vec::new(),
            bucket: LocalBucket {
                name: input("bucket").unwrap_or_default(),
                region: input("region").unwrap_or_default(),
            },
            keys: vec![AccessKey {
                security_token: input("security_token"),
                ..AccessKey::new(
                    input("access_key_id").unwrap(),
                    input("access_key_secret").unwrap(),
                )
            }],
            strictness: Strictness::default(),
            now: now.unwrap_or_default(),
        }
    }

    fn basic() -> Self {
        let vector = &vectors()[0];
        let mut case = Self::of(vector);
        for field in vector["v4_form_fields"].as_array().unwrap() {
            case.set(field[0].as_str().unwrap(), field[1].as_str().unwrap());
        }
        case
    }

    fn v1() -> Self {
        let vector = &vectors()[0];
        let mut case = Self::of(vector);
        let expected = |name: &str| vector["expected"][name].as_str().unwrap();
        case.set("policy", expected("policy_base64"));
        case.set("OSSAccessKeyId", vector["input"]["access_key_id"].as_str().unwrap());
        case.set("Signature", expected("v1_signature_base64"));
        case
    }

    fn set(&mut self, name: &str, value: &str) -> &mut Self {
        self.fields.retain(|(one, _)| one != name);
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    fn remove(&mut self, name: &str) -> &mut Self {
        self.fields.retain(|(one, _)| one != name);
        self
    }

    fn try_it(&self) -> Result<PostSignatureVersion, OssError> {
        let mut form = UploadForm::new(&self.strictness);
        for (name, value) in &self.fields {
            form.push(name, value.clone(), &self.strictness)?;
        }
        let validator = Validator {
            bucket: &self.bucket,
            keys: &self.keys,
            strictness: &self.strictness,
            now: self.now,
        };
        authenticate(&validator, &form).map(|signed| signed.version)
    }

    fn kind(&self) -> OssErrorKind {
        self.try_it().unwrap_err().kind()
    }
}

fn vectors() -> Vec<Value> {
    serde_json::from_str(VECTORS).unwrap()
}

#[test]
fn every_positive_vector_is_accepted() {
    let mut seen = 0;
    for vector in vectors() {
        let mut case = Case::of(&vector);
        match vector["kind"].as_str().unwrap() {
            "positive" => {
                for field in vector["v4_form_fields"].as_array().unwrap() {
                    case.set(field[0].as_str().unwrap(), field[1].as_str().unwrap());
                }
                assert_eq!(case.try_it().unwrap(), PostSignatureVersion::V4, "{}", vector["name"]);
                seen += 1;
            }
            "negative" => continue,
            _ => {}
        }
        if let Some(signature) = vector["expected"]["v1_signature_base64"].as_str() {
            let mut case = Case::of(&vector);
            case.set("policy", vector["expected"]["policy_base64"].as_str().unwrap());
            case.set("OSSAccessKeyId", vector["input"]["access_key_id"].as_str().unwrap());
            if let Some(token) = vector["input"]["security_token"].as_str() {
                case.set("x-oss-security-token", token);
            }
            case.set("Signature", signature);
            assert_eq!(case.try_it().unwrap(), PostSignatureVersion::V1, "{}", vector["name"]);
            seen += 1;
        }
    }
    assert!(seen >= 10, "{seen}");
}

#[test]
fn every_negative_vector_is_refused_as_a_wrong_signature() {
    let negative: Vec<Value> =
        vectors().into_iter().filter(|vector| vector["kind"] == "negative").collect();
    assert!(!negative.is_empty());
    for vector in negative {
        let mut case = Case::basic();
        assert_eq!(vector["based_on"], vectors()[0]["name"]);
        let wrong = &vector["wrong_value"];
        case.set(wrong["field"].as_str().unwrap(), wrong["value"].as_str().unwrap());
        let error = case.try_it().unwrap_err();
        assert_eq!(error.kind(), OssErrorKind::SignatureMismatch, "{}", vector["name"]);
        assert_eq!(error.ec(), Some("0002-00000705"));
    }
}

#[test]
fn the_error_for_a_wrong_signature_has_the_string_to_sign() {
    let mut case = Case::basic();
    case.set("policy", "YQ==");
    let error = case.try_it().unwrap_err();
    let names: Vec<&str> = error.children().iter().map(|child| child.0).collect();
    assert_eq!(names, ["OSSAccessKeyId", "SignatureProvided", "StringToSign", "StringToSignBytes"]);
    assert_eq!(error.children()[2].1, "YQ==");
    assert_eq!(error.children()[3].1, "59 51 3D 3D ");
    assert!(!error.reason().contains("YQ=="));
}

#[test]
fn a_signature_in_upper_case_hex_is_wrong() {
    let mut case = Case::basic();
    let signature = case.fields.iter().find(|field| field.0 == "x-oss-signature");
    let upper = signature.unwrap().1.to_uppercase();
    assert_eq!(case.set("x-oss-signature", &upper).kind(), OssErrorKind::SignatureMismatch);
}

#[test]
fn a_form_without_any_of_the_fields_is_anonymous() {
    let mut case = Case::basic();
    case.fields.clear();
    assert_eq!(case.set("key", "a").kind(), OssErrorKind::Anonymous);
}

#[test]
fn an_unknown_signature_version_is_refused() {
    for version in ["2", "OSS2", "OSS4-HMAC-SHA1", ""] {
        let mut case = Case::basic();
        let error = case.set("x-oss-signature-version", version).try_it().unwrap_err();
        assert_eq!(error.ec(), Some("0002-00000701"), "{version}");
        assert_eq!(error.code(), "InvalidArgument");
    }
}

#[test]
fn a_missing_or_empty_policy_is_refused() {
    assert_eq!(Case::basic().remove("policy").kind(), OssErrorKind::PolicyMissing);
    assert_eq!(Case::basic().set("policy", "").kind(), OssErrorKind::PolicyMissing);
    assert_eq!(Case::v1().remove("policy").kind(), OssErrorKind::PolicyMissing);
}

#[test]
fn a_missing_and_an_empty_signature_differ() {
    for (mut case, name) in [(Case::basic(), "x-oss-signature"), (Case::v1(), "Signature")] {
        let error = case.set(name, "").try_it().unwrap_err();
        assert_eq!(error.kind(), OssErrorKind::SignatureEmpty);
        assert_eq!(error.message(), "Post request signature is empty.");
        assert_eq!(case.remove(name).kind(), OssErrorKind::SignatureMissing);
    }
}

#[test]
fn a_signature_in_the_other_versions_field_is_a_mismatch() {
    let mut v4 = Case::basic();
    v4.remove("x-oss-signature").set("Signature", "x");
    assert_eq!(v4.kind(), OssErrorKind::SignatureMismatch);
    let mut v1 = Case::v1();
    v1.remove("Signature").set("x-oss-signature", "x");
    assert_eq!(v1.kind(), OssErrorKind::SignatureMismatch);
}

#[test]
fn a_v4_form_without_its_version_is_treated_as_v1() {
    let error = Case::basic().remove("x-oss-signature-version").try_it().unwrap_err();
    assert_eq!(error.ec(), Some("0002-00000706"));
    assert_eq!(
        error.message(),
        "The bucket POST must contain the specified 'OSSAccessKeyId'. If it is specified, please \
         check the order of the fields"
    );
    assert_eq!(error.children()[0], ("ArgumentName", "OSSAccessKeyId".to_owned()));
    assert!(error.reason().contains("x-oss-signature-version"));
}

#[test]
fn a_missing_and_an_empty_key_id_differ() {
    assert_eq!(Case::v1().remove("OSSAccessKeyId").kind(), OssErrorKind::KeyIdMissing);
    let error = Case::v1().set("OSSAccessKeyId", "").try_it().unwrap_err();
    assert_eq!(error.ec(), Some("0002-00000707"));
    assert_eq!(error.message(), "Post request accessKeyId is empty.");
    assert_eq!(Case::basic().remove("x-oss-credential").kind(), OssErrorKind::KeyIdMissing);
    assert_eq!(Case::basic().set("x-oss-credential", "").kind(), OssErrorKind::KeyIdEmpty);
}

#[test]
fn each_fault_of_the_credential_has_its_error() {
    for (credential, kind) in [
        ("/20241127/cn-hangzhou/oss/V4", OssErrorKind::KeyIdEmpty),
        ("a b/20241127/cn-hangzhou/oss/V4", OssErrorKind::KeyIdIllegal),
        ("é/20241127/cn-hangzhou/oss/V4", OssErrorKind::KeyIdIllegal),
        ("a/20241127/cn-hangzhou/oss/aws4_request", OssErrorKind::TerminatorInvalid),
        ("a", OssErrorKind::TerminatorInvalid),
        ("a/20241127/cn-hangzhou/V4", OssErrorKind::CredentialInvalid),
        ("a/b/20241127/cn-hangzhou/oss/V4", OssErrorKind::CredentialInvalid),
        ("a/2024-11-27/cn-hangzhou/oss/V4", OssErrorKind::DateInvalid),
        ("a/20241327/cn-hangzhou/oss/V4", OssErrorKind::DateInvalid),
        ("a/20241127/cn-beijing/oss/V4", OssErrorKind::RegionInvalid),
        ("a/20241127/cn-hangzhou/s3/V4", OssErrorKind::CredentialInvalid),
    ] {
        let credential = credential.replace("V4", "aliyun_v4_request");
        let mut case = Case::basic();
        let error = case.set("x-oss-credential", &credential).try_it().unwrap_err();
        assert_eq!(error.kind(), kind, "{credential}");
        assert_eq!(error.children()[0].1, "x-oss-credential");
        assert_eq!(error.children()[1].1, credential);
    }
}

#[test]
fn a_wrong_region_is_its_own_error_with_the_whole_credential() {
    let credential = "LTAI5tExampleKeyId0001/20241127/oss-cn-hangzhou/oss/aliyun_v4_request";
    let error = Case::basic().set("x-oss-credential", credential).try_it().unwrap_err();
    assert_eq!((error.status(), error.code()), (400, "InvalidArgument"));
    assert_eq!(error.ec(), Some("0002-00000715"));
    assert_eq!(error.message(), "The signing region in credential is invalid.");
    assert_eq!(error.children()[1], ("ArgumentValue", credential.to_owned()));
    assert!(error.reason().contains("without oss-"));
}

#[test]
fn a_missing_or_malformed_date_field_is_refused() {
    assert_eq!(Case::basic().remove("x-oss-date").kind(), OssErrorKind::DateFieldInvalid);
    for date in ["", "20241127", "2024-11-27T06:09:41Z", "20241127T060941"] {
        assert_eq!(Case::basic().set("x-oss-date", date).kind(), OssErrorKind::DateFieldInvalid);
    }
}

#[test]
fn a_date_field_of_another_day_than_the_credential_is_refused() {
    let error = Case::basic().set("x-oss-date", "20241126T235959Z").try_it().unwrap_err();
    assert_eq!(error.ec(), Some("0002-00000709"));
}

#[test]
fn a_date_may_be_15_minutes_ahead_and_7_days_behind() {
    let mut case = Case::basic();
    let signed_at = case.now;
    for (now, good) in [
        (signed_at - 900, true),
        (signed_at - 901, false),
        (signed_at + 7 * 86_400, true),
        (signed_at + 7 * 86_400 + 1, false),
        (i64::MIN, false),
        (i64::MAX, false),
    ] {
        case.now = now;
        let result = case.try_it().map_err(|error| error.kind());
        assert_eq!(result.err(), (!good).then_some(OssErrorKind::DateInvalid), "{now}");
    }
}

#[test]
fn the_two_date_windows_are_settings() {
    let mut case = Case::basic();
    case.strictness.date_behind = 900;
    case.strictness.date_ahead = 0;
    case.now += 901;
    assert_eq!(case.kind(), OssErrorKind::DateInvalid);
    case.now -= 902;
    assert_eq!(case.kind(), OssErrorKind::DateInvalid);
}

#[test]
fn an_unknown_key_id_is_refused_with_the_id() {
    let mut case = Case::basic();
    case.keys[0].id = "other".to_owned();
    let error = case.try_it().unwrap_err();
    assert_eq!((error.status(), error.code()), (403, "InvalidAccessKeyId"));
    assert_eq!(error.ec(), Some("0002-00000902"));
    assert_eq!(
        error.message(),
        "The OSS Access Key Id you provided does not exist in our records."
    );
    let id = ("OSSAccessKeyId", "LTAI5tExampleKeyId0001".to_owned());
    assert_eq!(error.children(), [id]);
}

#[test]
fn a_temporary_key_without_its_token_is_unknown() {
    let mut case = Case::basic();
    case.keys[0].security_token = Some("token".to_owned());
    assert_eq!(case.kind(), OssErrorKind::KeyIdUnknown);
    assert_eq!(case.set("x-oss-security-token", "").kind(), OssErrorKind::KeyIdUnknown);
    case.set("x-oss-security-token", "token");
    assert!(case.try_it().is_ok());
}

#[test]
fn a_wrong_token_a_foreign_token_and_an_expired_one_differ() {
    let mut case = Case::basic();
    case.keys[0].security_token = Some("token".to_owned());
    let mut foreign = case.keys[0].clone();
    foreign.id = "other".to_owned();
    foreign.security_token = Some("foreign".to_owned());
    case.keys.push(foreign);
    case.set("x-oss-security-token", "tokem");
    assert_eq!(case.try_it().unwrap_err().code(), "InvalidSecurityToken");
    case.set("x-oss-security-token", "foreign");
    let error = case.try_it().unwrap_err();
    assert_eq!(error.code(), "AccessKeyIdAndSecurityTokenNotMatch");
    case.set("x-oss-security-token", "token");
    case.keys[0].expires_at = Some(case.now);
    let error = case.try_it().unwrap_err();
    assert_eq!((error.status(), error.code()), (403, "SecurityTokenExpired"));
    case.keys[0].expires_at = Some(case.now + 1);
    assert!(case.try_it().is_ok());
}

#[test]
fn a_long_term_key_accepts_no_token_except_an_empty_one() {
    let mut case = Case::basic();
    assert!(case.set("x-oss-security-token", "").try_it().is_ok());
    assert_eq!(case.set("x-oss-security-token", "x").kind(), OssErrorKind::TokenInvalid);
}

#[test]
fn v4_works_when_v1_is_refused() {
    let mut case = Case::v1();
    case.strictness.refuse_v1 = true;
    let error = case.try_it().unwrap_err();
    assert_eq!((error.status(), error.ec()), (403, Some("0002-00000080")));
    let mut case = Case::basic();
    case.strictness.refuse_v1 = true;
    assert_eq!(case.try_it().unwrap(), PostSignatureVersion::V4);
}

#[test]
fn a_v1_signature_of_another_secret_is_refused() {
    let mut case = Case::v1();
    case.keys[0].secret.push('x');
    assert_eq!(case.kind(), OssErrorKind::SignatureMismatch);
    assert_eq!(Case::v1().set("Signature", "no base64").kind(), OssErrorKind::SignatureMismatch);
}

#[test]
fn without_the_secret_only_the_shape_of_a_signature_counts() {
    for (mut case, field, right, wrong) in [
        (Case::basic(), "x-oss-signature", "0".repeat(64), "0A".repeat(32)),
        (Case::v1(), "Signature", format!("{}=", "A".repeat(27)), "A".repeat(28)),
    ] {
        case.keys[0].secret.clear();
        case.strictness.signature_check = SignatureCheck::Shape;
        case.set(field, &right).try_it().unwrap();
        for wrong in [wrong.as_str(), "x", "00"] {
            assert_eq!(case.set(field, wrong).kind(), OssErrorKind::SignatureMismatch, "{wrong}");
        }
    }
}
