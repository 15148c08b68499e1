//! Merges the lifecycle rules for unfinished uploads into the rules of a bucket. OSS replaces all rules at once.

use crate::language::{Text, text};
use crate::requirements::lifecycle_rule::{
    ABORT, LifecycleRule, configuration, is_plain, removal_days,
};
use crate::requirements::routes::PartsPrefix;
use crate::setup::configuration::{
    Configuration, ConfigurationChange, ConfigurationRule, MergeError,
};
use crate::setup::ownership::Ownership;
use crate::xml::XmlElement;

/// The root of the document.
pub(super) const ROOT: &str = "LifecycleConfiguration";

/// The element of a rule.
pub(super) const RULE: &str = "Rule";

/// What has to be written, and what the user has to know about other rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LifecycleMerge {
    pub(super) change: ConfigurationChange,
    pub(super) notes: Vec<Text>,
}

/// Returns what has to be written so that unfinished uploads with these prefixes are removed. Other rules keep their
/// text and their order.
pub(super) fn merge(
    current: Option<&str>,
    wanted: &[PartsPrefix],
    names: &Ownership,
) -> Result<LifecycleMerge, MergeError> {
    let configuration = parse(current)?;
    let (own, foreign) = split(&configuration, names);
    let (mut needed, mut notes) = (Vec::new(), Vec::new());
    for one in wanted {
        match foreign.iter().find_map(|rule| covers(&rule.element, one)) {
            Some(covering) => notes.extend(covering.note(one)),
            None => needed.push(rule(&foreign, one, names)?),
        }
    }
    let current: Vec<_> = own.iter().filter_map(|rule| read(&rule.element)).collect();
    if current == needed && own.len() == needed.len() {
        return Ok(LifecycleMerge { change: ConfigurationChange::None, notes });
    }
    let own: Vec<String> = needed.iter().map(LifecycleRule::to_xml).collect();
    Ok(LifecycleMerge { change: change(&configuration, &foreign, own), notes })
}

/// Returns what has to be written so that our rules are gone.
pub(super) fn without(
    current: Option<&str>,
    names: &Ownership,
) -> Result<ConfigurationChange, MergeError> {
    let configuration = parse(current)?;
    let (own, foreign) = split(&configuration, names);
    if own.is_empty() {
        return Ok(ConfigurationChange::None);
    }
    Ok(change(&configuration, &foreign, Vec::new()))
}

fn parse(current: Option<&str>) -> Result<Configuration, MergeError> {
    let parsed = current.map(|document| Configuration::parse(document, ROOT, RULE)).transpose()?;
    Ok(parsed.unwrap_or_default())
}

/// Splits the rules into ours and the others.
fn split<'a>(
    configuration: &'a Configuration,
    names: &Ownership,
) -> (Vec<&'a ConfigurationRule>, Vec<&'a ConfigurationRule>) {
    let is_own = |rule: &&ConfigurationRule| {
        rule.element.text_of("ID").is_some_and(|id| names.is_lifecycle_id(id))
    };
    configuration.rules.iter().partition(is_own)
}

/// Writes the other rules, then ours.
fn change(
    configuration: &Configuration,
    foreign: &[&ConfigurationRule],
    own: Vec<String>,
) -> ConfigurationChange {
    let others = foreign.iter().copied().chain(&configuration.others);
    let rules: Vec<String> = others.map(|rule| format!("  {}", rule.source)).chain(own).collect();
    if rules.is_empty() {
        return ConfigurationChange::Delete;
    }
    ConfigurationChange::Put(self::configuration(&rules))
}

/// Reads one of our rules; `None` if it was changed into something else.
fn read(element: &XmlElement) -> Option<LifecycleRule> {
    let abort = element.child(ABORT)?;
    let is_plain = is_plain(element) && element.child("Expiration").is_none();
    is_plain.then_some(())?;
    Some(LifecycleRule {
        id: element.text_of("ID")?.to_owned(),
        prefix: element.text_of("Prefix").unwrap_or_default().to_owned(),
        days: abort.text_of("Days")?.parse().ok()?,
    })
}

