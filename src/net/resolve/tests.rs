//! The lookup against name servers that answer exactly what a test has them answer.

use std::sync::Arc;

use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::UdpSocket;

use super::*;

const TIMEOUT: Duration = Duration::from_secs(2);
const NXDOMAIN: u8 = 3;
const SERVFAIL: u8 = 2;

/// A zone: a name, the address it has, and the code it is answered with.
type Zone = &'static [(&'static str, &'static str, u8)];

fn draw() -> Draw {
    Arc::new(|| Ok([7; 16]))
}

fn asking(servers: &[&UdpSocket]) -> Conf {
    let servers = servers.iter().map(|server| server.local_addr().unwrap()).collect();
    Conf { servers, timeout: TIMEOUT, ..Conf::default() }
}

async fn socket() -> UdpSocket {
    UdpSocket::bind("127.0.0.1:0").await.unwrap()
}

/// A server's port at which nobody listens.
async fn nobody() -> Conf {
    asking(&[&socket().await])
}

fn ips(texts: &[&str]) -> Vec<IpAddr> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

/// The name that a question asks for.
fn asked(question: &[u8]) -> String {
    let mut labels = Vec::new();
    let mut rest = &question[12..];
    while let Some((length, tail)) = rest.split_first()
        && *length > 0
    {
        let (label, tail) = tail.split_at(usize::from(*length));
        labels.push(String::from_utf8(label.to_vec()).unwrap());
        rest = tail;
    }
    labels.join(".")
}

/// An answer to a question, with a code and one address, if it is of the asked kind.
fn answer(question: &[u8], code: u8, address: &str) -> Vec<u8> {
    let mut message = question.to_vec();
    message[2] |= 0x80;
    message[3] = 0x80 | code;
    let kind = question[question.len() - 3];
    let data = match address.parse() {
        Ok(IpAddr::V4(four)) if kind == 1 => four.octets().to_vec(),
        Ok(IpAddr::V6(six)) if kind == 28 => six.octets().to_vec(),
        _ => return message,
    };
    message[7] = 1;
    message.extend([0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 60, 0, u8::try_from(data.len()).unwrap()]);
    message.extend(data);
    message
}

/// An answer with a record that is not there.
fn unreadable(question: &[u8]) -> Vec<u8> {
    let mut message = answer(question, 0, "");
    message[7] += 1;
    message
}

/// Answers every question as `reply` has it, with one datagram for each message.
fn serve(socket: UdpSocket, reply: impl Fn(&[u8]) -> Vec<Vec<u8>> + Send + 'static) {
    tokio::spawn(async move {
        let mut question = [0; 512];
        loop {
            let (length, asker) = socket.recv_from(&mut question).await.unwrap();
            for message in reply(&question[..length]) {
                socket.send_to(&message, asker).await.unwrap();
            }
        }
    });
}

/// Answers from a zone; other names are not there.
fn serve_zone(socket: UdpSocket, zone: Zone) {
    serve(socket, move |question| {
        let name = asked(question);
        let known = zone.iter().find(|(known, ..)| *known == name);
        let (_, address, code) = known.copied().unwrap_or(("", "", NXDOMAIN));
        vec![answer(question, code, address)]
    });
}

/// Hears every question and says nothing until its time is over, which is at once: the clock moves.
fn serve_silence(socket: UdpSocket) {
    tokio::spawn(async move {
        loop {
            socket.recv_from(&mut [0; 512]).await.unwrap();
            tokio::time::pause();
            tokio::time::advance(TIMEOUT).await;
            tokio::time::resume();
        }
    });
}

#[tokio::test]
async fn addresses_and_this_machine_ask_nobody() {
    assert_eq!(resolve("192.0.2.1", &draw()).await.unwrap(), ips(&["192.0.2.1"]));
    assert_eq!(resolve("localhost", &draw()).await.unwrap(), ips(&["127.0.0.1", "::1"]));
}

