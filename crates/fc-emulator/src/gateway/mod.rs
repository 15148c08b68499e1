//! The gateway: receives requests, sends each to the function, and returns the responses.

mod invocation;
mod request;
mod response;
mod trigger;

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode, Version};
use http_body::Body;
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::config::{Function, RoleCredentials};
use crate::error::GatewayError;
use crate::gateway::request::ReceivedRequest;
use crate::headers::{self, PlatformHeaders};
use crate::hosts::Hosts;
use crate::instance::StopReport;
use crate::instance::hook::{self, PlatformRequest};
use crate::pool::{InstanceGuard, InstancePool};
use crate::upstream::{self, Upstream};

pub use invocation::{AsyncInvocation, Attempt};
pub use response::{ForwardReport, GatewayResponse, ProxiedBody};
pub use trigger::Trigger;

/// How long a shutdown waits for responses in progress.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);

/// The pause after a failed accept. The usual cause is too many open files, which needs time to pass.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The function behind a gateway.
#[derive(Clone, Debug)]
pub enum Backend {
    /// One process at this address, which the gateway does not start.
    Address(SocketAddr),
    /// Instances that are started when requests need them.
    Pool(InstancePool),
}

/// The settings of a gateway.
#[derive(Clone, Debug)]
pub struct GatewayOptions {
    /// Where the function is.
    pub backend: Backend,
    /// The function, as the headers of every request describe it.
    pub function: Function,
    /// The credentials in the headers of every request. `None` leaves the three headers empty, as for a
    /// function without a role, and as on newer runtimes, where the environment has the credentials.
    pub credentials: Option<RoleCredentials>,
    /// Whether callers use the default domain, at which browsers download every response instead of
    /// showing it.
    pub default_domain: bool,
    /// The settings of the HTTP trigger.
    pub trigger: Trigger,
    /// The names that [`Gateway::serve`] answers to beside those of this machine.
    pub hosts: Hosts,
}

impl GatewayOptions {
    /// A function without credentials at a custom domain, with an open trigger.
    #[must_use]
    pub fn new(backend: Backend, function: Function) -> Self {
        let (trigger, hosts) = (Trigger::default(), Hosts::default());
        Self { backend, function, credentials: None, default_domain: false, trigger, hosts }
    }

    /// A gateway in front of a pool; the function is the pool's.
    #[must_use]
    pub fn for_pool(pool: &InstancePool) -> Self {
        Self::new(Backend::Pool(pool.clone()), pool.config().function.clone())
    }
}

/// The gateway of an HTTP trigger. Clones share connections and request ids.
#[derive(Clone, Debug)]
pub struct Gateway(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    headers: PlatformHeaders,
    destination: Destination,
    timeout: Duration,
    default_domain: bool,
    trigger: Trigger,
    hosts: Hosts,
}

#[derive(Debug)]
enum Destination {
    Process(Arc<Upstream>),
    Pool(InstancePool),
}

impl Gateway {
    /// Creates a gateway. It connects to the function at the first request.
    #[must_use]
    pub fn new(options: GatewayOptions) -> Self {
        let headers = PlatformHeaders::new(&options.function, options.credentials.as_ref());
        Self(Arc::new(Inner {
            headers,
            destination: match options.backend {
                Backend::Address(address) => Destination::Process(Arc::new(Upstream::new(address))),
                Backend::Pool(pool) => Destination::Pool(pool),
            },
            timeout: options.function.timeout,
            default_domain: options.default_domain,
            trigger: options.trigger,
            hosts: options.hosts,
        }))
    }

