//! Files over IRC (DCC SEND): incoming ones always, outgoing ones where the daemon may listen.

use super::BELLFLOWER;
use serde_json::json;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use support::{Daemon, IrcPeer, Ngircd, PATIENCE, WireClient, wait_until};

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

/// Bob offers the file; gives the transfer's id, and where he waits to be fetched from.
fn offered(ines: &mut WireClient, bob: &mut IrcPeer) -> (String, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its number").port();
    bob.say("ines", &format!("\u{1}DCC SEND a.png 2130706433 {port} {SIZE}\u{1}"));
    let event = ines.wait_event("the offer", |event| event["type"] == "transfer.opened");
    assert_eq!((&event["transfer"]["name"], &event["transfer"]["size"]), (&json!("a.png"), &json!(SIZE)));
    (event["transfer"]["id"].as_str().expect("an id").to_owned(), listener)
}

/// Ines offers so many bytes; gives the transfer's id, and name, port and size of the offer.
fn offers(ines: &mut WireClient, bob: &mut IrcPeer, size: usize) -> (String, [String; 3]) {
    let upload = ines.upload("a%20%22b%22.png", size).ok();
    let conversation = ines.open("bob");
    let sent = ines.carry_out("transfer.send", json!({ "conversation": conversation, "upload": upload["upload"] }));
    let offer = bob.wait_for("the offer", |line| line.params.get(1).is_some_and(|text| text.contains("DCC SEND")));
    let text = offer.params[1].trim_matches('\u{1}').to_owned();
    let (name, rest) = text.strip_prefix("DCC SEND \"").and_then(|rest| rest.split_once("\" ")).expect("a name in quotes");
    let numbers: Vec<&str> = rest.split(' ').collect();
    (sent["transfer"].as_str().expect("an id").to_owned(), [name, numbers[1], numbers[2]].map(str::to_owned))
}

/// Connects to where a file is offered.
fn fetches(port: &str) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port.parse::<u16>().expect("a port"))).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time");
    stream
}

/// Reads until the other side has closed, after its last bytes, and without having read all of ours.
fn is_closed(mut stream: &TcpStream) {
    match std::io::copy(&mut stream, &mut std::io::sink()) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}"),
    }
}

fn nothing_is_staged(daemon: &Daemon) {
    let uploads = daemon.data_dir().join("uploads");
    wait_until("an empty directory of uploads", PATIENCE, || {
        std::fs::read_dir(&uploads).is_ok_and(|files| files.count() == 0).then_some(())
    });
}

#[test]
fn a_file_comes_from_an_irc_client() {
    let (_server, _daemon, mut ines, mut bob) = stage(false);
    for whole in [true, false] {
        let (id, listener) = offered(&mut ines, &mut bob);
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
    let (id, [name, port, size]) = offers(&mut ines, &mut bob, SIZE);
    assert_eq!((name, size), ("a b.png".to_owned(), SIZE.to_string()));
    let mut receiver = fetches(&port);
    let mut bytes = vec![0; SIZE];
    receiver.read_exact(&mut bytes).expect("the whole file");
    assert!(bytes == support::piece(0, SIZE));
    receiver.write_all(&u32::try_from(SIZE).expect("a size").to_be_bytes()).expect("acknowledging");
    assert_eq!(ended(&mut ines, &id), "done");
    nothing_is_staged(&daemon);
}

#[test]
fn a_file_from_an_irc_client_is_ended_by_its_receiver_at_each_stage() {
    let (_server, mut daemon, mut ines, mut bob) = stage(false);
    daemon.allow_log("Connection refused");
    // Declined, and accepted when nobody waits there any more.
    let (id, _listener) = offered(&mut ines, &mut bob);
    ines.carry_out("transfer.cancel", json!({ "transfer": id }));
    assert_eq!(ended(&mut ines, &id), "cancelled");
    let (id, listener) = offered(&mut ines, &mut bob);
    drop(listener);
    ines.carry_out("transfer.accept", json!({ "transfer": id }));
    assert_eq!(ended(&mut ines, &id), "failed");
    // Before the first byte, and half way.
    for bytes in [0, SIZE / 2] {
        let (id, listener) = offered(&mut ines, &mut bob);
        ines.carry_out("transfer.accept", json!({ "transfer": id }));
        let sender = listener.accept().expect("Ines's connection").0;
        sender.set_read_timeout(Some(PATIENCE)).expect("a time");
        (&sender).write_all(&support::piece(0, bytes)).expect("sending");
        let download = (bytes > 0).then(|| {
            let mut download = ines.fetch(&id);
            assert_eq!(download.take(bytes), support::piece(0, bytes));
            download
        });
        ines.carry_out("transfer.cancel", json!({ "transfer": id }));
        assert_eq!(ended(&mut ines, &id), "cancelled");
        if let Some(mut download) = download {
            download.rest().expect_err("half a file is no file");
        }
        is_closed(&sender);
    }
}

#[test]
fn a_file_to_an_irc_client_is_ended_by_either_at_each_stage() {
    const LONG: usize = 16 << 20;
    let (mut server, mut daemon, mut ines, mut bob) = stage(true);
    daemon.allow_log("Connection refused");
    // Taken back: nobody listens any more.
    let (id, [_, port, _]) = offers(&mut ines, &mut bob, SIZE);
    ines.carry_out("transfer.cancel", json!({ "transfer": id }));
    assert_eq!(ended(&mut ines, &id), "cancelled");
    TcpStream::connect(("127.0.0.1", port.parse::<u16>().expect("a port"))).expect_err("a port that is closed");
    // Half way, by the one, by the other, and by the end of the connection to the network.
    for (who, state) in [("ines", "cancelled"), ("bob", "failed"), ("the server", "failed")] {
        let (id, [_, port, _]) = offers(&mut ines, &mut bob, LONG);
        let mut receiver = fetches(&port);
        receiver.read_exact(&mut vec![0; SIZE]).expect("some of it");
        match who {
            "ines" => drop(ines.carry_out("transfer.cancel", json!({ "transfer": id }))),
            "bob" => receiver.shutdown(Shutdown::Both).expect("an end"),
            _ => server.kill(),
        }
        assert_eq!(ended(&mut ines, &id), state, "by {who}");
        is_closed(&receiver);
        nothing_is_staged(&daemon);
    }
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
