//! The networks that users can add accounts of, each told from its plugin's own data; nothing is special-cased by name but what would harm a shared daemon.

mod check;
mod meaning;
mod offer;
mod read;

use super::token::OnPurple;
use crate::command::Username;
use crate::config::BridgeConfig;
use crate::error::CommandError;
use crate::features::Features;
use crate::model::{IconSpec, PasswordNeed, Protocol, ProtocolOption, Value};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Refused unless the configuration names them: the one runs a command that the user sets, the other announces the machine on the local network.
const RISKY: &[&str] = &["prpl-zephyr", "prpl-bonjour"];

/// A protocol, and the values that its plugin announces, by option.
struct Offered {
    protocol: Protocol,
    announced: BTreeMap<String, Value>,
    /// Keys of options that users do not see.
    kept_back: Vec<String>,
}

thread_local! {
    static OFFERED: RefCell<Vec<Offered>> = const { RefCell::new(Vec::new()) };
}

/// Reads what the loaded plugins offer, by name. To be called once, after `purple_core_init`; the rest of this room answers from it.
pub(super) fn catalogue(token: OnPurple, config: &BridgeConfig) -> Vec<Protocol> {
    let mut offered: Vec<Offered> = read::all(token)
        .into_iter()
        .filter(|plugin| is_allowed(config, &plugin.id))
        .map(|plugin| {
            let shows = |key: &str| config.options_shown.iter().any(|one| one.split_once('/') == Some((plugin.id.as_str(), key)));
            let read::Options { shown, kept_back, announced } = read::options(&plugin, shows);
            let mut offered = Offered { announced, kept_back, protocol: read::protocol(token, plugin, shown) };
            offer::adapt(&mut offered.protocol, &mut offered.announced);
            offered
        })
        .collect();
    offered.sort_by_cached_key(|one| (one.protocol.name.to_lowercase(), one.protocol.id.clone()));
    config.options_shown.iter().filter(|one| !names_an_option(&offered, one)).for_each(|one| {
        log::warn!(target: "bridge", "plugins.show_options: no protocol that is offered here has the option `{one}` (as prpl-sipe/rdp_client)");
    });
    let catalogue = offered.iter().map(|one| one.protocol.clone()).collect();
    OFFERED.set(offered);
    catalogue
}

fn names_an_option(offered: &[Offered], name: &str) -> bool {
    let Some((protocol, key)) = name.split_once('/') else { return false };
    offered.iter().any(|one| one.protocol.id == protocol && one.protocol.options.iter().any(|option| option.key == key))
}

/// Keys of the options that users do not see since they name things of this machine.
pub(super) fn kept_back(_: OnPurple, protocol: &str) -> Vec<String> {
    offered(protocol, |one| one.kept_back.clone()).unwrap_or_default()
}

/// The functions of the protocol that a connection speaks.
///
/// # Safety
/// A live connection. What is given lives as long as libpurple.
pub(super) unsafe fn info_of(gc: *mut purple_sys::PurpleConnection) -> Option<&'static purple_sys::PurplePluginProtocolInfo> {
    // SAFETY: the caller's promise; a protocol's tables are there until libpurple quits.
    unsafe {
        let plugin = purple_sys::purple_connection_get_prpl(gc).as_ref()?;
        plugin.info.as_ref()?.extra_info.cast::<purple_sys::PurplePluginProtocolInfo>().as_ref()
    }
}

/// Cannot sign on without a port to be reached at (SIP), which only `egress.listen` gives.
const LISTENS: &str = "prpl-simple";

/// Whether accounts of this protocol may be had here.
fn is_allowed(config: &BridgeConfig, id: &str) -> bool {
    if id == LISTENS && !config.listen {
        return false;
    }
    let named = config.protocols_allow.iter().any(|name| name == id);
    let wanted = if config.protocols_allow.is_empty() { !RISKY.contains(&id) } else { named };
    wanted && !config.protocols_deny.iter().any(|name| name == id)
}

