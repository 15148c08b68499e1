//! Tests every error code of family 0006 that concerns the document, and the rules of the appendix
//! on policies of the PostObject page.

use super::*;
use crate::oss::form::UploadForm;

const NOW: i64 = 1_732_687_781;

fn document(conditions: &str) -> String {
    format!("{{\"expiration\":\"2024-11-27T07:09:41.000Z\",\"conditions\":[{conditions}]}}")
}

fn policy(conditions: &str) -> PostPolicy {
    PostPolicy::parse(document(conditions).as_bytes(), &Strictness::default()).unwrap()
}

fn broken(document: &str) -> OssError {
    PostPolicy::parse(document.as_bytes(), &Strictness::default()).unwrap_err()
}

fn form(fields: &[(&str, &str)]) -> UploadForm {
    let strictness = Strictness::default();
    let mut form = UploadForm::new(&strictness);
    for (name, value) in fields {
        form.push(name, *value, &strictness).unwrap();
    }
    form
}

fn check(conditions: &str, form: &UploadForm) -> Result<(), OssError> {
    policy(conditions).evaluate(form, "examplebucket", NOW, &Strictness::default())
}

#[test]
fn each_fault_of_the_document_has_its_own_ec() {
    for (damaged, ec) in [
        ("[]", "0006-00000201"),
        (r#"{"expiration":"a","expiration":"a","conditions":[]}"#, "0006-00000201"),
        (r#"{"expiration":"2024-11-27T07:09:41Z","conditions":{}}"#, "0006-00000201"),
        ("{", "0006-00000204"),
        (r#"{"expiration":"a","conditions":[],"more":1}"#, "0006-00000206"),
        (r#"{"expiration":"2024-11-27T07:09:41Z"}"#, "0006-00000207"),
        (r#"{"conditions":[]}"#, "0006-00000208"),
        ("{}", "0006-00000209"),
        (r#"{"expiration":1732691381,"conditions":[]}"#, "0006-00000210"),
        (r#"{"expiration":"","conditions":[]}"#, "0006-00000211"),
        (r#"{"expiration":"2023-02-19 13:19:00","conditions":[]}"#, "0006-00000212"),
        (r#"{"expiration":"2024-11-27T07:09:41Z","conditions":[]}"#, "0006-00000215"),
    ] {
        let error = broken(damaged);
        assert_eq!(error.ec(), Some(ec), "{damaged}");
        assert_eq!((error.status(), error.code()), (400, "InvalidPolicyDocument"));
    }
}

#[test]
fn each_fault_of_a_condition_has_its_own_ec() {
    for (condition, ec) in [
        ("[]", "0006-00000216"),
        (r#"["like","$key","a"]"#, "0006-00000217"),
        (r#"["eq","$key"]"#, "0006-00000218"),
        ("{}", "0006-00000218"),
        (r#"["content-length-range",2,1]"#, "0006-00000219"),
        (r#"["content-length-range","1",2]"#, "0006-00000220"),
        (r#"["content-length-range",1,"2"]"#, "0006-00000221"),
        ("1", "0006-00000222"),
        (r#"["eq","$key",1]"#, "0006-00000223"),
        (r#"["in","$key","a"]"#, "0006-00000224"),
    ] {
        assert_eq!(broken(&document(condition)).ec(), Some(ec), "{condition}");
    }
}

#[test]
fn a_quoted_number_is_refused_with_the_services_message() {
    let error = broken(&document(r#"["content-length-range","1","2"]"#));
    assert_eq!(error.message(), "Invalid Policy: Invalid JSON. ");
}

#[test]
fn the_field_is_standard_base64_of_utf_8_of_json() {
    let decode = |field: &str| PostPolicy::decode(field, &Strictness::default()).unwrap_err();
    for field in ["%", "YQ", "YQ==\n", "_-8=", " YQ=="] {
        assert_eq!(decode(field).ec(), Some("0006-00000202"), "{field:?}");
    }
    assert_eq!(decode("/w==").ec(), Some("0006-00000203"));
    let twice = decode("ZXlKbGVIQg==");
    assert_eq!(twice.ec(), Some("0006-00000204"));
    assert_eq!(twice.message(), "Invalid Policy: Invalid JSON: unknown char e");
    assert_eq!(decode("WzEgMl0=").message(), "Invalid Policy: Invalid JSON: , or ] expected");
}

#[test]
fn a_policy_is_valid_up_to_its_last_second() {
    let policy = policy(r#"{"bucket":"examplebucket"}"#);
    assert_eq!(policy.expires_at(), NOW + 3600);
    assert!(policy.check_expiry(NOW + 3600).is_ok());
    let error = policy.check_expiry(NOW + 3601).unwrap_err();
    assert_eq!((error.status(), error.code()), (403, "AccessDenied"));
    assert_eq!(error.ec(), Some("0006-00000213"));
    assert_eq!(error.message(), "Invalid according to Policy: Policy expired.");
}

#[test]
fn other_forms_of_an_expiration_need_the_relaxation() {
    let text = document("{\"bucket\":\"examplebucket\"}").replace(".000Z", ".123456+00:00");
    assert_eq!(broken(&text).kind(), OssErrorKind::ExpirationMalformed);
    let mut strictness = Strictness::default();
    strictness.relaxed.insert(Relaxation::AnyExpiration);
    let policy = PostPolicy::parse(text.as_bytes(), &strictness).unwrap();
    assert_eq!(policy.expires_at(), NOW + 3600);
}

#[test]
fn a_condition_that_is_not_met_is_quoted_as_oss_quotes_it() {
    let form = form(&[("success_action_status", "201")]);
    let error = check(r#"{"success_action_status":"200"}"#, &form).unwrap_err();
    assert_eq!((error.status(), error.code()), (403, "AccessDenied"));
    assert_eq!(error.ec(), Some("0006-00000227"));
    assert_eq!(
        error.message(),
        "Invalid according to Policy: Policy Condition failed: \
         [\"eq\", \"$success_action_status\", \"200\"]"
    );
}

#[test]
fn a_condition_on_a_field_that_is_not_there_fails_with_every_operator() {
    for condition in [
        r#"{"x-oss-object-acl":"private"}"#,
        r#"["eq","$x-oss-object-acl","private"]"#,
        r#"["starts-with","$x-oss-object-acl",""]"#,
        r#"["in","$x-oss-object-acl",["private"]]"#,
        r#"["not-in","$x-oss-object-acl",["private"]]"#,
    ] {
        // A name with underscores is a different field.
        let error = check(condition, &form(&[("x_oss_object_acl", "private")])).unwrap_err();
        assert_eq!(error.ec(), Some("0006-00000226"), "{condition}");
        assert!(
            error.message().starts_with("Invalid according to Policy: Policy Condition failed: [")
        );
    }
}

#[test]
fn the_first_condition_that_fails_is_named() {
    let form = form(&[("key", "x"), ("a", "x")]);
    let conditions = r#"["eq","$key","x"],["eq","$a","1"],["eq","$b","2"]"#;
    let error = check(conditions, &form).unwrap_err();
    assert!(error.message().ends_with(r#"["eq", "$a", "1"]"#));
}

#[test]
fn several_conditions_on_one_field_must_all_hold() {
    let conditions = r#"["starts-with","$key","a/"],["not-in","$key",["a/b"]]"#;
    assert!(check(conditions, &form(&[("key", "a/c")])).is_ok());
    assert!(check(conditions, &form(&[("key", "a/b")])).is_err());
}

#[test]
fn field_names_of_conditions_are_found_in_any_case_with_or_without_a_dollar() {
    let form = form(&[("Cache-Control", "no-cache"), ("Key", "a")]);
    let conditions =
        r#"["eq","$cache-control","no-cache"],["eq","KEY","a"],{"$key":"a"},{"kEY":"a"}"#;
    assert!(check(conditions, &form).is_ok());
}

#[test]
fn the_bucket_is_the_one_in_the_host() {
    let condition = r#"{"bucket":"examplebucket"}"#;
    assert!(check(condition, &form(&[])).is_ok());
    assert!(check(condition, &form(&[("bucket", "other")])).is_ok());
    let error = check(r#"{"bucket":"other"}"#, &form(&[("bucket", "other")])).unwrap_err();
    assert_eq!(error.kind(), OssErrorKind::ConditionFailed);
}

#[test]
fn an_empty_token_condition_fails_as_observed() {
    let form = form(&[("x-oss-security-token", "")]);
    let error = check(r#"{"x-oss-security-token":""}"#, &form).unwrap_err();
    assert_eq!(
        error.message(),
        "Invalid according to Policy: Policy Condition failed: [\"eq\", \"$x-oss-security-token\", \
         \"\"]"
    );
}

#[test]
fn a_wrong_token_is_not_in_the_reason() {
    let form = form(&[("x-oss-security-token", "marker-sent")]);
    let error = check(r#"{"x-oss-security-token":"marker-own"}"#, &form).unwrap_err();
    assert!(!error.reason().contains("marker"));
}

#[test]
fn the_content_type_is_that_of_the_part_when_there_is_no_field() {
    let condition = r#"["in","$content-type",["image/jpg","image/png"]]"#;
    let mut form = form(&[]);
    assert_eq!(check(condition, &form).unwrap_err().kind(), OssErrorKind::FieldAbsent);
    form.set_file(None, Some("image/png".to_owned()));
    assert!(check(condition, &form).is_ok());
    form.set_file(None, Some("image/jpeg".to_owned()));
    assert_eq!(check(condition, &form).unwrap_err().kind(), OssErrorKind::ConditionFailed);
}

#[test]
fn a_content_type_field_and_a_different_part_header_must_both_pass() {
    let policy = policy(r#"{"content-type":"image/png"}"#);
    let mut form = form(&[("Content-Type", "image/png")]);
    let mut strictness = Strictness::default();
    form.set_file(None, Some("text/html".to_owned()));
    let error = policy.check_conditions(&form, "b", &strictness).unwrap_err();
    assert_eq!(error.kind(), OssErrorKind::ConditionFailed);
    strictness.relaxed.insert(Relaxation::ContentTypeField);
    assert!(policy.check_conditions(&form, "b", &strictness).is_ok());
}

#[test]
fn a_condition_is_compared_with_the_placeholder_and_not_the_file_name() {
    let form = form(&[("key", "user/eric/${filename}")]);
    assert!(check(r#"["eq","$key","user\/eric\/\${filename}"]"#, &form).is_ok());
    assert!(check(r#"["eq","$key","user/eric/a.png"]"#, &form).is_err());
}

#[test]
fn v4_fields_that_no_condition_names_are_extra() {
    let form = form(&[
        ("x-oss-signature-version", "OSS4-HMAC-SHA256"),
        ("x-oss-credential", "c"),
        ("x-oss-date", "d"),
        ("x-oss-signature", "s"),
        ("key", "k"),
    ]);
    let strictness = Strictness::default();
    let covered = policy(
        r#"{"x-oss-signature-version":"a"},["starts-with","$X-Oss-Credential",""],{"x-oss-date":"d"}"#,
    );
    assert!(covered.check_cover(&form, &strictness).is_ok());
    let one = policy(r#"{"x-oss-signature-version":"a"},{"x-oss-date":"d"}"#);
    let error = one.check_cover(&form, &strictness).unwrap_err();
    assert_eq!((error.status(), error.ec()), (403, Some("0006-00000228")));
    assert_eq!(
        error.message(),
        "Invalid according to Policy: Extra input fields: x-oss-credential"
    );
    let none = policy(r#"{"bucket":"b"}"#).check_cover(&form, &strictness).unwrap_err();
    assert!(none.message().ends_with("x-oss-signature-version, x-oss-credential, x-oss-date"));
}

#[test]
fn a_token_that_no_condition_names_is_extra_unless_allowed() {
    let form = form(&[("x-oss-security-token", "t")]);
    let policy = policy(r#"{"bucket":"b"}"#);
    let mut strictness = Strictness::default();
    let error = policy.check_cover(&form, &strictness).unwrap_err();
    assert!(error.message().ends_with("Extra input fields: x-oss-security-token"));
    strictness.relaxed.insert(Relaxation::UncoveredToken);
    assert!(policy.check_cover(&form, &strictness).is_ok());
}

#[test]
fn the_sizes_are_those_that_all_ranges_allow() {
    assert_eq!(policy(r#"{"a":"b"}"#).sizes(), 0..=MAX_OBJECT);
    let two = r#"["content-length-range",0,10],["content-length-range",5,99999999999999]"#;
    assert_eq!(policy(two).sizes(), 5..=10);
    let huge = r#"["content-length-range",1,18446744073709551615]"#;
    assert_eq!(policy(huge).sizes(), 1..=MAX_OBJECT);
}

proptest::proptest! {
    #[test]
    fn no_document_causes_a_panic(
        document in r#"([\[\]{}:,"$\\u]|eq|in|key|content-length-range|conditions|expiration|[0-9-]){0,60}"#,
    ) {
        let _ = PostPolicy::parse(document.as_bytes(), &Strictness::default());
    }

    #[test]
    fn an_eq_condition_holds_for_its_value_and_for_no_other(
        value in r"[^\\]{1,20}",
        other in r"[^\\]{1,20}",
    ) {
        let condition = serde_json::json!(["eq", "$key", value]).to_string();
        proptest::prop_assert!(check(&condition, &form(&[("key", &value)])).is_ok());
        let result = check(&condition, &form(&[("key", &other)]));
        proptest::prop_assert_eq!(result.is_ok(), value == other);
    }
}
