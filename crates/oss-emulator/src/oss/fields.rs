//! The values of the fields that OSS acts on, and what becomes of them.
//!
//! PostObject page, table of form fields: access, storage class, encryption, overwriting, the
//! answer after success, and the headers and metadata that are kept with the object. The policy has
//! passed by now.

use http::HeaderValue;

use crate::oss::callback;
use crate::oss::callback::Callback;
use crate::oss::form::Form;
use crate::oss::judgement::Judgement;
use crate::oss::judgement::Leniency;
use crate::oss::refusal::Kind;
use crate::oss::refusal::Refusal;

/// The most metadata that one object carries: names and values together, in bytes.
const MAX_METADATA: usize = 8 * 1024;

/// The fields that come back as headers of the object.
const KEPT: [&str; 4] = ["Cache-Control", "Content-Disposition", "Content-Encoding", "Expires"];

const ACLS: [&str; 4] = ["default", "private", "public-read", "public-read-write"];

const STORAGE_CLASSES: [&str; 5] = ["Standard", "IA", "Archive", "ColdArchive", "DeepColdArchive"];

/// What is asked of the answer after success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Success {
    /// An answer with this status: 200, 201 or 204.
    Status(u16),
    /// A redirect to this address.
    Redirect(String),
}

/// What the fields say about the object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wishes {
    /// Whether an object of this key must not be there yet.
    pub forbid_overwrite: bool,
    /// The answer after success.
    pub success: Success,
    /// The type with which the object is given back.
    pub content_type: String,
    /// The headers with which the object is given back, metadata included.
    pub headers: Vec<(String, String)>,
    /// Whom to tell of the object, if anybody.
    pub callback: Option<Callback>,
}

/// Checks every field that OSS acts on.
pub(super) fn check(form: &Form, judgement: &Judgement) -> Result<Wishes, Refusal> {
    one_of("x-oss-object-acl", form.acl(), &ACLS)?;
    let class = form.get("x-oss-storage-class");
    one_of("x-oss-storage-class", class, &STORAGE_CLASSES)?;
    check_encryption(form)?;
    check_unsupported(form, judgement)?;
    let content_type = content_type(form).to_owned();
    check_header("Content-Type", &content_type)?;
    Ok(Wishes {
        forbid_overwrite: forbid_overwrite(form)?,
        success: success(form)?,
        content_type,
        headers: headers(form)?,
        callback: callback::parse(form.get("callback").unwrap_or_default())?,
    })
}

fn one_of(name: &str, value: Option<&str>, known: &[&str]) -> Result<(), Refusal> {
    match value {
        Some(value) if !known.contains(&value) => Err(Kind::ArgumentInvalid.argument(
            name,
            value,
            format!("{name} must be one of {}", known.join(", ")),
        )),
        _ => Ok(()),
    }
}

fn check_encryption(form: &Form) -> Result<(), Refusal> {
    let method = form.get("x-oss-server-side-encryption");
    if method.is_some_and(|method| !["AES256", "KMS", "SM4"].contains(&method)) {
        return Err(Kind::EncryptionInvalid
            .because("x-oss-server-side-encryption must be AES256, KMS or SM4"));
    }
    let data = form.get("x-oss-server-side-data-encryption");
    if data.is_some_and(|data| data != "SM4") {
        return Err(
            Kind::EncryptionInvalid.because("x-oss-server-side-data-encryption must be SM4")
        );
    }
    for name in ["x-oss-server-side-data-encryption", "x-oss-server-side-encryption-key-id"] {
        if let Some(value) = form.get(name).filter(|_| method != Some("KMS")) {
            let reason = format!("{name} needs x-oss-server-side-encryption to be KMS");
            return Err(Kind::ArgumentInvalid.argument(name, value, reason));
        }
    }
    Ok(())
}

