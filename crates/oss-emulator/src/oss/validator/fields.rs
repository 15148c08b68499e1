//! Checks the fields that describe the object: its key, access, storage class, encryption, metadata
//! and the response after success.
//!
//! Sources: the PostObject page, on `key` and `${filename}`, and its table of form fields. The
//! policy is evaluated earlier, with the key as it was sent; `${filename}` is inserted afterwards
//! and only here. A key is a plain name, in which `..` and `//` have no special meaning.

use http::HeaderValue;

use crate::oss::callback::parameter::{self, CallbackParameter};
use crate::oss::callback::signing_key;
use crate::oss::error::{OssError, OssErrorKind};
use crate::oss::form::UploadForm;
use crate::oss::strictness::{Relaxation, Strictness};

/// The longest key, in bytes.
const MAX_KEY: usize = 1023;

/// The placeholder for the file name.
const PLACEHOLDER: &str = "${filename}";

/// The maximum size of an object's metadata, names and values together, in bytes.
const MAX_METADATA: usize = 8 * 1024;

/// Returns the `key` field, which must precede the file.
pub(super) fn required_key(form: &UploadForm) -> Result<&str, OssError> {
    form.get("key").ok_or_else(|| {
        OssErrorKind::KeyMissing.argument("key", "", "the form has no key field before the file")
    })
}

/// Inserts the file name into the key and checks the result.
pub(super) fn expand_key(
    key: &str,
    form: &UploadForm,
    strictness: &Strictness,
) -> Result<String, OssError> {
    let expanded = if key.contains(PLACEHOLDER) {
        key.replace(PLACEHOLDER, filename(form, strictness)?)
    } else {
        key.to_owned()
    };
    check_key(&expanded)?;
    Ok(expanded)
}

fn filename<'a>(form: &'a UploadForm, strictness: &Strictness) -> Result<&'a str, OssError> {
    let name = form.filename().unwrap_or_default();
    if name.is_empty() && !strictness.allows(Relaxation::MissingFilename) {
        return Err(OssErrorKind::ArgumentInvalid.argument(
            "key",
            PLACEHOLDER,
            "the key uses ${filename}, but the file part has no file name",
        ));
    }
    if strictness.allows(Relaxation::FilenameFolders) {
        return Ok(name);
    }
    Ok(name.rsplit(['/', '\\']).next().unwrap_or_default())
}

/// Checks that a key is a valid object name.
pub(in crate::oss) fn check_key(key: &str) -> Result<(), OssError> {
    let reason = if key.is_empty() {
        "the key is empty".to_owned()
    } else if key.len() > MAX_KEY {
        format!("the key has {} bytes; {MAX_KEY} are allowed", key.len())
    } else if key.starts_with(['/', '\\']) {
        "the key begins with a slash or a backslash".to_owned()
    } else if key.chars().any(char::is_control) {
        "the key has a control character, such as a line end".to_owned()
    } else if signing_key::is_reserved(key) {
        "keys that begin with -/ are reserved for the key that signs callbacks".to_owned()
    } else {
        return Ok(());
    };
    Err(OssErrorKind::KeyInvalid.because(reason))
}

/// The fields that are returned as headers of the object.
const STORED_HEADERS: [&str; 4] =
    ["Cache-Control", "Content-Disposition", "Content-Encoding", "Expires"];

const ACLS: [&str; 4] = ["default", "private", "public-read", "public-read-write"];

const STORAGE_CLASSES: [&str; 5] = ["Standard", "IA", "Archive", "ColdArchive", "DeepColdArchive"];

/// The response after success, as the form requests it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SuccessAction {
    /// A response with this status: 200, 201 or 204.
    Status(u16),
    /// A redirect to this address.
    Redirect(String),
}

/// The properties of the object that the fields set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectOptions {
    /// Whether an existing object of this key must not be overwritten.
    pub forbid_overwrite: bool,
    /// The response after success.
    pub success: SuccessAction,
    /// The content type with which the object is returned.
    pub content_type: String,
    /// The headers with which the object is returned, including metadata.
    pub headers: Vec<(String, String)>,
    /// The callback, if the form requests one.
    pub callback: Option<CallbackParameter>,
    /// The ACL of the object, if the form names one.
    pub acl: Option<String>,
}

