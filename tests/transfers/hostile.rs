//! A contact that keeps to no protocol: streams before their time, and of any size.

use serde_json::json;
use support::{Daemon, Prosody, XmppPeer};

use super::{BELLFLOWER, INES};

const IBB: &str = "http://jabber.org/protocol/ibb";
const SI: &str = "http://jabber.org/protocol/si";
const FILE: &str = "http://jabber.org/protocol/si/profile/file-transfer";

#[test]
fn nothing_comes_before_it_is_accepted() {
    let prosody = Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").start();
    let daemon = Daemon::run(BELLFLOWER);
    let mut ines = daemon.client("ines-tab");
    ines.sign_in_xmpp(&prosody, "ines");
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let worker = |daemon: &Daemon| {
        let workers = daemon.workers();
        workers.iter().find(|worker| worker["load"]["accounts"] == 1).map(|worker| worker["pid"].clone())
    };
    let before = worker(&daemon);
    assert!(before.is_some(), "a worker has the account");
    let refused = |bob: &mut XmppPeer, block: &str| {
        bob.send(&format!("<iq type='set' id='open' to='{INES}'><open xmlns='{IBB}' sid='one' block-size='{block}'/></iq>"));
        let answer = bob.wait_for("a no", |stanza| stanza.name == "iq" && stanza.is("id", "open"));
        assert!(answer.is("type", "error"), "blocks of {block}: {answer:?}");
    };
    bob.send(&format!(
        "<iq type='set' id='offer' to='{INES}'><si xmlns='{SI}' id='one' profile='{FILE}'><file xmlns='{FILE}' name='a.txt' size='5'/>\
         <feature xmlns='http://jabber.org/protocol/feature-neg'><x xmlns='jabber:x:data' type='form'>\
         <field var='stream-method' type='list-single'><option><value>{IBB}</value></option></field></x></feature></si></iq>"
    ));
    let event = ines.wait_event("the offer", |event| event["type"] == "transfer.opened");
    let id = event["transfer"]["id"].as_str().expect("an id").to_owned();
    for block in ["4096", "-1"] {
        refused(&mut bob, block);
    }
    bob.send(&format!("<iq type='set' id='data' to='{INES}'><data xmlns='{IBB}' sid='one' seq='0'>aGVsbG8=</data></iq>"));
    let answer = bob.wait_for("a no", |stanza| stanza.name == "iq" && stanza.is("id", "data"));
    assert!(answer.is("type", "error"), "{answer:?}");
    ines.carry_out("transfer.accept", json!({ "transfer": id }));
    refused(&mut bob, "-1");
    bob.send(&format!("<iq type='set' id='open' to='{INES}'><open xmlns='{IBB}' sid='one' block-size='4096'/></iq>"));
    bob.wait_for("a yes", |stanza| stanza.name == "iq" && stanza.is("id", "open") && stanza.is("type", "result"));
    bob.send(&format!("<iq type='set' id='data' to='{INES}'><data xmlns='{IBB}' sid='one' seq='0'>aGVsbG8=</data></iq>"));
    let mut download = ines.fetch(&id);
    assert_eq!(download.rest().expect("the whole file"), b"hello");
    ines.wait_event("its end", |event| event["type"] == "transfer.closed" && event["state"] == "done");
    assert_eq!(worker(&daemon), before, "a worker ended");
}