/// All that are offered.
#[cfg(test)]
pub(super) fn all(_: OnPurple) -> Vec<Protocol> {
    OFFERED.with_borrow(|all| all.iter().map(|one| one.protocol.clone()).collect())
}

fn offered<T>(id: &str, read: impl FnOnce(&Offered) -> T) -> Option<T> {
    OFFERED.with_borrow(|all| all.iter().find(|one| one.protocol.id == id).map(read))
}

fn with<T>(id: &str, read: impl FnOnce(&Protocol) -> T) -> Option<T> {
    offered(id, |one| read(&one.protocol))
}

/// What the protocol can do; empty for one that is not offered. Names as in [`crate::model::Account::features`].
pub(super) fn features(_: OnPurple, protocol: &str) -> Features {
    with(protocol, |protocol| protocol.features).unwrap_or_default()
}

/// Limits of the user's own icon; `None` where the protocol has no icons.
pub(super) fn icon_spec(_: OnPurple, protocol: &str) -> Option<IconSpec> {
    with(protocol, |protocol| protocol.icon_spec.clone()).flatten()
}

/// Whether an account of it cannot sign on without a password.
pub(super) fn password_required(_: OnPurple, protocol: &str) -> bool {
    with(protocol, |protocol| protocol.password == PasswordNeed::Required).unwrap_or(false)
}

fn not_offered() -> CommandError {
    CommandError::new("no_such_protocol", "This site does not offer this network.").at("protocol")
}

/// The values that the plugin announces, those of options that are kept back too. A text without one is not among them: the plugin falls back to
/// what it passes when it asks.
pub(super) fn announced(_: OnPurple, protocol: &str) -> BTreeMap<String, Value> {
    offered(protocol, |one| one.announced.clone()).unwrap_or_default()
}

/// The options that a user may see and set.
pub(super) fn options(_: OnPurple, protocol: &str) -> Vec<ProtocolOption> {
    with(protocol, |protocol| protocol.options.clone()).unwrap_or_default()
}

/// Checks settings against what the plugin declares.
///
/// # Errors
/// A protocol that is not offered; a key that the plugin does not declare, or a value of another type, out of range or not among the
/// choices. `field` is the key then.
pub(super) fn check_options(_: OnPurple, protocol: &str, options: &BTreeMap<String, Value>) -> Result<(), CommandError> {
    with(protocol, |protocol| crate::options::check(&protocol.options, options)).unwrap_or_else(|| Err(not_offered()))
}

