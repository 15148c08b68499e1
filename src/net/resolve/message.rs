//! The messages of RFC 1035: one question out, the addresses in the answer back.
//!
//! Pure. An answer comes from the network, so nothing in it is believed before it is checked: every
//! length, every pointer, and whether it answers our question at all.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

const HEADER: usize = 12;
const MAX_NAME: usize = 255;
const MAX_LABEL: usize = 63;
const CLASS_IN: u16 = 1;
const TYPE_CNAME: u16 = 5;

const RESPONSE: u8 = 0b1000_0000;
const OPCODE: u8 = 0b0111_1000;
const TRUNCATED: u8 = 0b0000_0010;
const RECURSION_DESIRED: u8 = 0b0000_0001;
const RCODE: u8 = 0b0000_1111;
const NXDOMAIN: u8 = 3;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// IPv4 addresses.
    A = 1,
    /// IPv6 addresses.
    Aaaa = 28,
}

/// What a message of a name server says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The host's addresses of the asked kind; there may be none.
    Addresses(Vec<IpAddr>),
    /// There is no such name.
    NoName,
    /// The answer is too long for a datagram.
    Truncated,
    /// The server cannot answer, or what it answers cannot be read.
    Failure,
    /// This answers another question, or is no answer at all.
    Stray,
}

