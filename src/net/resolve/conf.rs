//! `/etc/resolv.conf`: which name servers are asked, how patiently, and what short names mean.
//!
//! Read as resolv.conf(5) has it, except for the patience: a whole connection has five seconds here,
//! and a dead name server must leave time for the next one.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::time::Duration;

const PORT: u16 = 53;
const MAX_SERVERS: usize = 3;
const MAX_SEARCH: usize = 6;
const MAX_NDOTS: usize = 15;
const MAX_ATTEMPTS: usize = 5;
const MAX_TIMEOUT: usize = 2;

/// What the file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Conf {
    /// Who is asked, in this order; at least one.
    pub(super) servers: Vec<SocketAddr>,
    /// The domains that short names are tried in.
    pub(super) search: Vec<String>,
    /// A name with fewer dots is short.
    pub(super) ndots: usize,
    /// How long one server may take.
    pub(super) timeout: Duration,
    /// How often each server is asked.
    pub(super) attempts: usize,
}

impl Default for Conf {
    fn default() -> Self {
        Self {
            servers: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, PORT))],
            search: Vec::new(),
            ndots: 1,
            timeout: Duration::from_secs(2),
            attempts: 2,
        }
    }
}

impl Conf {
    /// Reads the text of the file. What cannot be read is passed over, as the C library does.
    pub(super) fn read(text: &str) -> Self {
        let mut conf = Self::default();
        let mut servers = Vec::new();
        for line in text.lines() {
            let mut words = line.split(['#', ';']).next().unwrap_or_default().split_whitespace();
            match words.next() {
                Some("nameserver") => servers.extend(words.next().and_then(server)),
                Some("search") => conf.search = words.map(domain).take(MAX_SEARCH).collect(),
                Some("domain") => conf.search = words.map(domain).take(1).collect(),
                Some("options") => words.for_each(|word| conf.option(word)),
                _ => {}
            }
        }
        servers.truncate(MAX_SERVERS);
        if !servers.is_empty() {
            conf.servers = servers;
        }
        conf
    }

    fn option(&mut self, word: &str) {
        let Some((name, Ok(value))) =
            word.split_once(':').map(|(name, value)| (name, value.parse::<usize>()))
        else {
            return;
        };
        match name {
            "ndots" => self.ndots = value.min(MAX_NDOTS),
            "timeout" => self.timeout = Duration::from_secs(value.clamp(1, MAX_TIMEOUT) as u64),
            "attempts" => self.attempts = value.clamp(1, MAX_ATTEMPTS),
            _ => {}
        }
    }

    /// Gives the names that `host` may stand for, in the order to ask for them.
    pub(super) fn names(&self, host: &str) -> Vec<String> {
        if let Some(whole) = host.strip_suffix('.') {
            return vec![whole.to_owned()];
        }
        let is_short = host.matches('.').count() < self.ndots;
        let mut names: Vec<String> =
            self.search.iter().map(|domain| format!("{host}.{domain}")).collect();
        names.insert(if is_short { names.len() } else { 0 }, host.to_owned());
        names
    }
}

/// Reads an address. An interface behind `%` is passed over: the kernel knows the way, or there is
/// none.
fn server(word: &str) -> Option<SocketAddr> {
    let address: IpAddr = word.split('%').next()?.parse().ok()?;
    Some(SocketAddr::new(address, PORT))
}

fn domain(word: &str) -> String {
    word.trim_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_word_this_machine_is_asked() {
        for text in ["", "# nothing\n", "nameserver\nnameserver example\noptions ndots:x ndots\n"] {
            assert_eq!(Conf::read(text), Conf::default(), "{text}");
        }
        assert_eq!(Conf::default().servers, ["127.0.0.1:53".parse().unwrap()]);
    }

    #[test]
    fn all_that_the_file_says_is_kept() {
        let text = "; written by a machine\n\
                    domain one.example\n\
                    nameserver 192.0.2.1 # first\n\
                    \tnameserver fe80::1%eth0\n\
                    nameserver 2001:db8::1\n\
                    nameserver 192.0.2.4\n\
                    search two.example. three.example\n\
                    options rotate ndots:5 timeout:1 attempts:3\n";
        let expected = Conf {
            servers: ["192.0.2.1:53", "[fe80::1]:53", "[2001:db8::1]:53"]
                .map(|server| server.parse().unwrap())
                .to_vec(),
            search: vec!["two.example".to_owned(), "three.example".to_owned()],
            ndots: 5,
            timeout: Duration::from_secs(1),
            attempts: 3,
        };
        assert_eq!(Conf::read(text), expected);
        assert_eq!(Conf::read("search a b\ndomain c d").search, ["c"]);
    }

    #[test]
    fn patience_has_bounds() {
        let conf = Conf::read("options ndots:99 timeout:99 attempts:99");
        assert_eq!((conf.ndots, conf.timeout.as_secs(), conf.attempts), (15, 2, 5));
        let conf = Conf::read("options ndots:0 timeout:0 attempts:0");
        assert_eq!((conf.ndots, conf.timeout.as_secs(), conf.attempts), (0, 1, 1));
        assert_eq!(Conf::read("search a b c d e f g h").search.len(), 6);
    }

    #[test]
    fn short_names_are_tried_in_the_search_list_first_and_long_ones_last() {
        let conf = Conf::read("search one two\noptions ndots:2");
        assert_eq!(conf.names("a"), ["a.one", "a.two", "a"]);
        assert_eq!(conf.names("a.b"), ["a.b.one", "a.b.two", "a.b"]);
        assert_eq!(conf.names("a.b.c"), ["a.b.c", "a.b.c.one", "a.b.c.two"]);
        assert_eq!(conf.names("a."), ["a"]);
    }
}
