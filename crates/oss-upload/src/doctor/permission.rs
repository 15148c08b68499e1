//! The policy of a grant in words: what it allows, and what it leaves to the sender.

use crate::doctor::finding::Finding;
use crate::doctor::grant::Grant;
use crate::explain::wish;
use crate::language::Language;
use oss_emulator::oss::policy::{PolicyCondition, PostPolicy};

const ID: &str = "grant.policy";

/// Fields that a policy has to name in a certain way, and that say nothing of what is allowed.
const FORMAL: [&str; 4] =
    ["x-oss-signature-version", "x-oss-credential", "x-oss-date", "x-oss-security-token"];

/// Fields with which a sender can change what becomes of the object.
const TELLING: [&str; 6] = [
    "content-type",
    "x-oss-object-acl",
    "x-oss-forbid-overwrite",
    "x-oss-storage-class",
    "content-disposition",
    "cache-control",
];

/// Reads the policy, and finds what nothing pins.
pub(super) fn judge(grant: &Grant) -> Finding {
    let Some(policy) = grant.policy() else {
        return Finding::fail(ID, "the policy cannot be read")
            .cause("unreadable-policy")
            .why("OSS reads it as strictly, and refuses the form with InvalidPolicyDocument.")
            .mend("Run oss-upload explain on the grant: it says where the policy is wrong.");
    };
    let open = open(&policy);
    let words: Vec<String> = policy
        .conditions()
        .iter()
        .filter(|condition| !condition.field().is_some_and(|field| is_one_of(&FORMAL, field)))
        .map(|condition| wish(condition, Language::En))
        .collect();
    let left: Vec<&str> = TELLING.into_iter().filter(|name| !names(&policy, name)).collect();
    let left = if left.is_empty() {
        String::new()
    } else {
        format!(". Left to the sender: {}", left.join(", "))
    };
    let seen = format!("{}{left}", words.join("; "));
    if open.is_empty() {
        return Finding::ok(ID, seen);
    }
    Finding::fail(ID, format!("nothing limits {}. It says: {seen}", open.join(", ")))
        .cause("not-pinned")
        .why(
            "OSS takes what the policy does not name as the sender likes: whoever has the grant \
             chooses.",
        )
        .mend("Let the signer add a condition for each; the function of this repository does.")
}

fn open(policy: &PostPolicy) -> Vec<&'static str> {
    let is_sized =
        policy.conditions().iter().any(|one| matches!(one, PolicyCondition::SizeRange(..)));
    let mut open = Vec::new();
    if !names(policy, "bucket") {
        open.push("the bucket");
    }
    if !pins(policy, "key") {
        open.push("the key");
    }
    if !is_sized {
        open.push("the size");
    }
    open
}

/// Whether a condition speaks of a field; the content type has two names.
fn names(policy: &PostPolicy, name: &str) -> bool {
    let also = format!("x-oss-{name}");
    let fields = policy.conditions().iter().filter_map(PolicyCondition::field);
    fields.into_iter().any(|field| is_one_of(&[name, &also], field))
}

/// Whether a condition limits a field at all: an empty beginning does not.
fn pins(policy: &PostPolicy, name: &str) -> bool {
    policy.conditions().iter().any(|condition| {
        let is_open =
            matches!(condition, PolicyCondition::StartsWith(_, prefix) if prefix.is_empty());
        !is_open && condition.field().is_some_and(|field| field.eq_ignore_ascii_case(name))
    })
}

fn is_one_of(names: &[&str], field: &str) -> bool {
    names.iter().any(|name| name.eq_ignore_ascii_case(field))
}

/// The bucket that the policy names.
pub(super) fn bucket(policy: &PostPolicy) -> Option<&str> {
    policy.conditions().iter().find_map(|condition| match condition {
        PolicyCondition::Equal(field, value) if field.eq_ignore_ascii_case("bucket") => {
            Some(value.as_str())
        }
        _ => None,
    })
}