/// A rule that is not ours and removes unfinished uploads.
struct CoveringRule {
    id: String,
    days: u64,
}

fn covers(element: &XmlElement, wanted: &PartsPrefix) -> Option<CoveringRule> {
    let days = removal_days(element, &wanted.prefix)?;
    Some(CoveringRule { id: element.text_of("ID").unwrap_or("?").to_owned(), days })
}

impl CoveringRule {
    fn note(&self, wanted: &PartsPrefix) -> Option<Text> {
        let (Self { id, days }, needed) = (self, wanted.days);
        (*days < needed).then(|| {
            text!(
                "the lifecycle rule {id:?} of the bucket removes unfinished uploads after {days} \
                 days, before they can be resumed for the last time; raise it to {needed} days, or lower \
                 multipart.resume",
                "Bucket 的生命周期规则 {id:?} 在 {days} 天后删除未完成的上传，早于最后一次可续传的时间；请改为 \
                 {needed} 天，或调小 multipart.resume"
            )
        })
    }
}

/// Returns our rule for a prefix. OSS refuses two rules with one prefix, and a rule that is not ours is not changed.
fn rule(
    foreign: &[&ConfigurationRule],
    wanted: &PartsPrefix,
    names: &Ownership,
) -> Result<LifecycleRule, MergeError> {
    let prefix = wanted.prefix.as_str();
    let has_prefix = |rule: &&&ConfigurationRule| {
        is_plain(&rule.element) && rule.element.text_of("Prefix").unwrap_or_default() == prefix
    };
    if let Some(rule) = foreign.iter().find(has_prefix) {
        let (id, days) = (rule.element.text_of("ID").unwrap_or("?"), wanted.days);
        return Err(MergeError(text!(
            "the bucket has the lifecycle rule {id:?} with the prefix {prefix:?}, and OSS accepts one \
             rule for a prefix; add to it that parts are deleted after {days} days (OSS console > the \
             bucket > Data Management > Lifecycle), and run this again",
            "Bucket 已有前缀为 {prefix:?} 的生命周期规则 {id:?}，而 OSS 对一个前缀只接受一条规则；请在其中设置 \
             {days} 天后删除碎片（OSS 控制台 > 该 Bucket > 数据管理 > 生命周期），然后再次运行"
        )));
    }
    Ok(LifecycleRule {
        id: names.lifecycle_id(prefix),
        prefix: prefix.to_owned(),
        days: wanted.days,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::language::Language;

    fn names() -> Ownership {
        Ownership::new("signer").unwrap()
    }

    fn wanted(prefix: &str, days: u64) -> PartsPrefix {
        PartsPrefix { prefix: prefix.to_owned(), days }
    }

    fn foreign(id: &str, prefix: &str, action: &str) -> String {
        format!(
            "<Rule><ID>{id}</ID> <Prefix>{prefix}</Prefix><Status>Enabled</Status>{action}</Rule>"
        )
    }

    fn expire() -> &'static str {
        "<Expiration><Days>30</Days></Expiration>"
    }

    fn abort(days: u64) -> String {
        format!("<AbortMultipartUpload><Days>{days}</Days></AbortMultipartUpload>")
    }

    fn document(rules: &[String]) -> String {
        format!("<LifecycleConfiguration>{}</LifecycleConfiguration>", rules.concat())
    }

    fn put(merge: LifecycleMerge) -> String {
        match merge.change {
            ConfigurationChange::Put(document) => document,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_empty_bucket_gets_the_rules_and_a_second_run_changes_nothing() {
        let wanted = [wanted("a/", 2), wanted("b/", 8)];
        let first = put(merge(None, &wanted, &names()).unwrap());
        let again = merge(Some(&first), &wanted, &names()).unwrap();
        assert_eq!((again.change, again.notes.len()), (ConfigurationChange::None, 0));
        let fewer = put(merge(Some(&first), &wanted[..1], &names()).unwrap());
        assert!(fewer.contains("<Prefix>a/") && !fewer.contains("<Prefix>b/"), "{fewer}");
        assert_eq!(without(Some(&first), &names()), Ok(ConfigurationChange::Delete));
        let none = merge(Some(&first), &[], &names()).unwrap();
        assert_eq!(none.change, ConfigurationChange::Delete);
    }

    #[test]
    fn foreign_rules_keep_their_text_and_their_order() {
        let rules = [foreign("z", "logs/", expire()), foreign("y", "tmp/", &abort(1))];
        let merged = put(merge(Some(&document(&rules)), &[wanted("a/", 2)], &names()).unwrap());
        let places: Vec<_> = rules.iter().map(|rule| merged.find(rule).unwrap()).collect();
        assert!(places[0] < places[1] && places[1] < merged.find("signer-parts-").unwrap());
        let Ok(ConfigurationChange::Put(left)) = without(Some(&merged), &names()) else {
            panic!("rules are left")
        };
        assert!(rules.iter().all(|rule| left.contains(rule)) && !left.contains("signer-parts-"));
    }

    #[test]
    fn a_foreign_rule_that_removes_the_uploads_is_enough() {
        for (rule, noted) in [
            (foreign("all", "", &abort(9)), false),
            (foreign("all", "", &abort(1)), true),
            (foreign("same", "a/", &abort(2)), false),
        ] {
            let merged =
                merge(Some(&document(std::slice::from_ref(&rule))), &[wanted("a/", 2)], &names());
            let merged = merged.unwrap();
            assert_eq!(merged.change, ConfigurationChange::None, "{rule}");
            assert_eq!(!merged.notes.is_empty(), noted, "{rule}");
        }
        for rule in [
            foreign("off", "", &abort(2)).replace("Enabled", "Disabled"),
            foreign("tag", "", &("<Tag><Key>a</Key><Value>b</Value></Tag>".to_owned() + &abort(2))),
            foreign("narrow", "a/b/", &abort(2)),
            foreign("other", "b/", &abort(2)),
        ] {
            let merged =
                merge(Some(&document(std::slice::from_ref(&rule))), &[wanted("a/", 2)], &names());
            assert!(put(merged.unwrap()).contains(&rule), "{rule}");
        }
    }

    #[test]
    fn a_foreign_rule_with_the_same_prefix_is_named_and_not_changed() {
        let rules = [foreign("mine", "a/", expire())];
        let refused = merge(Some(&document(&rules)), &[wanted("a/", 2)], &names());
        assert!(refused.unwrap_err().0.in_language(Language::En).contains("\"mine\""));
    }

    proptest! {
        #[test]
        fn merging_is_idempotent_and_keeps_foreign_rules_in_their_order(
            rules in proptest::collection::vec((0..5_usize, 0..3_u64), 0..5),
            prefixes in proptest::collection::vec((0..4_usize, 1..9_u64), 0..3),
        ) {
            let rules: Vec<String> = rules.iter().enumerate().map(|(n, (at, days))| {
                let action = if *days == 0 { expire().to_owned() } else { abort(*days) };
                foreign(&format!("rule-{n}"), &format!("foreign-{at}/{n}/"), &action)
            }).collect();
            let wanted: Vec<_> = prefixes.iter().enumerate()
                .map(|(n, (at, days))| wanted(&format!("own-{at}/{n}/"), *days)).collect();
            let current = document(&rules);
            let first = merge(Some(&current), &wanted, &names()).unwrap();
            let merged = if let ConfigurationChange::Put(text) = first.change { text } else { current };
            let again = merge(Some(&merged), &wanted, &names()).unwrap();
            prop_assert_eq!(again.change, ConfigurationChange::None);
            let kept = parse(Some(&merged)).unwrap();
            let (own, others) = split(&kept, &names());
            prop_assert_eq!(own.len(), wanted.len());
            let others: Vec<_> = others.iter().map(|rule| rule.source.clone()).collect();
            prop_assert_eq!(&others, &rules);
            let left = match without(Some(&merged), &names()).unwrap() {
                ConfigurationChange::Put(document) => parse(Some(&document)).unwrap().rules,
                ConfigurationChange::Delete => Vec::new(),
                ConfigurationChange::None => kept.rules,
            };
            let left: Vec<_> = left.into_iter().map(|rule| rule.source).collect();
            prop_assert_eq!(left, rules);
        }
    }
}
