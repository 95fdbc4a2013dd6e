//! Looks names up, off the libpurple thread: plain questions in, plain answers out; it knows no accounts and filters no addresses.

use hickory_resolver::Hosts;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use std::net::{IpAddr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// How often the files are looked at for changes, at most.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// More would only cost memory: libpurple tries them one after the other.
const MOST_RECORDS: usize = 32;

/// For the addresses of one family, when those of the other are there.
const THE_OTHER: Duration = Duration::from_millis(500);

/// What libpurple wants to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Question {
    /// The addresses of a host, for a port.
    Host(String, u16),
    /// The servers of a service, `_service._protocol.domain`.
    Services(String),
    /// The texts of a name.
    Texts(String),
}

/// One SRV record (RFC 2782).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Service {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) priority: u16,
    pub(super) weight: u16,
}

/// What was found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// In the order to try them; at least one.
    Addresses(Vec<SocketAddr>),
    /// At least one.
    Services(Vec<Service>),
    /// At least one.
    Texts(Vec<Vec<u8>>),
    /// A sentence for the user.
    Failed(String),
}

/// A resolver with its cache, and where it got its servers from.
pub(super) struct Resolver {
    servers: Vec<SocketAddr>,
    patience: Duration,
    resolv_conf: PathBuf,
    hosts: PathBuf,
    current: Mutex<Current>,
}

struct Current {
    resolver: Option<TokioResolver>,
    looked: Option<Instant>,
    /// What was seen of the two files.
    changed: [Option<(SystemTime, u64, u64)>; 2],
}

impl Resolver {
    /// `servers` instead of those of `resolv.conf` in `directory`, unless empty; `hosts` is read there, too. No question takes longer than
    /// `patience`.
    pub(super) fn new(servers: Vec<SocketAddr>, patience: Duration, directory: &Path) -> Self {
        let current = Current { resolver: None, looked: None, changed: [None; 2] };
        let (resolv_conf, hosts) = (directory.join("resolv.conf"), directory.join("hosts"));
        Self { servers, patience, resolv_conf, hosts, current: Mutex::new(current) }
    }

    /// Answers within `patience`. On a tokio runtime.
    pub(super) async fn answer(&self, question: Question) -> Answer {
        match tokio::time::timeout(self.patience, self.look_up(&question)).await {
            Ok(answer) => answer,
            Err(_) => Answer::Failed(no_answer(subject(&question))),
        }
    }

    async fn look_up(&self, question: &Question) -> Answer {
        let subject = subject(question);
        if let (Question::Host(_, port), Some(address)) = (question, literal(subject)) {
            return Answer::Addresses(vec![SocketAddr::new(address, *port)]);
        }
        let Some(name) = absolute(subject) else {
            return Answer::Failed(format!("“{subject}” is not a server's name."));
        };
        let resolver = match self.current() {
            Ok(resolver) => resolver,
            Err(error) => return Answer::Failed(format!("Names cannot be looked up on this server: {error}.")),
        };
        match question {
            Question::Host(_, port) => match both_families(&resolver, name).await {
                Ok(found) if found.is_empty() => Answer::Failed(nothing(subject)),
                Ok(found) => addresses(found, *port),
                Err(error) => failed(subject, &error),
            },
            Question::Services(_) => match resolver.lookup(name, RecordType::SRV).await {
                Ok(found) => services(subject, found.answers().iter().map(|record| &record.data)),
                Err(error) => failed(subject, &error),
            },
            Question::Texts(_) => match resolver.lookup(name, RecordType::TXT).await {
                Ok(found) => texts(subject, found.answers().iter().map(|record| &record.data)),
                Err(error) => failed(subject, &error),
            },
        }
    }

    /// The resolver for what the files say now; it is kept, with its cache, while they do not change.
    fn current(&self) -> Result<TokioResolver, String> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = current.looked.is_some_and(|looked| looked.elapsed() < LOOK_AGAIN);
        if !fresh {
            let changed = [&self.resolv_conf, &self.hosts].map(|file| {
                let about = std::fs::metadata(file).ok()?;
                Some((about.modified().ok()?, about.ino(), about.len()))
            });
            if changed != current.changed {
                current.resolver = None;
            }
            current.changed = changed;
            current.looked = Some(Instant::now());
        }
        if let Some(resolver) = &current.resolver {
            return Ok(resolver.clone());
        }
        let resolver = self.build()?;
        current.resolver = Some(resolver.clone());
        Ok(resolver)
    }

    fn build(&self) -> Result<TokioResolver, String> {
        let servers =
            if self.servers.is_empty() { system_servers(&self.resolv_conf) } else { self.servers.iter().copied().map(server).collect() };
        // No search list: what a user enters is a whole name, and never one of the administrator's own network.
        let config = ResolverConfig::from_parts(None, Vec::new(), servers);
        let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        options(builder.options_mut(), self.patience);
        let mut resolver = builder.build().map_err(|error| error.to_string())?;
        resolver.set_hosts(Arc::new(hosts(&self.hosts)));
        Ok(resolver)
    }
}

