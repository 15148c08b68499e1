//! The trial: a tiny file is stored as a page would, and what must not be stored is tried too.
//!
//! What is stored stays: the function may put and nothing else. So the object's name is told.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::doctor::browser::Readable;
use crate::doctor::case::Case;
use crate::doctor::finding::Finding;
use crate::doctor::grant::{Answer, Grant};
use crate::doctor::place::Place;
use crate::doctor::refusal::Refusal;
use crate::doctor::wire::{Call, Reply, Trouble, Wire};
use crate::doctor::wish::Wish;
use crate::doctor::{alien, signer};
use crate::upload::whole_form;

/// What is tried.
pub(super) const ALL: &[&str] =
    &["upload.stored", "upload.readable", "upload.oversize", "upload.tampered", "upload.elsewhere"];

/// Where nothing is allowed.
const ELSEWHERE: &str = "oss-upload-doctor-must-not-be-here.txt";

/// Who tries, and what.
pub(super) struct Trial<'a> {
    pub(super) case: &'a Case,
    pub(super) wire: &'a Wire,
    pub(super) wish: &'a Wish,
}

/// What became of a form.
enum Fate {
    Stored(Reply),
    Refused(Refusal),
    /// Nothing of OSS came back.
    Lost(String),
}

impl Trial<'_> {
    /// Uploads under the grant that is there, then tries what must be refused, each under its own.
    pub(super) async fn run(&self, grant: Grant, findings: &mut Vec<Finding>) {
        let place = Place::of(&grant);
        let key = alien::plain(&grant.key);
        match self.fate(&grant, self.wish.size).await {
            Ok(Fate::Stored(reply)) => {
                findings.push(stored(&reply, &key, &place));
                findings.push(self.readable(&reply));
            }
            Ok(Fate::Refused(refusal)) if refusal.code == "FileAlreadyExists" => {
                findings.push(in_the_way(&refusal, &key));
                findings.push(Finding::skipped("upload.readable", "nothing was stored"));
            }
            other => {
                findings.push(self.lost(other, &place));
                let reason = "the honest upload was refused too, so a refusal would prove nothing";
                findings.extend(Finding::skip_all(&ALL[1..], reason));
                return;
            }
        }
        findings.push(self.oversize().await);
        findings.push(self.tampered().await);
        findings.push(self.elsewhere().await);
    }

    /// Why a file that should have been stored was not.
    fn lost(&self, outcome: Result<Fate, Trouble>, place: &Place) -> Finding {
        let id = "upload.stored";
        match outcome {
            Ok(Fate::Refused(refusal)) => {
                let finding = refusal.finding(id, self.case, place);
                if refusal.code == "CallbackFailed" {
                    return finding.why(
                        "The object is stored, but the application was not told, so it does not \
                         know of it.",
                    );
                }
                finding
            }
            Ok(Fate::Lost(seen)) => Finding::fail(id, seen)
                .cause("not-oss")
                .why("Nothing that OSS would say came back, so nothing is known of the file.")
                .mend(
                    "Look at where the upload host leads: it has to be bound to the bucket itself, \
                     not to a CDN or a web server.",
                ),
            Ok(Fate::Stored(_)) => Finding::ok(id, "stored"),
            Err(trouble) => signer::unreachable(id, &trouble).mend(
                "Compare the host with OSS console > Buckets > the bucket > Overview; try it from \
                 another network.",
            ),
        }
    }

    fn readable(&self, reply: &Reply) -> Finding {
        let id = "upload.readable";
        if Readable::of(&reply.headers, &self.case.origin).is_yes() {
            return Finding::ok(id, "the page may read the answer");
        }
        Finding::fail(id, "the answer to the upload does not let the page read it")
            .cause("stored-unseen")
            .why("The object is stored and the page sees a network error, so people upload again.")
            .mend("The finding on the bucket's preflight says how its CORS rule is made.")
    }

    async fn oversize(&self) -> Finding {
        let id = "upload.oversize";
        let size = self.wish.size;
        let grant = match self.grant().await {
            Ok(grant) => grant,
            Err(reason) => return Finding::skipped(id, reason),
        };
        match self.fate(&grant, size + 1).await {
            Ok(Fate::Refused(refusal)) if refusal.code == "EntityTooLarge" => Finding::ok(
                id,
                format!("{} bytes under a grant for {size} are refused (EntityTooLarge)", size + 1),
            ),
            Ok(Fate::Stored(_)) => {
                let (finding, removal) = accepted(
                    id,
                    &grant,
                    &format!("{} bytes were stored under a grant for {size}", size + 1),
                );
                finding
                    .cause("size-unchecked")
                    .why(
                        "What answers does not hold uploads to the policy, so a grant for a \
                         picture stores a film.",
                    )
                    .mend(format!(
                        "Upload to OSS itself: look at what the upload host leads to. A proxy or \
                         another store behind it has to check content-length-range.\n{removal}"
                    ))
            }
            other => otherwise(id, other),
        }
    }

    /// Changes what was signed, and leaves the signature as it is.
    async fn tampered(&self) -> Finding {
        let id = "upload.tampered";
        let mut grant = match self.grant().await {
            Ok(grant) => grant,
            Err(reason) => return Finding::skipped(id, reason),
        };
        let Some(policy) = grant.field("policy").and_then(longer) else {
            return Finding::skipped(id, "the policy cannot be read");
        };
        grant.set("policy", policy);
        match self.fate(&grant, self.wish.size).await {
            Ok(Fate::Refused(refusal)) if refusal.code == "SignatureDoesNotMatch" => Finding::ok(
                id,
                "a policy that was changed after signing is refused (SignatureDoesNotMatch)",
            ),
            Ok(Fate::Stored(_)) => {
                let (finding, removal) =
                    accepted(id, &grant, "a policy that was changed after signing was taken");
                finding
                    .cause("signature-unchecked")
                    .why("What answers does not check signatures, so anybody can store anything.")
                    .mend(format!(
                        "Upload to OSS itself: look at what the upload host leads to. Is the \
                         bucket public-read-write? OSS console > Buckets > the bucket > Permission \
                         Control > Bucket ACL: Private.\n{removal}"
                    ))
            }
            other => otherwise(id, other),
        }
    }

    /// Sends an honest form to another key.
    async fn elsewhere(&self) -> Finding {
        let id = "upload.elsewhere";
        let mut grant = match self.grant().await {
            Ok(grant) => grant,
            Err(reason) => return Finding::skipped(id, reason),
        };
        grant.set("key", ELSEWHERE.to_owned());
        ELSEWHERE.clone_into(&mut grant.key);
        match self.fate(&grant, self.wish.size).await {
            Ok(Fate::Refused(refusal)) if refusal.code == "AccessDenied" => {
                Finding::ok(id, "another key than the grant's is refused (AccessDenied)")
            }
            Ok(Fate::Stored(_)) => {
                let (finding, removal) =
                    accepted(id, &grant, "a file was stored under another key than the grant's");
                finding
                    .cause("key-unchecked")
                    .why(
                        "Who has a grant for one file can store any, also in place of other \
                         people's.",
                    )
                    .mend(format!(
                        "See the finding on the policy: its key has to be pinned. If it is, look \
                         at what the upload host leads to.\n{removal}"
                    ))
            }
            other => otherwise(id, other),
        }
    }

    /// Asks for one more grant, as before: as the page, and where that one may not ask, as no page.
    async fn grant(&self) -> Result<Grant, String> {
        match self.ask(Some(&self.case.origin)).await? {
            Answer::Refused(problem) if problem.error == "origin_not_allowed" => {
                self.ask(None).await?.granted()
            }
            answer => answer.granted(),
        }
    }

    async fn ask(&self, origin: Option<&str>) -> Result<Answer, String> {
        let url = self.case.url("/uploads");
        let call = Call::wish(&url, &self.wish.call(), origin).with_all(&self.case.proof);
        let reply = self.wire.send(call).await.map_err(|trouble| trouble.to_string())?;
        Ok(Answer::read(&reply))
    }

    async fn fate(&self, grant: &Grant, size: u64) -> Result<Fate, Trouble> {
        let Wish { name, content_type, .. } = self.wish;
        let content = Wish::content(size);
        let (body, form_type) = whole_form(&grant.fields, (name, content_type), &content);
        let url = format!("{}/", grant.url);
        let call = Call::post(&url, &form_type, body).from(&self.case.origin);
        let reply = self.wire.send(call).await?;
        Ok(match reply.status.as_u16() {
            200 | 201 | 204 | 303 => Fate::Stored(reply),
            status => match Refusal::read(&reply) {
                Some(refusal) => Fate::Refused(refusal),
                None => Fate::Lost(format!("{status} came back, and nothing that OSS would say")),
            },
        })
    }
}