/// The user name as libpurple has it: parts joined by the protocol's separators, missing ones by their defaults.
///
/// # Errors
/// A protocol that is not offered; an empty or unusable part (`field` is `username`).
pub(super) fn join_username(_: OnPurple, protocol: &str, username: &Username) -> Result<String, CommandError> {
    with(protocol, |protocol| check::username(&protocol.username, &protocol.options, username)).unwrap_or_else(|| Err(not_offered()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn risky_protocols_need_to_be_named() {
        let mut config = BridgeConfig::default();
        assert!(is_allowed(&config, "prpl-jabber"));
        assert!(!is_allowed(&config, "prpl-zephyr") && !is_allowed(&config, "prpl-bonjour"));
        config.protocols_allow = vec!["prpl-irc".to_owned(), "prpl-zephyr".to_owned()];
        assert!(is_allowed(&config, "prpl-zephyr") && is_allowed(&config, "prpl-irc") && !is_allowed(&config, "prpl-jabber"));
        config.protocols_deny = vec!["prpl-irc".to_owned()];
        assert!(!is_allowed(&config, "prpl-irc"));
        let mut config = BridgeConfig::default();
        assert!(!is_allowed(&config, "prpl-simple"), "nobody can be reached");
        config.listen = true;
        assert!(is_allowed(&config, "prpl-simple"));
    }

    #[test]
    fn libpurples_own_protocols_are_told_whole() {
        super::super::testing::with_core("purple::protocols::tests::libpurples_own_protocols_are_told_whole", |core| {
            told_whole(&catalogue(core.token, &BridgeConfig::default()));
        });
    }

    fn told_whole(protocols: &[Protocol]) {
        let find = |id: &str| protocols.iter().find(|protocol| protocol.id == id).unwrap();
        let xmpp = find("prpl-jabber");
        assert_eq!((xmpp.name.as_str(), xmpp.icon.as_str()), ("XMPP", "jabber"));
        assert_eq!(xmpp.username.splits.iter().map(|split| split.separator.as_str()).collect::<Vec<_>>(), ["@", "/"]);
        assert_eq!(xmpp.password, PasswordNeed::Optional);
        let port = xmpp.options.iter().find(|option| option.key == "port").unwrap();
        assert_eq!(port.default, Value::Int(5222));
        let security = xmpp.options.iter().find(|option| option.key == "connection_security").unwrap();
        assert!(security.choices.iter().any(|choice| choice.value == "require_tls"), "{security:?}");
        assert_eq!(xmpp.room_fields.iter().map(|field| field.key.as_str()).collect::<Vec<_>>(), ["room", "server", "handle", "password"]);
        assert!(xmpp.room_fields[0].required && xmpp.room_fields[3].masked);
        assert!(xmpp.statuses.iter().any(|status| status.id == "dnd" && status.attributes.iter().any(|name| name == "message")));
        for feature in
            ["im", "rooms", "room_list", "room_topic", "room_invite", "typing", "icons", "block", "info", "register", "attention", "menu"]
        {
            assert!(xmpp.features.has(feature), "XMPP has no {feature}: {:?}", xmpp.features);
        }
        let icon = xmpp.icon_spec.as_ref().unwrap();
        assert_eq!((icon.formats.as_slice(), icon.min_width, icon.max_width, icon.max_height), (["png".to_owned()].as_slice(), 32, 96, 96));
        let irc = find("prpl-irc");
        assert_eq!(irc.icon_spec, None);
        assert_eq!((irc.username.splits.len(), irc.username.label.as_str()), (1, "Nick"));
        let default = |key: &str| &irc.options.iter().find(|option| option.key == key).unwrap().default;
        assert_eq!((default("ssl"), default("port")), (&Value::Bool(true), &Value::Int(6697)), "IRC begins with TLS");
        assert!(!irc.features.has("typing"));
        assert!(protocols.iter().all(|protocol| protocol.id != "prpl-zephyr"));
    }

    #[test]
    fn accounts_are_checked_by_the_plugins_words() {
        super::super::testing::with_core("purple::protocols::tests::accounts_are_checked_by_the_plugins_words", |core| {
            let token = core.token;
            let named =
                |parts: &[&str]| Username::Parts { user: "ines".to_owned(), parts: parts.iter().map(|part| (*part).to_owned()).collect() };
            assert_eq!(join_username(token, "prpl-jabber", &named(&["example.org"])).unwrap(), "ines@example.org");
            assert_eq!(join_username(token, "prpl-jabber", &named(&["example.org", "desk"])).unwrap(), "ines@example.org/desk");
            assert!(join_username(token, "prpl-irc", &named(&[])).unwrap().starts_with("ines@"));
            assert_eq!(join_username(token, "prpl-jabber", &named(&[])).unwrap_err().field.as_deref(), Some("username"));
            assert_eq!(join_username(token, "prpl-zephyr", &named(&[])).unwrap_err().code, "no_such_protocol");
            let options = BTreeMap::from([("tzc_command".to_owned(), Value::Text("/bin/sh".to_owned()))]);
            assert_eq!(check_options(token, "prpl-jabber", &options).unwrap_err().field.as_deref(), Some("tzc_command"));
            assert_eq!(features(token, "prpl-nothing"), Features::default());
        });
    }
}
