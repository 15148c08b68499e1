//! Types that a form or a policy names and that browsers read as another type.

use crate::explain::capture::{self, Item};
use crate::language::Language;
use oss_emulator::oss::policy::{PolicyCondition, PostPolicy};
use oss_upload_signer::policy::content_type::ContentType;

/// The field that decides the stored type, and the one that OSS compares the file part's type with.
const FIELDS: [&str; 2] = ["x-oss-content-type", "content-type"];

/// Warns of what a policy allows.
pub(super) fn of_policy(policy: &PostPolicy, language: Language) -> Vec<String> {
    let mut said = Vec::new();
    for condition in policy.conditions().iter().filter(|one| is_about_type(one)) {
        match condition {
            PolicyCondition::Equal(_, value) => said.extend(warn(value, language)),
            PolicyCondition::In(_, values) => {
                said.extend(values.iter().filter_map(|value| warn(value, language)));
            }
            PolicyCondition::StartsWith(_, prefix) => said.push(warn_of_prefix(prefix, language)),
            PolicyCondition::NotIn(..) | PolicyCondition::SizeRange(..) => {}
        }
    }
    said
}

/// Warns of the type that the object of a form gets: the OSS field, otherwise the file part's own type,
/// otherwise the plain field.
pub(super) fn of_form(items: &[Item], language: Language) -> Option<String> {
    let (before, _) = capture::split_at_file(items);
    let [stored, plain] = FIELDS.map(|name| capture::field(before, name));
    let part = capture::file(items).and_then(|file| file.content_type.as_deref());
    let mut given = [stored, part, plain].into_iter().flatten();
    warn(given.find(|value| !value.is_empty())?, language)
}

fn is_about_type(condition: &PolicyCondition) -> bool {
    let is = |field: &str| FIELDS.iter().any(|name| field.eq_ignore_ascii_case(name));
    condition.field().is_some_and(is)
}

fn warn(value: &str, language: Language) -> Option<String> {
    ContentType::parse(value).is_none().then(|| {
        language.choose(
            format!(
                "Browsers may read another type out of {value:?} (of a list they take the last one), and run \
                 the file's scripts. Sign one type: no comma, no parameter but boundary, charset and codecs."
            ),
            format!(
                "浏览器可能把 {value:?} 解读为其他类型（逗号列表取最后一个）并运行文件中的脚本。\
                 请只签署一个类型：不含逗号，参数仅限 boundary、charset 和 codecs。"
            ),
        )
    })
}

fn warn_of_prefix(prefix: &str, language: Language) -> String {
    language.choose(
        format!(
            "Any type may follow {prefix:?}, also a comma and another type, which browsers then take. A list \
             of whole types (in) is closed."
        ),
        format!(
            "{prefix:?} 之后可以是任何内容，包括逗号和另一个类型，浏览器会采用后者。请用完整类型的列表（in）。"
        ),
    )
}
