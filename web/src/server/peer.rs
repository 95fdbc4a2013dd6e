//! Who sent a request: the address, host and scheme that count, with forwarded headers believed only from trusted proxies; it decides nothing.

use bridge::id::PersonId;
use hyper::HeaderMap;
use hyper::header::{FORWARDED, HOST, HeaderName};
use ipnet::IpNet;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;
use std::sync::LazyLock;

pub(super) const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// Where something comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Address {
    /// An internet address; IPv4 in IPv6 is told as IPv4.
    Ip(IpAddr),
    /// The Unix socket, and nobody said more.
    Local,
}

impl Address {
    /// The internet address, if it is one.
    pub fn ip(self) -> Option<IpAddr> {
        match self {
            Self::Ip(address) => Some(address),
            Self::Local => None,
        }
    }

    /// What limits count by: the address, of IPv6 its first 64 bits, since one site has all the rest.
    #[must_use]
    pub fn group(self) -> Self {
        match self {
            Self::Ip(IpAddr::V6(v6)) => Self::Ip(IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64)))),
            other => other,
        }
    }

    /// What anyone may have to themselves: of IPv6 the first 48 bits, of others the address.
    #[must_use]
    pub fn network(self) -> Self {
        match self {
            Self::Ip(IpAddr::V6(v6)) => Self::Ip(IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 80)))),
            other => other,
        }
    }

    /// Who is there, as far as an address tells: all of a neighbourhood (256 addresses of IPv4, of IPv6 a network) are one person. A number of this
    /// run, from which no address can be read.
    #[must_use]
    pub fn person(self) -> PersonId {
        static HASH: LazyLock<RandomState> = LazyLock::new(RandomState::new);
        PersonId(HASH.hash_one(match self.network() {
            Self::Ip(IpAddr::V4(v4)) => Self::Ip(IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & (u32::MAX << 8)))),
            other => other,
        }))
    }
}

impl From<IpAddr> for Address {
    fn from(address: IpAddr) -> Self {
        Self::Ip(address.to_canonical())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Local => f.write_str("unix"),
        }
    }
}

/// An entry of `trusted_proxies`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trusted {
    /// All addresses in a range.
    Range(IpNet),
    /// Whoever may open the Unix socket.
    Unix,
}

impl Trusted {
    fn covers(&self, address: Address) -> bool {
        match (self, address) {
            (Self::Range(range), Address::Ip(address)) => range.contains(&address),
            (Self::Unix, Address::Local) => true,
            _ => false,
        }
    }
}

impl FromStr for Trusted {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if text == "unix" {
            return Ok(Self::Unix);
        }
        let range = text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
        range.map(Self::Range).ok_or_else(|| {
            format!("`{text}` is not a proxy; allowed are addresses (\"127.0.0.1\"), ranges (\"10.0.0.0/8\", \"fd00::/8\") and \"unix\"")
        })
    }
}

impl fmt::Display for Trusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Range(range) => range.fmt(f),
            Self::Unix => f.write_str("unix"),
        }
    }
}

/// Who sent a request; an extension of every request that reaches a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visitor {
    /// Where they are.
    pub address: Address,
    /// The other end of the connection: the visitor, or a proxy.
    pub peer: Address,
    /// They speak TLS with the outermost proxy.
    pub secure: bool,
    /// The host they think they talk to, in lower case, with the port if they name one.
    pub host: Option<String>,
    /// What stands before the daemon's own paths, `/` or `/chat/`.
    pub prefix: String,
}

/// True when `address` is a proxy whose word is taken.
pub fn is_trusted(trusted: &[Trusted], address: Address) -> bool {
    trusted.iter().any(|t| t.covers(address))
}

/// Who sent a request with these headers over a connection from `peer`.
pub fn visitor(trusted: &[Trusted], peer: Address, headers: &HeaderMap, prefix: String) -> Visitor {
    let host = headers.get(HOST).and_then(|h| h.to_str().ok()).map(str::to_ascii_lowercase);
    if !is_trusted(trusted, peer) {
        return Visitor { address: peer, peer, secure: false, host, prefix };
    }
    let listed = addresses(headers, &X_FORWARDED_FOR, Some);
    let forwarded = addresses(headers, &FORWARDED, |element| parameter(element, "for"));
    let told = match (listed.is_empty(), forwarded.is_empty()) {
        (false, true) => outermost(trusted, peer, &listed),
        (true, false) => outermost(trusted, peer, &forwarded),
        (true, true) => peer,
        // Of two headers one may be the visitor's own invention; a proxy writes only the one it knows.
        (false, false) => Some(outermost(trusted, peer, &listed)).filter(|a| *a == outermost(trusted, peer, &forwarded)).unwrap_or(peer),
    };
    let scheme =
        last(headers, &X_FORWARDED_PROTO).or_else(|| last(headers, &FORWARDED).and_then(|e| parameter(&e, "proto").map(str::to_owned)));
    let named = last(headers, &X_FORWARDED_HOST).map(|h| h.to_ascii_lowercase());
    Visitor { address: told, peer, secure: scheme.is_some_and(|s| s.eq_ignore_ascii_case("https")), host: named.or(host), prefix }
}