#[tokio::test]
async fn both_kinds_of_address_are_found_and_the_older_comes_first() {
    let server = socket().await;
    let conf = asking(&[&server]);
    serve(server, |question| {
        let address = if question[question.len() - 3] == 1 { "192.0.2.1" } else { "2001:db8::1" };
        vec![answer(question, 0, address)]
    });
    let found = look_up("sts.example", &conf, &draw()).await;
    assert_eq!(found, Ok(ips(&["192.0.2.1", "2001:db8::1"])));
}

#[tokio::test]
async fn one_kind_of_address_is_enough() {
    let server = socket().await;
    let conf = asking(&[&server]);
    serve_zone(server, &[("four.example", "192.0.2.1", 0), ("six.example", "2001:db8::1", 0)]);
    assert_eq!(look_up("four.example", &conf, &draw()).await, Ok(ips(&["192.0.2.1"])));
    assert_eq!(look_up("six.example", &conf, &draw()).await, Ok(ips(&["2001:db8::1"])));
}

#[tokio::test]
async fn questions_for_the_younger_kind_that_nobody_answers_are_not_waited_for() {
    let server = socket().await;
    let conf = Conf { timeout: Duration::from_hours(1), ..asking(&[&server]) };
    serve(server, |question| match question[question.len() - 3] {
        1 => vec![answer(question, 0, "192.0.2.1")],
        _ => vec![],
    });
    assert_eq!(look_up("sts.example", &conf, &draw()).await, Ok(ips(&["192.0.2.1"])));
}

#[tokio::test]
async fn what_is_not_there_is_told_from_what_has_no_address() {
    let server = socket().await;
    let conf = asking(&[&server]);
    serve_zone(server, &[("mail.example", "", 0), ("ill.example", "", SERVFAIL)]);
    for (host, failure) in [
        ("sts.example", Failure::NoName),
        ("mail.example", Failure::NoAddress),
        ("ill.example", Failure::NoAnswer),
        ("a..b", Failure::NoName),
        (".", Failure::NoName),
    ] {
        assert_eq!(look_up(host, &conf, &draw()).await, Err(failure), "{host}");
    }
}

#[tokio::test]
async fn the_next_server_is_asked_when_one_is_gone_silent_ill_or_cannot_be_read() {
    type Serve = fn(UdpSocket);
    let ways: [Serve; 4] = [
        drop,
        serve_silence,
        |socket| serve(socket, |question| vec![answer(question, SERVFAIL, "")]),
        |socket| serve(socket, |question| vec![unreadable(question)]),
    ];
    for serve_first in ways {
        let (first, second) = (socket().await, socket().await);
        let conf = asking(&[&first, &second]);
        serve_first(first);
        serve_zone(second, &[("sts.example", "192.0.2.1", 0)]);
        assert_eq!(look_up("sts.example", &conf, &draw()).await, Ok(ips(&["192.0.2.1"])));
    }
}

#[tokio::test]
async fn servers_that_all_keep_silent_are_asked_twice_and_no_more() {
    assert_eq!(ask("sts.example", Kind::A, &nobody().await, &draw()).await, Err(Failure::Silence));
    let server = socket().await;
    let conf = asking(&[&server]);
    let began = tokio::time::Instant::now();
    serve_silence(server);
    assert_eq!(ask("sts.example", Kind::A, &conf, &draw()).await, Err(Failure::Silence));
    assert!(began.elapsed() >= 2 * TIMEOUT);
    let short = Conf { search: vec!["one".to_owned(), "two".to_owned()], ..conf };
    assert_eq!(look_up("sts", &short, &draw()).await, Err(Failure::Silence));
}

#[tokio::test]
async fn a_server_whose_answer_cannot_be_read_has_not_answered() {
    let server = socket().await;
    let conf = asking(&[&server]);
    serve(server, |question| vec![unreadable(question)]);
    assert_eq!(look_up("sts.example", &conf, &draw()).await, Err(Failure::NoAnswer));
}

