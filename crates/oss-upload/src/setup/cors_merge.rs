//! Merges the CORS rule into the rules of a bucket. OSS replaces all rules at once, and takes for each request the
//! first rule that matches.

use crate::language::text;
use crate::requirements::cors_rule::{CorsRule, configuration as configuration_document};
use crate::setup::configuration::{
    Configuration, ConfigurationChange, ConfigurationRule, MergeError,
};
use crate::xml::XmlElement;

/// The largest number of rules.
const MAX_RULES: usize = 10;

/// The root of the document.
pub(super) const ROOT: &str = "CORSConfiguration";

/// The element of a rule.
pub(super) const RULE: &str = "CORSRule";

const RESPONSE_VARY: &str = "ResponseVary";

/// Returns what has to be written so that the bucket has the rule. Other rules keep their text and their order.
pub(super) fn merge(
    current: Option<&str>,
    wanted: &CorsRule,
    mark: &str,
) -> Result<ConfigurationChange, MergeError> {
    let configuration = parse(current)?;
    let (own, foreign) = split(&configuration, mark);
    let varies = varies(&configuration);
    let mut marked = wanted.clone();
    marked.exposed_headers.push(mark.to_owned());
    let is_enough = match own[..] {
        [] => is_met(&foreign.iter().map(|rule| read(&rule.element)).collect::<Vec<_>>(), wanted),
        [one] => {
            let rules = configuration.rules.iter().map(|rule| read(&rule.element));
            read(&one.element).is_same(&marked) && is_met(&rules.collect::<Vec<_>>(), wanted)
        }
        _ => false,
    };
    if is_enough && varies {
        return Ok(ConfigurationChange::None);
    }
    let adds_rule = !(is_enough && own.is_empty());
    if adds_rule && foreign.len() >= MAX_RULES {
        return Err(MergeError(text!(
            "the bucket has {MAX_RULES} CORS rules, and OSS accepts no more; remove one, or add the \
             origins to one of them",
            "Bucket 已有 {MAX_RULES} 条跨域规则，OSS 不接受更多；请删除一条，或将来源加入其中一条"
        )));
    }
    let mut rules: Vec<String> = foreign.iter().map(|rule| indented(&rule.source)).collect();
    if adds_rule {
        rules.insert(place(&configuration, &foreign, wanted, mark), marked.to_xml());
    }
    rules.extend(other_elements(&configuration));
    Ok(ConfigurationChange::Put(configuration_document(&rules)))
}

/// Returns what has to be written so that the rule is gone. The other rules keep their text and their order.
pub(super) fn without(
    current: Option<&str>,
    mark: &str,
) -> Result<ConfigurationChange, MergeError> {
    let configuration = parse(current)?;
    let (own, foreign) = split(&configuration, mark);
    if own.is_empty() {
        return Ok(ConfigurationChange::None);
    }
    if foreign.is_empty() {
        return Ok(ConfigurationChange::Delete);
    }
    let mut rules: Vec<String> = foreign.iter().map(|rule| indented(&rule.source)).collect();
    rules.extend(configuration.others.iter().map(|other| indented(&other.source)));
    Ok(ConfigurationChange::Put(format!("<{ROOT}>\n{}\n</{ROOT}>", rules.join("\n"))))
}

fn parse(current: Option<&str>) -> Result<Configuration, MergeError> {
    let parsed = current.map(|document| Configuration::parse(document, ROOT, RULE)).transpose()?;
    Ok(parsed.unwrap_or_default())
}

/// Splits the rules into ours and the others.
fn split<'a>(
    configuration: &'a Configuration,
    mark: &str,
) -> (Vec<&'a ConfigurationRule>, Vec<&'a ConfigurationRule>) {
    configuration.rules.iter().partition(|rule| read(&rule.element).exposes(mark))
}

fn varies(configuration: &Configuration) -> bool {
    let elements = configuration.others.iter().map(|other| &other.element);
    elements.into_iter().any(|one| one.name == RESPONSE_VARY && one.text.trim() == "true")
}

fn other_elements(configuration: &Configuration) -> impl Iterator<Item = String> + '_ {
    let others = configuration.others.iter().filter(|other| other.element.name != RESPONSE_VARY);
    others.map(|other| indented(&other.source))
}

fn indented(source: &str) -> String {
    format!("  {source}")
}

