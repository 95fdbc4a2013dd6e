//! Nothing of a user stays on the machine: the directory that libpurple would keep its files in is private, empty of them, and gone in the end.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use bridge::command::CommandKind;
use bridge::config::BridgeConfig;
use bridge::event::Outcome;
use bridge::id::AccountId;
use bridge::model::{AccountState, Status, StatusKind};
use common::{Running, add, xmpp};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use support::{Prosody, XmppPeer};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x20\0\0\0\x20\x08\x06\0\0\0 a picture of Ines";

/// All files below, with what is in them.
fn files(below: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = std::fs::read_dir(below).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                files(&path)
            } else {
                let bytes = std::fs::read(&path).unwrap_or_default();
                vec![(path, bytes)]
            }
        })
        .collect()
}

#[test]
fn a_session_leaves_nothing_on_the_disk() {
    let parent = std::env::temp_dir().join(format!("bellflower-private-{}", std::process::id()));
    // Where libpurple would look for a home otherwise.
    let home = parent.join("home");
    std::fs::create_dir_all(&home).unwrap();
    // SAFETY: this test is the only one of its process, and no thread of ours reads the environment yet.
    unsafe { std::env::set_var("HOME", &home) };
    let prosody = Prosody::builder().users(["ines", "noor"]).friends("ines", "noor", "Friends").start();
    let mut running = Running::with(BridgeConfig { private_dir: Some(parent.clone()), ..Running::config() });
    let private = parent.join(format!("bellflower-{}", std::process::id()));
    assert_eq!(std::fs::metadata(&private).unwrap().permissions().mode() & 0o777, 0o700);

    // Everything that libpurple or XMPP's plugin keeps a file for: accounts, list, status, pictures, logs, capabilities.
    let mut noor = XmppPeer::connect(&prosody, "noor");
    running.send(1, add(10, xmpp(&prosody, "ines", &prosody.password("ines"))));
    running.stands(10, AccountState::Online);
    running.run(1, CommandKind::SetAccountIcon { account: AccountId(10), image: Some(PNG.to_vec()) }).unwrap();
    let status = Status { status: StatusKind::Away, message: Some("watering".to_owned()) };
    running.run(1, CommandKind::SetStatus { status, attributes: Default::default(), accounts: None }).unwrap();
    let open = CommandKind::OpenConversation { account: AccountId(10), name: prosody.jid("noor"), only_open: false };
    let Some(Outcome::Conversation(conversation)) = running.run(1, open).unwrap() else { panic!("no conversation") };
    let say = CommandKind::SendMessage { conversation, text: "to be forgotten".to_owned(), html: "to be forgotten".to_owned() };
    running.run(1, say).unwrap();
    noor.hears("to be forgotten");
    noor.send(&format!(
        "<presence to='{}'><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='http://noor.example/' ver='abc='/></presence>",
        prosody.jid("ines")
    ));
    noor.say(&prosody.jid("ines"), "to be forgotten, too");
    running.wait("the answer", |event| format!("{:?}", event.kind).contains("to be forgotten, too"));
    // libpurple writes five seconds after a change, at the latest when it ends.
    let looked_at = |place: &Path| {
        for (path, bytes) in files(place) {
            let text = String::from_utf8_lossy(&bytes);
            let found =
                ["ines", "noor", "secret", "forgotten", "watering", "localhost", "PNG"].into_iter().find(|word| text.contains(word));
            assert_eq!(found, None, "{}: {text}", path.display());
            assert!(path.extension().is_none_or(|extension| extension != "xml"), "{}", path.display());
        }
    };
    let quit = std::time::Instant::now() + std::time::Duration::from_millis(5500);
    while std::time::Instant::now() < quit {
        running.turn();
        looked_at(&private);
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    drop(running);
    assert!(!private.exists(), "the directory is still there");
    looked_at(&home);
    std::fs::remove_dir_all(&parent).unwrap();
}
