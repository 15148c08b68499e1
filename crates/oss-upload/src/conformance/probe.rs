//! One probe: a form with one peculiarity, what each reading of the documentation predicts, and how it is run.

use crate::conformance::form::{BuiltProbe, CONTENT, ProbeForm};
use crate::conformance::observation::{Observation, Prediction};
use crate::conformance::request::ProbeRequest;
use crate::conformance::target::MeasuredBucket;
use crate::conformance::upload::{ProbeUpload, UnfinishedUpload};
use crate::http_client::{WebClient, WebResponse};
use oss_emulator::oss::Strictness;

/// A probe.
pub(super) struct Probe {
    /// The name, in lower case with hyphens.
    pub(super) name: &'static str,
    /// The row of the table of choices; `None` for an error that is documented.
    pub(super) choice: Option<&'static str>,
    /// What is sent, in a few words.
    pub(super) about: &'static str,
    /// What the local OSS does.
    pub(super) here: Prediction,
    /// Other readings.
    pub(super) others: Vec<Reading>,
    pub(super) needs: Option<Need>,
    pub(super) look: Look,
    input: ProbeInput,
}

/// The request that a probe changes.
enum ProbeInput {
    Form(fn(&mut ProbeForm<'_>)),
    Request(fn(&mut ProbeRequest<'_>)),
    Upload(fn(&mut ProbeUpload<'_>)),
}

/// What a probe sends.
pub(super) enum PreparedProbe<'a> {
    Request(BuiltProbe),
    Upload(ProbeUpload<'a>),
}

impl PreparedProbe<'_> {
    /// Returns the bytes of all bodies.
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Self::Request(built) => built.len,
            Self::Upload(upload) => upload.bytes(),
        }
    }

    /// Returns the keys of all objects that may be created.
    pub(super) fn keys(&self) -> Vec<String> {
        match self {
            Self::Request(built) => built.keys.clone(),
            Self::Upload(upload) => vec![upload.key.clone()],
        }
    }
}

/// Another reading than that of the local OSS.
pub(super) struct Reading {
    pub(super) predicted: Prediction,
    /// Selects the reading in the local OSS; `None` if there is no setting.
    pub(super) apply: Option<fn(&mut Strictness)>,
}

/// What a probe needs apart from a bucket and a key that may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    TemporaryKey,
    Callback,
    DefaultHost,
}

/// Where a probe finds its fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// It has none: the status and the error are enough.
    Nowhere,
    /// The status of the response.
    Status,
    /// The `ETag` of the response.
    ETag,
    /// The `Location` of the response.
    Location,
    /// The key of the stored object.
    Key,
    /// The number of tags of the stored object.
    Tags,
    /// Whether the response is a part of the object.
    Range,
}

/// The result of one probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The service does what the local OSS does.
    Same(Observation),
    /// The service does what another reading predicts; the number is its place in `others`.
    Other(Observation, usize),
    /// No reading predicts what the service does.
    Unknown(Observation),
    /// The probe could not be run, for this reason.
    NotRun(String),
}

/// The address to which `success_action_redirect` leads. Nothing is requested there.
pub(super) const REDIRECT: &str = "https://conformance.invalid/done";

