//! The plugin rules, and the probe as libpurple makes it, over the plugins that are installed here.

use super::*;
use crate::purple::alone;
use std::collections::BTreeMap;
use std::fs;

fn config() -> BridgeConfig {
    BridgeConfig::default()
}

fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(|name| (*name).to_owned()).collect()
}

fn system(file: &str) -> PathBuf {
    PathBuf::from("/usr/lib/purple-2").join(file)
}

#[test]
fn files_that_nobody_named_stay_closed() {
    let choice = Choice::new(&config());
    for file in [
        "perl.so",
        "tcl.so",
        "ssl.so",
        "ssl-nss.so",
        "nss-prefs.so",
        "dbus-example.so",
        "autoaccept.so",
        "log_reader.so",
        "lurch.so",
        "pidgin-otr.so",
        "libzephyr.so",
        "libbonjour.so",
        "libjabber.so",
        "jabber_http_file_upload.so",
    ] {
        assert!(choice.may_open(&system(file)).is_err(), "{file}");
    }
    // Carbons belong to XMPP and are loaded with it, wherever they are.
    for file in ["libxmpp.so", "libirc.so", "libgg.so", "libdiscord.so", "carbons.so"] {
        assert_eq!(choice.may_open(&system(file)), Ok(()), "{file}");
    }
    // Some are called like protocols; what they are is seen once they are open.
    assert!(choice.may_load(&system("liblurch.so"), "core-riba-lurch", false).is_err());
}

#[test]
fn what_ended_others_stays_closed_even_when_it_is_named() {
    let (bad, good) = (system("libxmpp.so"), system("libirc.so"));
    let allow = names(&["prpl-jabber", "prpl-irc"]);
    let choice = Choice::new(&BridgeConfig { plugins_left_out: vec![bad.clone()], protocols_allow: allow, ..config() });
    assert_eq!(choice.may_open(&bad), Err("it ended the processes that opened it"));
    assert_eq!(choice.may_open(&good), Ok(()));
    // Another file of that name is another plugin.
    assert_eq!(choice.may_open(&PathBuf::from("/own/libxmpp.so")), Ok(()));
}

#[test]
fn configuration_opens_them() {
    let choice = Choice::new(&BridgeConfig { native_tls: true, ..config() });
    assert!(choice.may_open(&system("ssl.so")).is_ok() && choice.may_open(&system("ssl-nss.so")).is_ok());
    assert!(choice.may_open(&system("perl.so")).is_err());

    let choice = Choice::new(&BridgeConfig { plugins_load: names(&["perl", "autoaccept"]), ..config() });
    assert!(choice.may_open(&system("perl.so")).is_ok() && choice.may_open(&system("autoaccept.so")).is_ok());
    assert!(choice.may_open(&system("tcl.so")).is_err());

    let choice = Choice::new(&BridgeConfig { protocols_allow: names(&["prpl-irc", "prpl-zephyr"]), ..config() });
    assert!(choice.may_open(&system("libzephyr.so")).is_ok() && choice.may_open(&system("libirc.so")).is_ok());
    assert!(choice.may_open(&system("libxmpp.so")).is_err());
    assert!(choice.may_load(&system("libother.so"), "prpl-other", true).is_err());

    let choice = Choice::new(&BridgeConfig { protocols_deny: names(&["prpl-irc", "prpl-other"]), ..config() });
    assert!(choice.may_open(&system("libirc.so")).is_err() && choice.may_open(&system("libother.so")).is_ok());
    assert!(choice.may_load(&system("libother.so"), "prpl-other", true).is_err());
    // Denying outranks allowing.
    let both = BridgeConfig { protocols_allow: names(&["prpl-irc"]), protocols_deny: names(&["prpl-irc"]), ..config() };
    assert!(Choice::new(&both).may_open(&system("libirc.so")).is_err());
}