fn read(element: &XmlElement) -> CorsRule {
    CorsRule {
        origins: element.texts_of("AllowedOrigin"),
        methods: element.texts_of("AllowedMethod"),
        allowed_headers: element.texts_of("AllowedHeader"),
        exposed_headers: element.texts_of("ExposeHeader"),
        max_age: element.text_of("MaxAgeSeconds").and_then(|seconds| seconds.parse().ok()),
    }
}

/// Returns whether for every origin and method the first rule that matches allows what is wanted, and no earlier rule
/// that matches a part of an origin's pattern allows less.
fn is_met(rules: &[CorsRule], wanted: &CorsRule) -> bool {
    wanted.origins.iter().all(|origin| {
        wanted.methods.iter().all(|method| {
            let first = rules.iter().position(|rule| rule.matches(origin, method));
            first.is_some_and(|at| {
                is_sufficient(&rules[at], wanted)
                    && !rules[..at].iter().any(|rule| hides(rule, wanted))
            })
        })
    })
}

fn is_sufficient(rule: &CorsRule, wanted: &CorsRule) -> bool {
    rule.allows_every_header() && wanted.exposed_headers.iter().all(|name| rule.exposes(name))
}

/// Returns whether a rule matches some requests that the wanted rule is for, and allows less.
fn hides(rule: &CorsRule, wanted: &CorsRule) -> bool {
    let overlaps = wanted.methods.iter().any(|method| {
        wanted.origins.iter().any(|origin| rule.matches(origin, method))
            || rule
                .origins
                .iter()
                .any(|origin| wanted.matches(origin, method) && rule.methods.contains(method))
    });
    overlaps && !is_sufficient(rule, wanted)
}

