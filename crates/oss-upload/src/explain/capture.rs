//! A captured upload: what the capture shows of the request, and what came back.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use oss_upload_signer::time::Timestamp;

/// A captured upload. It may carry a token, so it has no `Debug`.
#[derive(Default)]
pub(super) struct Capture {
    /// The head; `None` if only a body was captured.
    pub(super) head: Option<Head>,
    pub(super) body: CapturedBody,
    /// The response, if it was captured.
    pub(super) answer: Option<CapturedAnswer>,
    /// The response to the preflight request, if it was captured.
    pub(super) preflight: Option<CapturedAnswer>,
    /// Whether the form is still to be sent: then its file comes last, although no file is shown.
    pub(super) is_draft: bool,
    /// Whether the bytes of the body are those that were sent, so that its `Content-Length` counts.
    pub(super) is_raw: bool,
    /// Whether the carriage returns, which pasting had removed, were put back.
    pub(super) is_mended: bool,
    /// The time of the request, if the capture names it.
    pub(super) sent_at: Option<Timestamp>,
}

/// The head of a request.
#[derive(Clone)]
pub(super) struct Head {
    pub(super) method: String,
    /// The path with its query.
    pub(super) target: String,
    /// The headers in order, with the names as they were captured.
    pub(super) headers: Vec<(String, String)>,
}

/// The body of a request.
pub(super) enum CapturedBody {
    /// The bytes as they were sent.
    Bytes(Vec<u8>),
    /// The parts of a multipart form, whose bytes are not in the capture.
    Form(Vec<Item>),
    /// The fields of a body that is URL-encoded or JSON, which OSS does not accept.
    NoForm(Vec<Item>),
}

/// A part of a form, in the order in which it was sent.
#[derive(Clone)]
pub(super) enum Item {
    Field { name: String, value: String },
    File(CapturedFile),
}

/// The part with the file. `None` means that the capture does not show it.
#[derive(Clone, Default)]
pub(super) struct CapturedFile {
    pub(super) name: Option<String>,
    pub(super) content_type: Option<String>,
    /// The size in bytes.
    pub(super) size: Option<u64>,
}

/// A captured response.
#[derive(Clone, Default)]
pub(super) struct CapturedAnswer {
    /// The status; 0 if the browser got no readable response.
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) text: String,
}

impl Default for CapturedBody {
    fn default() -> Self {
        Self::Form(Vec::new())
    }
}

impl Capture {
    /// Makes a form that is still to be sent.
    pub(super) fn draft(items: Vec<Item>) -> Self {
        Self { body: CapturedBody::Form(items), is_draft: true, ..Self::default() }
    }

    /// Returns the host without its port, in lower case.
    pub(super) fn host(&self) -> Option<String> {
        let host = self.head.as_ref()?.header("host")?.trim().to_ascii_lowercase();
        let host = match host.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or_default(),
            None => host.split(':').next().unwrap_or_default(),
        };
        (!host.is_empty()).then(|| host.to_owned())
    }
}

impl Head {
    /// Makes the head of a request to a URL.
    pub(super) fn of_url(method: &str, url: &str, mut headers: Vec<(String, String)>) -> Self {
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let path = path.split('#').next().unwrap_or_default();
        let target = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        let named = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host"));
        if !named && !authority.is_empty() {
            headers.push(("Host".to_owned(), authority.to_owned()));
        }
        Self { method: method.to_ascii_uppercase(), target, headers }
    }

    /// Returns the first header of this name.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// Returns the path without its query.
    pub(super) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }
}

impl CapturedAnswer {
    /// Returns whether the status says success.
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status) || self.status == 303
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut headers = headers.iter();
    headers.find(|(one, _)| one.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

impl Item {
    pub(super) fn field(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self::Field { name: name.into(), value: value.into() }
    }

    /// Makes a part of this name; the part `file` is the file, whose content is then not known.
    pub(super) fn named(name: &str, value: String) -> Self {
        if name.eq_ignore_ascii_case("file") {
            return Self::File(CapturedFile::default());
        }
        Self::field(name, value)
    }

    fn as_field(&self) -> Option<(&str, &str)> {
        match self {
            Self::Field { name, value } => Some((name, value)),
            Self::File(_) => None,
        }
    }
}

/// Returns the first field of this name, before or behind the file.
pub(super) fn field<'a>(items: &'a [Item], name: &str) -> Option<&'a str> {
    let mut fields = items.iter().filter_map(Item::as_field);
    fields.find(|(one, _)| one.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// Returns the part with the file.
pub(super) fn file(items: &[Item]) -> Option<&CapturedFile> {
    items.iter().find_map(|item| match item {
        Item::File(file) => Some(file),
        Item::Field { .. } => None,
    })
}

/// Returns the fields before the file, and those behind it.
pub(super) fn split_at_file(items: &[Item]) -> (&[Item], &[Item]) {
    let at = items.iter().position(|item| matches!(item, Item::File(_)));
    match at {
        Some(at) => (&items[..at], &items[at + 1..]),
        None => (items, &[]),
    }
}

/// Returns the names of fields.
pub(super) fn names(items: &[Item]) -> Vec<&str> {
    items.iter().filter_map(Item::as_field).map(|(name, _)| name).collect()
}

/// The fields that every signed form has one of.
const SIGNED: [&str; 7] = [
    "policy",
    "OSSAccessKeyId",
    "Signature",
    "x-oss-signature",
    "x-oss-credential",
    "x-oss-signature-version",
    "x-oss-date",
];

/// Returns whether these are the fields of an upload: a signed one, or one with a key and a file.
pub(super) fn is_upload(items: &[Item]) -> bool {
    let has = |name: &&str| field(items, name).is_some();
    SIGNED.iter().any(has) || (has(&"key") && file(items).is_some())
}

/// Decodes base64 as people paste it: with quotes, line ends, percent-encoding, the URL alphabet, or
/// without its padding.
pub(super) fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let text = text.replace("%3D", "=").replace("%3d", "=").replace("%2B", "+").replace("%2F", "/");
    let mut plain: String = text
        .chars()
        .filter(|character| !character.is_whitespace())
        .map(|character| match character {
            '-' => '+',
            '_' => '/',
            other => other,
        })
        .collect();
    plain.truncate(plain.trim_end_matches('=').len());
    while !plain.len().is_multiple_of(4) {
        plain.push('=');
    }
    STANDARD.decode(plain).ok()
}
