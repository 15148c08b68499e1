//! What a refusal of OSS is called, and the step that mends it.
//!
//! Where a step depends on this very bucket, it is written here; for the rest the table of refusals
//! speaks, which everyone else reads too.

use crate::doctor::place::Place;
use crate::doctor::refusal::Refusal;
use crate::doctor::{role, rule};

/// A refusal's name; where it says no more, the table does.
#[derive(Clone, Debug)]
pub(super) struct Diagnosis {
    pub(super) name: String,
    pub(super) why: Option<String>,
    pub(super) mend: Option<String>,
}

impl Diagnosis {
    /// Finds the trouble behind a refusal.
    pub(super) fn of(refusal: &Refusal, origin: &str, place: &Place) -> Self {
        let ec = refusal.ec.as_deref();
        let code = refusal.code.as_str();
        by_number(ec.unwrap_or_default(), place)
            .or_else(|| by_permission(refusal, place))
            .or_else(|| by_address(code, &place.bucket))
            .unwrap_or_else(|| match code {
                "AccessForbidden" => cors_absent(origin, place),
                "InvalidAccessKeyId" | "InvalidSecurityToken" | "SecurityTokenExpired" => key(code),
                code => named(code),
            })
    }

    fn why(mut self, why: &str) -> Self {
        self.why = Some(why.to_owned());
        self
    }

    fn mend(mut self, mend: impl Into<String>) -> Self {
        self.mend = Some(mend.into());
        self
    }
}

fn named(name: &str) -> Diagnosis {
    Diagnosis { name: name.to_owned(), why: None, mend: None }
}

/// What was signed wrongly, by the number of the refusal.
fn by_number(ec: &str, place: &Place) -> Option<Diagnosis> {
    let bucket = &place.bucket;
    Some(match ec {
        "0002-00000715" | "0002-00000226" => named("wrong-region").mend(format!(
            "OSS console > Buckets > {bucket} > Overview shows the region. Set it, without oss- in \
             front, and deploy:\n  OSS_REGION=<region>"
        )),
        "0002-00000709" | "0006-00000213" => named("clock-skew")
            .why("The grant is a moment old, so the clock it was signed by is not OSS's.")
            .mend(CLOCK),
        "0002-00000080" => named("v1-closed").mend(
            "Sign with V4: take UPLOAD_SIGNATURE=v1 out of the function's environment (or \
             signature out of upload.toml), and deploy. A page of the V1 time has to send the V4 \
             fields then.",
        ),
        _ => return None,
    })
}

/// What sets the clock of a function right.
pub(super) const CLOCK: &str = "The platform keeps the clock of instances; deploy again, so that \
                                new ones start. Elsewhere than on Function Compute, let NTP set it.";

/// Who may not store, where the form itself is as it should be.
fn by_permission(refusal: &Refusal, place: &Place) -> Option<Diagnosis> {
    let Place { bucket, directory, .. } = place;
    let message = refusal.message.as_deref().unwrap_or_default();
    let is_of_policy = refusal.ec.as_ref().is_some_and(|ec| ec.starts_with("0006-"));
    if refusal.code != "AccessDenied" || is_of_policy {
        return None;
    }
    if message.contains("specified endpoint") {
        let mend = format!(
            "OSS console > Buckets > {bucket} > Overview shows region and endpoint. Set the \
             region, leave the host empty or set one of that region, and deploy:\n  \
             OSS_REGION=<region>\n  OSS_UPLOAD_HOST="
        );
        let why = "The host in the grant is of another region than the bucket's.";
        return Some(named("wrong-endpoint").why(why).mend(mend));
    }
    let why = "The form is as it should be, but the role that signed it may not store this object.";
    Some(named("ram-denied").why(why).mend(format!(
        "RAM console > Roles > the function's role > Permissions: give it this policy (a deny in \
         another policy, or in the bucket's own, counts more):\n{}",
        role::permission(Some(bucket), directory)
    )))
}

/// What is wrong with where the form was sent.
fn by_address(code: &str, bucket: &str) -> Option<Diagnosis> {
    let mend = match code {
        "PublicEndpointForbidden" => format!(
            "Upload to a domain of your own:\n  1. OSS console > Buckets > {bucket} > Bucket \
             Settings > Domain Names > Map Custom Domain Name:\n     upload.example.com (in \
             mainland China the name needs an ICP filing), with the CNAME record\n     that is \
             shown, and a certificate for https.\n  2. Set it, and deploy:\n     \
             OSS_UPLOAD_HOST=https://upload.example.com"
        ),
        "NoSuchBucket" => format!(
            "Compare the bucket's name with OSS console > Buckets. Set what is wrong, and \
             deploy:\n  OSS_BUCKET=<bucket>\n  OSS_REGION=<region>\nFor a domain of your own, look \
             at what it is bound to: Bucket Settings > Domain Names of {bucket}."
        ),
        "SecondLevelDomainForbidden" => format!(
            "Put the bucket in front of the host, or leave it empty, and deploy:\n  \
             OSS_UPLOAD_HOST=https://{bucket}.oss-<region>.aliyuncs.com"
        ),
        "TransferAccelerationDisabled" => format!(
            "OSS console > Buckets > {bucket} > Bucket Settings > Transfer Acceleration: enable \
             it. Or leave OSS_UPLOAD_HOST empty, and deploy."
        ),
        _ => return None,
    };
    Some(named(code).mend(mend))
}

fn cors_absent(origin: &str, place: &Place) -> Diagnosis {
    let why = "The browser asks so before it sends the file, because upload progress is listened \
               to; refused here, nothing is uploaded.";
    named("bucket-cors-absent").why(why).mend(rule::steps(&place.bucket, origin))
}

fn key(code: &str) -> Diagnosis {
    named(code).mend(
        "With a role, deploy again, so that new instances start with its new keys. With keys in \
         the function's environment, set a key that exists and is enabled (RAM console > Users > \
         AccessKey), a temporary one with ALIBABA_CLOUD_SECURITY_TOKEN.",
    )
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};

    use super::*;
    use crate::doctor::wire::Reply;
    use oss_upload_signer::time;

    fn name(xml: String) -> String {
        let reply = Reply {
            status: StatusCode::FORBIDDEN,
            headers: HeaderMap::new(),
            body: xml,
            at: time::now(),
        };
        let place = Place {
            url: "https://upload.example.com".to_owned(),
            host: "upload.example.com".to_owned(),
            bucket: "photos".to_owned(),
            directory: "in/".to_owned(),
            signed_for: None,
        };
        let refusal = Refusal::read(&reply).unwrap();
        Diagnosis::of(&refusal, "https://app.example", &place).name
    }

    #[test]
    fn each_refusal_has_its_name() {
        for (code, ec, message, known) in [
            ("InvalidArgument", "0002-00000226", "", "wrong-region"),
            ("InvalidArgument", "0002-00000706", "", "InvalidArgument"),
            ("AccessDenied", "0006-00000213", "Policy expired.", "clock-skew"),
            ("AccessDenied", "0006-00000227", "Condition failed", "AccessDenied"),
            ("AccessDenied", "", "You have no right", "ram-denied"),
            ("AccessDenied", "", "use the specified endpoint", "wrong-endpoint"),
            ("UserDisable", "", "", "UserDisable"),
            ("InvalidSecurityToken", "", "", "InvalidSecurityToken"),
        ] {
            let xml = format!(
                "<Error><Code>{code}</Code><Message>{message}</Message><EC>{ec}</EC></Error>"
            );
            assert_eq!(name(xml), known, "{code} {ec}");
        }
    }
}
