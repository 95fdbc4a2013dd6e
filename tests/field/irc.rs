//! Lines of IRC servers and of people on them, sent by a server that the test speaks for.

use crate::BELLFLOWER;
use serde_json::{Value, json};
use std::time::Duration;
use support::{Daemon, PATIENCE, RawConnection, RawServer, WireClient};

struct Scene {
    daemon: Daemon,
    ines: WireClient,
    server: RawServer<String>,
    line: RawConnection<String>,
}

const WELCOME: &str = ":irc.test 001 ines :Welcome\r\n:irc.test 376 ines :End\r\n";

/// An account at a server that has sent `before` and has not welcomed it yet.
fn at_the_door(accounts: &str) -> Scene {
    let server = RawServer::irc();
    let daemon = Daemon::builder(BELLFLOWER).table(&format!("[accounts]\n{accounts}\n")).start();
    let mut ines = daemon.client("tab");
    ines.post("/login", &json!({ "network": server.irc_network("ines") })).ok();
    ines.attach();
    let line = server.connection();
    Scene { daemon, ines, server, line }
}

fn signed_on() -> Scene {
    let mut scene = at_the_door("");
    scene.line.write(WELCOME).expect("a client that reads");
    scene.ines.wait_online();
    scene
}

impl Scene {
    fn sends(&mut self, bytes: impl AsRef<[u8]>) {
        self.line.write(bytes).expect("a client that reads");
    }

    /// Joins a channel, with bob.
    fn join(&mut self, channel: &str) -> String {
        let account = self.ines.account();
        let id = self.ines.command("room.join", json!({ "account": account, "fields": { "channel": channel } }));
        self.hears(&format!("JOIN {channel}"));
        self.sends(format!(
            ":ines!i@h JOIN {channel}\r\n:irc.test 353 ines = {channel} :ines @bob\r\n:irc.test 366 ines {channel} :End\r\n"
        ));
        let joined = self.ines.outcome(&id).expect("the channel is joined");
        joined["conversation"].as_str().expect("a conversation").to_owned()
    }

    /// Waits for a line of the client's.
    fn hears(&self, wanted: &str) {
        while self.line.next_within(PATIENCE).unwrap_or_else(|| panic!("{wanted:?} did not come")).trim_end() != wanted {}
    }

    /// Gives all lines that the client has sent until now.
    fn said_so_far(&mut self) -> Vec<String> {
        self.sends(":irc.test PING :so-far\r\n");
        let mut said = Vec::new();
        loop {
            let line = self.line.next_within(PATIENCE).expect("an answer to a PING");
            if line.starts_with("PONG") && line.contains("so-far") {
                return said;
            }
            said.push(line);
        }
    }

    /// The next line that is shown, of any kind.
    fn shows(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        self.ines.wait_event(what, |event| event["message"].is_object() && wanted(&event["message"]))["message"].clone()
    }
}

fn text(message: &Value) -> &str {
    message["text"].as_str().unwrap_or_default()
}

/// Case 1, and other numbers of its kind.
#[test]
fn a_channel_that_lets_nobody_in_says_why_at_once() {
    let mut scene = signed_on();
    let account = scene.ines.account();
    for (number, said, words) in [
        ("475", "Cannot join channel (+k)", "password"),
        ("471", "Cannot join channel (+l)", "full"),
        ("473", "Cannot join channel (+i)", "invited"),
        ("474", "Cannot join channel (+b)", "banned"),
        ("477", "Cannot join channel (+r)", "registered"),
        ("403", "No such channel", "No such channel"),
        ("405", "You have joined too many channels", "too many channels"),
        ("476", "Bad channel mask", "Bad channel mask"),
        ("479", "Illegal channel name", "Illegal channel name"),
        ("480", "Cannot join channel (+j) - throttle exceeded", "throttle exceeded"),
        ("489", "Cannot join channel (+z)", "+z"),
        ("520", "Cannot join channel (IRCops only)", "IRCops only"),
    ] {
        let channel = format!("#x{number}");
        let id = scene.ines.command("room.join", json!({ "account": account, "fields": { "channel": channel } }));
        scene.hears(&format!("JOIN {channel}"));
        scene.sends(format!(":irc.test {number} ines {channel} :{said}\r\n"));
        let error = scene.ines.outcome(&id).expect_err("nobody gets in");
        let told = error["message"].as_str().expect("words");
        assert!(error["code"] == "join_failed" && told.contains(words) && told.contains(&channel), "{number}: {error}");
        let said = scene.said_so_far();
        assert!(!said.iter().any(|line| line.starts_with("JOIN")), "{number}: {said:?}");
    }
    let notices = scene.ines.kept().filter(|event| event["type"] == "notice.opened").count();
    assert!(notices <= 1, "{notices} notices");
}

