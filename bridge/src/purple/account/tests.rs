//! The form of a protocol and the account it makes: what the one shows, the other has, whatever its plugin would fall back to.

use super::*;
use crate::model::{OptionType, ProtocolOption};
use crate::purple::testing::{Core, settings, with_mischief};
use std::ffi::CStr;

/// What libpurple itself has, asked for with a fallback that no option announces; `None` is that fallback.
fn has(purple: *mut PurpleAccount, option: &ProtocolOption) -> Option<Value> {
    const FALLBACK: &CStr = c"\x01none";
    let key = in_process(&option.key);
    // SAFETY: a live account and C strings; the text is copied.
    unsafe {
        match option.kind {
            OptionType::Bool => {
                let ask = |fallback| purple_sys::purple_account_get_bool(purple, key.as_ptr(), fallback) != 0;
                (ask(0) == ask(1)).then(|| Value::Bool(ask(0)))
            }
            OptionType::Int => {
                let ask = |fallback| purple_sys::purple_account_get_int(purple, key.as_ptr(), fallback);
                (ask(-77) == ask(-78)).then(|| Value::Int(i64::from(ask(-77))))
            }
            OptionType::String | OptionType::Choice => {
                let text = borrowed(purple_sys::purple_account_get_string(purple, key.as_ptr(), FALLBACK.as_ptr()));
                text.filter(|text| text.as_bytes() != FALLBACK.to_bytes()).map(Value::Text)
            }
        }
    }
}

fn differing(core: &Core, id: u64) -> BTreeMap<String, Value> {
    describe(core.token, AccountId(id)).unwrap().options
}

#[test]
fn an_account_has_every_option_that_its_form_shows() {
    with_mischief("purple::account::tests::an_account_has_every_option_that_its_form_shows", |core| {
        let mut seen = 0;
        for (number, protocol) in protocols::all(core.token).into_iter().enumerate() {
            let id = number as u64 + 1;
            let username = if protocol.username.splits.is_empty() { "12345" } else { "ines@example.org" };
            let purple = core.add(id, id, settings(&protocol.id, username));
            let announced = protocols::announced(core.token, &protocol.id);
            for option in &protocol.options {
                // A text that is shown empty may be one without an announced value: what the plugin falls back to is its own then.
                let empty = option.default == Value::Text(String::new()) && !announced.contains_key(&option.key);
                let wanted = (!empty).then(|| option.default.clone());
                assert_eq!(has(purple, option), wanted, "{} {}", protocol.id, option.key);
                seen += 1;
            }
            assert_eq!(differing(core, id), BTreeMap::new(), "{}", protocol.id);
        }
        assert!(seen > 20, "only {seen} options");
    });
}

#[test]
fn what_is_set_and_taken_back_is_what_libpurple_has() {
    with_mischief("purple::account::tests::what_is_set_and_taken_back_is_what_libpurple_has", |core| {
        let token = core.token;
        let declared = protocols::options(token, "prpl-jabber");
        let option = |key: &str| declared.iter().find(|option| option.key == key).unwrap();
        let text = |text: &str| Value::Text(text.to_owned());
        let given = [("connection_security", text("opportunistic_tls")), ("connect_server", text("127.0.0.1")), ("port", Value::Int(5223))];
        let given = BTreeMap::from(given.map(|(key, value)| (key.to_owned(), value)));
        let purple = core.add(1, 10, AccountSettings { options: given.clone(), ..settings("prpl-jabber", "ines@example.org") });
        assert_eq!(differing(core, 10), given);
        for (key, value) in &given {
            assert_eq!(has(purple, option(key)).as_ref(), Some(value));
        }
        let change = |options: &[(&str, Value)]| {
            let options = options.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
            update(token, UserId(1), AccountId(10), None, None, options)
        };
        change(&[("connection_security", text("require_tls")), ("connect_server", text("")), ("auth_plain_in_clear", Value::Bool(true))])
            .unwrap();
        // Its fallback is the plugin's own again, and the encryption that the form shows is said in words.
        assert_eq!((has(purple, option("connect_server")), has(purple, option("connection_security"))), (None, Some(text("require_tls"))));
        let kept = BTreeMap::from([("auth_plain_in_clear".to_owned(), Value::Bool(true)), ("port".to_owned(), Value::Int(5223))]);
        assert_eq!(differing(core, 10), kept);
        for (key, value) in [("port", Value::Int(-1)), ("port", Value::Int(70_000)), ("connect_server", text("127.0.0.1:5222"))] {
            let error = change(&[(key, value.clone())]).unwrap_err();
            assert_eq!((error.code.as_str(), error.field.as_deref()), ("bad_option", Some(key)), "{value:?}");
        }
        assert_eq!(differing(core, 10), kept);
    });
}

#[test]
fn a_port_of_no_protocol_can_be_what_no_server_has() {
    with_mischief("purple::account::tests::a_port_of_no_protocol_can_be_what_no_server_has", |core| {
        let mut ports = 0;
        for protocol in protocols::all(core.token) {
            for option in
                protocol.options.iter().filter(|option| option.kind == OptionType::Int && option.label.to_lowercase().contains("port"))
            {
                ports += 1;
                for port in [-1, 0, 65_536, 70_000] {
                    let given = BTreeMap::from([(option.key.clone(), Value::Int(port))]);
                    let taken = protocols::check_options(core.token, &protocol.id, &given).is_ok();
                    assert_eq!(taken, option.default == Value::Int(port), "{} {} {port}", protocol.id, option.key);
                }
            }
        }
        assert!(ports > 3, "only {ports} ports");
    });
}

#[test]
fn the_port_follows_tls_unless_its_user_chose_one() {
    with_mischief("purple::account::tests::the_port_follows_tls_unless_its_user_chose_one", |core| {
        let map =
            |options: &[(&str, Value)]| options.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect::<BTreeMap<_, _>>();
        let (ssl, port) = (|on| ("ssl", Value::Bool(on)), |port| ("port", Value::Int(port)));
        let old = ("connection_security", Value::Text("old_ssl".to_owned()));
        for (id, protocol, given, shown) in [
            // Without a word, TLS; a port alone is of before that was so.
            (10, "prpl-irc", vec![], vec![]),
            (11, "prpl-irc", vec![ssl(false)], vec![ssl(false), port(6667)]),
            (12, "prpl-irc", vec![ssl(true), port(7000)], vec![port(7000)]),
            (14, "prpl-irc", vec![port(7000)], vec![ssl(false), port(7000)]),
            (15, "prpl-irc", vec![port(6697)], vec![]),
            (13, "prpl-jabber", vec![old.clone()], vec![old.clone(), port(5223)]),
        ] {
            core.add(1, id, AccountSettings { options: map(&given), ..settings(protocol, "ines@example.org") });
            assert_eq!(differing(core, id), map(&shown), "{given:?}");
        }
        for (id, given, shown) in [
            (11, vec![ssl(true)], vec![]),
            (11, vec![ssl(false)], vec![ssl(false), port(6667)]),
            (12, vec![ssl(false)], vec![ssl(false), port(7000)]),
        ] {
            update(core.token, UserId(1), AccountId(id), None, None, map(&given)).unwrap();
            assert_eq!(differing(core, id), map(&shown), "{given:?}");
        }
    });
}
