//! The program that wrote a form, and what its users change so that OSS accepts it.
//!
//! HTTP libraries choose boundaries of their own kind, and write the heads of the parts each in its own
//! way. Both are hints and no proof, since a program can set another boundary: the texts say "probably".

use crate::explain::capture::{Capture, CapturedBody};
use crate::explain::multipart;
use crate::language::Language;
use oss_emulator::oss::OssError;

/// A program or library whose forms can be recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FormProgram {
    Aiohttp,
    Alamofire,
    DartHttp,
    Dio,
    DotNet,
    /// The package `form-data` of npm, also as Postman and axios use it.
    FormData,
    GoMultipart,
    OkHttp,
    Postman,
    /// The Python libraries requests, httpx and urllib3, which write the same form.
    PythonRequests,
    Qt,
    ReactNative,
    RnFetchBlob,
}

/// What a program was recognised by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    UserAgent,
    /// The boundary begins with this text.
    Boundary(&'static str),
    /// The kind of the boundary, together with the heads of the parts.
    Form,
}

/// The beginnings of boundaries that only one program writes.
const BOUNDARIES: [(&str, FormProgram); 5] = [
    ("boundary_.oOo._", FormProgram::Qt),
    ("dart-http-boundary-", FormProgram::DartHttp),
    ("--dio-boundary-", FormProgram::Dio),
    ("alamofire.boundary.", FormProgram::Alamofire),
    ("RNFetchBlob", FormProgram::RnFetchBlob),
];

/// The names by which programs call themselves in `User-Agent`.
const USER_AGENTS: [(&str, FormProgram); 7] = [
    ("PostmanRuntime/", FormProgram::Postman),
    ("aiohttp/", FormProgram::Aiohttp),
    ("python-requests/", FormProgram::PythonRequests),
    ("python-httpx/", FormProgram::PythonRequests),
    ("Go-http-client/", FormProgram::GoMultipart),
    ("Alamofire/", FormProgram::Alamofire),
    ("okhttp/", FormProgram::OkHttp),
];

/// What a capture shows of the way in which its form was written.
struct FormTraits {
    user_agent: String,
    boundary: String,
    is_quoted: bool,
    /// The heads of the parts.
    heads: Vec<String>,
}

/// Names the program that probably wrote a refused form, and says what its users change.
pub(super) fn explain(capture: &Capture, errors: &[&OssError], language: Language) -> Vec<String> {
    let traits = FormTraits::of(capture);
    let Some((program, sign)) = traits.program() else {
        return Vec::new();
    };
    let (name, sign) = (program.name(), sign.describe(language));
    let mut said = vec![language.choose(
        format!("The form was probably written by {name}: {sign}."),
        format!("该表单可能由 {name} 生成：{sign}。"),
    )];
    let cures = errors.iter().filter_map(|error| program.cure(error, language));
    said.extend(cures.map(|cure| format!("  {cure}")));
    said
}

impl FormTraits {
    fn of(capture: &Capture) -> Self {
        let header = |name: &str| capture.head.as_ref().and_then(|head| head.header(name));
        let content_type = header("content-type").unwrap_or_default();
        let named = content_type.split_once("boundary=").map(|(_, rest)| rest.trim());
        let is_quoted = named.is_some_and(|named| named.starts_with('"'));
        let named = named.map(|named| match named.strip_prefix('"') {
            Some(quoted) => quoted.split('"').next().unwrap_or_default(),
            None => named.split(';').next().unwrap_or_default().trim_end(),
        });
        let body = match &capture.body {
            CapturedBody::Bytes(bytes) => bytes.as_slice(),
            CapturedBody::Form(_) | CapturedBody::NoForm(_) => &[],
        };
        let boundary =
            named.map(str::to_owned).or_else(|| multipart::boundary_of(body)).unwrap_or_default();
        let heads = multipart::heads(body, &boundary);
        let user_agent = header("user-agent").unwrap_or_default().to_owned();
        Self { user_agent, boundary, is_quoted, heads }
    }

