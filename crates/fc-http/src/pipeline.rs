//! The way of one request: platform headers, log, deadline, limits, body, service, error response.
//!
//! One async function in place of a stack of layers: the order can be read from top to bottom. Nothing here knows of
//! sockets.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{Either, Full};
use tokio::time::timeout_at;
use tower::{Service, ServiceExt};

use crate::context::{Context, ContextReader};
use crate::error::RuntimeError;
use crate::options::Options;
use crate::request_log::{LogTarget, RequestLog};
use crate::{Body, BoxError, body, head, panic};

/// A response of the service, or one of the runtime in its place.
pub(crate) type PipelineResponse<B> = Response<Either<Full<Bytes>, B>>;

/// Serves one request after another; a clone serves in parallel.
#[derive(Clone, Debug)]
pub(crate) struct Pipeline<S> {
    service: S,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    contexts: ContextReader,
    log: LogTarget,
    max_header_bytes: usize,
    max_body: usize,
}

impl<S> Pipeline<S> {
    pub(crate) fn new(service: S, options: &Options) -> Self {
        panic::install_hook();
        let shared = Shared {
            contexts: ContextReader::new(options),
            log: LogTarget::new(options),
            max_header_bytes: options.max_header_bytes,
            max_body: options.max_body,
        };
        Self { service, shared: Arc::new(shared) }
    }

    /// Answers a request, whatever happens to it.
    pub(crate) async fn handle<I, B>(self, mut request: Request<I>) -> PipelineResponse<B>
    where
        S: Service<Request<Body>, Response = Response<B>>,
        S::Error: Into<BoxError>,
        I: http_body::Body<Data = Bytes>,
        I::Error: Into<BoxError>,
    {
        let Self { service, shared } = self;
        // Takes the role's keys out of the headers before anything could log them.
        let context = shared.contexts.read(request.headers_mut());
        let log = RequestLog::start(shared.log.clone(), &request, &context);
        let (request_id, deadline) = (context.request_id.clone(), context.deadline);
        // Boxed, because each of the futures around it would otherwise hold it by value and copy it once more.
        let work = Box::pin(respond(service, shared, request, context));
        log.around(async move {
            let outcome = match panic::catch(timeout_at(deadline, work)).await {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(_)) => Err(RuntimeError::TimedOut),
                Err(location) => Err(RuntimeError::Panicked(location)),
            };
            match outcome {
                Ok(response) => response.map(Either::Right),
                Err(error) => {
                    error.log(&request_id);
                    error.response(&request_id).map(|body| Either::Left(Full::new(body)))
                }
            }
        })
        .await
    }
}

/// Checks the head, reads the body and calls the service.
async fn respond<S, I, B>(
    service: S,
    shared: Arc<Shared>,
    request: Request<I>,
    context: Context,
) -> Result<Response<B>, RuntimeError>
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    I: http_body::Body<Data = Bytes>,
    I::Error: Into<BoxError>,
{
    head::check(&request, shared.max_header_bytes)?;
    let (mut parts, body) = request.into_parts();
    // The deadline of the whole request is the same moment; only the reader can say that the client was slow, and
    // not the service.
    let body = body::read(body, shared.max_body, context.deadline).await?;
    parts.extensions.insert(context);
    let response = service.oneshot(Request::from_parts(parts, body)).await;
    response.map_err(|error| RuntimeError::Failed(error.into()))
}