    /// Serves callers until `shutdown` completes. Responses in progress then have two seconds. A request
    /// for a name that is not this machine's is answered with 421.
    ///
    /// # Errors
    ///
    /// If the listener has no address.
    pub async fn serve<F>(self, listener: TcpListener, shutdown: F) -> io::Result<()>
    where
        F: Future<Output = ()>,
    {
        listener.local_addr()?;
        let mut builder = http1::Builder::new();
        builder.header_read_timeout(None);
        let (graceful, mut connections) = (GracefulShutdown::new(), JoinSet::new());
        let mut shutdown = pin!(shutdown);
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = shutdown.as_mut() => break,
            };
            if let Ok((stream, _)) = accepted {
                let _ = stream.set_nodelay(true);
                let gateway = self.clone();
                let reached = stream.local_addr().map(|address| address.ip()).ok();
                let service = service_fn(move |request| {
                    let gateway = gateway.clone();
                    async move { Ok::<_, Infallible>(gateway.handle_at(reached, request).await) }
                });
                let connection = builder.serve_connection(TokioIo::new(stream), service);
                connections.spawn(graceful.watch(connection));
            } else {
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
            while connections.try_join_next().is_some() {}
        }
        drop(listener);
        // Connections that are still open afterwards are closed with the set.
        let _ = tokio::time::timeout(SHUTDOWN_TIMEOUT, graceful.shutdown()).await;
        Ok(())
    }

    /// Handles a request that arrived at this address, unless it is for a foreign name.
    async fn handle_at(
        &self,
        reached: Option<IpAddr>,
        request: Request<Incoming>,
    ) -> GatewayResponse {
        match self.0.hosts.foreign(request.uri(), request.headers(), reached) {
            Some(name) => GatewayError::ForeignHost(name).response().map(Either::Left),
            None => self.handle(request).await,
        }
    }

    /// Handles a request to the HTTP trigger. The response to an asynchronous request is 202, and the
    /// function's own response is dropped.
    pub async fn handle<B>(&self, request: Request<B>) -> GatewayResponse
    where
        B: Body<Data = Bytes>,
    {
        self.handle_async(request).await.0
    }

    /// Handles a request to the HTTP trigger, and returns the handle of an asynchronous invocation, if
    /// the request starts one.
    pub async fn handle_async<B>(
        &self,
        request: Request<B>,
    ) -> (GatewayResponse, Option<AsyncInvocation>)
    where
        B: Body<Data = Bytes>,
    {
        let request_id = self.0.headers.next_request_id();
        let (mut response, invocation) = match self.0.trigger.refuse(request.method()) {
            Some(refused) => (refused.map(Either::Left), None),
            None => self.accept(request, &request_id).await,
        };
        headers::complete_response(&mut response, &request_id, self.0.default_domain);
        self.0.trigger.complete_response(&mut response);
        (response, invocation)
    }

    /// Handles a request that the trigger accepts.
    async fn accept<B>(
        &self,
        request: Request<B>,
        request_id: &str,
    ) -> (GatewayResponse, Option<AsyncInvocation>)
    where
        B: Body<Data = Bytes>,
    {
        match ReceivedRequest::read(request).await {
            Ok(received) if received.is_async => {
                let mut response = Response::new(Either::Left(Full::default()));
                *response.status_mut() = StatusCode::ACCEPTED;
                (response, Some(self.invoke_async(received, request_id)))
            }
            Ok(received) => {
                let response = self.forward(&received, request_id, 0).await;
                (response.unwrap_or_else(error_response), None)
            }
            Err(error) => (error_response(error), None),
        }
    }

    fn invoke_async(&self, received: ReceivedRequest, request_id: &str) -> AsyncInvocation {
        let shared = Arc::new((self.clone(), received, request_id.to_owned()));
        tokio::spawn(invocation::run(move |retry_count| {
            let shared = Arc::clone(&shared);
            async move {
                let (gateway, received, request_id) = &*shared;
                gateway.forward(received, request_id, retry_count).await
            }
        }))
    }

    /// Calls the initializer hook.
    pub async fn initialize(&self) -> GatewayResponse {
        self.call(&PlatformRequest::INITIALIZE, Bytes::new()).await
    }

    /// Calls the pre-stop hook.
    pub async fn pre_stop(&self) -> GatewayResponse {
        self.call(&PlatformRequest::PRE_STOP, Bytes::new()).await
    }

    /// Invokes the function with an event, as the `InvokeFunction` API does.
    pub async fn invoke(&self, event: Bytes) -> GatewayResponse {
        self.call(&PlatformRequest::INVOKE, event).await
    }

    /// Replaces the credentials in the headers of later requests.
    pub fn set_credentials(&self, credentials: Option<&RoleCredentials>) {
        self.0.headers.set_credentials(credentials);
    }

    /// Starts an instance, unless one has room for a request already.
    ///
    /// # Errors
    ///
    /// If the instance does not start, or its initializer or first health check fails.
    pub async fn warm_up(&self) -> Result<(), GatewayError> {
        let request_id = self.0.headers.next_request_id();
        self.acquire(&request_id).await.map(drop)
    }

    /// Calls the pre-stop hook of every instance and ends it.
    pub async fn stop(&self) -> Vec<StopReport> {
        match &self.0.destination {
            Destination::Process(_) => Vec::new(),
            Destination::Pool(pool) => pool.stop(&self.0.headers).await,
        }
    }

    async fn forward(
        &self,
        received: &ReceivedRequest,
        request_id: &str,
        retry_count: u32,
    ) -> Result<GatewayResponse, GatewayError> {
        let request = received.to_function(&self.0.headers, request_id, retry_count);
        self.send(request, request_id).await
    }

    async fn call(&self, call: &PlatformRequest, body: Bytes) -> GatewayResponse {
        let request_id = self.0.headers.next_request_id();
        let request = hook::request(call, &self.0.headers, &request_id, body);
        let mut response = self.send(request, &request_id).await.unwrap_or_else(error_response);
        // No browser gets the response of a hook or an event, so no domain changes it.
        headers::complete_response(&mut response, &request_id, false);
        response
    }

    /// Sends a request, and sends it once more if its connection was lost and it is safe to repeat.
    async fn send(
        &self,
        request: Request<Full<Bytes>>,
        request_id: &str,
    ) -> Result<GatewayResponse, GatewayError> {
        let repeated = upstream::is_repeatable(request.method()).then(|| request.clone());
        match (self.send_once(request, request_id).await, repeated) {
            (Err(GatewayError::ConnectionLost), Some(repeated)) => {
                self.send_once(repeated, request_id).await
            }
            (response, _) => response,
        }
    }

    async fn send_once(
        &self,
        mut request: Request<Full<Bytes>>,
        request_id: &str,
    ) -> Result<GatewayResponse, GatewayError> {
        *request.version_mut() = Version::HTTP_11;
        let guard = self.acquire(request_id).await?;
        let deadline = Instant::now() + self.0.timeout;
        let sent = tokio::time::timeout_at(deadline, guard.upstream().send(request)).await;
        let mut response = match sent {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => {
                guard.wait_for_exit_report().await;
                return Err(error);
            }
            Err(_) => {
                guard.kill();
                return Err(GatewayError::Timeout(self.0.timeout));
            }
        };
        let reports_failure = headers::reports_failure(response.headers());
        let removed_headers = headers::strip_response(response.headers_mut());
        let header_bytes = request::check_response(response.headers())?;
        let report = ForwardReport { header_bytes, removed_headers, reports_failure };
        response.extensions_mut().insert(report);
        Ok(response.map(|body| Either::Right(ProxiedBody::new(body, guard, deadline))))
    }

    async fn acquire(&self, request_id: &str) -> Result<InstanceGuard, GatewayError> {
        match &self.0.destination {
            Destination::Process(upstream) => Ok(InstanceGuard::unmanaged(Arc::clone(upstream))),
            Destination::Pool(pool) => pool.acquire(&self.0.headers, request_id).await,
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the signature that unwrap_or_else takes")]
fn error_response(error: GatewayError) -> GatewayResponse {
    error.response().map(Either::Left)
}