/// Checks every field that OSS acts on.
pub(in crate::oss) fn object_options(
    form: &UploadForm,
    strictness: &Strictness,
) -> Result<ObjectOptions, OssError> {
    one_of("x-oss-object-acl", form.acl(), &ACLS)?;
    let class = form.get("x-oss-storage-class");
    one_of("x-oss-storage-class", class, &STORAGE_CLASSES)?;
    check_encryption(form)?;
    check_unsupported(form, strictness)?;
    let content_type = content_type(form).to_owned();
    check_header("Content-Type", &content_type)?;
    Ok(ObjectOptions {
        forbid_overwrite: forbid_overwrite(form)?,
        success: success(form)?,
        content_type,
        headers: headers(form)?,
        callback: parameter::parse(form.get("callback").unwrap_or_default())?,
        acl: form.acl().map(str::to_owned),
    })
}

fn one_of(name: &str, value: Option<&str>, known: &[&str]) -> Result<(), OssError> {
    match value {
        Some(value) if !known.contains(&value) => Err(OssErrorKind::ArgumentInvalid.argument(
            name,
            value,
            format!("{name} must be one of {}", known.join(", ")),
        )),
        _ => Ok(()),
    }
}

fn check_encryption(form: &UploadForm) -> Result<(), OssError> {
    let method = form.get("x-oss-server-side-encryption");
    if method.is_some_and(|method| !["AES256", "KMS", "SM4"].contains(&method)) {
        return Err(OssErrorKind::EncryptionInvalid
            .because("x-oss-server-side-encryption must be AES256, KMS or SM4"));
    }
    let data = form.get("x-oss-server-side-data-encryption");
    if data.is_some_and(|data| data != "SM4") {
        return Err(OssErrorKind::EncryptionInvalid
            .because("x-oss-server-side-data-encryption must be SM4"));
    }
    for name in ["x-oss-server-side-data-encryption", "x-oss-server-side-encryption-key-id"] {
        if let Some(value) = form.get(name).filter(|_| method != Some("KMS")) {
            let reason = format!("{name} needs x-oss-server-side-encryption to be KMS");
            return Err(OssErrorKind::ArgumentInvalid.argument(name, value, reason));
        }
    }
    Ok(())
}

/// Rejects fields that would have no effect here.
fn check_unsupported(form: &UploadForm, strictness: &Strictness) -> Result<(), OssError> {
    if let Some(value) = form.get("x-oss-tagging")
        && !strictness.allows(Relaxation::IgnoredTagging)
    {
        let reason = "a form upload takes no x-oss-tagging";
        return Err(OssErrorKind::ArgumentInvalid.argument("x-oss-tagging", value, reason));
    }
    Ok(())
}

fn forbid_overwrite(form: &UploadForm) -> Result<bool, OssError> {
    const NAME: &str = "x-oss-forbid-overwrite";
    match form.get(NAME) {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(other) => Err(OssErrorKind::ForbidOverwriteInvalid.argument(
            NAME,
            other,
            "x-oss-forbid-overwrite must be true or false",
        )),
    }
}

fn success(form: &UploadForm) -> Result<SuccessAction, OssError> {
    const NAME: &str = "success_action_redirect";
    if let Some(target) = form.get(NAME).filter(|target| !target.is_empty()) {
        let web = target.starts_with("http://") || target.starts_with("https://");
        if !web || target.parse::<http::Uri>().is_err() {
            let reason = "success_action_redirect is not an http or https address";
            return Err(OssErrorKind::ArgumentInvalid.argument(NAME, target, reason));
        }
        return Ok(SuccessAction::Redirect(target.to_owned()));
    }
    Ok(SuccessAction::Status(match form.get("success_action_status") {
        Some("200") => 200,
        Some("201") => 201,
        _ => 204,
    }))
}

/// Returns the content type to store: the OSS field, otherwise the file part's, otherwise the plain
/// field.
fn content_type(form: &UploadForm) -> &str {
    let candidates = [form.get("x-oss-content-type"), form.file_type(), form.get("Content-Type")];
    let mut given = candidates.into_iter().flatten();
    given.find(|value| !value.is_empty()).unwrap_or("application/octet-stream")
}

fn headers(form: &UploadForm) -> Result<Vec<(String, String)>, OssError> {
    let mut headers = Vec::new();
    let mut metadata = 0;
    for name in STORED_HEADERS {
        if let Some(value) = form.get(name).filter(|value| !value.is_empty()) {
            check_header(name, value)?;
            headers.push((name.to_ascii_lowercase(), value.to_owned()));
        }
    }
    for (name, value) in form.with_prefix("x-oss-meta-") {
        check_header(name, value)?;
        metadata += name.len() + value.len();
        headers.push((name.to_owned(), value.to_owned()));
    }
    if metadata > MAX_METADATA {
        return Err(OssErrorKind::ArgumentInvalid.argument(
            "x-oss-meta-",
            "",
            format!("the metadata has {metadata} bytes; {MAX_METADATA} are allowed"),
        ));
    }
    for name in [
        "x-oss-storage-class",
        "x-oss-server-side-encryption",
        "x-oss-server-side-data-encryption",
        "x-oss-server-side-encryption-key-id",
    ] {
        if let Some(value) = form.get(name) {
            check_header(name, value)?;
            headers.push((name.to_owned(), value.to_owned()));
        }
    }
    Ok(headers)
}

