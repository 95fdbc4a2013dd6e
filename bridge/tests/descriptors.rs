//! With more than 1024 descriptors open a name is found, and an account connects, reads and writes over a high one. libpurple's own look-ups
//! fork, and their children end at the first number that does not fit into an `fd_set`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use bridge::command::{AccountSettings, CommandKind};
use bridge::config::BridgeConfig;
use bridge::event::EventKind;
use bridge::model::{AccountState, Value};
use common::{Running, add, xmpp};
use std::fs::File;
use std::os::fd::AsRawFd;
use support::{Prosody, XmppPeer};

/// What an `fd_set` holds.
const FEW: i32 = libc::FD_SETSIZE as i32;

/// Takes every number up to some beyond [`FEW`], for as long as the files are kept.
fn take_all() -> Vec<File> {
    // SAFETY: zeroes are a value, and it lives through both calls.
    unsafe {
        let mut limit: libc::rlimit = std::mem::zeroed();
        libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit);
        limit.rlim_cur = limit.rlim_max.min(8192);
        libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit);
    }
    let mut files = Vec::new();
    while files.last().is_none_or(|file: &File| file.as_raw_fd() < FEW + 64) {
        files.push(File::open("/dev/null").expect("this system allows more than 1100 descriptors"));
    }
    files
}

/// The descriptor that is connected to that port of this machine, of those beyond [`FEW`].
fn high_one_to(port: u16) -> Option<i32> {
    (FEW..FEW + 4096).find(|fd| {
        // SAFETY: zeroes are a value; the place is as long as said.
        let (outcome, peer) = unsafe {
            let mut peer: libc::sockaddr_in = std::mem::zeroed();
            let mut length = size_of::<libc::sockaddr_in>() as libc::socklen_t;
            (libc::getpeername(*fd, (&raw mut peer).cast(), &raw mut length), peer)
        };
        outcome == 0 && libc::c_int::from(peer.sin_family) == libc::AF_INET && u16::from_be(peer.sin_port) == port
    })
}

#[test]
fn accounts_work_beyond_the_first_thousand_descriptors() {
    let prosody = Prosody::with_users(["ines", "bob"]);
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let names = std::env::temp_dir().join(format!("bellflower-descriptors-{}", std::process::id()));
    std::fs::create_dir_all(&names).unwrap();
    std::fs::write(names.join("resolv.conf"), "nameserver 127.0.0.1\n").unwrap();
    // A name that libpurple's own look-up finds, too, while it has descriptors; both sorts of address, so that no name server is asked.
    std::fs::write(names.join("hosts"), "127.0.0.1 localhost\n::1 localhost\n").unwrap();
    let files = take_all();

    let mut running = Running::with(BridgeConfig { names: Some(names.clone()), ..Running::config() });
    let mut settings: AccountSettings = xmpp(&prosody, "ines", &prosody.password("ines"));
    settings.options.insert("connect_server".to_owned(), Value::Text("localhost".to_owned()));
    running.send(1, add(10, settings));
    let settled = running.wait("how the sign-on ends", |event| {
        matches!(&event.kind, EventKind::AccountState { standing, .. } if ![AccountState::Offline, AccountState::Connecting].contains(&standing.state))
    });
    let EventKind::AccountState { standing, .. } = settled.kind else { unreachable!() };
    assert_eq!(standing.state, AccountState::Online, "{standing:?}");
    assert!(high_one_to(prosody.port()).is_some(), "the account has one of the first {FEW} descriptors, which all are taken");

    bob.say("ines@localhost", "from far up");
    let heard =
        running.wait("bob's word", |event| matches!(&event.kind, EventKind::MessageAdded { message, .. } if message.html == "from far up"));
    let EventKind::MessageAdded { conversation, .. } = heard.kind else { unreachable!() };
    let (text, html) = ("heard up here".to_owned(), "heard up here".to_owned());
    running.run(1, CommandKind::SendMessage { conversation, text, html }).unwrap();
    bob.hears("heard up here");
    drop(files);
    std::fs::remove_dir_all(&names).unwrap();
}
