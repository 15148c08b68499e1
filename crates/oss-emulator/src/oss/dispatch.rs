//! One request, one answer: finds the bucket, calls the operation, words the refusal.

use std::error::Error;
use std::sync::atomic::AtomicBool;

use bytes::Bytes;
use http::HeaderValue;
use http::Method;
use http::Request;
use http::StatusCode;
use http::header;
use http::request;
use hyper::body::Body;

use crate::oss::answer;
use crate::oss::answer::Answer;
use crate::oss::call::Call;
use crate::oss::call::Reached;
use crate::oss::callback::key;
use crate::oss::get_object::get_object;
use crate::oss::host;
use crate::oss::inflow::Inflow;
use crate::oss::outflow::Outflow;
use crate::oss::post_object::post_object;
use crate::oss::refusal::Kind;
use crate::oss::refusal::Refusal;
use crate::oss::site::Site;

/// Answers a request; `unread` is set when the connection closes before its body was read.
pub(super) async fn answer<B>(site: &Site, request: Request<B>, unread: &AtomicBool) -> Answer
where
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    let (head, body) = request.into_parts();
    let call = Call::new(site.next_id(), &head, unread);
    let mut inflow = Inflow::new(body, site.judgement.patience);
    let mut answer = match operate(site, &call, &head, &mut inflow).await {
        Ok(answer) => answer,
        Err(refusal) => refuse(site, &call, &head, &mut inflow, &refusal).await,
    };
    answer::stamp(&call, site.now(), &mut answer);
    site.cors.stamp(call.origin.as_ref(), answer.headers_mut());
    answer
}

async fn operate(
    site: &Site,
    call: &Call<'_>,
    head: &request::Parts,
    inflow: &mut Inflow,
) -> Result<Answer, Refusal> {
    check_visitor(site, head)?;
    // Not OSS's own affair: the real key lies on a host of its own, whatever bucket is meant.
    if matches!(head.method, Method::GET | Method::HEAD) && key::is_asked_for(head.uri.path()) {
        return public_key(site, head).await;
    }
    // Check 1 of the list in `post_object`.
    // A name that was given to the server is a domain bound to the first bucket, as a bare address is.
    let host = if site.hosts.has(&call.host) { "localhost" } else { &call.host };
    let bucket = host::bucket(host, &site.buckets, &site.judgement)?;
    match head.method {
        Method::OPTIONS => {
            let mut answer = answer::bare(StatusCode::OK);
            *answer.headers_mut() = site.cors.preflight(&head.headers)?;
            Ok(answer)
        }
        Method::GET | Method::HEAD => get_object(site, bucket, head).await,
        Method::POST if head.uri.path() == "/" => {
            post_object(site, call, bucket, head, inflow).await
        }
        _ => Err(not_allowed(site, head)),
    }
}

/// Refuses who cannot be a client of this machine's: a page that has its own name lead here, and the page of
/// another site where those are not wanted.
fn check_visitor(site: &Site, head: &request::Parts) -> Result<(), Refusal> {
    let reached = head.extensions.get().map(|Reached(address)| *address);
    if let Some(name) = site.hosts.foreign(&head.uri, &head.headers, reached) {
        return Err(Kind::ForeignHost.because(format!(
            "the request is for {name:?}, which is not a name of this machine; call localhost, \
             <bucket>.localhost or 127.0.0.1, or give the name with --allow-host"
        )));
    }
    // Who may ask before a request is the rule of the preflight.
    if head.method == Method::OPTIONS { Ok(()) } else { site.cors.check_page(&head.headers) }
}

/// Gives the public half of the key that signs callbacks.
async fn public_key(site: &Site, head: &request::Parts) -> Result<Answer, Refusal> {
    let key = site.key.get().await.map_err(|error| {
        Kind::InternalError.because(format!("the key for callbacks could not be made: {error}"))
    })?;
    Ok(answer::public_key(if head.method == Method::HEAD { "" } else { &key.pem }))
}

/// Refuses what is no upload, no reading back and no preflight.
fn not_allowed(site: &Site, head: &request::Parts) -> Refusal {
    let path = head.uri.path().strip_prefix('/').unwrap_or_default();
    let first = path.split('/').next().unwrap_or_default();
    if site.buckets.iter().any(|bucket| bucket.name == first) {
        return host::path_style();
    }
    let resource = if path.is_empty() { "Bucket" } else { "Object" };
    Kind::MethodNotAllowed
        .because(format!(
            "the local OSS takes form uploads with POST / and gives objects back; {} {} is neither",
            head.method,
            head.uri.path()
        ))
        .with_child("Method", head.method.as_str())
        .with_child("ResourceType", resource)
}

async fn refuse(
    site: &Site,
    call: &Call<'_>,
    head: &request::Parts,
    inflow: &mut Inflow,
    refusal: &Refusal,
) -> Answer {
    let reading = matches!(head.method, Method::GET | Method::HEAD);
    if !reading || matches!(refusal.kind(), Kind::ForeignHost | Kind::ForeignPage) {
        site.tell_refusal(refusal);
    }
    let mut answer = answer::refused(call, refusal);
    if head.method == Method::HEAD {
        *answer.body_mut() = Outflow::empty();
    }
    // A client that waits for leave to send its body is simply not given it.
    let waits = head.headers.contains_key(header::EXPECT) && inflow.untouched();
    if waits || !inflow.drain().await {
        call.leave_unread();
        let close = HeaderValue::from_static("close");
        answer.headers_mut().insert(header::CONNECTION, close);
    }
    answer
}