#[tokio::test]
async fn a_forged_answer_is_passed_over_and_the_right_one_still_taken() {
    let server = socket().await;
    let conf = Conf { attempts: 1, ..asking(&[&server]) };
    serve(server, |question| {
        let forged = answer(question, 0, "192.0.2.66");
        let (mut other_id, mut other_name) = (forged.clone(), forged);
        other_id[1] ^= 1;
        other_name[13] ^= 1;
        vec![vec![], other_id, other_name, b"?".to_vec(), answer(question, 0, "192.0.2.1")]
    });
    let found = ask("sts.example", Kind::A, &conf, &draw()).await;
    assert_eq!(found, Ok(ips(&["192.0.2.1"])));
}

#[tokio::test]
async fn an_answer_from_elsewhere_is_not_heard() {
    let (server, stranger) = (socket().await, socket().await);
    let conf = Conf { attempts: 1, ..asking(&[&server]) };
    tokio::spawn(async move {
        let mut question = [0; 512];
        let (length, asker) = server.recv_from(&mut question).await.unwrap();
        let question = &question[..length];
        stranger.send_to(&answer(question, 0, "192.0.2.66"), asker).await.unwrap();
        server.send_to(&answer(question, 0, "192.0.2.1"), asker).await.unwrap();
    });
    let found = ask("sts.example", Kind::A, &conf, &draw()).await;
    assert_eq!(found, Ok(ips(&["192.0.2.1"])));
}

/// Says of every datagram that it was too short, and answers on a stream as `reply` has it.
async fn serve_stream(reply: impl Fn(&[u8]) -> Vec<u8> + Send + 'static) -> Conf {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = UdpSocket::bind(listener.local_addr().unwrap()).await.unwrap();
    let conf = asking(&[&server]);
    serve(server, |question| {
        let mut message = answer(question, 0, "");
        message[2] |= 2;
        vec![message]
    });
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut question = vec![0; usize::from(stream.read_u16().await.unwrap())];
            stream.read_exact(&mut question).await.unwrap();
            stream.write_all(&reply(&question)).await.unwrap();
        }
    });
    conf
}

#[tokio::test]
async fn an_answer_too_long_for_a_datagram_comes_by_stream() {
    let conf = serve_stream(|question| {
        let message = answer(question, 0, "192.0.2.1");
        [&u16::try_from(message.len()).unwrap().to_be_bytes()[..], &message].concat()
    })
    .await;
    assert_eq!(look_up("sts.example", &conf, &draw()).await, Ok(ips(&["192.0.2.1"])));
    let conf = serve_stream(|_| vec![0, 9, 1]).await;
    assert_eq!(look_up("sts.example", &conf, &draw()).await, Err(Failure::Silence));
}

#[tokio::test]
async fn a_short_name_is_found_in_the_search_list() {
    let server = socket().await;
    let search = ["one.example", "two.example"].map(str::to_owned).to_vec();
    let conf = Conf { search, ..asking(&[&server]) };
    serve_zone(
        server,
        &[
            ("sts.one.example", "", SERVFAIL),
            ("sts.two.example", "192.0.2.2", 0),
            ("sts", "192.0.2.9", 0),
            ("sts.three", "192.0.2.3", 0),
            ("four.three.two.example", "192.0.2.4", 0),
        ],
    );
    for (host, address) in [
        ("sts", "192.0.2.2"),
        ("sts.", "192.0.2.9"),
        ("sts.three", "192.0.2.3"),
        ("four.three", "192.0.2.4"),
    ] {
        assert_eq!(look_up(host, &conf, &draw()).await, Ok(ips(&[address])), "{host}");
    }
    assert_eq!(look_up("other", &conf, &draw()).await, Err(Failure::NoName));
}

#[tokio::test]
async fn no_question_goes_out_without_randomness() {
    let draw: Draw = Arc::new(|| Err(getrandom::Error::UNSUPPORTED));
    let found = look_up("sts.example", &nobody().await, &draw).await;
    assert_eq!(found, Err(Failure::NoDice));
}