/// Writes a question. No message can ask for a name that breaks the rules for names.
pub(super) fn question(id: u16, name: &str, kind: Kind) -> Option<Vec<u8>> {
    let mut message = id.to_be_bytes().to_vec();
    message.extend([RECURSION_DESIRED, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in name.split('.') {
        let length = u8::try_from(label.len()).ok()?;
        if !(1..=MAX_LABEL).contains(&label.len())
            || !label.bytes().all(|byte| byte.is_ascii_graphic())
        {
            return None;
        }
        message.push(length);
        message.extend(label.bytes());
    }
    message.push(0);
    if message.len() - HEADER > MAX_NAME {
        return None;
    }
    message.extend((kind as u16).to_be_bytes());
    message.extend(CLASS_IN.to_be_bytes());
    Some(message)
}

/// Reads a message as an answer to `question`.
pub(super) fn read(message: &[u8], question: &[u8]) -> Answer {
    let (Some((header, _)), Some((asked, asked_body))) =
        (message.split_first_chunk::<HEADER>(), question.split_first_chunk::<HEADER>())
    else {
        return Answer::Stray;
    };
    // Lengths and numbers in a question are no letters, so that case can be ignored over all of it.
    let is_ours = header[..2] == asked[..2]
        && header[2] & (RESPONSE | OPCODE) == RESPONSE
        && header[4..6] == asked[4..6]
        && message
            .get(HEADER..question.len())
            .is_some_and(|body| body.eq_ignore_ascii_case(asked_body));
    if !is_ours {
        return Answer::Stray;
    }
    if header[2] & TRUNCATED != 0 {
        return Answer::Truncated;
    }
    match header[3] & RCODE {
        0 => addresses(message, question.len()).map_or(Answer::Failure, Answer::Addresses),
        NXDOMAIN => Answer::NoName,
        _ => Answer::Failure,
    }
}

/// One record of the kinds that matter here, with its owner's name.
struct Record {
    owner: Vec<u8>,
    data: Data,
}

enum Data {
    Address(IpAddr),
    /// The name is an alias of this one.
    Alias(Vec<u8>),
}

/// Finds the addresses of the asked name, or of the name that its aliases lead to.
fn addresses(message: &[u8], start: usize) -> Option<Vec<IpAddr>> {
    let (mut owner, type_at) = name(message, HEADER)?;
    let kind = number(message, type_at)?;
    let records = records(message, start, kind)?;
    // No chain of aliases is longer than the list of records, unless it is a circle.
    for _ in 0..=records.len() {
        let mut found = Vec::new();
        let mut alias = None;
        for record in records.iter().filter(|record| record.owner == owner) {
            match &record.data {
                Data::Address(address) => found.push(*address),
                Data::Alias(name) => alias = Some(name),
            }
        }
        match alias {
            Some(name) if found.is_empty() => owner.clone_from(name),
            _ => return Some(found),
        }
    }
    None
}

/// Reads the answer section: addresses of the asked kind, and aliases; others are passed over.
fn records(message: &[u8], start: usize, asked: u16) -> Option<Vec<Record>> {
    let mut records = Vec::new();
    let mut at = start;
    for _ in 0..number(message, 6)? {
        let (owner, head) = name(message, at)?;
        let (kind, class) = (number(message, head)?, number(message, head + 2)?);
        let data_at = head + 10;
        at = data_at + usize::from(number(message, head + 8)?);
        let data = message.get(data_at..at)?;
        let data = match kind {
            _ if class != CLASS_IN => continue,
            TYPE_CNAME => {
                let (alias, end) = name(message, data_at)?;
                (end == at).then_some(Data::Alias(alias))?
            }
            _ if kind == asked => Data::Address(address(kind, data)?),
            _ => continue,
        };
        records.push(Record { owner, data });
    }
    Some(records)
}

fn address(kind: u16, data: &[u8]) -> Option<IpAddr> {
    if kind == Kind::A as u16 {
        <[u8; 4]>::try_from(data).ok().map(|bytes| Ipv4Addr::from(bytes).into())
    } else {
        <[u8; 16]>::try_from(data).ok().map(|bytes| Ipv6Addr::from(bytes).into())
    }
}

/// Reads a name, in lower case and as on the wire but without pointers; and where it ends.
///
/// A pointer has to lead before the place where its own run of labels began: so no circle closes.
fn name(message: &[u8], start: usize) -> Option<(Vec<u8>, usize)> {
    let mut name = Vec::new();
    let (mut at, mut run, mut end) = (start, start, None);
    loop {
        let length = *message.get(at)?;
        match length >> 6 {
            0b00 => {
                let next = at + 1 + usize::from(length);
                name.extend(message.get(at..next)?.iter().map(u8::to_ascii_lowercase));
                at = next;
                if name.len() > MAX_NAME {
                    return None;
                }
                if length == 0 {
                    return Some((name, end.unwrap_or(at)));
                }
            }
            0b11 => {
                let target = usize::from(number(message, at)? & 0x3fff);
                if target >= run {
                    return None;
                }
                end.get_or_insert(at + 2);
                (at, run) = (target, target);
            }
            _ => return None,
        }
    }
}

fn number(message: &[u8], at: usize) -> Option<u16> {
    message.get(at..)?.first_chunk().map(|bytes| u16::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOST: &str = "sts.example";
    /// A pointer to the name in the question, and one to `example` in it.
    const ASKED: &[u8] = &[0xc0, 12];
    const PARENT: &[u8] = &[0xc0, 16];

    fn ours(kind: Kind) -> Vec<u8> {
        question(0x1234, HOST, kind).unwrap()
    }

    /// Writes an answer to `question`: flags, code, and records of owner, type and data.
    fn answer(question: &[u8], code: u8, records: &[(&[u8], u16, &[u8])]) -> Vec<u8> {
        let mut message = question.to_vec();
        message[2] |= RESPONSE;
        message[3] = RESPONSE | code; // recursion was available
        message[7] = u8::try_from(records.len()).unwrap();
        for (owner, kind, data) in records {
            let length = u16::try_from(data.len()).unwrap();
            message.extend_from_slice(owner);
            message.extend(kind.to_be_bytes());
            message.extend([0, 1, 0, 0, 0, 60]);
            message.extend(length.to_be_bytes());
            message.extend_from_slice(data);
        }
        message
    }

    fn wire(name: &str) -> Vec<u8> {
        let message = question(0, name, Kind::A).unwrap();
        message[HEADER..message.len() - 4].to_vec()
    }

    fn addresses(texts: &[&str]) -> Answer {
        Answer::Addresses(texts.iter().map(|text| text.parse().unwrap()).collect())
    }

    #[test]
    fn a_question_stands_on_the_wire_as_the_standard_has_it() {
        assert_eq!(
            ours(Kind::Aaaa),
            b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03sts\x07example\x00\x00\x1c\x00\x01"
        );
    }

    #[test]
    fn no_question_asks_for_what_is_no_name() {
        let long = "a".repeat(64);
        let longest = [&"a".repeat(63); 4].map(String::as_str).join(".");
        for name in ["", ".", "a..b", "a.", "a b", "ä", &long, &longest] {
            assert_eq!(question(0, name, Kind::A), None, "{name}");
        }
        // 255 bytes on the wire: 253 of text, the first length and the root.
        assert_eq!(
            question(0, &longest[..253], Kind::A).map(|text| text.len()),
            Some(12 + 255 + 4)
        );
        assert_eq!(question(0, &longest[..254], Kind::A), None);
    }

    #[test]
    fn the_addresses_of_the_asked_name_and_kind_are_taken() {
        let asked = ours(Kind::A);
        let six = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7];
        let message = answer(
            &asked,
            0,
            &[
                (ASKED, 1, &[192, 0, 2, 1]),
                (ASKED, 28, &six),
                (PARENT, 1, &[192, 0, 2, 2]),
                (ASKED, 16, b"\x04text"),
                (&wire("STS.Example"), 1, &[192, 0, 2, 3]),
            ],
        );
        assert_eq!(read(&message, &asked), addresses(&["192.0.2.1", "192.0.2.3"]));
        let asked = ours(Kind::Aaaa);
        let message = answer(&asked, 0, &[(ASKED, 28, &six)]);
        assert_eq!(read(&message, &asked), addresses(&["2001:db8::7"]));
        assert_eq!(read(&answer(&asked, 0, &[]), &asked), addresses(&[]));
    }

    #[test]
    fn aliases_are_followed_in_whatever_order_and_never_in_a_circle() {
        let asked = ours(Kind::A);
        let (one, two) = (wire("one.example"), wire("two.test"));
        let records: [(&[u8], u16, &[u8]); 3] =
            [(&two, 1, &[192, 0, 2, 1]), (&one, 5, &two), (ASKED, 5, b"\x03one\xc0\x10")];
        let message = answer(&asked, 0, &records);
        assert_eq!(read(&message, &asked), addresses(&["192.0.2.1"]));
        // The chain ends, and there is no address.
        assert_eq!(read(&answer(&asked, 0, &records[1..]), &asked), addresses(&[]));
        let circle = answer(&asked, 0, &[(ASKED, 5, &one), (&one, 5, ASKED)]);
        assert_eq!(read(&circle, &asked), Answer::Failure);
    }

    #[test]
    fn what_answers_another_question_is_none_of_ours() {
        let asked = ours(Kind::A);
        let good = answer(&asked, 0, &[(ASKED, 1, &[192, 0, 2, 1])]);
        assert_eq!(read(&good, &asked), addresses(&["192.0.2.1"]));
        let other_name = question(0x1234, "sts.exampl3", Kind::A).unwrap();
        let other_id = question(0x1235, HOST, Kind::A).unwrap();
        for other in [ours(Kind::Aaaa), other_name, other_id] {
            assert_eq!(read(&good, &other), Answer::Stray);
        }
        assert_eq!(read(&asked, &asked), Answer::Stray); // our own question, sent back
        assert_eq!(read(&good[..27], &asked), Answer::Stray);
        assert_eq!(read(&good, &[]), Answer::Stray);
        let shouted: Vec<u8> = good.iter().map(u8::to_ascii_uppercase).collect();
        assert_eq!(read(&shouted, &asked), addresses(&["192.0.2.1"]));
    }

    #[test]
    fn codes_and_the_mark_of_truncation_come_before_the_records() {
        let asked = ours(Kind::A);
        for (code, expected) in [(3, Answer::NoName), (2, Answer::Failure), (5, Answer::Failure)] {
            assert_eq!(read(&answer(&asked, code, &[]), &asked), expected);
        }
        let mut message = answer(&asked, 0, &[]);
        message[2] |= TRUNCATED;
        assert_eq!(read(&message, &asked), Answer::Truncated);
    }

    #[test]
    fn records_that_break_the_rules_are_not_believed() {
        let asked = ours(Kind::A);
        let start = u8::try_from(asked.len()).unwrap();
        let records: [(&[u8], u16, &[u8]); 7] = [
            (&[0xc0, start], 1, &[192, 0, 2, 1]), // a pointer to itself
            (&[0xc0, 0xff], 1, &[192, 0, 2, 1]),  // one ahead
            (&[1, b'a', 0xc0, start], 1, &[192, 0, 2, 1]), // one to its own run of labels
            (&[0x40, b'a', 0], 1, &[192, 0, 2, 1]), // a label of no known kind
            (ASKED, 1, &[192, 0, 2]),             // a byte short
            (ASKED, 5, &[1, b'a', 0, 0]),         // a byte behind the name
            (ASKED, 5, &[&[63; 64].repeat(4)[..], &[0]].concat()), // 257 bytes
        ];
        for record in records {
            assert_eq!(read(&answer(&asked, 0, &[record]), &asked), Answer::Failure, "{record:?}");
        }
        let mut message = answer(&asked, 0, &[(ASKED, 1, &[192, 0, 2, 1])]);
        message[7] = 2; // one record more than there is
        assert_eq!(read(&message, &asked), Answer::Failure);
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_stumble(message in any::<Vec<u8>>(), tail in any::<Vec<u8>>()) {
            let asked = ours(Kind::A);
            read(&message, &asked);
            read(&asked, &message);
            // Past the question, so that the records are read too.
            let mut ours = answer(&asked, 0, &[]);
            ours[6..8].fill(0xff);
            ours.extend(tail);
            read(&ours, &asked);
        }

        #[test]
        fn no_change_to_a_good_answer_makes_the_reader_stumble(
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
            length in any::<prop::sample::Index>(),
        ) {
            let asked = ours(Kind::A);
            let one = wire("one.example");
            let mut message =
                answer(&asked, 0, &[(ASKED, 5, b"\x03one\xc0\x10"), (&one, 1, &[192, 0, 2, 1])]);
            for (place, byte) in changes {
                *place.get_mut(&mut message) = byte;
            }
            read(&message, &asked);
            read(&message[..length.index(message.len())], &asked);
        }
    }
}
