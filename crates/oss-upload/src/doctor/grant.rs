//! The grant: whether one is given, and whether what it says can work.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::doctor::alien::Problem;
use crate::doctor::case::Case;
use crate::doctor::finding::Finding;
use crate::doctor::place::Place;
use crate::doctor::wire::Reply;
use crate::doctor::{alien, permission, place, ungranted};
use oss_emulator::oss::Strictness;
use oss_emulator::oss::policy::PostPolicy;
use oss_upload_signer::time::Timestamp;

/// What is looked at in a grant.
pub(super) const LATER: &[&str] = &[
    "grant.fields",
    "grant.expiry",
    "grant.signature",
    "grant.policy",
    "grant.address",
    "grant.region",
];

const GIVEN: &str = "grant.given";

/// A grant that ends sooner is over before a page has used it, in seconds.
const SHORT: i64 = 60;

/// What each form has, by its version.
const V4_FIELDS: &[&str] = &[
    "key",
    "policy",
    "x-oss-signature-version",
    "x-oss-credential",
    "x-oss-date",
    "x-oss-signature",
];
const V1_FIELDS: &[&str] = &["key", "policy", "OSSAccessKeyId", "Signature"];

/// The permission to store one file. It carries the token, so it has no `Debug`.
#[derive(Clone)]
pub(super) struct Grant {
    pub(super) url: String,
    pub(super) fields: Vec<(String, String)>,
    pub(super) key: String,
    /// Whether no other grant has this key.
    unique: bool,
    expires_at: Option<Timestamp>,
    server_time: Option<Timestamp>,
}

/// What a signer answers to one wish.
pub(super) enum Answer {
    Granted(Box<Grant>),
    Refused(Problem),
    /// It was not the function.
    Alien,
}

#[derive(Deserialize)]
struct Native {
    server_time: String,
    uploads: Vec<Upload>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Upload {
    Refused { error: Problem },
    Granted(Granted),
}

#[derive(Deserialize)]
struct Granted {
    url: String,
    fields: Map<String, Value>,
    key: Option<String>,
    #[serde(default)]
    unique: bool,
    expires_at: String,
}

impl Answer {
    pub(super) fn read(reply: &Reply) -> Self {
        if let Some(problem) = alien::problem(reply) {
            return Self::Refused(problem);
        }
        let Some(Native { server_time, uploads }) = reply.json() else {
            return Self::Alien;
        };
        match uploads.into_iter().next() {
            None => Self::Alien,
            Some(Upload::Refused { error: Problem { error, message } }) => Self::Refused(Problem {
                error: alien::plain(&error),
                message: alien::plain(&message),
            }),
            Some(Upload::Granted(Granted { url, fields, key, unique, expires_at })) => {
                let text = |value: Value| value.as_str().map(str::to_owned).unwrap_or_default();
                Self::Granted(Box::new(Grant {
                    url: url.trim_end_matches('/').to_owned(),
                    fields: fields.into_iter().map(|(name, value)| (name, text(value))).collect(),
                    key: key.unwrap_or_default(),
                    unique,
                    expires_at: Timestamp::parse_rfc3339(&expires_at),
                    server_time: Timestamp::parse_rfc3339(&server_time),
                }))
            }
        }
    }

