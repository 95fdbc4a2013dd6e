//! Files over IRC (DCC SEND): incoming ones always, outgoing ones where the daemon may listen.

use super::BELLFLOWER;
use serde_json::json;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use support::{Daemon, IrcPeer, Ngircd, WireClient};

const SIZE: usize = 300_000;

fn stage(listen: bool) -> (Ngircd, Daemon, WireClient, IrcPeer) {
    let server = Ngircd::builder().start();
    let daemon = if listen { Daemon::builder(BELLFLOWER).listening().start() } else { Daemon::run(BELLFLOWER) };
    let mut ines = daemon.client("ines-tab");
    ines.sign_in_irc(&server, "ines");
    let bob = IrcPeer::connect(&server, "bob");
    (server, daemon, ines, bob)
}

fn ended(ines: &mut WireClient, id: &str) -> String {
    let event = ines.wait_event("the end of the transfer", |event| event["type"] == "transfer.closed" && event["transfer"] == id);
    event["state"].as_str().expect("a state").to_owned()
}

/// Sends the file, and closes when all of it is acknowledged.
fn send(mut to: TcpStream) {
    to.write_all(&support::piece(0, SIZE)).expect("sending");
    let mut acknowledged = [0; 4];
    while u32::from_be_bytes(acknowledged) as usize != SIZE {
        to.read_exact(&mut acknowledged).expect("an acknowledgement");
    }
}

#[test]
fn a_file_comes_from_an_irc_client() {
    let (_server, _daemon, mut ines, mut bob) = stage(false);
    for whole in [true, false] {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its number").port();
        bob.say("ines", &format!("\u{1}DCC SEND a.png 2130706433 {port} {SIZE}\u{1}"));
        let event = ines.wait_event("the offer", |event| event["type"] == "transfer.opened");
        assert_eq!((&event["transfer"]["name"], &event["transfer"]["size"]), (&json!("a.png"), &json!(SIZE)));
        let id = event["transfer"]["id"].as_str().expect("an id").to_owned();
        ines.carry_out("transfer.accept", json!({ "transfer": id }));
        let sender = listener.accept().expect("Ines's connection").0;
        if whole {
            let sending = std::thread::spawn(move || send(sender));
            assert_eq!(ines.fetch(&id).check(0).expect("the whole file"), SIZE);
            assert_eq!(ended(&mut ines, &id), "done");
            sending.join().expect("the sender");
        } else {
            (&sender).write_all(&support::piece(0, 1000)).expect("sending");
            let mut download = ines.fetch(&id);
            drop(sender);
            download.rest().expect_err("half a file is no file");
            assert_eq!(ended(&mut ines, &id), "failed");
        }
    }
}

#[test]
fn a_file_goes_to_an_irc_client_where_the_daemon_may_listen() {
    let (_server, daemon, mut ines, mut bob) = stage(true);
    let upload = ines.upload("a%20%22b%22.png", SIZE).ok();
    let conversation = ines.open("bob");
    let id = ines.carry_out("transfer.send", json!({ "conversation": conversation, "upload": upload["upload"] }))["transfer"].clone();
    let id = id.as_str().expect("an id").to_owned();
    let offer = bob.wait_for("the offer", |line| line.params.get(1).is_some_and(|text| text.contains("DCC SEND")));
    let text = offer.params[1].trim_matches('\u{1}').to_owned();
    let (name, rest) = text.strip_prefix("DCC SEND \"").and_then(|rest| rest.split_once("\" ")).expect("a name in quotes");
    let numbers: Vec<&str> = rest.split(' ').collect();
    assert_eq!((name, numbers[2]), ("a b.png", &*SIZE.to_string()));
    let mut receiver = TcpStream::connect(("127.0.0.1", numbers[1].parse::<u16>().expect("a port"))).expect("a connection");
    let mut bytes = vec![0; SIZE];
    receiver.read_exact(&mut bytes).expect("the whole file");
    assert!(bytes == support::piece(0, SIZE));
    receiver.write_all(&u32::try_from(SIZE).expect("a size").to_be_bytes()).expect("acknowledging");
    assert_eq!(ended(&mut ines, &id), "done");
    let uploads = daemon.data_dir().join("uploads");
    support::wait_until("an empty directory of uploads", support::PATIENCE, || {
        std::fs::read_dir(&uploads).is_ok_and(|files| files.count() == 0).then_some(())
    });
}

#[test]
fn no_file_goes_to_an_irc_client_where_it_may_not() {
    let (_server, _daemon, mut ines, _bob) = stage(false);
    let upload = ines.upload("a.png", 1000).ok();
    let conversation = ines.open("bob");
    let command = ines.command("transfer.send", json!({ "conversation": conversation, "upload": upload["upload"] }));
    let error = ines.outcome(&command).expect_err("a file that cannot be fetched");
    assert_eq!((&error["code"], &error["message"]), (&json!("not_sent"), &json!("Unable to open a listening port.")));
}