fn options(options: &mut ResolverOpts, patience: Duration) {
    options.timeout = patience / 3;
    options.attempts = 2;
    options.cache_size = 4096;
    // Ours is put in its place.
    options.use_hosts_file = ResolveHosts::Never;
    options.try_tcp_on_error = true;
    // A sign-on burst asks for many names at once; beyond this hickory says "busy".
    options.max_active_requests = 1024;
    options.positive_min_ttl = Some(Duration::from_secs(5));
    options.positive_max_ttl = Some(Duration::from_secs(3600));
    options.negative_min_ttl = Some(Duration::from_secs(5));
    options.negative_max_ttl = Some(Duration::from_secs(300));
}

fn server(address: SocketAddr) -> NameServerConfig {
    let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
    for connection in &mut connections {
        connection.port = address.port();
    }
    NameServerConfig::new(address.ip(), true, connections)
}

fn hosts(file: &Path) -> Hosts {
    let mut hosts = Hosts::default();
    match std::fs::File::open(file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => log::warn!(target: "bridge", "{}: {error}", file.display()),
        Ok(open) => {
            if let Err(error) = hosts.read_hosts_conf(open) {
                log::warn!(target: "bridge", "{}: {error}", file.display());
            }
        }
    }
    hosts
}

fn system_servers(file: &Path) -> Vec<NameServerConfig> {
    let read = std::fs::read(file).map_err(|error| error.to_string());
    let parsed = read.and_then(|text| hickory_resolver::system_conf::parse_resolv_conf(text).map_err(|error| error.to_string()));
    match parsed {
        Ok((config, _)) if !config.name_servers().is_empty() => config.name_servers().to_vec(),
        other => {
            // As in resolv.conf(5): without a name server, the one on this machine.
            let why = other.err().unwrap_or_else(|| "it names no server".to_owned());
            log::warn!(target: "bridge", "{}: {why}; asking the name server on this machine", file.display());
            vec![server(SocketAddr::from(([127, 0, 0, 1], 53)))]
        }
    }
}

fn subject(question: &Question) -> &str {
    match question {
        Question::Host(name, _) | Question::Services(name) | Question::Texts(name) => name,
    }
}

fn literal(host: &str) -> Option<IpAddr> {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host).parse().ok()
}

/// The name as it goes over the wire: ASCII (RFC 5891), absolute.
fn absolute(name: &str) -> Option<Name> {
    let ascii = if name.is_ascii() { name.to_ascii_lowercase() } else { idna::domain_to_ascii(name).ok()? };
    let ascii = ascii.strip_suffix('.').unwrap_or(&ascii);
    let mut name = Name::from_ascii(ascii).ok().filter(|_| !ascii.is_empty())?;
    name.set_fqdn(true);
    Some(name)
}

/// A host's addresses of both families. When those of one are there, the other's get [`THE_OTHER`] and no more (RFC 8305, section 3): some name
/// servers never answer what they do not understand.
async fn both_families(resolver: &TokioResolver, name: Name) -> Result<Vec<IpAddr>, NetError> {
    let four = async { one_family(resolver, name.clone(), RecordType::A).await };
    let six = async { one_family(resolver, name.clone(), RecordType::AAAA).await };
    tokio::pin!(four, six);
    let (first, other) = tokio::select! {
        found = &mut four => { let other = rest(&found, six).await; (found, other) }
        found = &mut six => { let other = rest(&found, four).await; (found, other) }
    };
    match (first, other) {
        (Ok(mut all), Some(Ok(more))) => {
            all.extend(more);
            Ok(all)
        }
        // That there is nothing of one kind says less than why the other is not known.
        (Ok(found), Some(Err(error))) | (Err(error), Some(Ok(found))) => {
            if found.is_empty() && !error.is_no_records_found() {
                Err(error)
            } else {
                Ok(found)
            }
        }
        (Err(first), Some(Err(other))) => Err(if first.is_no_records_found() { other } else { first }),
        (first, None) => first,
    }
}

/// The other family's, after one's.
async fn rest<T>(first: &Result<Vec<IpAddr>, NetError>, other: impl Future<Output = T>) -> Option<T> {
    match first {
        Ok(found) if !found.is_empty() => tokio::time::timeout(THE_OTHER, other).await.ok(),
        _ => Some(other.await),
    }
}

