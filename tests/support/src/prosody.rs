//! A real Prosody in a directory of its own: accounts and rosters written straight into its storage. It must not use the system's
//! configuration, certificates or data.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::certs::{Authority, Flaw};
use crate::process::{Process, free_port};
use crate::wait::{PATIENCE, wait_until};
use crate::xmpp::XmppServer;

/// The one virtual host; its rooms are at `rooms.localhost`.
const HOST: &str = "localhost";

/// An entry of a roster.
#[derive(Debug, Clone)]
pub struct Contact {
    /// The bare address.
    pub jid: String,
    /// The name its owner gave it.
    pub name: String,
    /// The group it is in.
    pub group: String,
}

/// What to start.
#[derive(Default)]
pub struct ProsodyBuilder {
    users: Vec<String>,
    passwords: BTreeMap<String, String>,
    rosters: BTreeMap<String, Vec<Contact>>,
    tls: Option<Flaw>,
    certified_as: Option<String>,
    require_tls: bool,
    room_locking: bool,
    hashed: bool,
    archives: bool,
    extra: String,
    swallowed: Option<String>,
    tells_addresses: bool,
    uploads: Option<(u16, u64, Option<String>)>,
    plain_cards: bool,
    port: Option<u16>,
}

impl ProsodyBuilder {
    /// The loopback port to listen on; a free one unless set.
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// Accounts `name@localhost`; see [`Prosody::password`].
    pub fn users<I: IntoIterator<Item = S>, S: Into<String>>(mut self, names: I) -> Self {
        self.users.extend(names.into_iter().map(Into::into));
        self
    }

    /// An account whose password does not follow from its name.
    pub fn user(mut self, name: &str, password: &str) -> Self {
        self.passwords.insert(name.to_owned(), password.to_owned());
        self.users([name])
    }

    /// Puts each of the two users on the other's roster, subscribed both ways, in `group`.
    pub fn friends(mut self, one: &str, other: &str, group: &str) -> Self {
        for (owner, contact) in [(one, other), (other, one)] {
            self.rosters.entry(owner.to_owned()).or_default().push(Contact {
                jid: format!("{contact}@{HOST}"),
                name: titled(contact),
                group: group.to_owned(),
            });
        }
        self
    }

    /// Puts a contact on one user's roster alone, subscribed both ways; the address need not exist.
    pub fn contact(mut self, owner: &str, contact: Contact) -> Self {
        self.rosters.entry(owner.to_owned()).or_default().push(contact);
        self
    }

    /// Offers STARTTLS with a certificate that has this flaw.
    pub fn tls(mut self, flaw: Flaw) -> Self {
        self.tls = Some(flaw);
        self
    }

    /// Gives the certificate of STARTTLS another name than the domain's.
    pub fn certified_as(mut self, host: &str) -> Self {
        self.certified_as = Some(host.to_owned());
        self
    }

    /// Lets nobody in without TLS.
    pub fn require_tls(mut self) -> Self {
        self.require_tls = true;
        self
    }

    /// New rooms are locked until their owner has configured them (XEP-0045 10.1), instead of open at once.
    pub fn room_locking(mut self) -> Self {
        self.room_locking = true;
        self
    }

    /// Keeps passwords hashed, as `internal_hashed` does, so that SCRAM costs what it costs in the field.
    pub fn hashed(mut self) -> Self {
        self.hashed = true;
        self
    }

    /// Keeps what is said, of users and of rooms, and gives it ids (XEP-0313, XEP-0359).
    pub fn archives(mut self) -> Self {
        self.archives = true;
        self
    }

    /// Keeps vCards as they are (XEP-0054), for everybody to see, instead of as PEP nodes.
    pub fn plain_cards(mut self) -> Self {
        self.plain_cards = true;
        self
    }