impl Probe {
    /// Creates the probe of a row of the table of choices.
    pub(super) fn of_choice(
        choice: &'static str,
        name: &'static str,
        about: &'static str,
        here: Prediction,
        change: fn(&mut ProbeForm<'_>),
    ) -> Self {
        let (others, needs, look) = (Vec::new(), None, Look::Nowhere);
        let input = ProbeInput::Form(change);
        Self { name, choice: Some(choice), about, here, others, needs, look, input }
    }

    /// Creates the probe of a row about requests that are signed in their URL or in a header.
    pub(super) fn of_request_choice(
        choice: &'static str,
        name: &'static str,
        about: &'static str,
        here: Prediction,
        change: fn(&mut ProbeRequest<'_>),
    ) -> Self {
        let input = ProbeInput::Request(change);
        Self { input, ..Self::of_choice(choice, name, about, here, |_| {}) }
    }

    /// Creates the probe of a documented error of such a request.
    pub(super) fn of_request_error(
        name: &'static str,
        about: &'static str,
        here: Prediction,
        change: fn(&mut ProbeRequest<'_>),
    ) -> Self {
        Self { choice: None, ..Self::of_request_choice("", name, about, here, change) }
    }

    /// Creates the probe of a row about uploads in parts.
    pub(super) fn of_upload_choice(
        choice: &'static str,
        name: &'static str,
        about: &'static str,
        here: Prediction,
        change: fn(&mut ProbeUpload<'_>),
    ) -> Self {
        let input = ProbeInput::Upload(change);
        Self { input, ..Self::of_choice(choice, name, about, here, |_| {}) }
    }

    /// Creates the probe of a documented error of such an upload.
    pub(super) fn of_upload_error(
        name: &'static str,
        about: &'static str,
        here: Prediction,
        change: fn(&mut ProbeUpload<'_>),
    ) -> Self {
        Self { choice: None, ..Self::of_upload_choice("", name, about, here, change) }
    }

    /// Creates the probe of a documented error.
    pub(super) fn of_error(
        name: &'static str,
        about: &'static str,
        here: Prediction,
        change: fn(&mut ProbeForm<'_>),
    ) -> Self {
        Self { choice: None, ..Self::of_choice("", name, about, here, change) }
    }

    /// Adds a reading that the local OSS can take.
    pub(super) fn or(mut self, predicted: Prediction, apply: fn(&mut Strictness)) -> Self {
        self.others.push(Reading { predicted, apply: Some(apply) });
        self
    }

    /// Adds a reading that the local OSS cannot take.
    pub(super) fn or_fixed(mut self, predicted: Prediction) -> Self {
        self.others.push(Reading { predicted, apply: None });
        self
    }

    pub(super) fn needing(self, need: Need) -> Self {
        Self { needs: Some(need), ..self }
    }

    pub(super) fn looking_at(self, look: Look) -> Self {
        Self { look, ..self }
    }

    /// Returns why the probe cannot be run for this bucket.
    pub(super) fn obstacle(&self, bucket: &MeasuredBucket) -> Option<&'static str> {
        match self.needs? {
            Need::TemporaryKey if !bucket.is_temporary_key() => {
                Some("the key is not a temporary one")
            }
            Need::Callback if bucket.callback.is_none() => {
                Some("no callback server is named; see --callback")
            }
            Need::DefaultHost if !bucket.is_default_host() => {
                Some("the requests do not go to the default host of the bucket")
            }
            _ => None,
        }
    }

    /// Returns what this probe sends.
    pub(super) fn prepare<'a>(&self, bucket: &'a MeasuredBucket) -> PreparedProbe<'a> {
        match self.input {
            ProbeInput::Form(change) => {
                let mut form = ProbeForm::new(bucket, self.name);
                change(&mut form);
                PreparedProbe::Request(form.build())
            }
            ProbeInput::Request(change) => {
                let mut request = ProbeRequest::new(bucket);
                change(&mut request);
                PreparedProbe::Request(request.build())
            }
            ProbeInput::Upload(change) => {
                let mut upload = ProbeUpload::new(bucket, self.name);
                change(&mut upload);
                PreparedProbe::Upload(upload)
            }
        }
    }

    /// Sends what was prepared and observes what the service does. Uploads that are begun are added to `begun`.
    pub(super) async fn run(
        &self,
        prepared: PreparedProbe<'_>,
        bucket: &MeasuredBucket,
        client: &WebClient,
        begun: &mut Vec<UnfinishedUpload>,
    ) -> Outcome {
        match self.observe(prepared, bucket, client, begun).await {
            Ok(observation) => self.judge(observation),
            Err(reason) => Outcome::NotRun(reason),
        }
    }

    async fn observe(
        &self,
        prepared: PreparedProbe<'_>,
        bucket: &MeasuredBucket,
        client: &WebClient,
        begun: &mut Vec<UnfinishedUpload>,
    ) -> Result<Observation, String> {
        let (response, fact) = match prepared {
            PreparedProbe::Request(BuiltProbe { request, keys, .. }) => {
                let response = client.send(request).await;
                let response = response.map_err(|error| format!("no answer: {error}"))?;
                let fact = if Observation::of(&response).is_accepted() {
                    self.fact(bucket, client, &response, &keys).await?
                } else {
                    None
                };
                (response, fact)
            }
            PreparedProbe::Upload(upload) => upload.run(client, begun).await?,
        };
        if response.status.is_server_error() {
            return Err(format!("the service failed with {}", response.status.as_u16()));
        }
        let observation = Observation::of(&response);
        let fact = fact.filter(|_| observation.is_accepted());
        Ok(Observation { fact, ..observation })
    }

    /// Compares an observation with the readings.
    pub(super) fn judge(&self, observation: Observation) -> Outcome {
        if self.here.matches(&observation) {
            return Outcome::Same(observation);
        }
        match self.others.iter().position(|other| other.predicted.matches(&observation)) {
            Some(at) => Outcome::Other(observation, at),
            // It says nothing about the question if the key may not do this at all.
            None if observation.lacks_right() => {
                Outcome::NotRun(format!("the key may not do this: {observation}"))
            }
            None => Outcome::Unknown(observation),
        }
    }

    async fn fact(
        &self,
        bucket: &MeasuredBucket,
        client: &WebClient,
        response: &WebResponse,
        keys: &[String],
    ) -> Result<Option<&'static str>, String> {
        Ok(Some(match self.look {
            Look::Nowhere => return Ok(None),
            Look::Status if response.status.as_u16() == 303 => facts::REDIRECTED,
            Look::Status => facts::NOT_REDIRECTED,
            Look::Range if response.status.as_u16() == 206 => facts::PARTIAL,
            Look::Range => facts::WHOLE,
            Look::ETag => etag_fact(response),
            Look::Location => location_fact(response),
            Look::Key => {
                let mut found = None;
                for key in keys.iter().filter(|key| !key.contains('$')) {
                    let object = read(bucket, client, key).await?;
                    found = found.or(object.map(|_| key.as_str()));
                }
                key_fact(found)
            }
            Look::Tags => {
                let key = keys.last().map(String::as_str).unwrap_or_default();
                let object = read(bucket, client, key).await?;
                let tags = object.as_ref().and_then(|object| object.header("x-oss-tagging-count"));
                if tags.is_some() { facts::TAGS } else { facts::NO_TAGS }
            }
        }))
    }
}

/// The facts, in the words that a report shows.
pub(super) mod facts {
    pub(crate) const REDIRECTED: &str = "the answer is the redirect";
    pub(crate) const NOT_REDIRECTED: &str = "the answer is not a redirect";
    pub(crate) const MD5: &str = "the ETag is the MD5";
    pub(crate) const NOT_MD5: &str = "the ETag is not the MD5";
    pub(crate) const AS_GIVEN: &str = "303, nothing is appended";
    pub(crate) const APPENDED: &str = "303, bucket, key and etag are appended";
    pub(crate) const OTHER_LOCATION: &str = "the Location is another one";
    pub(crate) const LAST_COMPONENT: &str = "the key has the last component";
    pub(crate) const WHOLE_PATH: &str = "the key has the whole path";
    pub(crate) const OTHER_KEY: &str = "the key is another one";
    pub(crate) const WHOLE: &str = "the whole object";
    pub(crate) const PARTIAL: &str = "the part that exists";
    pub(crate) const TAGS: &str = "the object has tags";
    pub(crate) const NO_TAGS: &str = "the object has no tags";
}

fn etag_fact(response: &WebResponse) -> &'static str {
    // The MD5 of `CONTENT`, which a test computes.
    let etag = response.header("etag").unwrap_or_default().trim_matches('"');
    if etag.eq_ignore_ascii_case(CONTENT_MD5) { facts::MD5 } else { facts::NOT_MD5 }
}

/// The MD5 of [`CONTENT`] in hex.
pub(super) const CONTENT_MD5: &str = "36ace3a45900b5795d8fe5da463ce348";

fn location_fact(response: &WebResponse) -> &'static str {
    let location = response.header("location").unwrap_or_default();
    let query = location.strip_prefix(REDIRECT).and_then(|rest| rest.strip_prefix('?'));
    let has =
        |name: &str| query.is_some_and(|query| query.split('&').any(|pair| pair.starts_with(name)));
    if response.status.as_u16() == 303 && location == REDIRECT {
        facts::AS_GIVEN
    } else if response.status.as_u16() == 303 && ["bucket=", "key=", "etag="].into_iter().all(has) {
        facts::APPENDED
    } else {
        facts::OTHER_LOCATION
    }
}

fn key_fact(found: Option<&str>) -> &'static str {
    match found {
        Some(key) if key.ends_with("/folder/probe.txt") => facts::WHOLE_PATH,
        Some(_) => facts::LAST_COMPONENT,
        None => facts::OTHER_KEY,
    }
}

/// Reads an object; `None` if there is none.
async fn read(
    bucket: &MeasuredBucket,
    client: &WebClient,
    key: &str,
) -> Result<Option<WebResponse>, String> {
    let response = bucket.get_object(client, key).await;
    let response = response.map_err(|error| format!("the object was not read: {error}"))?;
    match response.status.as_u16() {
        200 if response.body.as_bytes() == CONTENT => Ok(Some(response)),
        404 => Ok(None),
        status => Err(format!("the object was not read: status {status}")),
    }
}