fn stored(reply: &Reply, key: &str, place: &Place) -> Finding {
    let status = reply.status.as_u16();
    let seen = format!("{status}; the object {key} stays, for the function may not delete");
    Finding::ok("upload.stored", seen).mend(removal(&place.bucket, key))
}

/// The form was good, up to the last check: the key is taken.
fn in_the_way(refusal: &Refusal, key: &str) -> Finding {
    Finding::warn("upload.stored", refusal.seen())
        .cause("FileAlreadyExists")
        .why(format!(
            "The form was taken for good, but {key} is there already, perhaps from an earlier look."
        ))
        .mend(
            "If each upload should have a key of its own, put {uuid} into the route's key or \
             directory. Otherwise remove the object, and run this again.",
        )
}

/// Something was stored that should not have been; gives the finding, and how the object is removed.
fn accepted(id: &'static str, grant: &Grant, what: &str) -> (Finding, String) {
    let Place { bucket, .. } = Place::of(grant);
    let key = alien::plain(&grant.key);
    (Finding::fail(id, format!("{what}; the object stays")), removal(&bucket, &key))
}

fn removal(bucket: &str, key: &str) -> String {
    format!("To remove it:\n  ossutil rm oss://{bucket}/{key}")
}

/// Something else than what was tried for.
fn otherwise(id: &'static str, outcome: Result<Fate, Trouble>) -> Finding {
    match outcome {
        Ok(Fate::Refused(refusal)) => {
            Finding::warn(id, format!("refused, but for another reason: {}", refusal.seen()))
                .cause("other-refusal")
                .why("So it stays open whether this would be refused by itself.")
                .mend(
                    "Run this again; if it stays, oss-upload explain says what the refusal means.",
                )
        }
        Ok(Fate::Lost(seen)) => Finding::skipped(id, seen),
        Ok(Fate::Stored(_)) => Finding::skipped(id, "stored"),
        Err(trouble) => Finding::skipped(id, trouble.to_string()),
    }
}

/// Lets a policy end in another century: good in every respect but its signature.
fn longer(policy: &str) -> Option<String> {
    let text = String::from_utf8(STANDARD.decode(policy).ok()?).ok()?;
    let (before, rest) = text.split_once("\"expiration\":\"20")?;
    Some(STANDARD.encode(format!("{before}\"expiration\":\"21{rest}")))
}
