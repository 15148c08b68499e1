//! A form taken apart and not judged: for who wants to look at one, and for fuzzers.
//!
//! The same reader as that of an upload, checks 2 and 3 of the list in `post_object` and the
//! reading of 11; only the file goes to memory instead of the disk.

use std::error::Error;

use bytes::Bytes;
use hyper::body::Body;

use crate::oss::form::Form;
use crate::oss::inflow::Inflow;
use crate::oss::judgement::Judgement;
use crate::oss::multipart::Parts;
use crate::oss::multipart::boundary::boundary;
use crate::oss::post_object::read_form;
use crate::oss::reception::read_rest;
use crate::oss::refusal::Refusal;

/// A form, and the bytes of its file.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The fields before the file.
    pub form: Form,
    /// The file.
    pub content: Vec<u8>,
}

impl Reading {
    /// Reads a request body that came with this `Content-Type`; needs a tokio runtime with a timer.
    pub async fn of<B>(content_type: &str, body: B, judgement: &Judgement) -> Result<Self, Refusal>
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
    {
        let boundary = boundary(Some(content_type), judgement)?;
        let mut inflow = Inflow::new(body, judgement.patience);
        let mut parts = Parts::new(&mut inflow, &boundary, judgement);
        let form = read_form(&mut parts, judgement).await?;
        let mut content = Vec::new();
        while let Some(bytes) = parts.data().await? {
            content.extend_from_slice(&bytes);
        }
        read_rest(parts, judgement).await?;
        Ok(Self { form, content })
    }
}