/// Returns the place of our rule among the others: where it was, and before every rule that would hide it.
fn place(
    configuration: &Configuration,
    foreign: &[&ConfigurationRule],
    wanted: &CorsRule,
    mark: &str,
) -> usize {
    let is_own = |rule: &ConfigurationRule| read(&rule.element).exposes(mark);
    let previous = configuration.rules.iter().position(is_own).unwrap_or(foreign.len());
    let hiding = foreign.iter().position(|rule| hides(&read(&rule.element), wanted));
    previous.min(hiding.unwrap_or(foreign.len()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::language::Language;

    const MARK: &str = "x-setup-signer";

    fn wanted(origins: &[&str]) -> CorsRule {
        let origins: Vec<String> = origins.iter().map(|one| (*one).to_owned()).collect();
        CorsRule::new(&origins, &["POST", "PUT"])
    }

    fn put(change: ConfigurationChange) -> String {
        match change {
            ConfigurationChange::Put(document) => document,
            other => panic!("{other:?}"),
        }
    }

    fn foreign(origin: &str, method: &str) -> String {
        format!(
            "<CORSRule> <AllowedOrigin>{origin}</AllowedOrigin><AllowedMethod>{method}</AllowedMethod><Unknown a=\"1\"/></CORSRule>"
        )
    }

    fn document(rules: &[String], vary: bool) -> String {
        format!(
            "<?xml version=\"1.0\"?><CORSConfiguration>{}<ResponseVary>{vary}</ResponseVary></CORSConfiguration>",
            rules.concat()
        )
    }

    #[test]
    fn an_empty_bucket_gets_the_rule_and_a_second_run_changes_nothing() {
        let wanted = wanted(&["https://a.test"]);
        let first = put(merge(None, &wanted, MARK).unwrap());
        assert!(first.contains("<ResponseVary>true</ResponseVary>"), "{first}");
        assert_eq!(merge(Some(&first), &wanted, MARK), Ok(ConfigurationChange::None));
        assert_eq!(without(Some(&first), MARK), Ok(ConfigurationChange::Delete));
    }

    #[test]
    fn foreign_rules_keep_their_text_and_their_order() {
        let rules = [foreign("https://x.test", "GET"), foreign("https://y.test", "POST")];
        let merged =
            put(merge(Some(&document(&rules, false)), &wanted(&["https://a.test"]), MARK).unwrap());
        let places: Vec<_> = rules.iter().map(|rule| merged.find(rule).unwrap()).collect();
        let own = merged.find(MARK).unwrap();
        assert!(places[0] < places[1] && places[1] < own, "{merged}");
        let left = put(without(Some(&merged), MARK).unwrap());
        assert!(rules.iter().all(|rule| left.contains(rule)) && !left.contains(MARK), "{left}");
        assert_eq!(without(Some(&left), MARK), Ok(ConfigurationChange::None));
    }

    #[test]
    fn a_foreign_rule_that_allows_everything_needed_is_enough() {
        let enough = wanted(&["*"]).to_xml();
        let current = document(std::slice::from_ref(&enough), true);
        let wanted = wanted(&["https://a.test", "https://*.b.test"]);
        assert_eq!(merge(Some(&current), &wanted, MARK), Ok(ConfigurationChange::None));
        let silent = put(merge(Some(&document(&[enough], false)), &wanted, MARK).unwrap());
        assert!(silent.contains("<ResponseVary>true") && !silent.contains(MARK), "{silent}");
    }

    #[test]
    fn our_rule_comes_before_a_rule_that_would_hide_it() {
        let hiding = foreign("https://a.b.test", "POST");
        let other = foreign("https://c.test", "POST");
        let current = document(&[other.clone(), hiding.clone()], true);
        let merged = put(merge(Some(&current), &wanted(&["https://*.b.test"]), MARK).unwrap());
        let place = |text: &str| merged.find(text).unwrap();
        assert!(place(&other) < place(MARK) && place(MARK) < place(&hiding), "{merged}");
    }

    #[test]
    fn our_rule_is_replaced_in_its_place_when_the_origins_change() {
        let first = put(merge(None, &wanted(&["https://a.test"]), MARK).unwrap());
        let later =
            first.replace("<ResponseVary>", &(foreign("https://x.test", "GET") + "<ResponseVary>"));
        let merged = put(merge(Some(&later), &wanted(&["https://b.test"]), MARK).unwrap());
        assert!(!merged.contains("a.test"), "{merged}");
        assert!(merged.find("b.test").unwrap() < merged.find("x.test").unwrap(), "{merged}");
    }

    #[test]
    fn an_eleventh_rule_is_refused() {
        let rules: Vec<String> =
            (0..10).map(|n| foreign(&format!("https://{n}.test"), "GET")).collect();
        let refused = merge(Some(&document(&rules, true)), &wanted(&["https://a.test"]), MARK);
        assert!(refused.unwrap_err().0.in_language(Language::En).contains("10 CORS rules"));
    }

    #[test]
    fn a_document_that_is_no_configuration_is_not_changed() {
        for text in ["", "<a>", "<Other/>"] {
            assert!(merge(Some(text), &wanted(&["*"]), MARK).is_err(), "{text}");
            assert!(without(Some(text), MARK).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn merging_is_idempotent_and_keeps_foreign_rules_in_their_order(
            origins in proptest::collection::vec(0..6_usize, 0..6),
            methods in proptest::collection::vec(0..4_usize, 6),
            own in proptest::collection::vec(0..6_usize, 1..4),
        ) {
            let names = ["*", "https://a.test", "https://*.test", "https://b.test", "http://c", "https://a.*"];
            let verbs = ["GET", "POST", "PUT", "HEAD"];
            let rules: Vec<String> =
                origins.iter().zip(&methods).map(|(o, m)| foreign(names[*o], verbs[*m])).collect();
            let own: Vec<&str> = own.iter().map(|at| names[*at]).collect();
            let wanted = wanted(&own);
            let merged = put(merge(Some(&document(&rules, true)), &wanted, MARK).unwrap());
            prop_assert_eq!(merge(Some(&merged), &wanted, MARK).unwrap(), ConfigurationChange::None);
            let kept = parse(Some(&merged)).unwrap();
            let (ours, others) = split(&kept, MARK);
            prop_assert_eq!(ours.len(), 1);
            let others: Vec<_> = others.iter().map(|rule| rule.source.clone()).collect();
            prop_assert_eq!(&others, &rules);
            let left = match without(Some(&merged), MARK).unwrap() {
                ConfigurationChange::Put(document) => parse(Some(&document)).unwrap().rules,
                ConfigurationChange::Delete => Vec::new(),
                ConfigurationChange::None => panic!("our rule was not found: {merged}"),
            };
            let left: Vec<_> = left.into_iter().map(|rule| rule.source).collect();
            prop_assert_eq!(left, rules);
        }
    }
}
