//! Asks the name servers: by datagram, again and then the next one, by stream where the answer is
//! too long.
//!
//! An answer counts only from the asked server and port, to our port, which the system picks anew
//! for each question, with our number and our question: a stranger would have to guess them all.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;

use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::UdpSocket;
use tokio::time::timeout;

use crate::net::Draw;
use crate::net::resolve::conf::Conf;
use crate::net::resolve::message;
use crate::net::resolve::message::Answer;
use crate::net::resolve::message::Kind;

/// More than anybody sends who was not asked to.
const MAX_DATAGRAM: usize = 4096;

/// Why there are no addresses, the more telling the later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Failure {
    /// There is no such name.
    NoName,
    /// There is, without an address.
    NoAddress,
    /// The last server that spoke cannot answer, or not so that it can be read.
    NoAnswer,
    /// Nobody spoke.
    Silence,
    /// No question can be asked without a number that nobody guesses.
    NoDice,
}

/// Asks for one kind of address, until a server knows or all have been asked often enough.
pub(super) async fn ask(
    name: &str,
    kind: Kind,
    conf: &Conf,
    draw: &Draw,
) -> Result<Vec<IpAddr>, Failure> {
    let mut failure = Failure::Silence;
    for _ in 0..conf.attempts {
        for server in &conf.servers {
            let [first, second, ..] = draw().map_err(|_| Failure::NoDice)?;
            let id = u16::from_be_bytes([first, second]);
            let question = message::question(id, name, kind).ok_or(Failure::NoName)?;
            let mut answer = timeout(conf.timeout, by_datagram(*server, &question)).await;
            if matches!(answer, Ok(Ok(Answer::Truncated))) {
                answer = timeout(conf.timeout, by_stream(*server, &question)).await;
            }
            match answer {
                Ok(Ok(Answer::Addresses(found))) if found.is_empty() => {
                    return Err(Failure::NoAddress);
                }
                Ok(Ok(Answer::Addresses(found))) => return Ok(found),
                Ok(Ok(Answer::NoName)) => return Err(Failure::NoName),
                Ok(Ok(_)) => failure = Failure::NoAnswer,
                Ok(Err(_)) | Err(_) => {}
            }
        }
    }
    Err(failure)
}

async fn by_datagram(server: SocketAddr, question: &[u8]) -> std::io::Result<Answer> {
    let any = match server {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    let socket = UdpSocket::bind(any).await?;
    // Connected, a socket hears nobody else, and hears that nobody listens.
    socket.connect(server).await?;
    socket.send(question).await?;
    let mut datagram = vec![0; MAX_DATAGRAM];
    loop {
        let length = socket.recv(&mut datagram).await?;
        match message::read(&datagram[..length], question) {
            Answer::Stray => {}
            answer => return Ok(answer),
        }
    }
}

/// On a stream each message follows its length (RFC 1035, section 4.2.2).
async fn by_stream(server: SocketAddr, question: &[u8]) -> std::io::Result<Answer> {
    let mut stream = TcpStream::connect(server).await?;
    let length = u16::try_from(question.len()).unwrap_or(u16::MAX);
    stream.write_all(&[&length.to_be_bytes(), question].concat()).await?;
    let mut message = vec![0; usize::from(stream.read_u16().await?)];
    stream.read_exact(&mut message).await?;
    Ok(message::read(&message, question))
}