/// Of the kind of case 1: the server leads the join to another channel.
#[test]
fn a_join_that_is_led_to_another_channel_ends_there() {
    let mut scene = signed_on();
    let account = scene.ines.account();
    let id = scene.ines.command("room.join", json!({ "account": account, "fields": { "channel": "#rust" } }));
    scene.hears("JOIN #rust");
    scene.sends(
        ":irc.test 470 ines #rust ##rust :Forwarding to another channel\r\n:ines!i@h JOIN ##rust\r\n:irc.test 353 ines = ##rust :ines\r\n\
         :irc.test 366 ines ##rust :End\r\n",
    );
    let joined = scene.ines.outcome(&id).expect("joined");
    let opened = scene.ines.wait_event("the other channel", |event| event["conversation"]["id"] == joined["conversation"]);
    assert_eq!(opened["conversation"]["name"], "##rust", "{opened}");
}

/// Case 2: what is not UTF-8 is read as what it most probably is.
#[test]
fn lines_that_are_not_utf_8_are_read() {
    let mut scene = signed_on();
    let room = scene.join("#a");
    scene.sends(b":bob!b@h PRIVMSG #a :gr\xfc\xdfe aus K\xf6ln\r\n");
    scene.ines.hears("grüße aus Köln");
    scene.sends(b":bob!b@h PRIVMSG ines :na\xefve \x96 \x80 5\r\n");
    scene.ines.hears("naïve – € 5");
    // UTF-8 that a server cut in the midst of a letter stays UTF-8.
    scene.sends(b":bob!b@h PRIVMSG #a :gr\xc3\xbc\xc3\x9fe aus K\xc3\r\n");
    scene.ines.hears("grüße aus K");
    scene.sends(b":bob!b@h TOPIC #a :gr\xfc\xdfe aus K\xf6ln\r\n");
    scene.ines.wait_event("the topic", |event| event["type"] == "room.topic" && event["topic"] == "grüße aus Köln");
    scene.ines.say(&room, "grüße");
    scene.hears("PRIVMSG #a :grüße");
}

fn span<'a>(message: &'a Value, text: &str) -> &'a Value {
    let spans = message["spans"].as_array().unwrap_or_else(|| panic!("no spans in {message}"));
    spans.iter().find(|span| span["text"] == text).unwrap_or_else(|| panic!("no {text:?} in {spans:?}"))
}

/// Case 3.
#[test]
fn formatting_is_seen_and_leaves_nothing_in_the_text() {
    let mut scene = signed_on();
    scene.join("#a");
    let line = "\x1dit\x1d\x1est\x1e\x11mo\x11\x04ff0000hex\x04\x0356ext\x03\x034,12red\x03\x1fun\x1f\x02b\x1dbi\x02i\x1dn\x02\x0304all\x0fnone\x16\x07 end\x02";
    scene.sends(format!(":bob!b@h PRIVMSG #a :{line}\r\n"));
    let message = scene.shows("the line", |message| text(message).ends_with(" end"));
    assert_eq!(text(&message), "itstmohexextredunbbiinallnone end");
    assert_eq!(span(&message, "it")["italic"], true);
    assert_eq!(span(&message, "st")["strike"], true);
    assert_eq!(span(&message, "mo")["code"], true);
    assert_eq!(span(&message, "hex")["color"], "#ff0000");
    assert_eq!(span(&message, "ext")["color"], "#00ff00");
    assert!(span(&message, "red")["color"].is_string());
    assert_eq!(span(&message, "un")["underline"], true);
    assert_eq!((&span(&message, "b")["bold"], &span(&message, "b")["italic"]), (&json!(true), &Value::Null));
    assert_eq!((&span(&message, "bi")["bold"], &span(&message, "bi")["italic"]), (&json!(true), &json!(true)));
    assert_eq!((&span(&message, "i")["bold"], &span(&message, "i")["italic"]), (&Value::Null, &json!(true)));
    assert_eq!((&span(&message, "all")["bold"], span(&message, "all")["color"].is_string()), (&json!(true), true));
    let whole = span(&message, "none end");
    assert!(whole["bold"].is_null() && whole["color"].is_null(), "{whole}");
    // Markup of the sender's own is text, and an action has formatting, too.
    scene.sends(":bob!b@h PRIVMSG #a :\x01ACTION waves \x02<b>\x02 \x0399,99&amp;\x01\r\n");
    let action = scene.shows("the action", |message| text(message).contains("waves"));
    assert!(text(&action).ends_with("waves <b> &amp;") && span(&action, "<b>")["bold"] == true, "{action}");
    // Where only a text can be, there are no marks and no digits of colours.
    scene.sends(":bob!b@h TOPIC #a :\x02one\x02 \x0304,07two\x03 \x04ff0000three\x1e\x11\r\n");
    scene.ines.wait_event("the topic", |event| event["type"] == "room.topic" && event["topic"] == "one two three");
    // The bridge's own marks, sent by a stranger, are no formatting.
    scene.sends(":bob!b@h PRIVMSG #a :a\u{fdd0}\u{fde1}\u{fde1}b\r\n");
    scene.shows("the marks", |message| text(message) == "ab");
}

