//! The verdict of the local OSS on a captured upload, in words.

use crate::explain::capture::{self, Capture, field, split_at_file};
use crate::explain::judge::{Assumption, UploadCase};
use crate::explain::{View, callback, media_type, permission, program, refusal};
use oss_emulator::oss::policy::{PolicyCondition, PostPolicy};
use oss_emulator::oss::{OssError, OssErrorKind, ValidUpload};

/// A verdict, and the lines that explain it.
pub(super) struct UploadVerdict {
    pub(super) outcome: Result<ValidUpload, OssError>,
    pub(super) lines: Vec<String>,
}

/// Judges an upload. Fails if the capture shows too little for a verdict.
pub(super) async fn judge(capture: &Capture, view: &View) -> Result<UploadVerdict, String> {
    let case = UploadCase::of(capture, view)?;
    let outcome = case.validate(case.request()?).await;
    case.check_capture(outcome.as_ref().err())?;
    let next = match &outcome {
        Err(error) if is_about_head(error) => {
            let second = case.validate(case.mended_request()?).await.err();
            second.filter(|next| next.kind() != error.kind())
        }
        _ => None,
    };
    let lines = case.explain(&outcome, next.as_ref());
    Ok(UploadVerdict { outcome, lines })
}

/// Returns whether OSS did not look at the form.
fn is_about_head(error: &OssError) -> bool {
    matches!(
        error.kind(),
        OssErrorKind::MethodNotAllowed
            | OssErrorKind::MissingContentLength
            | OssErrorKind::PathStyle
            | OssErrorKind::WrongEndpoint
    )
}

