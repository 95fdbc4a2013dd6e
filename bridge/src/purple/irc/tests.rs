//! Lines as servers send them and as nobody should.

use super::*;

fn judge(connection: &mut Connection, line: &str) -> String {
    match connection.judge(line.as_bytes(), || true) {
        Verdict::AsItIs => line.to_owned(),
        Verdict::Nothing => "-".to_owned(),
        Verdict::Instead(line) => String::from_utf8(line).unwrap(),
    }
}

fn one(line: &str) -> String {
    judge(&mut Connection::default(), line)
}

#[test]
fn the_time_of_a_topic_is_a_word() {
    assert_eq!(one(":irc.test 333 ines #a bob :1796138003"), ":irc.test 333 ines #a bob 1796138003");
    assert_eq!(one(":irc.test 333 ines #a bob :a while ago"), ":irc.test 333 ines #a bob :a while ago");
}

#[test]
fn what_servers_send_stays_as_it_is() {
    for line in [
        "PING :irc.test",
        "ERROR :Closing Link",
        ":irc.test 001 ines :Welcome to  the network",
        ":irc.test 005 ines PREFIX=(ov)@+ CHANTYPES=# :are supported by this server",
        ":bob!b@host PRIVMSG #a :two  words : here ",
        ":bob!b@host PRIVMSG #a :",
        ":bob!b@host QUIT :",
        ":bob!b@host JOIN :#a",
        ":bob!b@host PART #a",
        ":irc.test 433 * ines :in use",
        ":irc.test 353 ines = #a :@bob +ida eva",
        ":irc.test 324 ines #a +nt",
        ":irc.test CAP ines LS :multi-prefix",
        "NOTICE AUTH :*** Looking up",
    ] {
        assert_eq!(one(line), line);
    }
}

#[test]
fn a_line_gets_its_plain_form() {
    for (line, form) in [
        (":irc.test  433  *   ines  :in use", ":irc.test 433 * ines :in use"),
        (":bob!b@host JOIN #a  ", ":bob!b@host JOIN #a"),
        (":bob!b@host PRIVMSG ines :\u{1}PING 1\rQUIT\u{1}", ":bob!b@host PRIVMSG ines :\u{1}PING 1 QUIT\u{1}"),
        ("PING a\rQUIT", "PING a QUIT"),
        (":bob!b@host QUIT", ":bob!b@host QUIT :"),
        (":bob!b@host KICK #a ines", ":bob!b@host KICK #a ines :"),
        (":irc.test 353 ines = #a :@bob   + @  ida ", ":irc.test 353 ines = #a :@bob ida"),
    ] {
        assert_eq!(one(line), form, "{line:?}");
    }
}

#[test]
fn what_a_handler_cannot_bear_is_left_out() {
    for line in [
        ":",
        ": ",
        ":irc.test",
        ":irc.test ",
        ":   ",
        ": PRIVMSG ines :x",
        ":!u@h PRIVMSG ines :x",
        ":@h JOIN #a",
        ":bob NICK :",
        ":bob JOIN :  ",
        ":bob KICK #a :",
        ":bob INVITE ines :",
        ":irc.test 433 * :",
        ":irc.test 433 :",
        ":irc.test 366 ines #a :End",
        ":irc.test 904",
        ":irc.test 904 ines :failed",
        ":irc.test 903",
        "AUTHENTICATE +",
        ":irc.test AUTHENTICATE +",
        ":irc.test CAP ines NEW :sasl",
        ":bob KICK #a",
        ":bob NICK :#a",
        ":#a!b@host PRIVMSG ines :x",
        ":irc.test 301 ines #a :away",
        ":irc.test 352 ines #a bob host irc.test bob H",
        ":bob MODE #a",
        ":irc.test 311 ines bob",
    ] {
        assert_eq!(one(line), "-", "{line:?}");
    }
    assert_eq!(Connection::default().judge(b":irc.test CAP ines ACK :sasl", || false), Verdict::Nothing, "nobody asked");
}

#[test]
fn carriage_returns_divide_words_as_they_do_for_the_plugin() {
    // To the plugin this is 904, which it cannot bear outside of a log-in.
    assert_eq!(one(":irc.test 904\r:irc.test 904 ines"), "-");
    assert_eq!(one("AUTHENTICATE\r+"), "-");
    assert_eq!(one(":bob!b@host\rJOIN #a\r"), ":bob!b@host JOIN #a");
}

