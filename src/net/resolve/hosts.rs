//! What is known without asking anybody: addresses themselves, this machine, and `/etc/hosts`.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

/// Gives the addresses of a host that needs no file: one that is written as an address, or
/// `localhost`, which nobody else may claim (RFC 6761, section 6.3).
pub(super) fn fixed(host: &str) -> Option<Vec<IpAddr>> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if let Ok(address) = bare.parse() {
        return Some(vec![address]);
    }
    let last = absolute(host).rsplit('.').next()?;
    let here = [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)];
    last.eq_ignore_ascii_case("localhost").then(|| here.to_vec())
}

/// Looks a host up in the text of `/etc/hosts`; IPv4 first, as everywhere here.
pub(super) fn find(text: &str, host: &str) -> Vec<IpAddr> {
    let host = absolute(host);
    let found = text.lines().filter_map(|line| address(line, host));
    let (four, six): (Vec<IpAddr>, Vec<IpAddr>) = found.partition(IpAddr::is_ipv4);
    [four, six].concat()
}

/// Reads one line: an address, then its names; the rest after `#` is a comment.
fn address(line: &str, host: &str) -> Option<IpAddr> {
    let mut words = line.split('#').next()?.split_whitespace();
    let address = words.next()?.parse().ok()?;
    words.any(|name| absolute(name).eq_ignore_ascii_case(host)).then_some(address)
}

/// A name is the same with and without the dot of the root.
fn absolute(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ips(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn addresses_and_this_machine_need_no_file() {
        for (host, expected) in [
            ("192.0.2.7", &["192.0.2.7"][..]),
            ("2001:db8::7", &["2001:db8::7"]),
            ("[2001:db8::7]", &["2001:db8::7"]),
            ("localhost", &["127.0.0.1", "::1"]),
            ("LocalHost.", &["127.0.0.1", "::1"]),
            ("app.localhost", &["127.0.0.1", "::1"]),
        ] {
            assert_eq!(fixed(host), Some(ips(expected)), "{host}");
        }
        for host in ["", ".", "example", "localhost.example", "notlocalhost", "192.0.2.256", "[x]"]
        {
            assert_eq!(fixed(host), None, "{host}");
        }
    }

    #[test]
    fn a_file_of_hosts_is_read_by_lines() {
        let text = "# comment\n\
                    ::2\tsix both\n\
                    192.0.2.1 one One.Example # two\n\
                    no address here both\n\
                    192.0.2.3\n\n\
                    192.0.2.2 both.";
        for (host, expected) in [
            ("one", &["192.0.2.1"][..]),
            ("ONE.example.", &["192.0.2.1"]),
            ("both", &["192.0.2.2", "::2"]),
            ("two", &[]),
            ("example", &[]),
            ("192.0.2.1", &[]),
            ("", &[]),
        ] {
            assert_eq!(find(text, host), ips(expected), "{host}");
        }
    }
}