/// Rejects values that could not be returned as a header.
fn check_header(name: &str, value: &str) -> Result<(), OssError> {
    let named = http::HeaderName::try_from(name).is_ok();
    if named && HeaderValue::from_bytes(value.as_bytes()).is_ok() {
        return Ok(());
    }
    let reason = format!(
        "{name:?} cannot be stored as a header: it has a line end or another control character"
    );
    Err(OssErrorKind::ArgumentInvalid.argument(name, value, reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(filename: Option<&str>, relaxed: &[Relaxation]) -> (UploadForm, Strictness) {
        let mut strictness = Strictness::default();
        strictness.relaxed.extend(relaxed);
        let mut form = UploadForm::new(&strictness);
        form.set_file(filename.map(str::to_owned), None);
        (form, strictness)
    }

    fn expanded(
        key: &str,
        filename: Option<&str>,
        relaxed: &[Relaxation],
    ) -> Result<String, OssErrorKind> {
        let (form, strictness) = with(filename, relaxed);
        expand_key(key, &form, &strictness).map_err(|error| error.kind())
    }

    #[test]
    fn the_file_name_replaces_every_placeholder() {
        let key = expanded("a/${filename}/${filename}", Some("b c.png"), &[]);
        assert_eq!(key, Ok("a/b c.png/b c.png".to_owned()));
    }

    #[test]
    fn folders_in_a_file_name_are_removed_unless_the_relaxation_keeps_them() {
        for name in ["C:\\dir\\x.png", "../../x.png", "dir/x.png"] {
            assert_eq!(expanded("a/${filename}", Some(name), &[]), Ok("a/x.png".to_owned()));
        }
        let stored = expanded("a/${filename}", Some("../x.png"), &[Relaxation::FilenameFolders]);
        assert_eq!(stored, Ok("a/../x.png".to_owned()));
    }

    #[test]
    fn a_missing_file_name_is_refused_unless_relaxed() {
        assert_eq!(expanded("a/${filename}", None, &[]), Err(OssErrorKind::ArgumentInvalid));
        let stored = expanded("a/${filename}", None, &[Relaxation::MissingFilename]);
        assert_eq!(stored, Ok("a/".to_owned()));
    }

    #[test]
    fn a_key_has_1_to_1023_bytes() {
        assert_eq!(expanded("", None, &[]), Err(OssErrorKind::KeyInvalid));
        assert!(expanded(&"k".repeat(1023), None, &[]).is_ok());
        assert_eq!(expanded(&"k".repeat(1024), None, &[]), Err(OssErrorKind::KeyInvalid));
        assert_eq!(expanded(&"é".repeat(512), None, &[]), Err(OssErrorKind::KeyInvalid));
    }

    #[test]
    fn a_key_begins_with_no_slash_and_holds_no_control_character() {
        for key in ["/a", "\\a", "a\nb", "a\0", "\u{7f}"] {
            assert_eq!(expanded(key, None, &[]), Err(OssErrorKind::KeyInvalid), "{key:?}");
        }
    }

    #[test]
    fn dots_have_no_special_meaning() {
        for key in ["..", ".", "../../etc/passwd", "a/../b", "a//b", "a/"] {
            assert_eq!(expanded(key, None, &[]), Ok(key.to_owned()));
        }
    }

    fn checked(fields: &[(&str, &str)]) -> Result<ObjectOptions, OssErrorKind> {
        let strictness = Strictness::default();
        let mut form = UploadForm::new(&strictness);
        for (name, value) in fields {
            form.push(name, *value, &strictness).unwrap();
        }
        form.set_file(None, Some("image/png".to_owned()));
        object_options(&form, &strictness).map_err(|error| error.kind())
    }

    #[test]
    fn access_and_storage_class_have_closed_lists() {
        for acl in ACLS {
            assert!(checked(&[("x-oss-object-acl", acl)]).is_ok());
        }
        for class in STORAGE_CLASSES {
            assert!(checked(&[("x-oss-storage-class", class)]).is_ok());
        }
        let wrong = Err(OssErrorKind::ArgumentInvalid);
        assert_eq!(checked(&[("x-oss-object-acl", "Private")]), wrong);
        assert_eq!(checked(&[("x-oss-storage-class", "standard")]), wrong);
    }

    #[test]
    fn encryption_methods_are_checked_and_key_and_data_encryption_require_kms() {
        const METHOD: &str = "x-oss-server-side-encryption";
        const DATA: &str = "x-oss-server-side-data-encryption";
        const KEY: &str = "x-oss-server-side-encryption-key-id";
        for method in ["AES256", "KMS", "SM4"] {
            assert!(checked(&[(METHOD, method)]).is_ok());
        }
        assert_eq!(checked(&[(METHOD, "aes256")]), Err(OssErrorKind::EncryptionInvalid));
        assert!(checked(&[(METHOD, "KMS"), (DATA, "SM4"), (KEY, "k")]).is_ok());
        assert_eq!(
            checked(&[(METHOD, "KMS"), (DATA, "AES")]),
            Err(OssErrorKind::EncryptionInvalid)
        );
        assert_eq!(checked(&[(METHOD, "AES256"), (KEY, "k")]), Err(OssErrorKind::ArgumentInvalid));
        assert_eq!(checked(&[(DATA, "SM4")]), Err(OssErrorKind::ArgumentInvalid));
    }

    #[test]
    fn forbid_overwrite_is_true_or_false() {
        const NAME: &str = "x-oss-forbid-overwrite";
        assert!(checked(&[(NAME, "true")]).unwrap().forbid_overwrite);
        assert!(!checked(&[(NAME, "false")]).unwrap().forbid_overwrite);
        for value in ["TRUE", "1", ""] {
            assert_eq!(checked(&[(NAME, value)]), Err(OssErrorKind::ForbidOverwriteInvalid));
        }
    }

    #[test]
    fn the_status_is_200_201_or_else_204_and_a_redirect_wins() {
        const STATUS: &str = "success_action_status";
        for (asked, given) in [("200", 200), ("201", 201), ("204", 204), ("202", 204), ("", 204)] {
            let options = checked(&[(STATUS, asked)]).unwrap();
            assert_eq!(options.success, SuccessAction::Status(given));
        }
        let target = "https://example.com/done?x=1";
        let options = checked(&[(STATUS, "200"), ("success_action_redirect", target)]).unwrap();
        assert_eq!(options.success, SuccessAction::Redirect(target.to_owned()));
        let refused = checked(&[("success_action_redirect", "javascript:alert(1)")]);
        assert_eq!(refused, Err(OssErrorKind::ArgumentInvalid));
    }

    #[test]
    fn the_stored_type_follows_the_documented_order() {
        let of = |fields: &[(&str, &str)]| checked(fields).unwrap().content_type;
        assert_eq!(of(&[("x-oss-content-type", "a/b"), ("Content-Type", "c/d")]), "a/b");
        assert_eq!(of(&[("Content-Type", "c/d")]), "image/png");
        let strictness = Strictness::default();
        let mut form = UploadForm::new(&strictness);
        assert_eq!(
            object_options(&form, &strictness).unwrap().content_type,
            "application/octet-stream"
        );
        form.push("content-type", "c/d", &strictness).unwrap();
        assert_eq!(object_options(&form, &strictness).unwrap().content_type, "c/d");
    }

    #[test]
    fn headers_and_metadata_are_stored_if_they_are_valid_headers() {
        let options = checked(&[("Cache-Control", "no-cache"), ("X-Oss-Meta-Who", "é")]).unwrap();
        let stored = [("cache-control", "no-cache"), ("x-oss-meta-who", "é")];
        let stored: Vec<_> = stored.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        assert_eq!(options.headers, stored);
        let wrong = Err(OssErrorKind::ArgumentInvalid);
        assert_eq!(checked(&[("x-oss-meta-a", "1\r\nSet-Cookie: x")]), wrong);
        assert_eq!(checked(&[("x-oss-meta-a b", "1")]), wrong);
        assert_eq!(checked(&[("x-oss-meta-a", &"x".repeat(8192))]), wrong);
    }

    #[test]
    fn tags_are_refused_rather_than_ignored() {
        assert_eq!(checked(&[("x-oss-tagging", "a=b")]), Err(OssErrorKind::ArgumentInvalid));
    }

    #[test]
    fn a_callback_without_an_address_is_no_callback() {
        assert_eq!(checked(&[("callback", "")]).unwrap().callback, None);
        assert_eq!(checked(&[("callback", "e30=")]).unwrap().callback, None);
        assert_eq!(checked(&[("callback", "%")]), Err(OssErrorKind::CallbackNotBase64));
    }
}
