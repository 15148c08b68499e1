//! One call, one answer: finds the fault that was asked for, then the service.

use std::error::Error;
use std::io;

use bytes::Bytes;
use http::HeaderName;
use http::HeaderValue;
use http::Request;
use http::StatusCode;
use http_body_util::BodyExt;
use http_body_util::Limited;
use hyper::body::Body;

use crate::faults;
use crate::faults::Fault;
use crate::sts::answer;
use crate::sts::answer::Answer;
use crate::sts::answer::Frame;
use crate::sts::assume_role::assume_role;
use crate::sts::assume_role::assume_role_with_oidc;
use crate::sts::auth::Court;
use crate::sts::call::Action;
use crate::sts::call::Call;
use crate::sts::flow::Flow;
use crate::sts::metadata;
use crate::sts::options::Event;
use crate::sts::refusal::Kind;
use crate::sts::refusal::Refusal;
use crate::sts::site::Site;

/// The most bytes of a body: far more than token and policy need.
const MAX_BODY: usize = 256 * 1024;

/// Answers a request; an error means that the connection is to be cut.
pub(super) async fn answer<B>(site: &Site, request: Request<B>) -> io::Result<Answer>
where
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>>,
{
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, MAX_BODY).collect().await else {
        let mut answer = answer::text(StatusCode::PAYLOAD_TOO_LARGE, "the body is too long");
        answer::stamp(&mut answer, site.now());
        return Ok(answer);
    };
    let call = Call::new(head, body.to_bytes());
    let neighbour = metadata::recognise(&call.path);
    let fault = neighbour.or_else(|| call.action().map(Action::fault));
    let fault = fault.and_then(|kind| site.faults.take(kind));
    let mut now = site.now();
    match fault {
        Some(Fault::Cut) => return Err(io::ErrorKind::ConnectionReset.into()),
        Some(Fault::Delay(time)) => tokio::time::sleep(time).await,
        Some(Fault::Clock(seconds)) => now = now.saturating_add(seconds),
        _ => {}
    }
    let mut answer = match fault.and_then(planned) {
        Some(failure) => failure_answer(site, neighbour, &call, &failure),
        None => serve(site, neighbour, &call, now),
    };
    match fault {
        Some(Fault::CutInside) => answer = answer.map(Flow::cut),
        Some(Fault::MalformedJson) => answer = answer.map(Flow::half),
        _ => {}
    }
    answer::stamp(&mut answer, now);
    Ok(answer)
}

/// A failure that takes the place of the answer.
struct Failure {
    refusal: Refusal,
    retry_after: Option<u128>,
    xml: bool,
}

fn planned(fault: Fault) -> Option<Failure> {
    let failure = |refusal| Failure { refusal, retry_after: None, xml: false };
    match fault {
        Fault::Throttle { status, retry_after } => Some(Failure {
            retry_after: retry_after.map(|time| time.as_millis()),
            ..failure(Kind::Throttled.plain().with_status(status))
        }),
        Fault::Failure(500) => Some(failure(Kind::InternalError.plain())),
        Fault::Failure(status) => Some(failure(Kind::Unavailable.plain().with_status(status))),
        Fault::GatewayXml => Some(Failure { xml: true, ..failure(Kind::Unavailable.plain()) }),
        Fault::Delay(_)
        | Fault::Cut
        | Fault::CutInside
        | Fault::Clock(_)
        | Fault::MalformedJson => None,
    }
}

fn failure_answer(
    site: &Site,
    neighbour: Option<faults::Call>,
    call: &Call,
    failure: &Failure,
) -> Answer {
    let mut frame = frame(site, call);
    frame.json &= !failure.xml;
    let mut answer = match neighbour {
        Some(_) if !failure.xml => {
            let status = StatusCode::from_u16(failure.refusal.status());
            let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            answer::text(status, failure.refusal.message())
        }
        _ => refuse(site, &frame, &failure.refusal),
    };
    if let Some(millis) = failure.retry_after {
        let name = HeaderName::from_static("x-acs-retry-after");
        if let Ok(value) = HeaderValue::from_str(&millis.to_string()) {
            answer.headers_mut().insert(name, value);
        }
    }
    answer
}

fn serve(site: &Site, neighbour: Option<faults::Call>, call: &Call, now: i64) -> Answer {
    if let Some(kind) = neighbour {
        return metadata::respond(site, kind, call, now);
    }
    if call.path != "/" {
        return answer::text(StatusCode::NOT_FOUND, "the local STS is at /");
    }
    let frame = frame(site, call);
    match operate(site, call, now) {
        Ok((action, value)) => frame.success(action.name(), value),
        Err(refusal) => refuse(site, &frame, &refusal),
    }
}

fn operate(site: &Site, call: &Call, now: i64) -> Result<(Action, serde_json::Value), Refusal> {
    let action = call.check()?;
    let keys = site.ring.all();
    let court = Court { keys: &keys, nonces: &site.nonces, now };
    let value = match action {
        Action::AssumeRole => {
            let caller = court.authenticate(call)?;
            assume_role(site, call, caller, now)?
        }
        Action::AssumeRoleWithOidc => {
            court.admit(call)?;
            assume_role_with_oidc(site, call, now)?
        }
    };
    Ok((action, value))
}

fn frame<'a>(site: &Site, call: &'a Call) -> Frame<'a> {
    Frame {
        request_id: site.mint.request_id(),
        host: call.header("host").unwrap_or_default(),
        json: call.wants_json(),
    }
}

fn refuse(site: &Site, frame: &Frame<'_>, refusal: &Refusal) -> Answer {
    site.tell(&Event::Refused { status: refusal.status(), code: refusal.code() });
    frame.refused(refusal)
}