    fn program(&self) -> Option<(FormProgram, Sign)> {
        let by_boundary = BOUNDARIES.iter().find(|(start, _)| self.boundary.starts_with(start));
        if let Some((start, program)) = by_boundary {
            return Some((*program, Sign::Boundary(start)));
        }
        let by_name = USER_AGENTS.iter().find(|(name, _)| self.user_agent.contains(name));
        let by_name = by_name.map(|(_, program)| (*program, Sign::UserAgent));
        let by_form = self.by_form().map(|program| (program, Sign::Form));
        match (by_name, by_form) {
            // On Android, React Native sends with OkHttp what it has written itself.
            (Some((FormProgram::OkHttp, _)), Some((FormProgram::ReactNative, _))) => by_form,
            _ => by_name.or(by_form),
        }
    }

    /// Recognises a program by the kind of its boundary and the heads of its parts.
    fn by_form(&self) -> Option<FormProgram> {
        let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let dashes = self.boundary.len() - self.boundary.trim_start_matches('-').len();
        let has_extended_name = self.any_head(|head| head.contains("filename*="));
        if is_uuid(&self.boundary) && self.is_quoted {
            return Some(FormProgram::DotNet);
        }
        if has_extended_name && self.any_head(|head| head.contains("filename*=utf-8''")) {
            let is_own = is_uuid(&self.boundary) || (self.boundary.len() == 70 && dashes < 10);
            return is_own.then_some(FormProgram::ReactNative);
        }
        if is_uuid(&self.boundary) && self.any_head(|head| head.contains("content-length:")) {
            return Some(FormProgram::OkHttp);
        }
        match (self.boundary.len(), dashes) {
            (50, 26) => Some(FormProgram::FormData),
            (60, 0) if is_hex(&self.boundary) => Some(FormProgram::GoMultipart),
            (32, 0) if is_hex(&self.boundary) => {
                let is_type_first = self.any_head(|head| head.starts_with("content-type:"));
                let program =
                    if is_type_first { FormProgram::Aiohttp } else { FormProgram::PythonRequests };
                (!self.heads.is_empty()).then_some(program)
            }
            _ => None,
        }
    }

    /// Returns whether this holds for the head of a part, in lower case.
    fn any_head(&self, holds: impl Fn(&str) -> bool) -> bool {
        self.heads.iter().any(|head| holds(&head.to_ascii_lowercase()))
    }
}

/// Returns whether a text is a UUID with its dashes.
fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    let is_hex = |group: &&str| group.bytes().all(|byte| byte.is_ascii_hexdigit());
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12]) && groups.iter().all(is_hex)
}

impl Sign {
    fn describe(self, language: Language) -> String {
        match self {
            Self::UserAgent => {
                language.choose("its User-Agent says so", "User-Agent 中有其名称").to_owned()
            }
            Self::Boundary(start) => language.choose(
                format!("its boundary begins with {start:?}"),
                format!("boundary 以 {start:?} 开头"),
            ),
            Self::Form => language
                .choose(
                    "its boundary and the heads of its parts are of that kind",
                    "boundary 和各部分的头符合其写法",
                )
                .to_owned(),
        }
    }
}

