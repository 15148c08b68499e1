//! Content types: the type of a file, the types that a route allows, and the conditions for them.
//!
//! A browser does not read a `Content-Type` header as RFC 9110 defines it: it splits the value at commas
//! and takes the *last* type (Fetch, "extract a MIME type"), so `image/png;,text/html` is a web page.
//! Therefore only a text that every reader takes for the same type is a content type here:
//!
//! * `type/subtype`, both of them tokens;
//! * no comma, not even in quotes, because some readers ignore quotes;
//! * no parameter but `boundary`, `charset` and `codecs`, each at most once, with a token as its value,
//!   with or without quotes.
//!
//! The canonical form is what is checked, signed and reported: type, subtype, parameter names and the charset in
//! lower case, parameters sorted by name, each after `; `, no quotes, and no alias (see [`ContentType::parse`]).
//!
//! OSS compares types byte for byte, and a parameter is part of the value. So the function compares the type without
//! its parameters and signs the whole canonical text.

use std::collections::BTreeMap;
use std::fmt;

use crate::policy::document::Condition;
use crate::policy::key::split_extension;

/// The longest accepted text of a type, in bytes.
const MAX_BYTES: usize = 255;

/// The allowed parameters. Others have no effect in a browser, and could hide another type from a reader that splits
/// the text at another place.
const PARAMETERS: [&str; 3] = ["boundary", "charset", "codecs"];

/// Other names of types that browsers, operating systems and office programs use, and the canonical name of each.
/// Sorted by the other name. WPS Office registers the `wps-office` and `ks` types on the machines where it is installed.
const ALIASES: [(&str, &str); 56] = [
    ("application/csv", "text/csv"),
    ("application/excel", "application/vnd.ms-excel"),
    ("application/javascript", "text/javascript"),
    ("application/ksdps", "application/vnd.ms-powerpoint"),
    ("application/kset", "application/vnd.ms-excel"),
    ("application/kswps", "application/msword"),
    ("application/photoshop", "image/vnd.adobe.photoshop"),
    ("application/psd", "image/vnd.adobe.photoshop"),
    ("application/wps-office.doc", "application/msword"),
    ("application/wps-office.docx", DOCX),
    ("application/wps-office.pdf", "application/pdf"),
    ("application/wps-office.ppt", "application/vnd.ms-powerpoint"),
    ("application/wps-office.pptx", PPTX),
    ("application/wps-office.xls", "application/vnd.ms-excel"),
    ("application/wps-office.xlsx", XLSX),
    ("application/x-excel", "application/vnd.ms-excel"),
    ("application/x-gzip", "application/gzip"),
    ("application/x-javascript", "text/javascript"),
    ("application/x-json", "application/json"),
    ("application/x-msexcel", "application/vnd.ms-excel"),
    ("application/x-pdf", "application/pdf"),
    ("application/x-photoshop", "image/vnd.adobe.photoshop"),
    ("application/x-rar", "application/vnd.rar"),
    ("application/x-rar-compressed", "application/vnd.rar"),
    ("application/x-zip", "application/zip"),
    ("application/x-zip-compressed", "application/zip"),
    ("audio/m4a", "audio/mp4"),
    ("audio/mp3", "audio/mpeg"),
    ("audio/mpeg3", "audio/mpeg"),
    ("audio/vnd.wave", "audio/wav"),
    ("audio/wave", "audio/wav"),
    ("audio/x-aac", "audio/aac"),
    ("audio/x-flac", "audio/flac"),
    ("audio/x-m4a", "audio/mp4"),
    ("audio/x-mp3", "audio/mpeg"),
    ("audio/x-mpeg", "audio/mpeg"),
    ("audio/x-pn-wav", "audio/wav"),
    ("audio/x-wav", "audio/wav"),
    ("image/jpg", "image/jpeg"),
    ("image/pjpeg", "image/jpeg"),
    ("image/tif", "image/tiff"),
    ("image/vnd.microsoft.icon", "image/x-icon"),
    ("image/x-bmp", "image/bmp"),
    ("image/x-ms-bmp", "image/bmp"),
    ("image/x-photoshop", "image/vnd.adobe.photoshop"),
    ("image/x-tiff", "image/tiff"),
    ("image/x-windows-bmp", "image/bmp"),
    ("text/comma-separated-values", "text/csv"),
    ("text/x-comma-separated-values", "text/csv"),
    ("text/x-csv", "text/csv"),
    ("text/x-markdown", "text/markdown"),
    ("video/avi", "video/x-msvideo"),
    ("video/matroska", "video/x-matroska"),
    ("video/mkv", "video/x-matroska"),
    ("video/msvideo", "video/x-msvideo"),
    ("video/x-m4v", "video/mp4"),
];

const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
const PPTX: &str = "application/vnd.openxmlformats-officedocument.presentationml.presentation";
const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// Where Excel is installed, Windows reports this type for `.csv` too.
const EXCEL: &str = "application/vnd.ms-excel";

