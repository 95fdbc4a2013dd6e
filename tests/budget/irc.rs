//! Lines of an IRC server: floods of the longest, and channels with very many people.

use crate::stage::{Stage, Step};
use crate::xmpp::many;
use crate::{HALF, MANY, flood};
use serde_json::json;
use std::fmt::Write;

/// As many lines of 512 bytes, each full of this.
fn lines(stage: &mut Stage, front: &str, piece: &str) {
    let line = format!("{front}{}", piece.repeat((508 - front.len()) / piece.len()));
    stage.send(format!("{line}\r\n").repeat(HALF));
}

const SAYS: &str = ":bob!b@host PRIVMSG ines :";

pub(crate) const LINES: &[Step] = &[
    ("10 000 long lines", |stage| lines(stage, SAYS, "word ")),
    ("10 000 long lines of colours", |stage| lines(stage, SAYS, "\u{3}04,05\u{2}x\u{1f}\u{f}")),
    ("10 000 long lines of addresses", |stage| lines(stage, SAYS, "www.a.b ")),
    ("10 000 long lines of tags", |stage| lines(stage, SAYS, "<b>&lt;")),
    ("10 000 long notices", |stage| lines(stage, ":irc.test NOTICE ines :", "word ")),
    ("10 000 CTCP requests", |stage| stage.send(":bob!b@host PRIVMSG ines :\u{1}VERSION\u{1}\r\n".repeat(flood(10_000)))),
    ("10 000 files offered", |stage| {
        stage.send(many(flood(10_000), |all, n| {
            _ = write!(all, ":bob!b@host PRIVMSG ines :\u{1}DCC SEND f{n}.txt 2130706433 9 1000\u{1}\r\n")
        }));
    }),
    ("one line of 4 MiB", |stage| stage.send(format!("{SAYS}{}\r\n", "x".repeat(4 << 20)))),
    ("20 000 strangers", |stage| stage.send(many(flood(20_000), |all, n| _ = write!(all, ":s{n}!u@h PRIVMSG ines :hello\r\n")))),
    ("20 000 invitations", |stage| stage.send(many(flood(20_000), |all, n| _ = write!(all, ":s{n}!u@h INVITE ines :#c{n}\r\n")))),
    ("a message of the day of 50 000 lines", |stage| {
        let line = format!(":irc.test 372 ines :- {}\r\n", "<motd> ".repeat(60));
        stage.send(format!(":irc.test 375 ines :begin\r\n{}:irc.test 376 ines :end\r\n", line.repeat(flood(50_000))));
    }),
    ("a whois of 10 000 lines", |stage| {
        let account = stage.ines.account();
        stage.ines.command("buddy.info", json!({ "account": account, "name": "bob" }));
        stage.line("WHOIS");
        let channels = format!(":irc.test 319 ines bob :{}\r\n", "#channel ".repeat(50));
        stage.send(format!(":irc.test 311 ines bob b host * :Bob\r\n{}:irc.test 318 ines bob :end\r\n", channels.repeat(flood(10_000))));
    }),
    ("20 000 answers about who is there", |stage| {
        stage.send(many(flood(20_000), |all, n| _ = write!(all, ":irc.test 303 ines :n{n} m{n} bob\r\n:irc.test 301 ines n{n} :away\r\n")));
    }),
    ("a list of 100 000 rooms", |stage| {
        let account = stage.ines.account();
        stage.ines.command("room.list", json!({ "account": account }));
        stage.line("LIST");
        let rooms =
            many(flood(100_000), |all, n| _ = write!(all, ":irc.test 322 ines #room{n} {} :A topic http://example.org/ {n}\r\n", n % 100));
        stage.send(format!(":irc.test 321 ines Channel :Users\r\n{rooms}:irc.test 323 ines :end\r\n"));
    }),
];

/// People a line.
const A_LINE: usize = 40;

