//! A curl command, as people write it and as browsers and Postman copy it.

use crate::explain::capture::{Capture, CapturedBody, CapturedFile, Head, Item};
use crate::explain::{lines, multipart, shell};

/// The short options that take a value.
const SHORT_WITH_VALUE: &str = "XHFduAebcoTmxwrKEQCtYyz";

/// The long options that take no value and that commands in the wild carry.
const LONG_WITHOUT_VALUE: [&str; 24] = [
    "--location",
    "--location-trusted",
    "--silent",
    "--show-error",
    "--verbose",
    "--include",
    "--insecure",
    "--compressed",
    "--fail",
    "--fail-with-body",
    "--get",
    "--head",
    "--http1.0",
    "--http1.1",
    "--http2",
    "--http3",
    "--globoff",
    "--no-buffer",
    "--progress-bar",
    "--remote-name",
    "--ipv4",
    "--ipv6",
    "--ssl-no-revoke",
    "--path-as-is",
];

/// The types that curl gives to a file by its ending.
const TYPES: [(&str, &str); 9] = [
    ("gif", "image/gif"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("png", "image/png"),
    ("svg", "image/svg+xml"),
    ("txt", "text/plain"),
    ("htm", "text/html"),
    ("html", "text/html"),
    ("pdf", "application/pdf"),
];

/// Returns whether a text is a curl command.
pub(super) fn is_command(text: &str) -> bool {
    let text = text.strip_prefix("$ ").unwrap_or(text);
    let first = text.split_whitespace().next().unwrap_or_default();
    matches!(first, "curl" | "curl.exe")
}

/// Reads a command, or says why it cannot be read.
pub(super) fn read(text: &str) -> Result<Capture, String> {
    let text = text.strip_prefix("$ ").unwrap_or(text);
    let words = shell::words(text)
        .ok_or_else(|| "a quote in the curl command is never closed".to_owned())?;
    let mut command = CurlCommand::default();
    let mut words = words.into_iter().skip(1);
    while let Some(word) = words.next() {
        let (option, attached) = split_option(&word);
        if option.is_empty() {
            command.url.get_or_insert(word);
            continue;
        }
        let value = match attached {
            Some(value) => Some(value),
            None if takes_value(&option) => words.next(),
            None => None,
        };
        command.apply(&option, value.unwrap_or_default())?;
    }
    command.capture()
}

/// Splits `-XPOST`, `--form=a` and the like; an empty option means that the word is none.
fn split_option(word: &str) -> (String, Option<String>) {
    if word.starts_with("--") {
        return match word.split_once('=') {
            Some((option, value)) => (option.to_owned(), Some(value.to_owned())),
            None => (word.to_owned(), None),
        };
    }
    let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) else {
        return (String::new(), None);
    };
    // Letters of options without a value may come first, as in -sSF.
    for (at, letter) in letters.char_indices() {
        if SHORT_WITH_VALUE.contains(letter) {
            let value = &letters[at + letter.len_utf8()..];
            return (format!("-{letter}"), (!value.is_empty()).then(|| value.to_owned()));
        }
    }
    (word.to_owned(), None)
}

fn takes_value(option: &str) -> bool {
    match option.strip_prefix("--") {
        Some(_) => !LONG_WITHOUT_VALUE.contains(&option),
        None => option.chars().nth(1).is_some_and(|letter| SHORT_WITH_VALUE.contains(letter)),
    }
}

#[derive(Default)]
struct CurlCommand {
    url: Option<String>,
    method: Option<String>,
    headers: Vec<(String, String)>,
    form: Vec<Item>,
    data: Option<String>,
    is_json: bool,
    puts_file: bool,
}

impl CurlCommand {
    fn apply(&mut self, option: &str, value: String) -> Result<(), String> {
        match option {
            "-X" | "--request" => self.method = Some(value),
            "--url" => self.url = Some(value),
            "-H" | "--header" => {
                if let Some((name, value)) = value.split_once(':') {
                    self.headers.push((name.trim().to_owned(), value.trim().to_owned()));
                }
            }
            "-F" | "--form" => self.form.push(form_item(&value)?),
            "--form-string" => {
                let (name, value) = value.split_once('=').unwrap_or((&value, ""));
                self.form.push(Item::field(name, value));
            }
            "-T" | "--upload-file" => self.puts_file = true,
            "--json" => {
                self.is_json = true;
                self.data = Some(value);
            }
            "-d" | "--data" | "--data-raw" | "--data-ascii" | "--data-binary" => {
                if value.starts_with('@') && option != "--data-raw" {
                    return Err(format!(
                        "the curl command takes its body from the file {}; paste that body",
                        value.trim_start_matches('@')
                    ));
                }
                self.add_data(&value);
            }
            "--data-urlencode" => {
                let (name, value) = value.split_once('=').unwrap_or((&value, ""));
                let encoded = form_urlencoded::Serializer::new(String::new())
                    .append_pair(name, value)
                    .finish();
                self.add_data(&encoded);
            }
            _ => {}
        }
        Ok(())
    }