/// Refuses what would silently have no effect here.
fn check_unsupported(form: &Form, judgement: &Judgement) -> Result<(), Refusal> {
    if let Some(value) = form.get("x-oss-tagging")
        && !judgement.allows(Leniency::IgnoredTagging)
    {
        let reason = "a form upload takes no x-oss-tagging";
        return Err(Kind::ArgumentInvalid.argument("x-oss-tagging", value, reason));
    }
    Ok(())
}

fn forbid_overwrite(form: &Form) -> Result<bool, Refusal> {
    const NAME: &str = "x-oss-forbid-overwrite";
    match form.get(NAME) {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(other) => Err(Kind::ForbidOverwriteInvalid.argument(
            NAME,
            other,
            "x-oss-forbid-overwrite must be true or false",
        )),
    }
}

fn success(form: &Form) -> Result<Success, Refusal> {
    const NAME: &str = "success_action_redirect";
    if let Some(target) = form.get(NAME).filter(|target| !target.is_empty()) {
        let web = target.starts_with("http://") || target.starts_with("https://");
        if !web || target.parse::<http::Uri>().is_err() {
            let reason = "success_action_redirect is not an http or https address";
            return Err(Kind::ArgumentInvalid.argument(NAME, target, reason));
        }
        return Ok(Success::Redirect(target.to_owned()));
    }
    Ok(Success::Status(match form.get("success_action_status") {
        Some("200") => 200,
        Some("201") => 201,
        _ => 204,
    }))
}

/// Returns the stored type: the OSS field, else the file part's own, else the plain field.
fn content_type(form: &Form) -> &str {
    let candidates = [form.get("x-oss-content-type"), form.file_type(), form.get("Content-Type")];
    let mut given = candidates.into_iter().flatten();
    given.find(|value| !value.is_empty()).unwrap_or("application/octet-stream")
}

