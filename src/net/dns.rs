//! DNS for the HTTP client: `/etc/hosts`, then the name servers of `/etc/resolv.conf`.
//!
//! In a static binary, the C library's resolver loads modules of the runtime image's own C library, which
//! is another version. `hickory` needs none of them. Answers and connections are not cached: requests are
//! rare, and an instance may have been frozen for hours between two of them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use hickory_resolver::config::{
    LookupIpStrategy, NameServerConfig, ResolverConfig, ResolverOpts, ServerOrderingStrategy,
};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::{TokioResolver, system_conf};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::time::timeout;

/// Limit for one query. A connection has five seconds in all, and a dead name server must leave time for the
/// next one.
const QUERY_TIMEOUT: Duration = Duration::from_secs(2);

/// Limit for the IPv6 addresses: some name servers never answer the query for them, and the networks of
/// functions are IPv4.
const IPV6_TIMEOUT: Duration = Duration::from_millis(500);

/// Resolves names as this machine is configured to.
pub(super) struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = addresses(name.as_str()).await?;
            Ok(Box::new(found.into_iter().map(|address| SocketAddr::new(address, 0))) as Addrs)
        })
    }
}

/// Finds the addresses of a host as this machine is configured to, IPv4 first.
pub(super) async fn addresses(host: &str) -> Result<Vec<IpAddr>, &'static str> {
    let (config, options) = system_conf::read_system_conf().unwrap_or_else(|_| {
        // resolv.conf(5): without a name server in the file, this machine is the name server.
        let local = NameServerConfig::udp_and_tcp(Ipv4Addr::LOCALHOST.into());
        (ResolverConfig::from_parts(None, vec![], vec![local]), ResolverOpts::default())
    });
    lookup(host, &config, &options).await.map_err(reason)
}

/// Finds the addresses of a host, IPv4 first.
async fn lookup(
    host: &str,
    config: &ResolverConfig,
    options: &ResolverOpts,
) -> Result<Vec<IpAddr>, NetError> {
    let query = async |strategy| {
        let provider = TokioRuntimeProvider::default();
        let mut builder = TokioResolver::builder_with_config(config.clone(), provider);
        *builder.options_mut() = limited(options, strategy);
        Ok::<_, NetError>(builder.build()?.lookup_ip(host).await?.iter().collect::<Vec<IpAddr>>())
    };
    let (v4, v6) = tokio::join!(
        query(LookupIpStrategy::Ipv4Only),
        timeout(IPV6_TIMEOUT, query(LookupIpStrategy::Ipv6Only)),
    );
    match (v4, v6) {
        (Ok(v4), Ok(Ok(v6))) => Ok([v4, v6].concat()),
        (Err(_), Ok(Ok(v6))) => Ok(v6),
        (v4, _) => v4,
    }
}

fn limited(options: &ResolverOpts, strategy: LookupIpStrategy) -> ResolverOpts {
    let mut options = options.clone();
    options.ip_strategy = strategy;
    options.timeout = options.timeout.min(QUERY_TIMEOUT);
    // The file counts attempts; the resolver counts those after the first.
    options.attempts = options.attempts.clamp(1, 3) - 1;
    options.cache_size = 0;
    options.server_ordering_strategy = ServerOrderingStrategy::UserProvidedOrder;
    options
}

