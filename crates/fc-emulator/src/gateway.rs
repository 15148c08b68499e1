//! The gateway: takes requests in, finds a place at the function for each, and sends answers back.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http::Request;
use http::Version;
use http::request::Parts;
use http_body::Body;
use http_body_util::Either;
use http_body_util::Full;
use hyper::service::service_fn;
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::Answer;
use crate::Behind;
use crate::NoInstance;
use crate::Options;
use crate::Passed;
use crate::desk::Desk;
use crate::fleet::Fleet;
use crate::forward;
use crate::forward::Upstream;
use crate::function::Keys;
use crate::header;
use crate::header::Call;
use crate::header::Platform;
use crate::hook;
use crate::hook::Farewell;
use crate::invocation;
use crate::invocation::Later;
use crate::passing::Passing;
use crate::refusal;
use crate::refusal::Refusal;
use crate::request_id::RequestIds;
use crate::seat::Seat;
use crate::server;
use crate::trigger::Trigger;

/// The gateway; its clones share connections and request ids.
#[derive(Clone, Debug)]
pub struct Gateway(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    desk: Desk,
    way: Way,
    timeout: Duration,
    default_domain: bool,
    trigger: Trigger,
}

#[derive(Debug)]
enum Way {
    Standing(Arc<Upstream>),
    Fleet(Fleet),
}

/// A request as the gateway has taken it in.
#[derive(Debug)]
pub(crate) struct Received {
    head: Parts,
    body: Bytes,
    is_async: bool,
}