fn headers(form: &Form) -> Result<Vec<(String, String)>, Refusal> {
    let mut headers = Vec::new();
    let mut metadata = 0;
    for name in KEPT {
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
        return Err(Kind::ArgumentInvalid.argument(
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

/// Refuses what cannot be given back as a header later.
fn check_header(name: &str, value: &str) -> Result<(), Refusal> {
    let named = http::HeaderName::try_from(name).is_ok();
    if named && HeaderValue::from_bytes(value.as_bytes()).is_ok() {
        return Ok(());
    }
    let reason = format!("{name:?} cannot be kept as a header: it has a line end or the like");
    Err(Kind::ArgumentInvalid.argument(name, value, reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(fields: &[(&str, &str)]) -> Result<Wishes, Kind> {
        let judgement = Judgement::default();
        let mut form = Form::new(&judgement);
        for (name, value) in fields {
            form.push(name, *value, &judgement).unwrap();
        }
        form.set_file(None, Some("image/png".to_owned()));
        check(&form, &judgement).map_err(|refusal| refusal.kind())
    }

    #[test]
    fn access_and_storage_class_have_closed_lists() {
        for acl in ACLS {
            assert!(checked(&[("x-oss-object-acl", acl)]).is_ok());
        }
        for class in STORAGE_CLASSES {
            assert!(checked(&[("x-oss-storage-class", class)]).is_ok());
        }
        let wrong = Err(Kind::ArgumentInvalid);
        assert_eq!(checked(&[("x-oss-object-acl", "Private")]), wrong);
        assert_eq!(checked(&[("x-oss-storage-class", "standard")]), wrong);
    }

    #[test]
    fn encryption_is_known_and_key_and_data_encryption_want_kms() {
        const METHOD: &str = "x-oss-server-side-encryption";
        const DATA: &str = "x-oss-server-side-data-encryption";
        const KEY: &str = "x-oss-server-side-encryption-key-id";
        for method in ["AES256", "KMS", "SM4"] {
            assert!(checked(&[(METHOD, method)]).is_ok());
        }
        assert_eq!(checked(&[(METHOD, "aes256")]), Err(Kind::EncryptionInvalid));
        assert!(checked(&[(METHOD, "KMS"), (DATA, "SM4"), (KEY, "k")]).is_ok());
        assert_eq!(checked(&[(METHOD, "KMS"), (DATA, "AES")]), Err(Kind::EncryptionInvalid));
        assert_eq!(checked(&[(METHOD, "AES256"), (KEY, "k")]), Err(Kind::ArgumentInvalid));
        assert_eq!(checked(&[(DATA, "SM4")]), Err(Kind::ArgumentInvalid));
    }

    #[test]
    fn forbid_overwrite_is_true_or_false() {
        const NAME: &str = "x-oss-forbid-overwrite";
        assert!(checked(&[(NAME, "true")]).unwrap().forbid_overwrite);
        assert!(!checked(&[(NAME, "false")]).unwrap().forbid_overwrite);
        for value in ["TRUE", "1", ""] {
            assert_eq!(checked(&[(NAME, value)]), Err(Kind::ForbidOverwriteInvalid));
        }
    }

    #[test]
    fn the_status_is_200_201_or_else_204_and_a_redirect_wins() {
        const STATUS: &str = "success_action_status";
        for (asked, given) in [("200", 200), ("201", 201), ("204", 204), ("202", 204), ("", 204)] {
            let wishes = checked(&[(STATUS, asked)]).unwrap();
            assert_eq!(wishes.success, Success::Status(given));
        }
        let target = "https://example.com/done?x=1";
        let wishes = checked(&[(STATUS, "200"), ("success_action_redirect", target)]).unwrap();
        assert_eq!(wishes.success, Success::Redirect(target.to_owned()));
        let refused = checked(&[("success_action_redirect", "javascript:alert(1)")]);
        assert_eq!(refused, Err(Kind::ArgumentInvalid));
    }

    #[test]
    fn the_stored_type_follows_the_documented_order() {
        let of = |fields: &[(&str, &str)]| checked(fields).unwrap().content_type;
        assert_eq!(of(&[("x-oss-content-type", "a/b"), ("Content-Type", "c/d")]), "a/b");
        assert_eq!(of(&[("Content-Type", "c/d")]), "image/png");
        let judgement = Judgement::default();
        let mut form = Form::new(&judgement);
        assert_eq!(check(&form, &judgement).unwrap().content_type, "application/octet-stream");
        form.push("content-type", "c/d", &judgement).unwrap();
        assert_eq!(check(&form, &judgement).unwrap().content_type, "c/d");
    }

    #[test]
    fn headers_and_metadata_are_kept_if_they_can_be_given_back() {
        let wishes = checked(&[("Cache-Control", "no-cache"), ("X-Oss-Meta-Who", "é")]).unwrap();
        let kept = [("cache-control", "no-cache"), ("x-oss-meta-who", "é")];
        let kept: Vec<_> = kept.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        assert_eq!(wishes.headers, kept);
        let wrong = Err(Kind::ArgumentInvalid);
        assert_eq!(checked(&[("x-oss-meta-a", "1\r\nSet-Cookie: x")]), wrong);
        assert_eq!(checked(&[("x-oss-meta-a b", "1")]), wrong);
        assert_eq!(checked(&[("x-oss-meta-a", &"x".repeat(8192))]), wrong);
    }

    #[test]
    fn tags_are_refused_rather_than_ignored() {
        assert_eq!(checked(&[("x-oss-tagging", "a=b")]), Err(Kind::ArgumentInvalid));
    }

    #[test]
    fn a_callback_is_read_and_one_without_an_address_is_none() {
        assert_eq!(checked(&[("callback", "")]).unwrap().callback, None);
        assert_eq!(checked(&[("callback", "e30=")]).unwrap().callback, None);
        assert_eq!(checked(&[("callback", "%")]), Err(Kind::CallbackNotBase64));
    }
}
