//! An upload in parts that a probe changes in one point.
//!
//! It consists of several requests: uploads are begun, parts are sent, and something may happen meanwhile. The request
//! after these is judged. All requests are signed in their URLs.

use std::time::Duration;

use bytes::Bytes;
use http::Method;

use crate::conformance::form::PausedBody;
use crate::conformance::observation::Observation;
use crate::conformance::target::MeasuredBucket;
use crate::http_client::{WebClient, WebRequest, WebResponse};
use crate::xml::{XmlElement, XmlText};
use oss_upload_signer::signing::request::OssRequest;

/// The bytes that a part needs if another part follows it.
pub(super) const MIN_PART: usize = 100 * 1024;

/// An upload id of the usual form that no upload has.
pub(super) const UNKNOWN_ID: &str = "0123456789ABCDEF0123456789ABCDEF";

/// How long the late part pauses, and when its upload is aborted.
const LATE_PART: Duration = Duration::from_secs(4);
const EARLY_ABORT: Duration = Duration::from_secs(1);

/// A header or a parameter with its value.
pub(super) type Pair = (&'static str, &'static str);

/// An upload, with everything that a probe can change.
pub(super) struct ProbeUpload<'a> {
    bucket: &'a MeasuredBucket,
    pub(super) key: String,
    /// How many uploads of the key are begun. The last one gets the parts.
    pub(super) count: usize,
    /// Headers of InitiateMultipartUpload.
    pub(super) start_headers: Vec<Pair>,
    /// The sizes of the parts in bytes. Their numbers begin with 1.
    pub(super) parts: Vec<usize>,
    pub(super) before: EarlierStep,
    pub(super) judged: JudgedStep,
    /// Changes the upload id of the judged request.
    pub(super) edit_id: fn(&str) -> String,
    /// Writes the part list.
    pub(super) list: fn(&[SentPart]) -> String,
    /// Headers of the judged request.
    pub(super) headers: Vec<Pair>,
    pub(super) look: UploadLook,
}

/// What happens between the parts and the judged request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EarlierStep {
    Nothing,
    /// An object of the key is stored.
    PutObject,
    /// The upload is completed.
    Complete,
    /// The upload is aborted.
    Abort,
}

/// The request that is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum JudgedStep {
    Start,
    /// A part with this number, as the query has it.
    Part(Option<&'static str>),
    /// A part whose upload is aborted while it arrives.
    LatePart,
    Complete,
    ListParts(&'static [Pair]),
    ListUploads(&'static [Pair]),
}

/// Where the fact of an accepted request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UploadLook {
    Nowhere,
    /// Whether the result has an XML namespace.
    Namespace,
    /// The order of the uploads in a listing.
    Order,
}

/// A part that was stored.
#[derive(Clone, Debug)]
pub(super) struct SentPart {
    pub(super) number: usize,
    /// The ETag as the service returned it.
    pub(super) etag: String,
}

/// An upload that was begun, and has to be aborted at the end of a run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct UnfinishedUpload {
    pub(super) key: String,
    pub(super) id: String,
}

/// The facts, in the words that a report shows.
pub(super) mod facts {
    pub(crate) const NO_NAMESPACE: &str = "the result has no namespace";
    pub(crate) const NAMESPACE: &str = "the result has a namespace";
    pub(crate) const BY_ID: &str = "uploads are in the order of their ids";
    pub(crate) const BY_TIME: &str = "uploads are in the order of their times";
    pub(crate) const OTHER_ORDER: &str = "uploads are in another order";
}

impl<'a> ProbeUpload<'a> {
    /// Creates an upload of one small part, whose completion is judged.
    pub(super) fn new(bucket: &'a MeasuredBucket, name: &str) -> Self {
        Self {
            bucket,
            key: format!("{}{name}.bin", bucket.prefix),
            count: 1,
            start_headers: Vec::new(),
            parts: vec![1],
            before: EarlierStep::Nothing,
            judged: JudgedStep::Complete,
            edit_id: str::to_owned,
            list: part_list,
            headers: Vec::new(),
            look: UploadLook::Nowhere,
        }
    }

    /// Returns about how many bytes all bodies have.
    pub(super) fn bytes(&self) -> u64 {
        let example = |number| SentPart { number, etag: format!("\"{}\"", "0".repeat(32)) };
        let parts: Vec<_> = (1..=self.parts.len()).map(example).collect();
        (self.parts.iter().sum::<usize>() + (self.list)(&parts).len()) as u64
    }

