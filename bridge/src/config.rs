//! What the bridge needs to be told at start; already checked by whoever read it.

use crate::command::Secret;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// An address range, `address/bits`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// Any address in the range.
    pub address: IpAddr,
    /// 0-32 for IPv4, 0-128 for IPv6.
    pub bits: u8,
}

impl std::str::FromStr for Range {
    type Err = String;
    /// `10.0.0.0/8`, `fd00::/8`, or a single address.
    fn from_str(text: &str) -> Result<Self, String> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| format!("`{text}` is not an address range like 10.0.0.0/8 or fd00::/8"))?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => most,
            Some(bits) => {
                bits.parse::<u8>().ok().filter(|b| *b <= most).ok_or_else(|| format!("`{text}`: the prefix length is 0 to {most}"))?
            }
        };
        Ok(Self { address, bits })
    }
}

/// An IRC network that takes this site's word on where its users are (WEBIRC).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gateway {
    /// The server, by the name that its users type.
    pub host: String,
    /// The only port that the password goes to; `None`: 6667 and 6697.
    pub port: Option<u16>,
    /// A word of ASCII, which does not begin with a colon.
    pub password: Secret,
}

/// Configuration of one libpurple.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BridgeConfig {
    /// Private ranges that may be reached all the same (`egress.allow`).
    pub egress_allow: Vec<Range>,
    /// Name servers to ask instead of those of `/etc/resolv.conf`; empty means those.
    pub dns_servers: Vec<std::net::SocketAddr>,
    /// Addresses of this machine that connections are made from, each user always from the same one; empty: the system chooses (`egress.source`).
    pub egress_source: Vec<IpAddr>,
    /// IRC networks that are told where an account's user is (`egress.webirc`).
    pub gateways: Vec<Gateway>,
    /// Local sockets that plugins may connect to, by their whole path; `None`: any (`worker.sockets`, `worker.sandbox`).
    pub sockets: Option<Vec<PathBuf>>,
    /// Whether protocols may listen for connections (file transfers of IRC and XMPP, SIMPLE): on every interface.
    pub listen: bool,
    /// Protocol ids to offer; empty means all that libpurple finds.
    pub protocols_allow: Vec<String>,
    /// Protocol ids never to load, on top of prpl-zephyr and prpl-bonjour, which are refused unless `protocols_allow` names them.
    pub protocols_deny: Vec<String>,
    /// Further directories with protocol plugins.
    pub plugin_paths: Vec<PathBuf>,
    /// Ids of plugins that are not protocols and are to be loaded.
    pub plugins_load: Vec<String>,
    /// Options that users see though they name things of this machine, as `PROTOCOL/KEY`.
    pub options_shown: Vec<String>,
    /// Plugin files not to be opened, since they ended the processes that opened them.
    pub plugins_left_out: Vec<PathBuf>,
    /// The only plugin file to be opened, to see what comes of it.
    pub plugins_only: Option<PathBuf>,
    /// Where to put the throw-away user directory; `None` takes `XDG_RUNTIME_DIR`, `/dev/shm` or the temporary directory.
    pub private_dir: Option<PathBuf>,
    /// Where `resolv.conf` and `hosts` are read; `None` takes `/etc`.
    pub names: Option<PathBuf>,
    /// Commands that may wait for the libpurple thread; more are rejected as busy.
    pub mailbox: usize,
    /// Sign-ons begun per second, at most.
    pub sign_ons_per_second: u32,
    /// First wait before a reconnect; doubles with jitter up to `reconnect_most`.
    pub reconnect_first: Duration,
    /// Longest wait before a reconnect.
    pub reconnect_most: Duration,
    /// A sign-on without progress is ended after this.
    pub sign_on_timeout: Duration,
    /// A connection over which nothing comes for so long is given up, where the protocol itself does not look after that (IRC).
    pub silence: Duration,
    /// Extra trust roots (PEM file) besides the platform's.
    pub extra_roots: Option<PathBuf>,
    /// Use libpurple's own NSS back end (for measurement only: it asks no user about certificates).
    pub native_tls: bool,
    /// Leave out what libpurple makes for every account and buddy and nobody reads (off for measurement only: libpurple as it is).
    pub lean: bool,
    /// In front of the ids of requests, notices and the like (their upper 16 bits): another for each libpurple of a site.
    pub number: u16,
}

impl Default for BridgeConfig {
    fn default() -> Self {
        Self {
            egress_allow: Vec::new(),
            dns_servers: Vec::new(),
            egress_source: Vec::new(),
            gateways: Vec::new(),
            sockets: Some(Vec::new()),
            listen: false,
            protocols_allow: Vec::new(),
            protocols_deny: Vec::new(),
            plugin_paths: Vec::new(),
            plugins_load: Vec::new(),
            options_shown: Vec::new(),
            plugins_left_out: Vec::new(),
            plugins_only: None,
            private_dir: None,
            names: None,
            mailbox: 4096,
            sign_ons_per_second: u32::MAX,
            reconnect_first: Duration::from_secs(2),
            reconnect_most: Duration::from_secs(300),
            sign_on_timeout: Duration::from_secs(60),
            silence: Duration::from_secs(150),
            extra_roots: None,
            native_tls: false,
            lean: true,
            number: 0,
        }
    }
}