/// The types of extensions that `mime_guess` does not know, or for which it prefers a rare type.
const EXTENSIONS: [(&str, &str); 4] = [
    ("amr", "audio/amr"),
    ("psd", "image/vnd.adobe.photoshop"),
    ("silk", "audio/silk"),
    ("ts", "video/mp2t"),
];

/// The usual extensions of types with several ones, or without one that `mime_guess` knows.
const USUAL_EXTENSIONS: [(&str, &str); 16] = [
    ("application/vnd.rar", "rar"),
    ("audio/mp4", "m4a"),
    ("audio/mpeg", "mp3"),
    ("audio/silk", "silk"),
    ("image/jpeg", "jpg"),
    ("image/svg+xml", "svg"),
    ("image/tiff", "tif"),
    ("image/vnd.adobe.photoshop", "psd"),
    ("image/x-icon", "ico"),
    ("text/html", "html"),
    ("text/javascript", "js"),
    ("text/markdown", "md"),
    ("text/plain", "txt"),
    ("video/mpeg", "mpg"),
    ("video/quicktime", "mov"),
    ("video/x-matroska", "mkv"),
];

/// The type of a file about which nothing is known.
pub const UNKNOWN: &str = "application/octet-stream";

/// Returns the type of a file: the type that the client has named, else that of the extension of its name. Returns
/// `None` if both are unknown; such a file is stored as [`UNKNOWN`].
///
/// Every API, the page, the developer tool and the receipts use this function. Clients often name no type: Chromium on
/// Windows and Linux has none for HEIC, MOV, MKV and many other files. A wrong extension gains nothing, because
/// the type is checked and signed like a named one.
#[must_use]
pub fn of_file(named: Option<&ContentType>, name: Option<&str>) -> Option<ContentType> {
    match named {
        Some(named) if named.essence() == EXCEL && is_csv(name) => Some(named.renamed("text/csv")),
        Some(named) => Some(named.clone()),
        None => ContentType::parse(of_name(name?)?),
    }
}

/// Returns the type of the extension of a file name.
#[must_use]
pub fn of_name(name: &str) -> Option<&'static str> {
    of_extension(split_extension(name).1?)
}

fn is_csv(name: Option<&str>) -> bool {
    let extension = name.and_then(|name| split_extension(name).1);
    extension.is_some_and(|extension| extension.eq_ignore_ascii_case("csv"))
}

fn of_extension(extension: &str) -> Option<&'static str> {
    let own = EXTENSIONS.iter().find(|(known, _)| known.eq_ignore_ascii_case(extension));
    let found = match own {
        Some((_, content_type)) => content_type,
        None => mime_guess::from_ext(extension).first_raw()?,
    };
    Some(canonical_name(found).unwrap_or(found))
}

/// Returns the extension of files of a type, without the dot: one of `allowed` if there is one, else the usual one.
/// Returns `None` for a type without a known extension.
#[must_use]
pub fn extension<'a>(content_type: &ContentType, allowed: &'a [String]) -> Option<&'a str> {
    let essence = content_type.essence();
    let fits = |extension: &&String| of_extension(extension) == Some(essence);
    if let Some(extension) = allowed.iter().find(fits) {
        return Some(extension);
    }
    if essence == UNKNOWN {
        return None;
    }
    if let Some((_, extension)) = USUAL_EXTENSIONS.iter().find(|(known, _)| *known == essence) {
        return Some(extension);
    }
    let known = mime_guess::get_mime_extensions_str(essence)?;
    let subtype = essence.split_once('/').map_or("", |(_, subtype)| subtype);
    known.iter().find(|extension| **extension == subtype).or_else(|| known.first()).copied()
}

fn canonical_name(essence: &str) -> Option<&'static str> {
    let index = ALIASES.binary_search_by_key(&essence, |(alias, _)| alias).ok()?;
    Some(ALIASES[index].1)
}

/// A content type in its canonical form: `image/png`, `text/plain; charset=utf-8`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentType {
    canonical: String,
    /// Other texts that browsers write for this type: without spaces before the parameters, and with the alias that
    /// was parsed.
    others: Vec<String>,
    /// The length of `type/subtype` in bytes.
    essence: usize,
}