    /// Offers a SOCKS5 proxy for files (XEP-0065).
    pub fn file_proxy(self) -> Self {
        let port = free_port();
        self.config(&format!(
            "proxy65_ports = {{ {port} }}\nproxy65_interfaces = {{ \"127.0.0.1\" }}\nComponent \"proxy.{HOST}\" \"proxy65\"\nproxy65_address = \"127.0.0.1\""
        ))
    }

    /// Takes files by HTTP upload (XEP-0363), at most so many bytes each, over HTTPS with a certificate of its authority. `elsewhere`: the address that
    /// it tells instead of its own.
    pub fn uploads(mut self, most: u64, elsewhere: Option<&str>) -> Self {
        self.uploads = Some((free_port(), most, elsewhere.map(str::to_owned)));
        self
    }

    /// Lines of Lua for the global part of the configuration.
    pub fn config(mut self, lua: &str) -> Self {
        self.extra.push_str(lua);
        self.extra.push('\n');
        self
    }

    /// Rooms neither pass this line of that nick on nor say that they do not.
    pub fn swallowing(mut self, nick: &str, line: &str) -> Self {
        self.swallowed = Some(format!(
            "module:hook(\"muc-occupant-groupchat\", function (event)\n\
             \tif event.occupant.nick:match(\"/{nick}$\") and event.stanza:get_child_text(\"body\") == {line:?} then return true; end\n\
             end, 1000);\n"
        ));
        self
    }

    /// Logs the address that each session comes from: `USER@HOST/RESOURCE comes from ADDRESS`.
    pub fn telling_addresses(mut self) -> Self {
        self.tells_addresses = true;
        self
    }

    /// Rooms let nobody change the role of whoever has this nick.
    pub fn guarding(mut self, nick: &str) -> Self {
        self.swallowed.get_or_insert_default().push_str(&format!(
            "module:hook(\"muc-pre-set-role\", function (event)\n\
             \tif event.occupant.nick:match(\"/{nick}$\") then event.allowed, event.error, event.condition = false, \"cancel\", \"not-allowed\"; end\n\
             end, 1000);\n"
        ));
        self
    }

    /// Starts it and waits until it accepts connections.
    pub fn start(self) -> Prosody {
        let directory = tempfile::Builder::new().prefix("bellflower-prosody-").tempdir().expect("a directory");
        let authority = Authority::new();
        let port = self.port.unwrap_or_else(free_port);
        let files = self.uploads.as_ref().map_or(0, |(port, ..)| *port);
        let prosody = Prosody { process: None, directory, authority, port, files, passwords: self.passwords.clone() };
        std::fs::create_dir_all(prosody.path("certs")).expect("a directory for certificates");
        if let Some(flaw) = self.tls {
            prosody.authority.issue(&prosody.path("certs"), "server", self.certified_as.as_deref().unwrap_or(HOST), flaw);
        }
        if self.uploads.is_some() {
            prosody.authority.issue(&prosody.path("certs"), "files", HOST, Flaw::None);
        }
        std::fs::write(prosody.path("prosody.cfg.lua"), self.lua(&prosody)).expect("writing Prosody's configuration");
        let tells = self.tells_addresses.then_some(TELLS_ADDRESSES);
        for (name, module) in [("swallow", self.swallowed.as_deref()), ("comes_from", tells)] {
            let Some(module) = module else { continue };
            std::fs::create_dir_all(prosody.path("plugins")).expect("a directory for Prosody's modules");
            std::fs::write(prosody.path(&format!("plugins/mod_{name}.lua")), module).expect("writing a module of Prosody's");
        }
        for user in &self.users {
            prosody.add_user(user);
        }
        for (owner, contacts) in &self.rosters {
            prosody.set_roster(owner, contacts);
        }
        let mut prosody = prosody;
        prosody.start();
        prosody
    }

