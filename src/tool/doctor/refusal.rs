//! A refusal of OSS: read, called by its name, and answered with the step that mends it.
//!
//! Where a step depends on this very bucket, it is written here; for the rest the table of refusals
//! speaks, which everyone else reads too.

use crate::tool::doctor::case::Case;
use crate::tool::doctor::finding::Finding;
use crate::tool::doctor::place::Place;
use crate::tool::doctor::role;
use crate::tool::doctor::rule;
use crate::tool::doctor::wire::Reply;
use crate::tool::language::Language;
use crate::tool::remedy;
use crate::tool::xml;

/// What OSS says when it says no.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    status: u16,
    pub(super) code: String,
    ec: Option<String>,
    message: Option<String>,
    request: Option<String>,
}

/// What a refusal is called, and what mends it; none leaves that to the table.
struct Diagnosis {
    name: String,
    why: Option<String>,
    mend: Option<String>,
}

impl Refusal {
    /// Reads the XML of an answer; an answer without a code is none of OSS.
    pub(super) fn read(reply: &Reply) -> Option<Self> {
        let read = |name| xml::child(&reply.body, name);
        Some(Self {
            status: reply.status.as_u16(),
            code: read("Code")?,
            ec: read("EC").or_else(|| reply.header("x-oss-ec").map(str::to_owned)),
            // A message may quote the condition that failed, and that one may hold the token.
            message: read("Message").filter(|message| !message.contains("security-token")),
            request: read("RequestId"),
        })
    }

    /// Says what came.
    pub(super) fn seen(&self) -> String {
        let ec = self.ec.as_ref().map(|ec| format!(" ({ec})")).unwrap_or_default();
        let message = self.message.as_ref().map(|text| format!(": {text}")).unwrap_or_default();
        let request = self.request.as_ref().map(|id| format!(" [request {id}]"));
        format!("{} {}{ec}{message}{}", self.status, self.code, request.unwrap_or_default())
    }

    /// Makes the finding of a request that should have been taken.
    pub(super) fn finding(&self, id: &'static str, case: &Case, place: &Place) -> Finding {
        let diagnosis = self.diagnose(case, place);
        let entry = remedy::find(self.ec.as_deref(), &self.code);
        let table = |cause: bool| {
            entry.as_ref().map(|entry| {
                let said = if cause { &entry.cause } else { &entry.remedy };
                said.words(Language::En).to_owned()
            })
        };
        let why = diagnosis.why.or_else(|| table(true));
        let mend = diagnosis.mend.or_else(|| table(false));
        Finding::fail(id, self.seen())
            .cause(diagnosis.name)
            .why(why.unwrap_or_else(|| "OSS does not take the request.".to_owned()))
            .mend(mend.unwrap_or_else(|| "Look the code up in the documentation of OSS, or open a ticket with the request id.".to_owned()))
    }

    fn diagnose(&self, case: &Case, place: &Place) -> Diagnosis {
        let (ec, message) = (self.ec.as_deref(), self.message.as_deref().unwrap_or_default());
        let Place { bucket, .. } = place;
        match (self.code.as_str(), ec) {
            (_, Some("0002-00000715" | "0002-00000226")) => named("wrong-region").mend(format!(
                "OSS console > Buckets > {bucket} > Overview shows the region. Set it, without oss- in front, and deploy:\n  OSS_REGION=<region>"
            )),
            (_, Some("0002-00000709" | "0006-00000213")) => named("clock-skew")
                .why("The grant is a moment old, so the clock it was signed by is not OSS's.")
                .mend("The platform keeps the clock of instances; deploy again, so that new ones start. Elsewhere than on Function Compute, let NTP set it."),
            (_, Some("0002-00000080")) => named("v1-closed")
                .mend("Sign with V4: take UPLOAD_SIGNATURE=v1 out of the function's environment (or signature out of upload.toml), and deploy. A page of the V1 time has to send the V4 fields then."),
            ("AccessDenied", _) if message.contains("specified endpoint") => named("wrong-endpoint")
                .why("The host in the grant is of another region than the bucket's.")
                .mend(format!(
                    "OSS console > Buckets > {bucket} > Overview shows region and endpoint. Set both, and deploy:\n  OSS_REGION=<region>\n  OSS_UPLOAD_HOST=   (empty, or a host of that region)"
                )),
            ("AccessDenied", ec) if ec.is_none_or(|ec| !ec.starts_with("0006-")) => ram_denied(place),
            ("AccessForbidden", _) => named("bucket-cors-absent")
                .why("The browser asks so before it sends the file, because upload progress is listened to; refused here, nothing is uploaded.")
                .mend(rule::steps(bucket, &case.origin)),
            ("PublicEndpointForbidden", _) => public_endpoint(bucket),
            ("NoSuchBucket", _) => named("NoSuchBucket").mend(format!(
                "Compare the bucket's name with OSS console > Buckets. Set what is wrong, and deploy:\n  OSS_BUCKET=<bucket>   OSS_REGION=<region>\nFor a domain of your own, look at what it is bound to: Bucket Settings > Domain Names of {bucket}."
            )),
            ("SecondLevelDomainForbidden", _) => named("SecondLevelDomainForbidden").mend(format!(
                "Put the bucket in front of the host, and deploy:\n  OSS_UPLOAD_HOST=https://{bucket}.oss-<region>.aliyuncs.com   (or leave it empty)"
            )),
            ("TransferAccelerationDisabled", _) => named("TransferAccelerationDisabled").mend(format!(
                "OSS console > Buckets > {bucket} > Bucket Settings > Transfer Acceleration: enable it. Or leave OSS_UPLOAD_HOST empty, and deploy."
            )),
            ("InvalidAccessKeyId" | "InvalidSecurityToken" | "SecurityTokenExpired", _) => named(&self.code).mend(
                "With a role, deploy again, so that new instances start with its new keys. With keys in the function's environment, set a key that exists and is enabled (RAM console > Users > AccessKey), a temporary one with ALIBABA_CLOUD_SECURITY_TOKEN.",
            ),
            (code, _) => named(code),
        }
    }
}

impl Diagnosis {
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

fn ram_denied(place: &Place) -> Diagnosis {
    let Place { bucket, directory, .. } = place;
    named("ram-denied")
        .why("The form is as it should be, but the role that signed it may not store this object.")
        .mend(format!(
            "RAM console > Roles > the function's role > Permissions: give it this policy (a deny in another policy, or in the bucket's own, counts more):\n{}",
            role::permission(Some(bucket), directory)
        ))
}

fn public_endpoint(bucket: &str) -> Diagnosis {
    named("PublicEndpointForbidden").mend(format!(
        "Upload to a domain of your own:\n  \
         1. OSS console > Buckets > {bucket} > Bucket Settings > Domain Names > Map Custom Domain Name: upload.example.com (in mainland China the name needs an ICP filing), with the CNAME record that is shown, and a certificate for https.\n  \
         2. Set it, and deploy:\n     OSS_UPLOAD_HOST=https://upload.example.com"
    ))
}