impl ContentType {
    /// Parses a type with optional parameters, and replaces an alias by its canonical name. Returns `None` unless
    /// every reader takes the text for the same type.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_BYTES {
            return None;
        }
        // No accepted value contains a semicolon, so splitting there is safe.
        let mut pieces = text.split(';').map(without_space);
        let essence = pieces.next()?.to_ascii_lowercase();
        let (kind, subtype) = essence.split_once('/')?;
        if !is_token(kind) || !is_token(subtype) {
            return None;
        }
        let parameters = parameters(pieces.filter(|piece| !piece.is_empty()))?;
        let written = |separator: &str| {
            let one = |(name, value)| format!("{separator}{name}={value}");
            parameters.iter().map(one).fold(essence.clone(), |text, one| text + &one)
        };
        let parsed = Self {
            canonical: written("; "),
            others: if parameters.is_empty() { Vec::new() } else { vec![written(";")] },
            essence: essence.len(),
        };
        Some(match canonical_name(&essence) {
            Some(name) => parsed.renamed(name),
            None => parsed,
        })
    }

    /// Returns this type under another name. The old name remains one that browsers write.
    fn renamed(&self, essence: &str) -> Self {
        let rename = |text: &String| format!("{essence}{}", &text[self.essence..]);
        let mut others: Vec<_> = self.others.iter().map(rename).collect();
        others.push(self.canonical.clone());
        others.extend(self.others.iter().cloned());
        Self { canonical: rename(&self.canonical), others, essence: essence.len() }
    }

    /// Returns the canonical form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.canonical
    }

    /// Returns `type/subtype`, in lower case.
    #[must_use]
    pub fn essence(&self) -> &str {
        &self.canonical[..self.essence]
    }

    /// Returns the condition on the type of the part `file`, which the client writes itself: the canonical form, or
    /// what browsers write for the same type.
    #[must_use]
    pub fn as_condition(&self) -> Condition<'_> {
        if self.others.is_empty() {
            return Condition::Equal("content-type", &self.canonical);
        }
        let others = self.others.iter().map(String::as_str);
        Condition::In("content-type", std::iter::once(self.as_str()).chain(others).collect())
    }
}

/// Parses `name=value` pieces; returns `None` if one is not allowed.
fn parameters<'a>(pieces: impl Iterator<Item = &'a str>) -> Option<BTreeMap<&'static str, String>> {
    let mut parameters = BTreeMap::new();
    for piece in pieces {
        let (name, value) = piece.split_once('=')?;
        let name = PARAMETERS.into_iter().find(|known| known.eq_ignore_ascii_case(name))?;
        let value = match value.strip_prefix('"') {
            Some(quoted) => quoted.strip_suffix('"')?,
            None => value,
        };
        if !is_token(value) {
            return None;
        }
        // The names of character sets are case-insensitive; the other values are not.
        let value = if name == "charset" { value.to_ascii_lowercase() } else { value.to_owned() };
        if parameters.insert(name, value).is_some() {
            return None;
        }
    }
    Some(parameters)
}

/// Removes the optional white space of RFC 9110 at both ends, and no other.
fn without_space(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// A type that a route allows: `image/png`, or every subtype as `image/*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypePattern {
    /// One type, in lower case, under its canonical name.
    Exact(String),
    /// Every type that begins with this text: `image/`.
    Kind(String),
}

impl TypePattern {
    /// Parses `image/png` or `image/*`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        let (kind, subtype) = text.split_once('/')?;
        match (is_token(kind), subtype) {
            (true, "*") => Some(Self::Kind(format!("{kind}/"))),
            (true, subtype) if is_token(subtype) => {
                Some(Self::Exact(canonical_name(&text).map_or(text, str::to_owned)))
            }
            _ => None,
        }
    }

    fn admits(&self, content_type: &ContentType) -> bool {
        match self {
            Self::Exact(exact) => content_type.essence() == exact,
            Self::Kind(kind) => content_type.essence().starts_with(kind),
        }
    }
}

impl fmt::Display for TypePattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(exact) => formatter.write_str(exact),
            Self::Kind(kind) => write!(formatter, "{kind}*"),
        }
    }
}

/// Returns whether a route that allows `patterns` allows this type; an empty list allows every type.
#[must_use]
pub fn is_allowed(patterns: &[TypePattern], content_type: &ContentType) -> bool {
    patterns.is_empty() || patterns.iter().any(|pattern| pattern.admits(content_type))
}

/// Returns the conditions on the type of the part `file`, for a request that names no type.
///
/// A prefix allows whatever follows it, `image/,text/html` too. A list of exact types would not. But the form of
/// such a request can also contain `x-oss-content-type`, which decides the stored type and which no condition can
/// forbid: OSS has no condition for an absent field. So a prefix is used, which allows every type of the route, and
/// the documentation says that this API leaves the stored type open.
///
/// OSS has no "or" across operators, so a list that mixes exact types and kinds cannot be expressed: the result is
/// `None`, and the client has to name the type. An empty list needs no condition.
#[must_use]
pub fn as_conditions(patterns: &[TypePattern]) -> Option<Vec<Condition<'_>>> {
    match patterns {
        [] => Some(Vec::new()),
        [TypePattern::Kind(kind)] => Some(vec![Condition::StartsWith("content-type", kind)]),
        _ => {
            let mut names = Vec::new();
            for pattern in patterns {
                let TypePattern::Exact(exact) = pattern else { return None };
                names.push(exact.as_str());
                let aliases = ALIASES.iter().filter(|(_, name)| name == exact);
                names.extend(aliases.map(|(alias, _)| *alias));
            }
            Some(vec![Condition::In("content-type", names)])
        }
    }
}

/// Returns whether a text is a token of RFC 9110 without `*`, which means every subtype in a route's list.
fn is_token(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'+-.^_`|~".contains(&b);
    !text.is_empty() && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests;