impl Gateway {
    /// Puts a gateway in front of a function. It connects when the first request comes.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self::behind(Trigger::default(), options)
    }

    /// Puts a gateway in front of a function, with its trigger set up like this.
    #[must_use]
    pub fn behind(trigger: Trigger, options: Options) -> Self {
        let platform = Platform::new(&options.function, options.keys.as_ref());
        Self(Arc::new(Inner {
            trigger,
            desk: Desk { platform, request_ids: RequestIds::default() },
            way: match options.behind {
                Behind::Address(address) => Way::Standing(Arc::new(Upstream::new(address))),
                Behind::Fleet(fleet) => Way::Fleet(fleet),
            },
            timeout: options.function.timeout,
            default_domain: options.default_domain,
        }))
    }

    /// Serves callers until `shutdown` completes, then lets their requests finish for a moment.
    ///
    /// # Errors
    ///
    /// If the listener is unusable from the start.
    pub async fn serve<F>(self, listener: TcpListener, shutdown: F) -> io::Result<()>
    where
        F: Future<Output = ()>,
    {
        listener.local_addr()?;
        let service = service_fn(move |request| {
            let gateway = self.clone();
            async move { Ok::<_, Infallible>(gateway.handle(request).await) }
        });
        server::serve(listener, service, shutdown).await;
        Ok(())
    }

    /// Takes one request to the HTTP trigger through to the function and back. For one that asks
    /// not to be waited for, the answer is 202, and the function's own is dropped.
    pub async fn handle<B>(&self, request: Request<B>) -> Answer
    where
        B: Body<Data = Bytes>,
    {
        self.handle_or_leave(request).await.0
    }

    /// The same, with the way to hear what becomes of a request that nobody waits for.
    pub async fn handle_or_leave<B>(&self, request: Request<B>) -> (Answer, Option<Later>)
    where
        B: Body<Data = Bytes>,
    {
        let request_id = self.0.desk.request_ids.next();
        let (mut answer, later) = match self.0.trigger.refuse(request.method()) {
            Some(refused) => (refused.map(Either::Left), None),
            None => self.take(request, &request_id).await,
        };
        header::finish(&mut answer, &request_id, self.0.default_domain);
        self.0.trigger.finish(&mut answer);
        (answer, later)
    }

    /// Takes in a request that the trigger lets through.
    async fn take<B>(&self, request: Request<B>, request_id: &str) -> (Answer, Option<Later>)
    where
        B: Body<Data = Bytes>,
    {
        match receive(request).await {
            Ok(received) if received.is_async => {
                let (answer, later) = invocation::leave(self, received, request_id);
                (answer, Some(later))
            }
            Ok(received) => {
                let answer = self.forward(&received, request_id, 0).await;
                (answer.unwrap_or_else(|refusal| refused(&refusal)), None)
            }
            Err(refusal) => (refused(&refusal), None),
        }
    }

    /// Calls the initializer hook.
    pub async fn initialize(&self) -> Answer {
        self.call(Method::POST, hook::INITIALIZE, Bytes::new()).await
    }

    /// Calls the hook that runs before an instance is destroyed.
    pub async fn pre_stop(&self) -> Answer {
        self.call(Method::GET, hook::PRE_STOP, Bytes::new()).await
    }

    /// Invokes the function with an event, as the `InvokeFunction` API does.
    pub async fn invoke(&self, event: Bytes) -> Answer {
        self.call(Method::POST, "/invoke", event).await
    }

    /// Brings these keys in the headers of every request from now on.
    pub fn bring(&self, keys: Option<&Keys>) {
        self.0.desk.platform.bring(keys);
    }

    /// Sees to it that an instance runs, before any request needs it.
    ///
    /// # Errors
    ///
    /// If it does not start, or its initializer fails.
    pub async fn warm(&self) -> Result<(), NoInstance> {
        let request_id = self.0.desk.request_ids.next();
        self.seat(&request_id).await.map(drop).map_err(|refusal| {
            let (_, code, sentence) = refusal.words();
            NoInstance { code, sentence: sentence.into_owned() }
        })
    }

    /// Calls the hook before the end of every instance, and ends them.
    pub async fn stop(&self) -> Vec<Farewell> {
        match &self.0.way {
            Way::Standing(_) => Vec::new(),
            Way::Fleet(fleet) => fleet.stop(&self.0.desk).await,
        }
    }

    /// Takes a request to the function, at its first try or a later one.
    pub(crate) async fn forward(
        &self,
        received: &Received,
        request_id: &str,
        retry_count: u32,
    ) -> Result<Answer, Refusal> {
        let Received { head, body, .. } = received;
        let mut request = Request::new(Full::new(body.clone()));
        *request.method_mut() = head.method.clone();
        *request.uri_mut() = head.uri.clone();
        *request.headers_mut() = head.headers.clone();
        let path = head.uri.path();
        let call = Call { control_path: "/http-invoke", path, request_id, retry_count };
        self.0.desk.platform.sign(request.headers_mut(), &call);
        self.pass(request, request_id).await
    }

    async fn call(&self, method: Method, path: &'static str, body: Bytes) -> Answer {
        let request_id = self.0.desk.request_ids.next();
        let request = hook::request(&self.0.desk, method, path, &request_id, body);
        let mut answer =
            self.pass(request, &request_id).await.unwrap_or_else(|refusal| refused(&refusal));
        // A hook's or an event's answer never meets a browser.
        header::finish(&mut answer, &request_id, false);
        answer
    }

    /// Sends a request, and once more if its connection was lost and it may run twice.
    async fn pass(
        &self,
        request: Request<Full<Bytes>>,
        request_id: &str,
    ) -> Result<Answer, Refusal> {
        let again = forward::may_run_twice(request.method()).then(|| request.clone());
        match (self.send(request, request_id).await, again) {
            (Err(Refusal::Exited), Some(again)) => self.send(again, request_id).await,
            (answer, _) => answer,
        }
    }

    async fn send(
        &self,
        mut request: Request<Full<Bytes>>,
        request_id: &str,
    ) -> Result<Answer, Refusal> {
        *request.version_mut() = Version::HTTP_11;
        let seat = self.seat(request_id).await?;
        let deadline = Instant::now() + self.0.timeout;
        let mut answer =
            match tokio::time::timeout_at(deadline, seat.upstream().send(request)).await {
                Ok(Ok(answer)) => answer,
                Ok(Err(refusal)) => {
                    seat.settle().await;
                    return Err(refusal);
                }
                Err(_) => {
                    seat.kill();
                    return Err(Refusal::Timeout(self.0.timeout));
                }
            };
        let says_failed = header::says_failed(answer.headers());
        let taken = header::strip_answer(answer.headers_mut());
        let header_bytes = refusal::check_answer(answer.headers())?;
        answer.extensions_mut().insert(Passed { header_bytes, taken, says_failed });
        Ok(answer.map(|body| Either::Right(Passing::new(body, seat, deadline))))
    }

    async fn seat(&self, request_id: &str) -> Result<Seat, Refusal> {
        match &self.0.way {
            Way::Standing(upstream) => Ok(Seat::standing(Arc::clone(upstream))),
            Way::Fleet(fleet) => fleet.seat(&self.0.desk, request_id).await,
        }
    }
}

/// Takes in a request, as far as its limits allow.
async fn receive<B>(request: Request<B>) -> Result<Received, Refusal>
where
    B: Body<Data = Bytes>,
{
    refusal::check_head(&request)?;
    let (mut head, body) = request.into_parts();
    // The whole body is held: its limit concerns the whole, and what is sent again after a lost
    // connection must be at hand.
    let body = refusal::read_body(body).await?;
    let is_async = header::is_async(&head.headers);
    if is_async {
        refusal::check_async(&body)?;
    }
    header::strip_request(&mut head.headers);
    Ok(Received { head, body, is_async })
}

fn refused(refusal: &Refusal) -> Answer {
    refusal.answer().map(Either::Left)
}