async fn one_family(resolver: &TokioResolver, name: Name, family: RecordType) -> Result<Vec<IpAddr>, NetError> {
    let found = resolver.lookup(name, family).await?;
    Ok(found.answers().iter().filter_map(|record| record.data.ip_addr()).collect())
}

fn addresses(mut found: Vec<IpAddr>, port: u16) -> Answer {
    // RFC 6724 in short: IPv6 first where this machine has a route for it, since a dead one costs a connection's whole patience.
    let six_first = found.iter().any(IpAddr::is_ipv6) && reaches_ipv6();
    found.sort_by_key(|address| address.is_ipv6() != six_first);
    found.dedup();
    found.truncate(MOST_RECORDS);
    Answer::Addresses(found.into_iter().map(|address| SocketAddr::new(address, port)).collect())
}

/// Whether there is a route to the IPv6 internet. Nothing is sent: a datagram socket's connect only asks the routing table.
fn reaches_ipv6() -> bool {
    let somewhere = SocketAddr::from((Ipv6Addr::new(0x2001, 0x4860, 0x4860, 0, 0, 0, 0, 0x8888), 53));
    UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0)).and_then(|socket| socket.connect(somewhere)).is_ok()
}

fn services<'a>(subject: &str, found: impl Iterator<Item = &'a RData>) -> Answer {
    let services: Vec<Service> = found
        .filter_map(|data| if let RData::SRV(record) = data { Some(record) } else { None })
        // A target of "." says that the service is not offered.
        .filter(|record| !record.target.is_root())
        .map(|record| Service {
            host: record.target.to_ascii().trim_end_matches('.').to_owned(),
            port: record.port,
            priority: record.priority,
            weight: record.weight,
        })
        .take(MOST_RECORDS)
        .collect();
    if services.is_empty() { Answer::Failed(nothing(subject)) } else { Answer::Services(services) }
}

fn texts<'a>(subject: &str, found: impl Iterator<Item = &'a RData>) -> Answer {
    let texts: Vec<Vec<u8>> = found
        .filter_map(|data| if let RData::TXT(record) = data { Some(record.txt_data.concat()) } else { None })
        .take(MOST_RECORDS)
        .collect();
    if texts.is_empty() { Answer::Failed(nothing(subject)) } else { Answer::Texts(texts) }
}

fn failed(subject: &str, error: &NetError) -> Answer {
    Answer::Failed(match error {
        error if error.is_no_records_found() => nothing(subject),
        NetError::Timeout => no_answer(subject),
        error => format!("“{subject}” could not be looked up: {error}."),
    })
}

fn nothing(subject: &str) -> String {
    format!("There is no server called “{subject}”.")
}

fn no_answer(subject: &str) -> String {
    format!("The name server did not answer when asked for “{subject}”. Try again later.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_absolute_and_ascii() {
        assert_eq!(absolute("Jabber.Example.").unwrap().to_ascii(), "jabber.example.");
        assert_eq!(absolute("bücher.example").unwrap().to_ascii(), "xn--bcher-kva.example.");
        assert_eq!(absolute("_xmpp-client._tcp.bücher.example").unwrap().to_ascii(), "_xmpp-client._tcp.xn--bcher-kva.example.");
        for name in ["", ".", "a..b", &"a".repeat(64), "\u{0}\u{fffd}ü"] {
            assert_eq!(absolute(name), None, "{name:?}");
        }
    }

    #[test]
    fn literals_are_not_looked_up() {
        assert_eq!(literal("[::1]"), Some("::1".parse().unwrap()));
        assert_eq!(literal("192.0.2.1"), Some("192.0.2.1".parse().unwrap()));
        assert_eq!(literal("localhost"), None);
    }

    #[test]
    fn files_are_read_where_the_caller_says_and_again_when_they_are_replaced() {
        let directory = std::env::temp_dir().join(format!("bellflower-names-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join("resolv.conf"), "nameserver 127.0.0.1\n").unwrap();
        let resolver = Resolver::new(Vec::new(), Duration::from_secs(5), &directory);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let ask = || runtime.block_on(resolver.answer(Question::Host("box.invalid".to_owned(), 5222)));
        for address in ["192.0.2.7", "192.0.2.8"] {
            let new = directory.join("new");
            std::fs::write(&new, format!("{address} box.invalid\n")).unwrap();
            std::fs::rename(&new, directory.join("hosts")).unwrap();
            resolver.current.lock().unwrap().looked = None;
            assert_eq!(ask(), Answer::Addresses(vec![SocketAddr::new(address.parse().unwrap(), 5222)]));
        }
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