    /// Takes the grant, or says why there is no further one.
    pub(super) fn granted(self) -> Result<Grant, String> {
        match self {
            Self::Granted(grant) => Ok(*grant),
            Self::Refused(problem) => Err(format!("no further grant ({})", problem.error)),
            Self::Alien => Err("no further grant".to_owned()),
        }
    }
}

impl Grant {
    /// Returns a field's value, whatever the case of its name.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.fields.iter();
        fields.find(|(one, _)| one.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Puts a field in place of what is there.
    pub(super) fn set(&mut self, name: &str, value: String) {
        let known = self.fields.iter_mut().find(|(one, _)| one.eq_ignore_ascii_case(name));
        match known {
            Some((_, old)) => *old = value,
            None => self.fields.push((name.to_owned(), value)),
        }
    }

    /// Whether an upload could take the place of an object that is there.
    pub(super) fn may_replace(&self) -> bool {
        !self.unique && self.field("x-oss-forbid-overwrite") != Some("true")
    }

    pub(super) fn is_v4(&self) -> bool {
        self.field("x-oss-signature-version").is_some()
    }

    pub(super) fn policy(&self) -> Option<PostPolicy> {
        PostPolicy::decode(self.field("policy")?, &Strictness::default()).ok()
    }

    /// How long it lasts from when it was given, in seconds.
    pub(super) fn lasts(&self) -> Option<i64> {
        Some(self.expires_at?.unix() - self.server_time?.unix())
    }
}

/// Judges the answer to the one honest wish; a grant is looked at from all sides.
pub(super) fn examine(case: &Case, reply: &Reply, findings: &mut Vec<Finding>) -> Option<Grant> {
    let refused = match Answer::read(reply) {
        Answer::Granted(grant) => {
            findings.push(Finding::ok(GIVEN, format!("for {}", alien::plain(&grant.key))));
            findings.extend(judge(case, &grant));
            return Some(*grant);
        }
        Answer::Refused(problem) => ungranted::explain(GIVEN, case, &problem),
        Answer::Alien => alien::explain(GIVEN, reply),
    };
    findings.push(refused);
    findings.extend(Finding::skip_all(LATER, "there is no grant"));
    None
}

/// Looks at a grant without sending it anywhere.
fn judge(case: &Case, grant: &Grant) -> Vec<Finding> {
    let place = Place::of(grant);
    vec![
        fields(grant),
        expiry(grant),
        signature(grant),
        permission::judge(grant),
        place::judge_address(case, &place),
        place::judge_region(grant, &place),
    ]
}

fn fields(grant: &Grant) -> Finding {
    let id = "grant.fields";
    let mut wanted = if grant.is_v4() { V4_FIELDS.to_vec() } else { V1_FIELDS.to_vec() };
    let signer = grant.field("x-oss-credential").or_else(|| grant.field("OSSAccessKeyId"));
    if signer.is_some_and(|signer| signer.starts_with("STS.")) {
        wanted.push("x-oss-security-token");
    }
    let is_there = |name: &&str| grant.field(name).is_some_and(|value| !value.is_empty());
    let missing: Vec<&str> = wanted.into_iter().filter(|name| !is_there(name)).collect();
    if missing.is_empty() {
        return Finding::ok(id, format!("all {} fields are there", grant.fields.len()));
    }
    Finding::fail(id, format!("missing or empty: {}", missing.join(", ")))
        .cause("incomplete-grant")
        .why(
            "OSS refuses a form that lacks one of them, or takes it for another signature version.",
        )
        .mend(
            "Compare the deployed version with this tool's (GET /health), and look for a proxy \
             that changes answers.",
        )
}

fn expiry(grant: &Grant) -> Finding {
    let id = "grant.expiry";
    let (Some(lasts), Some(policy)) = (grant.lasts(), grant.policy()) else {
        return Finding::skipped(id, "the grant does not say in a readable way when it ends");
    };
    let said = grant.expires_at.map_or(0, Timestamp::unix);
    let late = "UPLOAD_EXPIRES says how long a grant lasts (10m unless set); a key that is near \
                its end shortens it.";
    if policy.expires_at() != said {
        return Finding::fail(
            id,
            format!(
                "the answer and the policy name two ends, {} seconds apart",
                (policy.expires_at() - said).abs()
            ),
        )
        .cause("two-ends")
        .why("The page goes by the answer, OSS by the policy.")
        .mend(
            "Look for a cache in front of the function: grants are never to be kept \
             (Cache-Control: no-store).",
        );
    }
    if lasts <= 0 {
        return Finding::fail(id, format!("it ended {} seconds before it was given", -lasts))
            .cause("expired-grant")
            .why("OSS refuses it with AccessDenied (0006-00000213).")
            .mend(format!(
                "Look for a cache in front of the function, and at the clock above. {late}"
            ));
    }
    if lasts < SHORT {
        return Finding::warn(id, format!("it lasts {lasts} seconds"))
            .cause("short-lived")
            .why("A large file on a slow line arrives when the grant is over.")
            .mend(late);
    }
    Finding::ok(id, format!("it lasts {lasts} seconds"))
}

fn signature(grant: &Grant) -> Finding {
    let id = "grant.signature";
    if grant.is_v4() {
        return Finding::ok(id, "V4");
    }
    Finding::warn(id, "V1, the old signature")
        .cause("v1-signature")
        .why(
            "OSS refuses it for accounts opened since 2025-03-01 and buckets created since \
             2025-09-01.",
        )
        .mend("Unless a page can do no other: UPLOAD_SIGNATURE=v4 (or no such line), and deploy.")
}