#[test]
fn sasl_goes_from_its_beginning_to_its_end_and_no_further() {
    let mut connection = Connection::default();
    let mut judge = |line| judge(&mut connection, line) == line;
    assert!(judge(":irc.test CAP ines ACK :sasl") && !judge(":irc.test CAP ines ACK :sasl"));
    assert!(judge("AUTHENTICATE +") && judge(":irc.test 904 ines :again") && judge(":irc.test AUTHENTICATE +"));
    assert!(judge(":irc.test 903 ines :fine"));
    assert!(!judge(":irc.test 903") && !judge(":irc.test 904") && !judge(":irc.test 906 ines :x") && !judge("AUTHENTICATE +"));
}

#[test]
fn a_list_of_names_ends_once_and_what_is_kept_is_bounded() {
    let mut connection = Connection::default();
    let mut passes = |line: &str| judge(&mut connection, line) != "-";
    assert!(
        passes(":s 353 ines = #a :bob")
            && !passes(":s 366 ines bob :End")
            && passes(":s 366 ines #a :End")
            && !passes(":s 366 ines #a :End")
    );
    let names = format!(":s 353 ines = #a :{}bob", "bob ".repeat(2999));
    assert_eq!((0..1000).filter(|_| passes(&names)).count(), NAMES / 3000);
    assert!(passes(":s 366 ines #a :End"));
    let long = format!(":s 353 ines = #a :{}", "b".repeat(15_000));
    assert_eq!((0..1000).filter(|_| passes(&long)).count(), BYTES_OF_NAMES / long.len());
    assert!(passes(":s 366 ines #a :End") && passes(&names));
    let motd = format!(":s 372 ines :{}", "x".repeat(10_000));
    assert_eq!((0..1000).filter(|_| passes(&motd)).count(), KEPT / motd.len());
    assert!(passes(":s 375 ines :Message of the day") && passes(&motd));
}

#[test]
fn tags_are_taken_off_and_name_the_message() {
    assert_eq!(one("@time=x;msgid=1 :bob!b@host PRIVMSG #a :hello"), ":bob!b@host PRIVMSG #a :hello");
    assert_eq!(one("@x  :bob!b@host  QUIT"), ":bob!b@host QUIT :");
    assert_eq!((one("@x :"), one("@x AUTHENTICATE +"), one("@x PING :a")), ("-".into(), "-".into(), "PING :a".into()));
    let id = |line: &str| named(line.as_bytes()).map(|((kind, name), id)| (kind == ConversationKind::Room, name, id));
    let of = |room: bool, name: &str| Some((room, name.to_owned(), "1".to_owned()));
    assert_eq!(id("@time=x;msgid=1 :bob!b@host PRIVMSG #a :hello"), of(true, "#a"));
    assert_eq!(id("@msgid=1;x :bob!b@host notice ines :hello"), of(false, "bob"));
    for line in
        ["@+msgid=1 :bob PRIVMSG #a :x", "@msgid=1 :bob JOIN #a", "@msgid=1 PING x", ":bob PRIVMSG #a :@msgid=1 x", "@msgid=1", "@msgid=1 "]
    {
        assert_eq!(id(line), None, "{line}");
    }
}

#[test]
fn a_nick_that_is_taken_is_read_whatever_stands_around_it() {
    for line in [":irc.test 433 * ines :in use", "@time=1 :irc.test  433 * ines", ":irc.test 433 * :ines"] {
        assert_eq!(taken(line.as_bytes()).as_deref(), Some("ines"), "{line}");
    }
    for line in [":irc.test 432 * ines :bad", ":irc.test 433 *", "PING :433", ":bob!b@host PRIVMSG 433 ines"] {
        assert_eq!(taken(line.as_bytes()), None, "{line}");
    }
}

#[test]
fn a_refused_join_is_read() {
    let found = |line: &str| no_entry(line.as_bytes());
    let whole = ("475".to_owned(), "#a".to_owned(), "Cannot join (+k)".to_owned());
    assert_eq!(found(":irc.test 475 ines #a :Cannot join (+k)"), Some(whole));
    assert_eq!(found(":irc.test 473 ines #a"), Some(("473".to_owned(), "#a".to_owned(), String::new())));
    assert_eq!(found(":irc.test 353 ines = #a :bob"), None);
    assert_eq!(found(":irc.test 475 ines"), None);
}