    /// Sends everything, and returns the response to the judged request with its fact. Each upload is added to `begun`
    /// as soon as it exists.
    ///
    /// # Errors
    /// A sentence if an earlier request did not succeed.
    pub(super) async fn run(
        &self,
        client: &WebClient,
        begun: &mut Vec<UnfinishedUpload>,
    ) -> Result<(WebResponse, Option<&'static str>), String> {
        if self.judged == JudgedStep::Start {
            let response = self.start(client).await?;
            begun.extend(self.begun(&response));
            let fact = self.fact(&response, &[]);
            return Ok((response, fact));
        }
        let mut ids = Vec::new();
        for _ in 0..self.count {
            let response = succeeded("InitiateMultipartUpload", self.start(client).await?)?;
            let upload = self.begun(&response);
            let upload = upload.ok_or("InitiateMultipartUpload has returned no upload id")?;
            ids.push(upload.id.clone());
            begun.push(upload);
        }
        let id = ids.last().cloned().unwrap_or_default();
        let mut sent = Vec::new();
        for (at, size) in self.parts.iter().enumerate() {
            sent.push(self.send_part(client, &id, (at + 1, *size)).await?);
        }
        self.run_earlier_step(client, &id, &sent).await?;
        let response = self.send_judged(client, &(self.edit_id)(&id), &sent).await?;
        let fact = self.fact(&response, &ids);
        Ok((response, fact))
    }

    async fn start(&self, client: &WebClient) -> Result<WebResponse, String> {
        let request = self.request("POST", &[("uploads", None)]);
        send(client, self.with_body(request, &self.start_headers, String::new())).await
    }

    fn begun(&self, response: &WebResponse) -> Option<UnfinishedUpload> {
        let root = XmlElement::parse(&response.body).ok()?;
        let id = root.text_of("UploadId")?.to_owned();
        Some(UnfinishedUpload { key: self.key.clone(), id })
    }

    async fn send_part(
        &self,
        client: &WebClient,
        id: &str,
        (number, size): (usize, usize),
    ) -> Result<SentPart, String> {
        let text = number.to_string();
        let query = [("partNumber", Some(text.as_str())), ("uploadId", Some(id))];
        let request = self.with_body(self.request("PUT", &query), &[], "p".repeat(size));
        let response = succeeded("UploadPart", send(client, request).await?)?;
        let etag = response.header("etag").unwrap_or_default().to_owned();
        Ok(SentPart { number, etag })
    }

    async fn run_earlier_step(
        &self,
        client: &WebClient,
        id: &str,
        sent: &[SentPart],
    ) -> Result<(), String> {
        let (name, request) = match self.before {
            EarlierStep::Nothing => return Ok(()),
            EarlierStep::PutObject => {
                let request = self.request("PUT", &[]);
                ("PutObject", self.with_body(request, &[], "object".to_owned()))
            }
            EarlierStep::Complete => {
                let query = [("uploadId", Some(id))];
                let request = self.request("POST", &query);
                let request = self.with_body(request, &self.headers, (self.list)(sent));
                ("CompleteMultipartUpload", request)
            }
            EarlierStep::Abort => {
                ("AbortMultipartUpload", self.bucket.abort_request(&self.key, id))
            }
        };
        succeeded(name, send(client, request).await?).map(|_| ())
    }

    async fn send_judged(
        &self,
        client: &WebClient,
        id: &str,
        sent: &[SentPart],
    ) -> Result<WebResponse, String> {
        let request = match self.judged {
            JudgedStep::Start => return self.start(client).await,
            JudgedStep::LatePart => return self.send_late_part(client, id).await,
            JudgedStep::Part(number) => {
                let number = number.map(|number| ("partNumber", Some(number)));
                let query: Vec<_> = number.into_iter().chain([("uploadId", Some(id))]).collect();
                self.with_body(self.request("PUT", &query), &self.headers, "part".to_owned())
            }
            JudgedStep::Complete => {
                let query = [("uploadId", Some(id))];
                self.with_body(self.request("POST", &query), &self.headers, (self.list)(sent))
            }
            JudgedStep::ListParts(more) => {
                let query: Vec<_> = with_values(more).chain([("uploadId", Some(id))]).collect();
                self.with_body(self.request("GET", &query), &[], String::new())
            }
            JudgedStep::ListUploads(more) => {
                let own = [("uploads", None), ("prefix", Some(self.key.as_str()))];
                let query: Vec<_> = own.into_iter().chain(with_values(more)).collect();
                let request = OssRequest { key: None, ..self.request("GET", &query) };
                self.with_body(request, &[], String::new())
            }
        };
        send(client, request).await
    }

    /// Sends a part that pauses before its last byte, and aborts the upload in the pause.
    async fn send_late_part(&self, client: &WebClient, id: &str) -> Result<WebResponse, String> {
        let query = [("partNumber", Some("1")), ("uploadId", Some(id))];
        let url = self.bucket.sign_url(&self.request("PUT", &query));
        let body = PausedBody::new(Bytes::from_static(b"part"), 3, LATE_PART);
        let abort = async {
            tokio::time::sleep(EARLY_ABORT).await;
            send(client, self.bucket.abort_request(&self.key, id)).await
        };
        let (part, aborted) = tokio::join!(send(client, WebRequest::put(url, body)), abort);
        succeeded("AbortMultipartUpload", aborted?)?;
        part
    }

