//! The real network: one connection for each call, and none is kept.
//!
//! Calls go out minutes or hours apart, and a connection that was idle while the instance was
//! frozen is dead. So there is no pool to look after, and no task that outlives its call. A whole
//! client with pool, redirects and cookies would weigh more than all the rest of the function.

use std::error::Error;
use std::fmt;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http::Request;
use http::Response;
use http::header::HOST;
use http::header::PROXY_AUTHORIZATION;
use http_body_util::BodyExt;
use http_body_util::Empty;
use http_body_util::Full;
use http_body_util::LengthLimitError;
use http_body_util::Limited;
use hyper::client::conn::http1;
use hyper_util::client::proxy::matcher::Intercept;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::net::Draw;
use crate::net::HttpClient;
use crate::net::Proxy;
use crate::net::SendError;
use crate::net::Sending;
use crate::net::Terms;
use crate::net::resolve::resolve;
use crate::net::target::Target;
use crate::net::tls;

/// How long one may wait until somebody has picked up; the rest of the time is for the answer.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// What a connection runs over: plain, through TLS, through a proxy's tunnel.
trait Pipe: AsyncRead + AsyncWrite + Send + Unpin {}
impl<P: AsyncRead + AsyncWrite + Send + Unpin> Pipe for P {}

/// The real network. TLS is set up by the first call: most instances never make one.
pub struct Network {
    proxy: Option<Proxy>,
    draw: Draw,
    pub(super) tls: OnceLock<Arc<ClientConfig>>,
}

impl Network {
    /// Keeps the way out and the randomness for questions to name servers, and opens nothing yet.
    #[must_use]
    pub fn new(proxy: Option<Proxy>, draw: Draw) -> Self {
        Self { proxy, draw, tls: OnceLock::new() }
    }

    async fn call(
        &self,
        request: Request<Bytes>,
        terms: Terms,
    ) -> Result<Response<Bytes>, SendError> {
        let target = Target::of(request.uri()).ok_or_else(|| unreachable("no web address"))?;
        let proxy = match &self.proxy {
            Some(proxy) if terms.proxy => proxy.intercept(request.uri()).map_err(unreachable)?,
            _ => None,
        };
        let pipe = tokio::time::timeout(CONNECT_LIMIT, self.connect(&target, proxy.as_ref()));
        let pipe = pipe.await.unwrap_or_else(|_| Err(unreachable("nobody picks up")))?;
        let request = target.address(request, proxy.as_ref());
        exchange(pipe, request.map_err(|error| unreachable(error.to_string()))?, terms).await
    }

    async fn connect(
        &self,
        target: &Target,
        proxy: Option<&Intercept>,
    ) -> Result<Box<dyn Pipe>, SendError> {
        let door = proxy.and_then(|proxy| Target::of(proxy.uri()));
        let door = door.as_ref().unwrap_or(target);
        let addresses = resolve(&door.host, &self.draw).await?;
        let pipe: Box<dyn Pipe> = Box::new(dial(&addresses, door.port).await?);
        if !target.https {
            return Ok(pipe);
        }
        let pipe = match proxy {
            Some(proxy) => tunnel(pipe, target, proxy).await?,
            None => pipe,
        };
        let name = ServerName::try_from(target.host.clone()).map_err(refused)?;
        let tls = TlsConnector::from(self.tls().map_err(refused)?);
        Ok(Box::new(tls.connect(name, pipe).await.map_err(refused)?))
    }

    fn tls(&self) -> Result<Arc<ClientConfig>, rustls::Error> {
        if let Some(tls) = self.tls.get() {
            return Ok(Arc::clone(tls));
        }
        let tls = Arc::new(tls()?);
        Ok(Arc::clone(self.tls.get_or_init(|| tls)))
    }
}

impl HttpClient for Network {
    fn send(&self, request: Request<Bytes>, terms: Terms) -> Sending<'_> {
        let answer = tokio::time::timeout(terms.time, self.call(request, terms));
        Box::pin(async { answer.await.unwrap_or(Err(SendError::TimedOut)) })
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Network").field("proxy", &self.proxy).finish_non_exhaustive()
    }
}

/// Tries one address after the other; each has its share of the time.
pub(super) async fn dial(addresses: &[IpAddr], port: u16) -> Result<TcpStream, SendError> {
    let share = CONNECT_LIMIT / u32::try_from(addresses.len().max(1)).unwrap_or(u32::MAX);
    let mut failure = None;
    for address in addresses {
        let socket = tokio::time::timeout(share, TcpStream::connect((*address, port))).await;
        let error = match socket {
            Ok(Ok(socket)) => return Ok(socket),
            Ok(Err(error)) => refused(error),
            Err(_) => unreachable("nobody picks up"),
        };
        // The first is the address that should have worked.
        failure.get_or_insert(error);
    }
    Err(failure.unwrap_or_else(|| unreachable("the host of this name has no address")))
}

/// Sends a request and reads the answer to its end.
async fn exchange(
    pipe: Box<dyn Pipe>,
    request: Request<Full<Bytes>>,
    terms: Terms,
) -> Result<Response<Bytes>, SendError> {
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(pipe)).await.map_err(|error| broken(&error))?;
    let mut answer = pin!(async move {
        let (head, body) =
            sender.send_request(request).await.map_err(|error| broken(&error))?.into_parts();
        let body = Limited::new(body, terms.max_body).collect().await;
        let body = body.map_err(|error| match error.downcast::<hyper::Error>() {
            Ok(error) => broken(&error),
            Err(error) if error.is::<LengthLimitError>() => SendError::TooLong,
            Err(error) => SendError::Broken(error.to_string()),
        })?;
        Ok(Response::from_parts(head, body.to_bytes()))
    });
    // The connection has to be polled for the answer to come. When it ends first, what it has read
    // or what befell it is with the answer already.
    tokio::select! {
        biased;
        answer = &mut answer => answer,
        _ = connection => answer.await,
    }
}

/// Has a proxy pass bytes through to the target.
async fn tunnel(
    pipe: Box<dyn Pipe>,
    target: &Target,
    proxy: &Intercept,
) -> Result<Box<dyn Pipe>, SendError> {
    let authority = target.authority();
    let mut request = Request::builder().method(Method::CONNECT).uri(&authority);
    request = request.header(HOST, &authority);
    if let Some(proof) = proxy.basic_auth() {
        request = request.header(PROXY_AUTHORIZATION, proof);
    }
    let request = request.body(Empty::<Bytes>::new()).map_err(refused)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(pipe)).await.map_err(refused)?;
    let mut upgrade = pin!(async move {
        let answer = sender.send_request(request).await.map_err(refused)?;
        if !answer.status().is_success() {
            return Err(unreachable(format!("the proxy answered {}", answer.status().as_u16())));
        }
        let pipe = hyper::upgrade::on(answer).await.map_err(refused)?;
        Ok(Box::new(TokioIo::new(pipe)) as Box<dyn Pipe>)
    });
    tokio::select! {
        biased;
        pipe = &mut upgrade => pipe,
        _ = connection.with_upgrades() => upgrade.await,
    }
}

fn unreachable(why: impl Into<String>) -> SendError {
    SendError::Unreachable(why.into())
}

/// Says why nobody could be reached, by the first cause.
fn refused(error: impl Error + 'static) -> SendError {
    SendError::Unreachable(first_cause(&error))
}

/// Says why the connection broke, by the first cause.
fn broken(error: &hyper::Error) -> SendError {
    SendError::Broken(first_cause(error))
}

/// The outer errors only say which step it was.
fn first_cause(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