/// The resolver's own text shows the name of the host and the whole query.
fn reason(error: NetError) -> &'static str {
    match error {
        error if error.is_nx_domain() => "there is no host of this name",
        error if error.is_no_records_found() => "the host of this name has no address",
        NetError::Timeout | NetError::Io(_) | NetError::NoConnections => "no name server answered",
        _ => "the name server cannot answer",
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::UdpSocket;

    use super::*;

    const NO_ERROR: u8 = 0;
    const SERVER_FAILURE: u8 = 2;
    const NO_SUCH_NAME: u8 = 3;

    /// The addresses of a name and the response code for it.
    struct Answer {
        v4: Option<[u8; 4]>,
        v6: Option<[u8; 16]>,
        code: u8,
    }

    const BOTH: Answer = Answer { v4: Some([192, 0, 2, 1]), v6: Some(V6), code: NO_ERROR };
    const V6: [u8; 16] = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

    /// Writes the response to a query.
    fn respond(query: &[u8], answer: &Answer) -> Vec<u8> {
        let name_end = 12 + query[12..].iter().position(|byte| *byte == 0).unwrap();
        let question = &query[12..name_end + 5];
        let record_type = question[question.len() - 3];
        let data = match record_type {
            1 => answer.v4.map(|address| address.to_vec()),
            _ => answer.v6.map(|address| address.to_vec()),
        };
        let mut message =
            [&query[..2], &[0x81, 0x80 | answer.code, 0, 1, 0, 0, 0, 0, 0, 0]].concat();
        message.extend(question);
        if let Some(data) = data {
            message[7] = 1;
            message.extend([0xc0, 12, 0, record_type, 0, 1, 0, 0, 0, 60, 0]);
            message.push(u8::try_from(data.len()).unwrap());
            message.extend(data);
        }
        message
    }

    /// Starts a name server on a loopback port.
    async fn name_server(
        respond: impl Fn(&[u8]) -> Option<Vec<u8>> + Send + 'static,
    ) -> ResolverConfig {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let mut server = NameServerConfig::udp(Ipv4Addr::LOCALHOST.into());
        server.connections[0].port = socket.local_addr().unwrap().port();
        tokio::spawn(async move {
            let mut query = [0; 4096];
            loop {
                let (length, client) = socket.recv_from(&mut query).await.unwrap();
                if let Some(message) = respond(&query[..length]) {
                    socket.send_to(&message, client).await.unwrap();
                }
            }
        });
        ResolverConfig::from_parts(None, vec![], vec![server])
    }

    async fn find(config: &ResolverConfig) -> Result<Vec<IpAddr>, &'static str> {
        lookup("sts.example.", config, &ResolverOpts::default()).await.map_err(reason)
    }

    #[tokio::test]
    async fn both_kinds_of_address_are_found_and_ipv4_comes_first() {
        let config = name_server(|query| Some(respond(query, &BOTH))).await;
        assert_eq!(find(&config).await, Ok(vec![[192, 0, 2, 1].into(), V6.into()]));
    }

    #[tokio::test]
    async fn one_kind_of_address_is_enough() {
        let config = name_server(|query| Some(respond(query, &Answer { v6: None, ..BOTH }))).await;
        assert_eq!(find(&config).await, Ok(vec![[192, 0, 2, 1].into()]));
        let config = name_server(|query| Some(respond(query, &Answer { v4: None, ..BOTH }))).await;
        assert_eq!(find(&config).await, Ok(vec![V6.into()]));
    }

    #[tokio::test]
    async fn a_name_server_that_never_answers_for_ipv6_does_not_block_ipv4() {
        let only_v4 = |query: &[u8]| {
            let message = respond(query, &BOTH);
            (message[message.len() - 5] == 4).then_some(message)
        };
        let config = name_server(only_v4).await;
        assert_eq!(find(&config).await, Ok(vec![[192, 0, 2, 1].into()]));
    }

    #[tokio::test]
    async fn a_missing_name_a_missing_address_and_a_failing_server_are_distinguished() {
        for (code, expected) in [
            (NO_SUCH_NAME, "there is no host of this name"),
            (NO_ERROR, "the host of this name has no address"),
            (SERVER_FAILURE, "the name server cannot answer"),
        ] {
            let config = name_server(move |query| {
                Some(respond(query, &Answer { v4: None, v6: None, code }))
            })
            .await;
            assert_eq!(find(&config).await, Err(expected));
        }
    }

    #[tokio::test]
    async fn the_next_name_server_is_queried_when_one_is_gone() {
        let gone = UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let mut config = name_server(|query| Some(respond(query, &BOTH))).await;
        let mut first = NameServerConfig::udp(Ipv4Addr::LOCALHOST.into());
        first.connections[0].port = gone;
        config.name_servers.insert(0, first.clone());
        assert_eq!(find(&config).await, Ok(vec![[192, 0, 2, 1].into(), V6.into()]));
        config.name_servers = vec![first];
        assert_eq!(find(&config).await, Err("no name server answered"));
    }
}