/// From the right, past all trusted proxies; an entry that is no address ends the walk at the last that is.
fn outermost(trusted: &[Trusted], peer: Address, hops: &[Option<IpAddr>]) -> Address {
    let mut known = peer;
    for hop in hops.iter().rev() {
        let Some(address) = hop else { break };
        known = Address::from(*address);
        if !is_trusted(trusted, known) {
            break;
        }
    }
    known
}

fn elements<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    headers.get_all(name).iter().flat_map(|v| v.to_str().unwrap_or("?").split(',')).map(str::trim).filter(|e| !e.is_empty())
}

fn addresses<'a>(headers: &'a HeaderMap, name: &HeaderName, pick: impl Fn(&'a str) -> Option<&'a str>) -> Vec<Option<IpAddr>> {
    elements(headers, name).map(|element| pick(element).and_then(node)).collect()
}

fn last(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    elements(headers, name).last().map(str::to_owned)
}

/// RFC 7239, 4: `for=…;proto=…`, names in any case, values quoted or not.
fn parameter<'a>(element: &'a str, wanted: &str) -> Option<&'a str> {
    let pair = element.split(';').filter_map(|p| p.trim().split_once('=')).find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted))?;
    Some(pair.1.trim().trim_matches('"'))
}

/// An address with or without port; IPv6 with or without brackets.
fn node(text: &str) -> Option<IpAddr> {
    let text = text.trim().trim_matches('"');
    if let Some(rest) = text.strip_prefix('[') {
        return rest.split(']').next()?.parse().ok();
    }
    text.parse().ok().or_else(|| text.rsplit_once(':')?.0.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(trusted: &[&str], peer: &str, headers: &[(&'static str, &str)]) -> Visitor {
        let trusted: Vec<Trusted> = trusted.iter().map(|t| t.parse().unwrap()).collect();
        let peer = if peer == "unix" { Address::Local } else { Address::from(peer.parse::<IpAddr>().unwrap()) };
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        visitor(&trusted, peer, &map, "/".to_owned())
    }

    #[test]
    fn a_stranger_is_not_believed() {
        let v = seen(&[], "192.0.2.1", &[("x-forwarded-for", "10.9.9.9"), ("x-forwarded-proto", "https"), ("host", "Chat.example")]);
        assert_eq!((v.address.to_string().as_str(), v.secure, v.host.as_deref()), ("192.0.2.1", false, Some("chat.example")));
    }

    #[test]
    fn the_rightmost_untrusted_hop_counts() {
        let proxies = ["127.0.0.1", "10.0.0.0/8", "unix"];
        for (peer, headers, address) in [
            ("127.0.0.1", vec![("x-forwarded-for", "6.6.6.6, 192.0.2.7, 10.1.2.3")], "192.0.2.7"),
            ("127.0.0.1", vec![("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "192.0.2.7:4711")], "192.0.2.7"),
            ("unix", vec![("x-forwarded-for", "2001:db8::7")], "2001:db8::7"),
            ("unix", vec![("forwarded", "for=6.6.6.6, For=\"[2001:db8::9]:80\";proto=https")], "2001:db8::9"),
            ("127.0.0.1", vec![("x-forwarded-for", "6.6.6.6, unknown, 10.1.2.3")], "10.1.2.3"),
            ("127.0.0.1", vec![("x-forwarded-for", "::ffff:192.0.2.7")], "192.0.2.7"),
            ("unix", vec![], "unix"),
            // A forged header beside the proxy's own one.
            ("127.0.0.1", vec![("x-forwarded-for", "192.0.2.7"), ("forwarded", "for=6.6.6.6")], "127.0.0.1"),
        ] {
            assert_eq!(seen(&proxies, peer, &headers).address.to_string(), address, "{headers:?}");
        }
    }

    #[test]
    fn scheme_and_host_come_from_the_proxy() {
        let v = seen(&["unix"], "unix", &[("host", "localhost"), ("x-forwarded-host", "chat.example"), ("x-forwarded-proto", "https")]);
        assert!(v.secure);
        assert_eq!(v.host.as_deref(), Some("chat.example"));
        assert!(seen(&["unix"], "unix", &[("forwarded", "for=192.0.2.1;proto=https")]).secure);
    }

    #[test]
    fn ipv6_neighbours_are_one_group() {
        let one = Address::from("2001:db8::1".parse::<IpAddr>().unwrap());
        let two = Address::from("2001:db8::ffff:2".parse::<IpAddr>().unwrap());
        let far = Address::from("2001:db8:0:1::1".parse::<IpAddr>().unwrap());
        assert_eq!(one.group(), two.group());
        assert_ne!(one.group(), far.group());
    }

    #[test]
    fn a_neighbourhood_is_one_person() {
        let person = |address: &str| Address::from(address.parse::<IpAddr>().unwrap()).person();
        assert_eq!(person("192.0.2.1"), person("::ffff:192.0.2.254"));
        assert_eq!(person("2001:db8:7:1::1"), person("2001:db8:7:ffff::2"));
        assert!(person("192.0.2.1") != person("192.0.3.1") && person("2001:db8:7::1") != person("2001:db8:8::1"));
        assert_eq!(Address::Local.person(), Address::Local.person());
    }
}
