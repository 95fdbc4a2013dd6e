//! `make demo`: the daemon with a Prosody and an ngircd of its own, and people there who answer. It must not be reachable from elsewhere,
//! and ends everything it started.

#![allow(clippy::expect_used)]

use std::net::{Ipv4Addr, TcpListener};
use std::time::{Duration, Instant};

use support::{Daemon, Flaw, IrcPeer, Ngircd, Prosody, XmppPeer, free_port};

/// Name, group, presence, status text.
const PEOPLE: [(&str, &str, &str, &str); 6] = [
    ("bob", "Friends", "", "at the allotment"),
    ("carla", "Friends", "away", "making tea"),
    ("emil", "Friends", "", ""),
    ("dora", "Work", "dnd", "please knock"),
    ("frida", "Work", "", "reading drafts"),
    ("grandma", "Family", "xa", "asleep, most likely"),
];

const REPLIES: [&str; 6] = [
    "How nice to hear from you!",
    "Tell me more.",
    "I was just thinking of that.",
    "Hm, let me sleep on it.",
    "Ha! Really?",
    "See https://en.wikipedia.org/wiki/Campanula",
];

const CHATTER: [&str; 5] = [
    "The bluebells are out.",
    "Has anybody seen the watering can?",
    "It is going to rain, I can smell it.",
    "Two more days to the weekend.",
    "Cake in the kitchen.",
];

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let (Some(binary), Some(listen)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: demo BINARY ADDRESS:PORT");
        std::process::exit(64);
    };

    let mut builder =
        Prosody::builder().users(["ines", "otto"]).users(PEOPLE.map(|person| person.0)).tls(Flaw::None).port(preferably(5222));
    for owner in ["ines", "otto"] {
        for (name, group, ..) in PEOPLE {
            builder = builder.friends(owner, name, group);
        }
    }
    let prosody = builder.friends("ines", "otto", "Friends").start();
    let ngircd = Ngircd::builder().port(preferably(6667)).channel("#lounge", "Sit down, stay a while").start();
    let daemon = Daemon::builder(binary).listen(&listen).hold_ms(25_000).trust(prosody.authority_pem()).start();

    for (number, person) in PEOPLE.into_iter().enumerate() {
        let peer = XmppPeer::connect(&prosody, person.0);
        let room = prosody.room("garden");
        std::thread::spawn(move || live(peer, number, person, &room));
    }
    for (number, nick) in ["rosa", "tulip"].into_iter().enumerate() {
        let peer = IrcPeer::connect(&ngircd, nick);
        std::thread::spawn(move || live_on_irc(peer, number));
    }

    let at =
        |usual: u16, port: u16| if usual == port { String::new() } else { format!("  (under \"more\": server 127.0.0.1, port {port})") };
    println!("\nBellflower is at {}/\n", daemon.url());
    println!("  XMPP  ines@localhost  password {}{}", prosody.password("ines"), at(5222, prosody.port()));
    println!("        otto@localhost  password {}", prosody.password("otto"));
    println!("        room {}", prosody.room("garden"));
    println!("  IRC   any nick, server 127.0.0.1{}; channel #lounge", at(6667, ngircd.port()));
    println!("\nEverybody in the buddy list answers. Ctrl-C ends it all.");

    let mut terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).expect("a handler for SIGTERM");
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated.recv() => {}
    }
    println!("\nEnding.");
    // The people first, who would mourn their servers: their threads end with the process, after the servers have been told to stop.
    std::panic::set_hook(Box::new(|_| {}));
    drop((daemon, ngircd, prosody));
}

/// The usual port when it is free, so that nothing need be filled in but name and password; else any.
fn preferably(port: u16) -> u16 {
    if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() { port } else { free_port() }
}

/// Answers messages, with typing, and says something in the room now and then, until the server ends.
fn live(mut peer: XmppPeer, number: usize, (name, _, show, status): (&str, &str, &str, &str), room: &str) {
    peer.show(show, status);
    let sociable = number.is_multiple_of(2);
    if sociable {
        peer.join(room, name);
    }
    let mut said = number;
    let mut chatter = Instant::now() + Duration::from_secs(20 + 15 * number as u64);
    loop {
        if let Some(stanza) = peer.next_within(Duration::from_secs(1)) {
            let from = stanza.attr("from").unwrap_or_default().to_owned();
            if stanza.name == "presence" && stanza.is("type", "subscribe") {
                peer.presence_to(&from, "subscribed");
                peer.presence_to(&from, "subscribe");
            } else if stanza.name == "message" && stanza.is("type", "chat") && stanza.child_text("body").is_some() {
                peer.chat_state(&from, "composing");
                std::thread::sleep(Duration::from_millis(1200));
                peer.say(&from, REPLIES[said % REPLIES.len()]);
                said += 1;
            }
        }
        if sociable && Instant::now() > chatter {
            peer.say_in(room, CHATTER[said % CHATTER.len()]);
            said += 1;
            chatter = Instant::now() + Duration::from_secs(45 + 10 * number as u64);
        }
    }
}

/// The same on IRC: answers in private, and in the channel when named.
fn live_on_irc(mut peer: IrcPeer, number: usize) {
    peer.join("#lounge");
    let mut said = number;
    let mut chatter = Instant::now() + Duration::from_secs(30 + 20 * number as u64);
    loop {
        if let Some(line) = peer.next_within(Duration::from_secs(1)).filter(|line| line.command == "PRIVMSG") {
            let nick = line.nick().to_owned();
            let (to, text) = (line.params.first().cloned().unwrap_or_default(), line.params.get(1).cloned().unwrap_or_default());
            let reply = REPLIES[said % REPLIES.len()];
            if to == peer.nick() {
                peer.say(&nick, reply);
                said += 1;
            } else if text.contains(peer.nick()) {
                peer.say("#lounge", &format!("{nick}: {reply}"));
                said += 1;
            }
        }
        if Instant::now() > chatter {
            peer.say("#lounge", CHATTER[said % CHATTER.len()]);
            said += 1;
            chatter = Instant::now() + Duration::from_secs(60);
        }
    }
}