    fn lua(&self, prosody: &Prosody) -> String {
        let mut modules = vec![
            "disco",
            "roster",
            "saslauth",
            "presence",
            "message",
            "iq",
            "offline",
            "c2s",
            "ping",
            "posix",
            "private",
            if self.plain_cards { "vcard" } else { "vcard_legacy" },
            "pep",
            "blocklist",
            "time",
            "version",
        ];
        if self.archives {
            modules.push("mam");
        }
        if self.tells_addresses {
            modules.push("comes_from");
        }
        let mut ssl = String::new();
        if self.tls.is_some() {
            modules.push("tls");
            ssl = format!("ssl = {{ certificate = {:?}; key = {:?} }}", prosody.path("certs/server.crt"), prosody.path("certs/server.key"));
        }
        let modules: Vec<_> = modules.iter().map(|name| format!("{name:?}")).collect();
        let (mut web, mut files) = (String::new(), String::new());
        if let Some((port, most, elsewhere)) = &self.uploads {
            let (certificate, key) = (prosody.path("certs/files.crt"), prosody.path("certs/files.key"));
            web = format!(
                "http_ports = {{ }}\nhttps_ports = {{ {port} }}\nhttps_interfaces = {{ \"127.0.0.1\" }}\n\
                 https_ssl = {{ certificate = {certificate:?}; key = {key:?} }}"
            );
            let elsewhere = elsewhere.as_ref().map_or_else(String::new, |url| format!("http_external_url = {url:?}\n"));
            files = format!(
                "Component \"upload.{HOST}\" \"http_file_share\"\nhttp_host = {HOST:?}\nhttp_file_share_size_limit = {most}\n{elsewhere}"
            );
        }
        format!(
            r#"run_as_root = true
daemonize = false
pidfile = {pid:?}
data_path = {data:?}
certificates = {certs:?}
log = {{ {{ levels = {{ min = "info" }}, to = "console" }} }}
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {port} }}
c2s_direct_tls_ports = {{ }}
c2s_require_encryption = {require_tls}
allow_unencrypted_plain_auth = true
authentication = {auth:?}
storage = "internal"
modules_enabled = {{ {modules} }}
modules_disabled = {{ "s2s", {disabled}"limits" }}
plugin_paths = {{ {plugins:?} }}
{extra}
{web}
VirtualHost "{HOST}"
{ssl}
Component "rooms.{HOST}" "muc"
name = "Rooms"
muc_room_locking = {room_locking}
muc_room_default_public = true
modules_enabled = {{ {room_modules} }}
{files}
"#,
            pid = prosody.path("prosody.pid"),
            data = prosody.path("data"),
            certs = prosody.path("certs"),
            plugins = prosody.path("plugins"),
            room_modules = [(self.swallowed.is_some(), "\"swallow\", "), (self.archives, "\"muc_mam\", ")]
                .iter()
                .filter(|(wanted, _)| *wanted)
                .map(|(_, name)| *name)
                .collect::<String>(),
            port = prosody.port,
            require_tls = self.require_tls,
            auth = if self.hashed { "internal_hashed" } else { "internal_plain" },
            modules = modules.join(", "),
            disabled = if self.uploads.is_some() { "" } else { "\"http\", " },
            extra = self.extra,
            room_locking = self.room_locking,
        )
    }
}

/// A module of Prosody's, for [`ProsodyBuilder::telling_addresses`].
const TELLS_ADDRESSES: &str = "module:hook(\"resource-bind\", function (event)\n\
    \tmodule:log(\"info\", \"%s comes from %s\", event.session.full_jid, tostring(event.session.ip));\n\
    end);\n";

/// The running server. Dropping it ends it.
pub struct Prosody {
    process: Option<Process>,
    directory: TempDir,
    authority: Authority,
    port: u16,
    files: u16,
    passwords: BTreeMap<String, String>,
}

impl Prosody {
    /// What to start, before it is started.
    pub fn builder() -> ProsodyBuilder {
        ProsodyBuilder::default()
    }

    /// A server with these accounts, without TLS.
    pub fn with_users<I: IntoIterator<Item = S>, S: Into<String>>(names: I) -> Self {
        Self::builder().users(names).start()
    }