/// A channel that these have joined, with their modes.
fn full(stage: &mut Stage, people: usize) {
    let names = many(people / A_LINE, |all, line| {
        let names = many(A_LINE, |names, n| _ = write!(names, "@n{} ", line * A_LINE + n));
        _ = write!(all, ":irc.test 353 ines = #PLACE :{names}\r\n");
    });
    stage.send(format!(":ines!i@host JOIN #PLACE\r\n{names}:irc.test 366 ines #PLACE :end\r\n"));
}

pub(crate) const CHANNELS: &[Step] = &[
    ("20 000 people are there", |stage| full(stage, MANY)),
    ("20 000 people come and go", |stage| {
        full(stage, 40);
        stage.send(many(MANY, |all, n| _ = write!(all, ":x{n}!u@h JOIN #PLACE\r\n")));
        stage.send(many(MANY, |all, n| _ = write!(all, ":x{n}!u@h QUIT :bye\r\n")));
    }),
    ("20 000 people are given a mode", |stage| {
        full(stage, MANY);
        stage.send(many(MANY / 4, |all, n| {
            _ = write!(all, ":irc.test MODE #PLACE -oooo n{} n{} n{} n{}\r\n", 4 * n, 4 * n + 1, 4 * n + 2, 4 * n + 3)
        }));
    }),
    ("20 000 people are renamed", |stage| {
        full(stage, MANY);
        stage.send(many(MANY, |all, n| _ = write!(all, ":n{n}!u@h NICK :m{n}\r\n")));
    }),
    ("20 000 people are described", |stage| {
        full(stage, MANY);
        let who = |n: usize| format!(":irc.test 352 ines #PLACE user{n} host irc.test n{n} G@ :0 Name {n}\r\n");
        stage.send(many(MANY, |all, n| all.push_str(&who(n))));
        stage.send(":irc.test 315 ines #PLACE :end\r\n");
    }),
    ("20 000 people say something", |stage| {
        full(stage, MANY);
        stage.send(many(MANY, |all, n| _ = write!(all, ":n{n}!u@h PRIVMSG #PLACE :hello ines\r\n")));
    }),
    ("20 000 people leave one after the other", |stage| {
        full(stage, MANY);
        stage.send(many(MANY, |all, n| _ = write!(all, ":n{n}!u@h PART #PLACE :bye\r\n")));
    }),
    ("10 000 people are kicked", |stage| {
        full(stage, HALF);
        stage.send(many(HALF, |all, n| _ = write!(all, ":irc.test KICK #PLACE n{n} :out\r\n")));
    }),
    ("10 000 people quit who share ten channels", |stage| {
        for channel in 0..10 {
            let names = many(HALF / A_LINE, |all, line| {
                let names = many(A_LINE, |names, n| _ = write!(names, "n{} ", line * A_LINE + n));
                _ = write!(all, ":irc.test 353 ines = #c{channel} :{names}\r\n");
            });
            stage.send(format!(":ines!i@host JOIN #c{channel}\r\n{names}:irc.test 366 ines #c{channel} :end\r\n"));
        }
        stage.send(many(HALF, |all, n| _ = write!(all, ":n{n}!u@h QUIT :bye\r\n")));
    }),
    ("a list of names without an end", |stage| {
        full(stage, 40);
        stage.send(many(flood(40_000), |all, n| _ = write!(all, ":irc.test 353 ines = #PLACE :a{n} b{n} c{n}\r\n")));
        stage.send(":irc.test 366 ines #PLACE :end\r\n");
    }),
    ("10 000 channels", |stage| stage.send(many(flood(10_000), |all, n| _ = write!(all, ":ines!i@host JOIN #c{n}\r\n")))),
    ("10 000 topics", |stage| {
        full(stage, 40);
        stage.send(many(flood(10_000), |all, n| _ = write!(all, ":n1!u@h TOPIC #PLACE :topic {n} http://example.org/\r\n")));
    }),
    ("10 000 bans", |stage| {
        full(stage, 40);
        stage.send(many(flood(10_000), |all, n| _ = write!(all, ":irc.test 367 ines #PLACE *!*@h{n} n1 1\r\n")));
    }),
];
