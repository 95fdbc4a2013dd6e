//! At which names the daemon answers: what keeps a foreign page from reaching it by a name of its own (DNS rebinding). Learns nothing.

use super::peer::Visitor;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// An entry of `hosts`: a name or an address, in lower case, with a port if only that one counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    name: String,
    port: Option<u16>,
}

impl FromStr for Host {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
        parts(&text.to_ascii_lowercase())
            .filter(|(name, _)| !name.is_empty() && text.chars().all(plain))
            .map(|(name, port)| Self { name: name.to_owned(), port })
            .ok_or_else(|| {
                format!("`{text}` is not a host; allowed are a name or an address, with or without a port, as \"chat.example.org\"")
            })
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// Name, without the dot that may stand at its end, and port.
fn parts(host: &str) -> Option<(&str, Option<u16>)> {
    let end = if host.starts_with('[') { host.find(']')? + 1 } else { host.find(':').unwrap_or(host.len()) };
    let (name, port) = host.split_at_checked(end)?;
    let port = match port.strip_prefix(':') {
        Some(port) => Some(port.parse().ok()?),
        None if port.is_empty() => None,
        None => return None,
    };
    Some((name.strip_suffix('.').unwrap_or(name), port))
}

/// At which hosts requests are answered.
#[derive(Debug, Clone, Default)]
pub struct Hosts {
    /// These; none means any.
    pub names: Vec<Host>,
    /// Beside them, plain addresses and `localhost`: no foreign page is reached by those.
    pub addresses: bool,
}

impl Hosts {
    /// Whether a request for this host is answered.
    pub(super) fn answer(&self, visitor: &Visitor) -> bool {
        if self.names.is_empty() {
            return true;
        }
        let Some((name, port)) = visitor.host.as_deref().and_then(parts) else { return false };
        let is_address = || name == "localhost" || name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
        let listed = self.names.iter().any(|host| host.name == name && (host.port.is_none() || host.port == port));
        listed || (self.addresses && is_address())
    }
}

#[cfg(test)]
mod tests {
    use super::super::peer::Address;
    use super::*;

    fn answer(hosts: &Hosts, host: Option<&str>) -> bool {
        hosts.answer(&Visitor {
            address: Address::Local,
            peer: Address::Local,
            secure: false,
            host: host.map(str::to_owned),
            prefix: "/".to_owned(),
        })
    }

    #[test]
    fn only_the_listed_hosts_are_answered() {
        let names: Vec<Host> = ["Chat.example.org", "10.0.0.1:8080", "[2001:db8::1]"].map(|text| text.parse().unwrap()).into();
        let hosts = Hosts { names, addresses: false };
        for host in ["chat.example.org", "chat.example.org:8443", "chat.example.org.", "10.0.0.1:8080", "[2001:db8::1]:80"] {
            assert!(answer(&hosts, Some(host)), "{host}");
        }
        for host in
            ["evil.example", "10.0.0.1", "10.0.0.1:81", "chat.example.org:x", "", "chat.example.org.evil.example", "localhost", "[::1"]
        {
            assert!(!answer(&hosts, Some(host)), "{host}");
        }
        assert!(!answer(&hosts, None));
        let admin = Hosts { addresses: true, ..hosts };
        assert!(answer(&admin, Some("127.0.0.1:8081")) && answer(&admin, Some("[::1]:8081")) && answer(&admin, Some("localhost:8081")));
        assert!(!answer(&admin, Some("rebound.evil.example:8081")));
        assert!(answer(&Hosts::default(), None) && answer(&Hosts::default(), Some("evil.example")));
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for text in ["", "https://chat.example.org", "chat.example.org/x", "a b", ":80", "x:y"] {
            assert!(text.parse::<Host>().is_err(), "{text}");
        }
        assert_eq!("Chat.example.org:80".parse::<Host>().unwrap().to_string(), "chat.example.org:80");
    }
}
