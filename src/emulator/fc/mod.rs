//! Function Compute: the gateway in front of a function.
//!
//! Plays the HTTP trigger, as it should be set up or [otherwise](Trigger): what it refuses, which
//! headers it takes away and adds on either way, how it uses its connections, and how it calls
//! hooks. One function process stands behind it, at an address; starting, freezing and multiplying
//! processes is not its business. What Function Compute does is told in its documentation ("Web
//! functions", "HTTP triggers overview", "Context and log format") and in dumps of real requests;
//! where neither says, the code does.

mod forward;
mod header;
mod refusal;
mod request_id;
mod trigger;

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use http::Request;
use http::Response;
use http::Uri;
use http::Version;
use http::uri::PathAndQuery;
use http_body::Body;
use http_body_util::Either;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use tokio::net::TcpListener;

use crate::emulator::server;

use forward::Upstream;
use header::Platform;
use refusal::Refusal;
use request_id::RequestIds;

pub use trigger::Trigger;

/// An answer of the function, or one that the gateway gave in its place.
pub type Answer = Response<Either<Full<Bytes>, Incoming>>;

/// The role's credentials that the gateway hands to the function; prints none of them.
#[derive(Clone)]
pub struct Keys {
    /// The key's name, which begins with `STS.`.
    pub access_key_id: String,
    /// The key.
    pub access_key_secret: String,
    /// The token that goes with it.
    pub security_token: String,
}

impl fmt::Debug for Keys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Keys(…)")
    }
}

/// Describes the function and how it is reached.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the function process listens.
    pub upstream: SocketAddr,
    /// The credentials in every request's headers. None sends the three headers empty, as a
    /// function without a role gets them and as newer runtimes do, whose keys are in the
    /// environment.
    pub keys: Option<Keys>,
    /// The function's name.
    pub function_name: String,
    /// The region it runs in.
    pub region: String,
    /// Whether it is called by its default domain, where browsers are made to download every
    /// answer instead of showing it.
    pub default_domain: bool,
}

/// The gateway; its clones share connections and request ids.
#[derive(Clone, Debug)]
pub struct Gateway(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    platform: Platform,
    upstream: Upstream,
    request_ids: RequestIds,
    default_domain: bool,
    trigger: Trigger,
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
        Self(Arc::new(Inner {
            trigger,
            upstream: Upstream::new(options.upstream),
            default_domain: options.default_domain,
            request_ids: RequestIds::default(),
            platform: Platform::new(options),
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

    /// Takes one request to the HTTP trigger through to the function and back.
    pub async fn handle<B>(&self, request: Request<B>) -> Answer
    where
        B: Body<Data = Bytes>,
    {
        let request_id = self.0.request_ids.next();
        let mut answer = match self.0.trigger.refuse(request.method()) {
            Some(refused) => refused.map(Either::Left),
            None => match self.forward(request, &request_id).await {
                Ok(answer) => answer,
                Err(refusal) => refusal.answer().map(Either::Left),
            },
        };
        header::finish(&mut answer, &request_id, self.0.default_domain);
        self.0.trigger.finish(&mut answer);
        answer
    }

    /// Calls the initializer hook.
    pub async fn initialize(&self) -> Answer {
        self.call(Method::POST, "/initialize", Bytes::new()).await
    }

    /// Calls the hook that runs before an instance is destroyed.
    pub async fn pre_stop(&self) -> Answer {
        self.call(Method::GET, "/pre-stop", Bytes::new()).await
    }

    /// Invokes the function with an event, as the `InvokeFunction` API does.
    pub async fn invoke(&self, event: Bytes) -> Answer {
        self.call(Method::POST, "/invoke", event).await
    }

    async fn forward<B>(&self, request: Request<B>, request_id: &str) -> Result<Answer, Refusal>
    where
        B: Body<Data = Bytes>,
    {
        refusal::check_head(&request)?;
        let (mut head, body) = request.into_parts();
        // The whole body is held: its limit concerns the whole, and what is sent again after a
        // lost connection must be at hand.
        let body = refusal::read_body(body).await?;
        header::strip_request(&mut head.headers);
        let path = head.uri.path().to_owned();
        let control_path = "/http-invoke";
        self.0.platform.sign(&mut head.headers, control_path, &path, request_id);
        let request = Request::from_parts(head, Full::new(body));
        self.pass(request).await
    }

    async fn call(&self, method: Method, path: &'static str, body: Bytes) -> Answer {
        let request_id = self.0.request_ids.next();
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = Uri::from(PathAndQuery::from_static(path));
        self.0.platform.sign(request.headers_mut(), path, path, &request_id);
        let mut answer = match self.pass(request).await {
            Ok(answer) => answer,
            Err(refusal) => refusal.answer().map(Either::Left),
        };
        // A hook's or an event's answer never meets a browser.
        header::finish(&mut answer, &request_id, false);
        answer
    }

    async fn pass(&self, mut request: Request<Full<Bytes>>) -> Result<Answer, Refusal> {
        *request.version_mut() = Version::HTTP_11;
        let mut answer = self.0.upstream.send(request).await?;
        header::strip_answer(answer.headers_mut());
        refusal::check_answer(answer.headers())?;
        Ok(answer.map(Either::Right))
    }
}