impl FormProgram {
    fn name(self) -> &'static str {
        match self {
            Self::Aiohttp => "aiohttp (Python)",
            Self::Alamofire => "Alamofire (Swift)",
            Self::DartHttp => "http (Dart, Flutter)",
            Self::Dio => "dio (Dart, Flutter)",
            Self::DotNet => "MultipartFormDataContent (.NET)",
            Self::FormData => "form-data (Node.js)",
            Self::GoMultipart => "mime/multipart (Go)",
            Self::OkHttp => "OkHttp (Java, Kotlin)",
            Self::Postman => "Postman",
            Self::PythonRequests => "requests, httpx or urllib3 (Python)",
            Self::Qt => "QHttpMultiPart (Qt)",
            Self::ReactNative => "React Native 0.74 to 0.76",
            Self::RnFetchBlob => "rn-fetch-blob (React Native)",
        }
    }

    /// Returns what the users of this program change after a refusal that is known from it.
    fn cure(self, error: &OssError, language: Language) -> Option<&'static str> {
        let ec = error.ec().unwrap_or_default();
        let (english, chinese) = match (self, error.code(), ec) {
            (Self::Aiohttp, _, "0006-00000109") => (
                "aiohttp always writes Content-Type first. Post the form with httpx or requests.",
                "aiohttp 总是先写 Content-Type。请改用 httpx 或 requests 提交表单。",
            ),
            (Self::DartHttp, _, "0006-00000109") => (
                "The package http writes content-type first for values beyond ASCII. Post the form with dio.",
                "http 包对非 ASCII 的值先写 content-type。请改用 dio 提交表单。",
            ),
            (Self::Qt, "MalformedPOSTRequest", _) => (
                "Set the header Content-Type of the request to \"multipart/form-data; boundary=\" + multiPart->boundary().",
                "请把请求的 Content-Type 设置为 \"multipart/form-data; boundary=\" + multiPart->boundary()。",
            ),
            (Self::DotNet, "MalformedPOSTRequest" | "FieldItemTooLong", _) => (
                "Remove the quotes of the boundary, put the names into quotes, and set FileNameStar of the file to null.",
                "请去掉 boundary 的引号，为 name 加上引号，并把文件的 FileNameStar 设为 null。",
            ),
            (Self::ReactNative, "FieldItemTooLong", _) => (
                "Update to React Native 0.77, or leave `name` out of the file that is appended to the form.",
                "请升级到 React Native 0.77，或在添加到表单的文件对象中省略 `name`。",
            ),
            (Self::Postman | Self::FormData, "FieldItemTooLong", _) => (
                "Send a file whose name has ASCII characters only.",
                "请发送文件名只含 ASCII 字符的文件。",
            ),
            (Self::FormData, "MissingContentLength", _) => (
                "Send the header Content-Length with the result of form.getLength(), or post the form with axios.",
                "请发送 Content-Length 请求头，值为 form.getLength() 的结果；或用 axios 提交表单。",
            ),
            (Self::RnFetchBlob, "MethodNotAllowed", _) => (
                "On iOS it adds charset=utf-8 to the Content-Type. Use react-native-blob-util, or the FormData of React Native.",
                "在 iOS 上，它会在 Content-Type 中加入 charset=utf-8。请改用 react-native-blob-util 或 React Native 自带的 FormData。",
            ),
            _ => return None,
        };
        Some(language.choose(english, chinese))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::raw;

    const UUID: &str = "5bd3a1a0-5c1b-4c57-8f6a-0a3d2f6f5b11";

    /// Writes a request with one field and a file, with these heads of the parts.
    fn request(head: &str, boundary: &str, field: &str, file: &str) -> Capture {
        raw::request(
            format!(
                "POST / HTTP/1.1\r\nHost: examplebucket.oss-cn-hangzhou.aliyuncs.com\r\n{head}\r\n\r\n\
                 --{boundary}\r\n{field}\r\n\r\nkey\r\n--{boundary}\r\n{file}\r\n\r\nhello\r\n--{boundary}--\r\n"
            )
            .as_bytes(),
        )
    }

    /// Writes the parts as most programs do.
    fn plain(head: &str, boundary: &str) -> Capture {
        let field = "Content-Disposition: form-data; name=\"key\"";
        let file = "Content-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\nContent-Type: image/png";
        request(head, boundary, field, file)
    }

    fn content_type(boundary: &str) -> String {
        format!("Content-Type: multipart/form-data; boundary={boundary}")
    }

    fn recognised(capture: &Capture) -> Option<(FormProgram, Sign)> {
        FormTraits::of(capture).program()
    }

    #[test]
    fn programs_are_recognised_by_a_boundary_that_only_they_write() {
        for (boundary, program) in [
            ("boundary_.oOo._MTM4NDc5NTk2MTk5MjQ2NjQ4MA==", FormProgram::Qt),
            (
                "dart-http-boundary-zEDT_cKh5lXBX_ZzZw9ZYLB8wPP+Zf-njJ-Oz80+cHqm2Sb2y1W",
                FormProgram::DartHttp,
            ),
            ("--dio-boundary-3788193217", FormProgram::Dio),
            ("alamofire.boundary.7f0585cae229a0a5", FormProgram::Alamofire),
            ("RNFetchBlob-1732687781", FormProgram::RnFetchBlob),
        ] {
            for head in [content_type(boundary), content_type(&format!("\"{boundary}\""))] {
                let found = recognised(&plain(&head, boundary)).map(|(program, _)| program);
                assert_eq!(found, Some(program), "{boundary}");
            }
            // Of the body alone the same.
            let body = format!(
                "--{boundary}\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nk\r\n"
            );
            let found = recognised(&raw::body(body.as_bytes())).map(|(program, _)| program);
            assert_eq!(found, Some(program), "{boundary}");
        }
    }

    #[test]
    fn programs_are_recognised_by_the_way_they_write_the_parts() {
        let hex = "d0c1a1f45b1e4d1d9c0c7c2a5c8f6a10";
        let type_first = "Content-Type: text/plain; charset=utf-8\r\nContent-Disposition: form-data; name=\"key\"";
        let file = "Content-Disposition: form-data; name=\"file\"; filename=\"a.png\"";
        let bare = "Content-Disposition: form-data; name=key";
        let bare_file =
            "Content-Disposition: form-data; name=file; filename=a.png; filename*=utf-8''a.png";
        let extended = "content-disposition: form-data; name=\"file\"; filename=\"a.png\"; filename*=utf-8''a.png";
        let length = "Content-Disposition: form-data; name=\"key\"\r\nContent-Length: 3";
        let plain_field = "content-disposition: form-data; name=\"key\"";
        let of_go = hex.repeat(2)[..60].to_owned();
        let of_node = format!("{}{}", "-".repeat(26), "0123456789".repeat(3)[..24].to_owned());
        let quoted = content_type(&format!("\"{UUID}\""));
        for (capture, program) in [
            (request(&content_type(hex), hex, type_first, file), FormProgram::Aiohttp),
            (plain(&content_type(hex), hex), FormProgram::PythonRequests),
            (request(&quoted, UUID, bare, bare_file), FormProgram::DotNet),
            (request(&content_type(UUID), UUID, plain_field, extended), FormProgram::ReactNative),
            (
                request(
                    &format!("User-Agent: okhttp/4.9.2\r\n{}", content_type(UUID)),
                    UUID,
                    plain_field,
                    extended,
                ),
                FormProgram::ReactNative,
            ),
            (request(&content_type(UUID), UUID, length, file), FormProgram::OkHttp),
            (plain(&content_type(&of_go), &of_go), FormProgram::GoMultipart),
            (plain(&content_type(&of_node), &of_node), FormProgram::FormData),
        ] {
            assert_eq!(recognised(&capture), Some((program, Sign::Form)));
        }
    }

    #[test]
    fn programs_are_recognised_by_their_own_name() {
        let of_node = format!("{}123456789012345678901234", "-".repeat(26));
        for (agent, program) in [
            ("PostmanRuntime/7.39.1", FormProgram::Postman),
            ("Python/3.12 aiohttp/3.14.0", FormProgram::Aiohttp),
            ("python-httpx/0.28.1", FormProgram::PythonRequests),
            ("okhttp/4.12.0", FormProgram::OkHttp),
        ] {
            let capture =
                plain(&format!("User-Agent: {agent}\r\n{}", content_type(&of_node)), &of_node);
            assert_eq!(recognised(&capture), Some((program, Sign::UserAgent)));
        }
    }

    #[test]
    fn browsers_and_forms_of_unknown_programs_are_not_named() {
        let webkit = "----WebKitFormBoundary7MA4YWxkTrZu0gW";
        let gecko = "----geckoformboundary5f2c0a3a6a1d4b8c9e7f";
        for boundary in [webkit, gecko, "XbX", "b", "", "--", UUID, "----boundary-of-explain"] {
            assert_eq!(recognised(&plain(&content_type(boundary), boundary)), None, "{boundary}");
        }
        assert_eq!(recognised(&Capture::default()), None);
    }
}
