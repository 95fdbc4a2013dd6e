//! The kinds of values that settings have: each reads from a text and says what is allowed; nothing here knows which setting it is for.

use bridge::command::Secret;
use bridge::config::Gateway;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Listen {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

impl Default for Listen {
    fn default() -> Self {
        Self::Tcp(SocketAddr::from(([127, 0, 0, 1], 8080)))
    }
}

impl FromStr for Listen {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("unix:") {
            // sun_path holds 108 bytes with the closing zero.
            return match path.len() {
                1..=107 => Ok(Self::Unix(PathBuf::from(path))),
                _ => Err(format!("`{text}`: the path of a Unix socket has 1 to 107 bytes")),
            };
        }
        let text = text.strip_prefix("localhost:").map_or(Cow::Borrowed(text), |port| Cow::Owned(format!("127.0.0.1:{port}")));
        text.parse().map(Self::Tcp).map_err(|_| {
            format!("`{text}` is not a place to listen; allowed are \"127.0.0.1:8080\", \"[::1]:8080\" or \"unix:/run/bellflower.sock\"")
        })
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Where to listen for the admin, or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AdminListen {
    At(Listen),
    Off,
}

impl FromStr for AdminListen {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" { Ok(Self::Off) } else { text.parse().map(Self::At).map_err(|e: String| format!("{e}; or \"off\"")) }
    }
}

impl fmt::Display for AdminListen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(listen) => listen.fmt(f),
            Self::Off => f.write_str("off"),
        }
    }
}

/// A length of time, as `25s`, `1h30m`, `500ms` or `0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span(pub(crate) Duration);

impl Span {
    pub(crate) const fn seconds(n: u64) -> Self {
        Self(Duration::from_secs(n))
    }
    pub(crate) const fn minutes(n: u64) -> Self {
        Self::seconds(n * 60)
    }
    pub(crate) const fn hours(n: u64) -> Self {
        Self::minutes(n * 60)
    }
    /// In milliseconds.
    pub(crate) fn ms(self) -> u64 {
        u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX)
    }
    /// `None` when it is 0, which stands for "no limit".
    pub(crate) fn limit(self) -> Option<Duration> {
        (!self.0.is_zero()).then_some(self.0)
    }
}

impl FromStr for Span {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("`{text}` is not a length of time; allowed are \"500ms\", \"25s\", \"10m\", \"12h\", \"1h30m\", \"7d\" or \"0\"");
        if text == "0" {
            return Ok(Self(Duration::ZERO));
        }
        let (mut rest, mut all) = (text, Duration::ZERO);
        while !rest.is_empty() {
            let (number, tail) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?);
            let (unit, tail) = tail.split_at(tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len()));
            let milliseconds: u64 = match unit {
                "ms" => 1,
                "s" => 1_000,
                "m" | "min" => 60_000,
                "h" => 3_600_000,
                "d" => 86_400_000,
                _ => return Err(wrong()),
            };
            let part = number.parse::<u64>().ok().and_then(|n| n.checked_mul(milliseconds)).ok_or_else(wrong)?;
            all = all.checked_add(Duration::from_millis(part)).ok_or_else(wrong)?;
            rest = tail;
        }
        // Timers cannot look further ahead than this, and nobody means it.
        if text.is_empty() || all > Duration::from_secs(3650 * 86_400) { Err(wrong()) } else { Ok(Self(all)) }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX) {
            0 => f.write_str("0"),
            ms if ms % 3_600_000 == 0 => write!(f, "{}h", ms / 3_600_000),
            ms if ms % 60_000 == 0 => write!(f, "{}m", ms / 60_000),
            ms if ms % 1_000 == 0 => write!(f, "{}s", ms / 1_000),
            ms => write!(f, "{ms}ms"),
        }
    }
}

/// An address range of `egress.allow`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RangeText(pub(crate) bridge::config::Range);

impl FromStr for RangeText {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        text.parse().map(Self)
    }
}

impl fmt::Display for RangeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.0.address, self.0.bits)
    }
}

/// An entry of `trusted_proxies`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TrustedText(pub(crate) web::server::peer::Trusted);

impl FromStr for TrustedText {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        text.parse().map(Self)
    }
}

impl fmt::Display for TrustedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An entry of `origins`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OriginText(pub(crate) web::server::origin::Origin);

impl FromStr for OriginText {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        text.parse().map(Self)
    }
}

impl fmt::Display for OriginText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An entry of `hosts`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HostText(pub(crate) web::server::hosts::Host);

impl FromStr for HostText {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        text.parse().map(Self)
    }
}

impl fmt::Display for HostText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A name server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ServerText(pub(crate) SocketAddr);