    fn add_data(&mut self, value: &str) {
        match &mut self.data {
            Some(data) => {
                data.push('&');
                data.push_str(value);
            }
            None => self.data = Some(value.to_owned()),
        }
    }

    fn capture(self) -> Result<Capture, String> {
        let url = self.url.ok_or_else(|| "the curl command has no URL".to_owned())?;
        let has_body = !self.form.is_empty() || self.data.is_some();
        let method = match (self.method, self.puts_file, has_body) {
            (Some(method), _, _) => method,
            (None, true, _) => "PUT".to_owned(),
            (None, false, true) => "POST".to_owned(),
            (None, false, false) => "GET".to_owned(),
        };
        let mut head = Head::of_url(&method, &url, self.headers);
        if !self.form.is_empty() {
            set_boundary(&mut head);
            return Ok(Capture {
                head: Some(head),
                body: CapturedBody::Form(self.form),
                ..Capture::default()
            });
        }
        let data = self.data.unwrap_or_default();
        if head.header("content-type").is_none() && has_body {
            let json = "application/json";
            let form = "application/x-www-form-urlencoded";
            let value = if self.is_json { json } else { form };
            head.headers.push(("Content-Type".to_owned(), value.to_owned()));
        }
        Ok(Capture { head: Some(head), body: lines::body(data.into_bytes()), ..Capture::default() })
    }
}

/// Adds the boundary to the type, as curl does also for a type that was given with `-H`.
fn set_boundary(head: &mut Head) {
    let given = head.headers.iter_mut().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    match given {
        Some((_, value)) if value.contains("boundary=") => {}
        Some((_, value)) => *value = format!("{value}; boundary={}", multipart::BOUNDARY),
        None => {
            let value = format!("multipart/form-data; boundary={}", multipart::BOUNDARY);
            head.headers.push(("Content-Type".to_owned(), value));
        }
    }
}

/// Reads the value of `-F`: `name=value`, `name=@path` or `name=<path`, each with `;type=` and the like.
fn form_item(text: &str) -> Result<Item, String> {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    if let Some(path) = value.strip_prefix('<') {
        return Err(format!(
            "the curl command takes the field {name} from the file {path}; write its value there"
        ));
    }
    let Some(path) = value.strip_prefix('@') else {
        return Ok(Item::named(name, content(value)));
    };
    let (path, parameters) = quoted(path);
    let of = |wanted: &str| {
        parameters
            .split(';')
            .filter_map(|one| one.split_once('='))
            .find(|(name, _)| name.trim() == wanted)
            .map(|(_, value)| value.trim().trim_matches('"').to_owned())
    };
    if !name.eq_ignore_ascii_case("file") {
        // A file under another name is a field to OSS.
        return Ok(Item::field(name, ""));
    }
    let base = path.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
    let filename = of("filename").unwrap_or(base);
    Ok(Item::File(CapturedFile {
        content_type: Some(of("type").unwrap_or_else(|| guess(&path).to_owned())),
        name: Some(filename),
        size: None,
    }))
}

/// Reads a literal value: quoted as a whole, or up to `;type=`.
fn content(value: &str) -> String {
    if value.starts_with('"') {
        return quoted(value).0;
    }
    value.split(";type=").next().unwrap_or_default().to_owned()
}

/// Splits a path or a value from the parameters after it.
fn quoted(text: &str) -> (String, &str) {
    let Some(rest) = text.strip_prefix('"') else {
        let end = text.find(';').unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut characters = rest.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, &rest[at + 1..]),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    (value, "")
}

fn guess(path: &str) -> &'static str {
    let ending = path.rsplit_once('.').map_or("", |(_, ending)| ending).to_ascii_lowercase();
    let known = TYPES.iter().find(|(known, _)| *known == ending);
    known.map_or("application/octet-stream", |(_, kind)| kind)
}