    /// The loopback port for clients; the same over a restart.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The loopback port for files ([`ProsodyBuilder::uploads`]); 0 without.
    pub fn files_port(&self) -> u16 {
        self.files
    }

    /// `name@localhost`.
    pub fn jid(&self, name: &str) -> String {
        format!("{name}@{HOST}")
    }

    /// The bare address of a room.
    pub fn room(&self, name: &str) -> String {
        format!("{name}@rooms.{HOST}")
    }

    /// An account's password; it follows from its name unless it was given.
    pub fn password(&self, name: &str) -> String {
        self.passwords.get(name).cloned().unwrap_or_else(|| format!("secret-{name}"))
    }

    /// The authority that signed the server's certificate, in PEM.
    pub fn authority_pem(&self) -> String {
        self.authority.pem()
    }

    /// Writes an account into the storage; it can sign on at once.
    pub fn add_user(&self, name: &str) {
        self.store("accounts", name, &format!("return {{\n\t[\"password\"] = {:?};\n}};\n", self.password(name)));
    }

    /// Writes a whole roster into the storage; takes effect for a user who is not signed on.
    pub fn set_roster(&self, owner: &str, contacts: &[Contact]) {
        self.set_roster_with(owner, contacts, &[]);
    }

    /// The same, with others besides who are on it without a subscription: the server looks for none of them, however many they are.
    pub fn set_roster_with(&self, owner: &str, contacts: &[Contact], others: &[Contact]) {
        let mut lua = String::from("return {\n\t[false] = { [\"version\"] = 1; [\"pending\"] = {}; };\n");
        let both = contacts.iter().map(|contact| (contact, "both"));
        for (Contact { jid, name, group }, subscription) in both.chain(others.iter().map(|contact| (contact, "none"))) {
            let _ = writeln!(
                lua,
                "\t[{jid:?}] = {{ [\"subscription\"] = {subscription:?}; [\"name\"] = {name:?}; [\"groups\"] = {{ [{group:?}] = true; }}; }};"
            );
        }
        lua.push_str("};\n");
        self.store("roster", owner, &lua);
    }

    /// Replaces the certificate and waits until the server has taken it.
    pub fn replace_certificate(&self, flaw: Flaw) {
        self.authority.issue(&self.path("certs"), "server", HOST, flaw);
        let process = self.process.as_ref().expect("the server runs");
        let reloads = |log: &str| log.matches("Certificates reloaded").count();
        let before = reloads(&process.log());
        process.signal(libc::SIGHUP);
        wait_until("Prosody to reload its certificate", PATIENCE, || (reloads(&process.log()) > before).then_some(()));
    }

    /// Ends it without a word to its clients.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }

    /// Ends it as an administrator would: clients are told.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.stop(Duration::from_secs(10));
        }
    }

    /// Starts it again on the same port, with what it had stored.
    pub fn start(&mut self) {
        let mut command = Command::new("prosody");
        command.arg("-F").arg("--config").arg(self.path("prosody.cfg.lua"));
        let mut process = Process::start("prosody", &mut command, &self.path("prosody.log"), false);
        process.wait_for_port(self.port);
        self.process = Some(process);
    }

    /// What the server has logged.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(self.path("prosody.log")).unwrap_or_default()).into_owned()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn store(&self, store: &str, name: &str, lua: &str) {
        let directory = self.path("data").join(HOST).join(store);
        std::fs::create_dir_all(&directory).expect("a directory of Prosody's storage");
        std::fs::write(directory.join(format!("{}.dat", encoded(name))), lua).expect("writing into Prosody's storage");
    }
}

impl XmppServer for Prosody {
    fn port(&self) -> u16 {
        self.port
    }

    fn password(&self, name: &str) -> String {
        Self::password(self, name)
    }
}

/// A file name as Prosody's `util.datamanager` makes it.
fn encoded(name: &str) -> String {
    name.bytes().map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02x}") }).collect()
}

fn titled(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