#[test]
fn a_plugin_is_found_by_the_id_inside_its_file_and_own_directories_come_first() {
    let directory = std::env::temp_dir().join(format!("bellflower-plugins-{}", std::process::id()));
    let (own, theirs) = (directory.join("own"), directory.join("theirs"));
    fs::create_dir_all(&own).unwrap();
    fs::create_dir_all(&theirs).unwrap();
    fs::write(own.join("libirc.so"), b"").unwrap();
    fs::write(own.join("matrix.so"), b"").unwrap();
    fs::write(own.join("tcl.so"), b"").unwrap();
    fs::write(own.join("readme.txt"), b"").unwrap();
    fs::write(theirs.join("libirc.so"), b"").unwrap();
    fs::write(theirs.join("lurch.so"), b"\0core-rost\0core-lurch\0").unwrap();
    fs::write(theirs.join("lurch2.so"), b"\0core-lurching\0").unwrap();
    let choice = Choice::new(&BridgeConfig { plugin_paths: vec![own.clone()], plugins_load: names(&["core-lurch"]), ..config() });
    let files = choice.files(std::slice::from_ref(&theirs));
    assert_eq!(
        files,
        [own.join("libirc.so"), own.join("matrix.so"), own.join("tcl.so"), theirs.join("lurch.so"), theirs.join("lurch2.so")]
    );
    let opened: Vec<bool> = files.iter().map(|file| choice.may_open(file).is_ok()).collect();
    assert_eq!(opened, [true, true, false, true, false]);
    assert!(choice.is_to_be_loaded(&theirs.join("lurch.so"), "core-lurch"));
    assert!(!choice.is_to_be_loaded(&theirs.join("lurch2.so"), "core-lurching"));
    fs::remove_dir_all(&directory).unwrap();
}

/// Every library that is mapped into this process, by file name.
fn mapped() -> String {
    fs::read_to_string("/proc/self/maps").unwrap()
}

fn start(token: OnPurple, config: &BridgeConfig) -> BTreeMap<String, PluginReport> {
    alone::core(token, config);
    let name = |report: &PluginReport| report.file.file_name().unwrap().to_string_lossy().into_owned();
    REPORTS.with_borrow(Clone::clone).into_iter().map(|report| (name(&report), report)).collect()
}

#[test]
fn core_init_opens_only_what_is_wanted() {
    alone::run("purple::interpose::plugins::tests::core_init_opens_only_what_is_wanted", |token| {
        let reports = start(token, &config());
        assert_eq!(reports["libxmpp.so"].outcome, PluginOutcome::Loaded);
        assert_eq!(reports["libxmpp.so"].id.as_deref(), Some("prpl-jabber"));
        assert_eq!(reports["libirc.so"].outcome, PluginOutcome::Loaded);
        let about = reports["libxmpp.so"].about.as_ref().unwrap();
        assert_eq!((about.kind.as_str(), about.name.as_str()), ("protocol", "XMPP"));
        assert!(about.version.starts_with("2."), "{about:?}");
        assert!(matches!(reports["libzephyr.so"].outcome, PluginOutcome::Skipped(why) if why.contains("not safe")));
        assert_eq!((reports["libzephyr.so"].id.as_deref(), &reports["libzephyr.so"].about), (Some("prpl-zephyr"), &None));
        let mapped = mapped();
        assert!(mapped.contains("libxmpp.so") && mapped.contains("libirc.so"));
        for file in
            ["libzephyr", "libbonjour", "/perl.so", "/tcl.so", "/ssl.so", "ssl-nss.so", "autoaccept.so", "libperl", "libtcl", "libnss3"]
        {
            assert!(!mapped.contains(file), "{file} was opened");
        }
        // The modules that libsasl2 opened for libjabber: by its own search, without those of Kerberos and servers.
        assert!(mapped.contains("libscram") && !mapped.contains("libsasldb"), "libsasl2's modules were not filtered");
        // SAFETY: live C strings.
        let irc = unsafe { purple_sys::purple_find_prpl(c"prpl-irc".as_ptr()) };
        assert!(!irc.is_null());
    });
}

#[test]
fn an_allow_list_and_a_named_plugin_are_obeyed() {
    alone::run("purple::interpose::plugins::tests::an_allow_list_and_a_named_plugin_are_obeyed", |token| {
        let wanted = BridgeConfig { protocols_allow: names(&["prpl-irc"]), plugins_load: names(&["core-psychic"]), ..config() };
        let reports = start(token, &wanted);
        assert_eq!(reports["libirc.so"].outcome, PluginOutcome::Loaded);
        assert!(matches!(reports["libxmpp.so"].outcome, PluginOutcome::Skipped(why) if why.contains("protocols.allow")));
        assert!(!mapped().contains("libxmpp"));
        assert_eq!(reports["psychic.so"].outcome, PluginOutcome::Waiting);
        load_plugins(token);
        let settled = plugin_reports();
        let loaded: Vec<_> = settled.iter().filter(|report| report.state == "loaded").map(|report| report.id.as_deref()).collect();
        assert_eq!(loaded, [Some("prpl-irc"), Some("core-psychic")]);
    });
}