    fn request<'r>(
        &'r self,
        method: &'r str,
        query: &'r [(&'r str, Option<&'r str>)],
    ) -> OssRequest<'r> {
        OssRequest { query, ..OssRequest::new(method, &self.bucket.bucket, &self.key) }
    }

    /// Signs a request with these headers, and adds its body.
    fn with_body(&self, request: OssRequest<'_>, headers: &[Pair], body: String) -> WebRequest {
        let url = self.bucket.sign_url(&OssRequest { headers, ..request });
        let method = match request.method {
            "PUT" => Method::PUT,
            "POST" => Method::POST,
            _ => Method::GET,
        };
        // The client leaves the length out where there is no body, and OSS requires it.
        let names_length = body.is_empty() && method != Method::GET;
        let mut sent = WebRequest::with_body(method, url, body);
        for (name, value) in headers {
            sent = sent.header(name, value);
        }
        if names_length { sent.header("content-length", "0") } else { sent }
    }

    fn fact(&self, response: &WebResponse, ids: &[String]) -> Option<&'static str> {
        match self.look {
            UploadLook::Nowhere => None,
            UploadLook::Namespace if response.body.contains(" xmlns=") => Some(facts::NAMESPACE),
            UploadLook::Namespace => Some(facts::NO_NAMESPACE),
            UploadLook::Order => Some(order_fact(&response.body, ids)),
        }
    }
}

/// Writes the list of all parts.
pub(super) fn part_list(parts: &[SentPart]) -> String {
    let element = |part: &SentPart| {
        let (number, etag) = (part.number, XmlText(&part.etag));
        format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>")
    };
    let parts: Vec<_> = parts.iter().map(element).collect();
    format!("<CompleteMultipartUpload>{}</CompleteMultipartUpload>", parts.concat())
}

/// Returns the ids of a listing of uploads, with their keys.
pub(super) fn listed_uploads(document: &str) -> Vec<UnfinishedUpload> {
    let root = XmlElement::parse(document).ok();
    let children = root.map(|root| root.children).unwrap_or_default();
    let uploads = children.iter().filter(|child| child.name == "Upload");
    let read = |upload: &XmlElement| {
        let key = upload.text_of("Key")?.to_owned();
        Some(UnfinishedUpload { key, id: upload.text_of("UploadId")?.to_owned() })
    };
    uploads.filter_map(read).collect()
}

/// Where the ids grow with time, the two orders are one, and it counts as that of the ids.
fn order_fact(document: &str, begun: &[String]) -> &'static str {
    let listed: Vec<_> = listed_uploads(document).into_iter().map(|upload| upload.id).collect();
    if listed.len() == begun.len() && listed.is_sorted() {
        facts::BY_ID
    } else if listed == begun {
        facts::BY_TIME
    } else {
        facts::OTHER_ORDER
    }
}

fn with_values<'a>(pairs: &'static [Pair]) -> impl Iterator<Item = (&'a str, Option<&'a str>)> {
    pairs.iter().map(|(name, value)| (*name, Some(*value)))
}

async fn send(client: &WebClient, request: WebRequest) -> Result<WebResponse, String> {
    client.send(request).await.map_err(|error| format!("no answer: {error}"))
}

/// Fails unless an earlier request was accepted.
fn succeeded(name: &str, response: WebResponse) -> Result<WebResponse, String> {
    let observation = Observation::of(&response);
    if observation.is_accepted() {
        return Ok(response);
    }
    Err(format!("{name}, which the probe needs before, was {observation}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(ids: &[&str]) -> String {
        let uploads = ids
            .iter()
            .map(|id| format!("<Upload><Key>a</Key><UploadId>{id}</UploadId></Upload>"))
            .collect::<Vec<_>>()
            .concat();
        format!("<ListMultipartUploadsResult>{uploads}</ListMultipartUploadsResult>")
    }

    #[test]
    fn the_order_of_a_listing_is_that_of_ids_or_of_times() {
        let begun = ["B", "A", "C"].map(str::to_owned);
        assert_eq!(order_fact(&listing(&["A", "B", "C"]), &begun), facts::BY_ID);
        assert_eq!(order_fact(&listing(&["B", "A", "C"]), &begun), facts::BY_TIME);
        assert_eq!(order_fact(&listing(&["C", "B", "A"]), &begun), facts::OTHER_ORDER);
        assert_eq!(order_fact(&listing(&["A", "B"]), &begun), facts::OTHER_ORDER);
    }

    #[test]
    fn a_part_list_names_each_part_with_its_etag_as_it_was_returned() {
        let parts = [(1, "\"A\""), (2, "\"B\"")]
            .map(|(number, etag)| SentPart { number, etag: etag.to_owned() });
        assert_eq!(
            part_list(&parts),
            "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>\"A\"</ETag></Part>\
             <Part><PartNumber>2</PartNumber><ETag>\"B\"</ETag></Part></CompleteMultipartUpload>"
        );
    }
}