/// Case 4, and others of its kind.
#[test]
fn a_ban_is_said_in_the_servers_words_and_left_alone() {
    for lines in [
        ":irc.test 465 ines :You are banned from this server, see https://irc.test/bans\r\nERROR :Closing Link: (*** Banned (cache))\r\n",
        "ERROR :Closing Link: ines[192.0.2.7] (K-Lined: open proxy, see https://irc.test/bans)\r\n",
    ] {
        let mut scene = at_the_door("reconnect_first = \"10ms\"\nreconnect_most = \"20ms\"");
        scene.sends(lines);
        let account = scene.ines.account();
        let failed = scene.ines.wait_account_state(&account, &["error", "online"]);
        let error = &failed["error"];
        assert_eq!((&error["code"], &error["fatal"]), (&json!("banned"), &json!(true)), "{failed}");
        assert!(error["message"].as_str().is_some_and(|words| words.contains("https://irc.test/bans")), "{failed}");
        // Ten times as long as it would have waited.
        assert!(scene.ines.poll_within(Duration::from_millis(200)).is_none_or(|answer| answer.body["end"] == "hold"), "tried again");
        drop(scene.server);
        drop(scene.daemon);
    }
}

/// Case 5.
#[test]
fn people_are_called_as_they_call_themselves() {
    let mut scene = signed_on();
    scene.sends(":JohnDoe!u@h PRIVMSG ines :hello\r\n");
    let opened = scene.ines.wait_event("the conversation", |event| event["type"] == "conversation.opened");
    let talk = &opened["conversation"];
    assert_eq!((&talk["name"], &talk["title"]), (&json!("JohnDoe"), &json!("JohnDoe")), "{talk}");
    assert_eq!(scene.ines.hears("hello")["from"]["name"], "JohnDoe");
    let other = scene.ines.open("AliceB");
    let opened = scene.ines.wait_event("alice's", |event| event["type"] == "conversation.opened" && event["conversation"]["id"] == *other);
    assert_eq!(opened["conversation"]["title"], "AliceB", "{opened}");
    // The same person, however they are written.
    assert_eq!(scene.ines.open("aliceb"), other);
    scene.sends(":ALICEB!u@h PRIVMSG ines :it is me\r\n");
    let event = scene.ines.wait_event("her words", |event| event["message"]["text"] == "it is me");
    assert_eq!((&event["conversation"], &event["message"]["from"]["name"]), (&json!(other), &json!("ALICEB")));
}

