//! A refusal of OSS: read, and told with its name and what mends it.

use crate::doctor::case::Case;
use crate::doctor::diagnosis::Diagnosis;
use crate::doctor::finding::Finding;
use crate::doctor::place::Place;
use crate::doctor::wire::Reply;
use crate::language::Language;
use crate::{remedy, xml};

/// What OSS says when it says no.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    status: u16,
    pub(super) code: String,
    pub(super) ec: Option<String>,
    pub(super) message: Option<String>,
    request: Option<String>,
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
        let diagnosis = Diagnosis::of(self, &case.origin, place);
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
            .mend(mend.unwrap_or_else(|| {
                "Look the code up in the documentation of OSS, or open a ticket with the request \
                 id."
                .to_owned()
            }))
    }
}