impl FromStr for ServerText {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let plain = || text.parse::<IpAddr>().ok().map(|address| SocketAddr::new(address, 53));
        text.parse().ok().or_else(plain).map(Self).ok_or_else(|| {
            format!(
                "`{text}` is not a name server; allowed are addresses with or without a port, as \"192.0.2.53\" or \"[2001:db8::53]:53\""
            )
        })
    }
}

impl fmt::Display for ServerText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An address of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AddressText(pub(crate) IpAddr);

impl FromStr for AddressText {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        text.parse().map(Self).map_err(|_| format!("`{text}` is not an address, as \"192.0.2.7\" or \"2001:db8::7\""))
    }
}

impl fmt::Display for AddressText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An IRC network that takes this site's word on where its users are, and the file with the password for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GatewayText {
    host: String,
    port: Option<u16>,
    file: PathBuf,
}

impl FromStr for GatewayText {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a network with a file, as \"irc.example.org=/etc/bellflower/webirc-example\"");
        let (place, file) = text.split_once('=').ok_or_else(wrong)?;
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().map_err(|_| wrong())?)),
            None => (place, None),
        };
        let is_name = !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
        if !is_name || file.is_empty() {
            return Err(wrong());
        }
        Ok(Self { host: host.to_owned(), port, file: PathBuf::from(file) })
    }
}

impl fmt::Display for GatewayText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))?;
        write!(f, "={}", self.file.display())
    }
}

impl GatewayText {
    /// Reads the password from its file.
    ///
    /// # Errors
    /// In words, with the file: it cannot be read, or holds no password.
    pub(super) fn read(&self) -> Result<Gateway, String> {
        let failed = |what: String| format!("egress.webirc: {}: {what}", self.file.display());
        let text = zeroize::Zeroizing::new(std::fs::read_to_string(&self.file).map_err(|error| failed(error.to_string()))?);
        let word = text.trim();
        // The password is one word of a line of IRC.
        if word.is_empty() || word.starts_with(':') || !word.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(failed("a password is one word of ASCII, which does not begin with a colon".to_owned()));
        }
        Ok(Gateway { host: self.host.clone(), port: self.port, password: Secret::new(word.to_owned()) })
    }
}

macro_rules! as_text {
    ($($name:ident)*) => {$(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string" })
            }
        }
    )*};
}

as_text!(Listen AdminListen Span RangeText ServerText TrustedText OriginText HostText AddressText GatewayText);

/// A whole number from `LOW` to `HIGH`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Number<const LOW: u64, const HIGH: u64>(pub(crate) u64);

impl<'de, const LOW: u64, const HIGH: u64> Deserialize<'de> for Number<LOW, HIGH> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = i64::deserialize(deserializer)?;
        match u64::try_from(number) {
            Ok(n) if (LOW..=HIGH).contains(&n) => Ok(Self(n)),
            _ => Err(serde::de::Error::custom(format!("`{number}` is out of range; allowed is {LOW} to {HIGH}"))),
        }
    }
}

impl<const LOW: u64, const HIGH: u64> JsonSchema for Number<LOW, HIGH> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("Number{LOW}to{HIGH}").into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "integer", "minimum": LOW, "maximum": HIGH })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_and_write() {
        for (text, ms) in [("0", 0), ("500ms", 500), ("25s", 25_000), ("1h30m", 5_400_000), ("7d", 604_800_000), ("2min", 120_000)] {
            assert_eq!(text.parse::<Span>(), Ok(Span(Duration::from_millis(ms))), "{text}");
        }
        for wrong in ["", "12", "h", "-1s", "1.5h", "12 h", "1w", "99999999999999999999s", "9999999d"] {
            assert!(wrong.parse::<Span>().is_err_and(|e| e.contains("allowed are")), "{wrong}");
        }
        assert_eq!(Span::hours(12).to_string(), "12h");
        assert_eq!("90s".parse::<Span>().map(|s| s.to_string()), Ok("90s".to_owned()));
    }

    #[test]
    fn places_to_listen() {
        assert_eq!("127.0.0.1:0".parse(), Ok(Listen::Tcp(SocketAddr::from(([127, 0, 0, 1], 0)))));
        assert_eq!("localhost:81".parse(), Ok(Listen::Tcp(SocketAddr::from(([127, 0, 0, 1], 81)))));
        assert_eq!("unix:/run/b".parse(), Ok(Listen::Unix("/run/b".into())));
        for wrong in ["", "8080", "unix:", "example.org:80", "127.0.0.1", "127.0.0.1:99999"] {
            assert!(wrong.parse::<Listen>().is_err(), "{wrong}");
        }
        assert_eq!("off".parse(), Ok(AdminListen::Off));
    }
}