/// Case 7.
#[test]
fn what_people_said_outlasts_their_coming_and_going() {
    let mut scene = signed_on();
    let room = scene.join("#a");
    let lines: String = (0..29).map(|n| format!(":bob!b@h PRIVMSG #a :line {n}\r\n")).collect();
    let comings: String = (0..300).map(|n| format!(":p{n}!p@h JOIN #a\r\n:p{n}!p@h QUIT :gone\r\n")).collect();
    scene.sends(lines + &comings + ":bob!b@h PRIVMSG #a :the end\r\n");
    scene.ines.hears("the end");
    let said = |messages: &Value| {
        let all = messages.as_array().expect("messages").iter();
        all.filter(|message| message["system"] != true).map(|message| text(message).to_owned()).collect::<Vec<_>>()
    };
    let expected: Vec<String> = (0..29).map(|n| format!("line {n}")).chain(["the end".to_owned()]).collect();
    let mut tab = scene.ines.tab("second");
    tab.attach();
    let shown = tab.snapshot["conversations"].as_array().expect("conversations").iter().find(|one| one["id"] == *room).cloned();
    assert_eq!(said(&shown.expect("the channel")["messages"]), expected);
    let history = scene.ines.get(&format!("/history?conversation={room}&limit=50")).ok();
    assert_eq!(said(&history["messages"]), expected);
}

/// Case 8, and others of its kind.
#[test]
fn reasons_are_shown_as_they_were_given() {
    let mut scene = signed_on();
    let room = scene.join("#a");
    scene.sends(":eva!e@h JOIN #a\r\n:bob!b@h KICK #a eva :out & <away> now\r\n");
    scene.shows("the kick of another", |message| text(message).contains("out & <away> now"));
    scene.sends(":eva!e@h JOIN #a\r\n:eva!e@h PART #a :by & <large>\r\n");
    scene.shows("the parting", |message| text(message).contains("by & <large>"));
    scene.sends(":eva!e@h JOIN #a\r\n:eva!e@h QUIT :<b>so & so</b>\r\n");
    scene.shows("the quit", |message| text(message).contains("<b>so & so</b>"));
    scene.sends(":bob!b@h TOPIC #a :one & <two>\r\n");
    scene.shows("the topic", |message| text(message).contains("one & <two>"));
    scene.sends(":bob!b@h KICK #a ines :read <rules> first & <3\r\n");
    scene.shows("the kick", |message| text(message).contains("read <rules> first & <3"));
    scene.ines.wait_event("out of it", |event| event["conversation"]["id"] == *room && event["conversation"]["joined"] == false);
    scene.sends(":irc.test NOTICE ines :a <notice> & more\r\n");
    scene.shows("the notice", |message| text(message).contains("a <notice> & more"));
}

/// Case 11.
#[test]
fn a_server_that_says_nothing_any_more_is_left_and_tried_again() {
    let mut scene = at_the_door("silence = \"2s\"\nreconnect_first = \"10ms\"");
    scene.sends(WELCOME);
    scene.ines.wait_online();
    let account = scene.ines.account();
    let lost = scene.ines.wait_account_state(&account, &["waiting", "error"]);
    assert_eq!((&lost["state"], &lost["error"]["code"]), (&json!("waiting"), &json!("silent")), "{lost}");
    assert!(lost["error"]["message"].as_str().is_some_and(|words| words.contains("has not answered")), "{lost}");
    // The server was asked for a sign of life before.
    let said: Vec<String> = std::iter::from_fn(|| scene.line.next_within(Duration::from_secs(1))).collect();
    assert!(said.iter().any(|line| line.starts_with("PING")), "{said:?}");
    let mut again = scene.server.connection();
    again.write(WELCOME).expect("a client that reads");
    scene.ines.wait_account_state(&account, &["online"]);
}

/// Case 11, the other way round: whoever answers is left in peace.
#[test]
fn a_server_that_answers_is_not_left() {
    let mut scene = at_the_door("silence = \"3s\"");
    scene.sends(WELCOME);
    scene.ines.wait_online();
    for _ in 0..2 {
        let asked = std::iter::from_fn(|| scene.line.next_within(PATIENCE)).find(|line| line.starts_with("PING"));
        let token = asked.expect("a question").trim_start_matches("PING ").to_owned();
        scene.sends(format!(":irc.test PONG irc.test {token}\r\n"));
    }
    let lost = |event: &Value| event["type"] == "account.state" && event["state"] == "waiting";
    assert!(!scene.ines.kept().any(lost), "{:?}", scene.ines.kept().collect::<Vec<_>>());
    let account = scene.ines.account();
    let menu = scene.ines.carry_out("account.menu", json!({ "account": account }));
    assert!(menu["items"][0]["time"].is_string() && menu["items"][0]["id"].is_null(), "{menu}");
}