impl UploadCase<'_> {
    fn explain(
        &self,
        outcome: &Result<ValidUpload, OssError>,
        next: Option<&OssError>,
    ) -> Vec<String> {
        let mut said = self.describe();
        match outcome {
            Ok(upload) => said.extend(self.accepted(upload)),
            Err(error) => said.extend(self.refused(error)),
        }
        if let Some(next) = next {
            said.push(self.view.language.choose(
                "With that put right, the form itself is refused too:".to_owned(),
                "改正之后，表单本身仍会被拒绝：".to_owned(),
            ));
            said.extend(self.refused(next));
        }
        let errors: Vec<&OssError> = outcome.as_ref().err().into_iter().chain(next).collect();
        if !errors.is_empty() {
            said.extend(program::explain(self.capture, &errors, self.view.language));
        }
        said.extend(self.behind_file(outcome.is_err()));
        if outcome.as_ref().err().is_none_or(|error| !(self.checks_signature() && is_early(error)))
        {
            said.push(self.signature_note());
        }
        said.extend(self.not_checked());
        said.extend(media_type::of_form(&self.items, self.view.language));
        said
    }

    /// Describes the policy and the callback.
    fn describe(&self) -> Vec<String> {
        let language = self.view.language;
        let mut said = Vec::new();
        let mut names_callback = false;
        if let Some(policy) = self.policy() {
            said.extend(permission::explain(policy, self.view));
            names_callback = policy.conditions().iter().any(permission::is_callback);
        }
        if !names_callback {
            // A callback that the policy does not name is in the form only.
            let sent = field(&self.items, callback::FIELD).unwrap_or_default();
            said.extend(callback::explain(sent, language));
        }
        if !said.is_empty() {
            said.push(String::new());
        }
        said
    }

    fn accepted(&self, upload: &ValidUpload) -> Vec<String> {
        let language = self.view.language;
        let mut said = vec![language.choose(
            format!("OSS accepts the form and stores {:?}.", upload.accepted.key),
            format!("OSS 接受该表单，存储为 {:?}。", upload.accepted.key),
        )];
        said.push(language.choose("The form meets its policy.", "表单满足 policy。").to_owned());
        said
    }

    /// Says which check fails, what the form has instead, and what to change.
    fn refused(&self, error: &OssError) -> Vec<String> {
        let language = self.view.language;
        let conditions = self.policy().map(PostPolicy::conditions).unwrap_or_default();
        let failed =
            conditions.iter().find(|condition| error.message().ends_with(&condition.to_string()));
        let Some(condition) = failed else {
            let mut said = refusal::of_error(error, language);
            said.extend(self.other_region(error));
            return said;
        };
        let mut said = vec![refusal::title(error.code(), error.ec(), language)];
        let first = language.choose("The first condition that fails", "最先不满足的条件");
        said.push(format!("  {first}: {}", permission::quote(condition)));
        if error.kind() == OssErrorKind::FieldAbsent {
            let field = condition.field().unwrap_or_default();
            said.push(language.choose(
                format!("  The form does not send {field} before the file."),
                format!("  表单没有在文件之前发送 {field}。"),
            ));
            let message = Some(error.message());
            let advice = refusal::advice(error.code(), error.ec(), message, language);
            said.extend(advice.into_iter().skip(1));
        } else {
            said.extend(self.difference(condition));
        }
        said
    }

    /// Host and credential name two regions, and the capture does not show in which of them the bucket
    /// lies. The verdict believes the credential; this names the other possibility.
    fn other_region(&self, error: &OssError) -> Option<String> {
        if error.kind() != OssErrorKind::WrongEndpoint || self.view.region.is_some() {
            return None;
        }
        let region = &self.bucket.region;
        Some(self.view.language.choose(
            format!(
                "  This holds if the bucket lies in {region}, for which the form is signed. If it lies where the host \
                 says, the region in x-oss-credential is wrong: InvalidArgument (0002-00000715). --region \
                 names the right one."
            ),
            format!(
                "  前提是存储空间位于签名所用的地域 {region}。若位于域名所示的地域，则是 x-oss-credential 中的地域有误：\
                 InvalidArgument (0002-00000715)。可用 --region 指定正确的地域。"
            ),
        ))
    }

    /// Compares the form with a condition, and says how the two could be made to agree.
    fn difference(&self, condition: &PolicyCondition) -> [String; 2] {
        let language = self.view.language;
        let field = condition.field().unwrap_or_default();
        let required = permission::describe(condition, language);
        if permission::is_secret(condition) {
            return language
                .choose(
                    [
                        "  The form sends another token.",
                        "  Send the token of the very key that signed.",
                    ],
                    ["  表单发送的是另一个令牌。", "  请发送签名所用密钥对应的令牌。"],
                )
                .map(str::to_owned);
        }
        let value = self.value(field, condition);
        language.choose(
            [
                format!("  The policy wants this: {required}. In the form {field} is {value:?}."),
                format!(
                    "  Change the form so that {required}, or have a policy signed that allows {value:?}."
                ),
            ],
            [
                format!("  policy 要求 {required}，而表单中 {field} 为 {value:?}。"),
                format!("  修改表单，使 {required}；或重新签署允许 {value:?} 的 policy。"),
            ],
        )
    }

    /// Returns what the form has where the condition looks.
    fn value(&self, name: &str, condition: &PolicyCondition) -> String {
        if name.eq_ignore_ascii_case("bucket") {
            return self.bucket.name.clone();
        }
        let part = capture::file(&self.items).and_then(|file| file.content_type.as_deref());
        let part = part.filter(|_| name.eq_ignore_ascii_case("content-type"));
        let candidates = [field(split_at_file(&self.items).0, name), part];
        let failing = candidates.into_iter().flatten().find(|value| !condition.holds(value));
        failing.unwrap_or_default().to_owned()
    }

    /// Names the fields that OSS does not see because the file precedes them.
    fn behind_file(&self, is_refused: bool) -> Option<String> {
        let (_, behind) = split_at_file(&self.items);
        let mut names = capture::names(behind);
        if !is_refused {
            names.retain(|name| is_of_oss(name));
        }
        if names.is_empty() {
            return None;
        }
        let list = names.iter().take(20).copied().collect::<Vec<_>>().join(", ");
        Some(self.view.language.choose(
            format!(
                "These fields are there, but behind the file: {list}. OSS reads only the fields before the \
                 file; send the file last."
            ),
            format!("这些字段虽然存在，但位于文件之后：{list}。OSS 只读取文件之前的字段，请把文件放在最后。"),
        ))
    }

    /// Says what the verdict rests on that the capture does not show.
    fn not_checked(&self) -> Vec<String> {
        let language = self.view.language;
        let has = |assumption| self.assumed.contains(&assumption);
        let is_shown = !has(Assumption::File);
        let uses_name = field(&self.items, "key").is_some_and(|key| key.contains("${filename}"));
        let notes = [
            (
                has(Assumption::LineEnds),
                "The capture has no carriage returns; they were put back before the form was judged.",
                "捕获的内容没有回车符，判断之前已补上。",
            ),
            (
                has(Assumption::ContentType),
                "The head shows nothing about the body; the right Content-Type was assumed.",
                "请求头没有显示与请求体有关的内容，按正确的 Content-Type 判断。",
            ),
            (
                has(Assumption::Size) && is_shown,
                "The size of the file was not checked: the capture does not hold its bytes.",
                "未检查文件大小：捕获的内容不含文件数据。",
            ),
            (
                has(Assumption::FileName) && uses_name && is_shown,
                "The name of the file was not checked: the capture does not show it.",
                "未检查文件名：捕获的内容没有显示文件名。",
            ),
            (
                has(Assumption::FileType) && is_shown,
                "The type of the file was not checked: the capture does not show it.",
                "未检查文件类型：捕获的内容没有显示文件类型。",
            ),
        ];
        let notes = notes.into_iter().filter(|(applies, ..)| *applies);
        let notes = notes.map(|(_, english, chinese)| language.choose(english, chinese).to_owned());
        notes.collect()
    }

    fn signature_note(&self) -> String {
        let language = self.view.language;
        let note = if self.checks_signature() {
            language.choose(
                "The signature was checked with the key in the environment.",
                "已用环境变量中的密钥检查签名。",
            )
        } else if self.view.keys.is_empty() {
            language.choose(
                "The signature was not checked: the key that signed is not in the environment.",
                "未检查签名：环境变量中没有签名所用的密钥。",
            )
        } else {
            language.choose(
                "The signature was not checked: the form was signed with another key than the one in the environment.",
                "未检查签名：签名所用的密钥不是环境变量中的密钥。",
            )
        };
        note.to_owned()
    }
}

/// Returns whether an error comes before the check of the signature.
fn is_early(error: &OssError) -> bool {
    let of_key = ["InvalidAccessKeyId", "InvalidSecurityToken", "SecurityTokenExpired"];
    let of_form =
        ["MalformedPOSTRequest", "IncorrectNumberOfFilesInPOSTRequest", "FieldItemTooLong"];
    is_about_head(error)
        || error.kind() == OssErrorKind::KeyMissing
        || of_key.contains(&error.code())
        || of_form.contains(&error.code())
        || error.ec().is_some_and(|ec| ec.starts_with("0002-"))
            && error.kind() != OssErrorKind::SignatureMismatch
}

/// Returns whether OSS acts on a field of this name.
fn is_of_oss(name: &str) -> bool {
    const NAMES: [&str; 11] = [
        "key",
        "policy",
        "OSSAccessKeyId",
        "Signature",
        "callback",
        "success_action_status",
        "success_action_redirect",
        "Content-Type",
        "Content-Disposition",
        "Content-Encoding",
        "Cache-Control",
    ];
    let lower = name.to_ascii_lowercase();
    lower.starts_with("x-oss-")
        || lower.starts_with("x:")
        || NAMES.iter().any(|one| one.eq_ignore_ascii_case(name))
}
