//! Promise: an administrator looks after users, invites and the database from the command line while the daemon runs.
#![allow(clippy::expect_used)]

use serde_json::json;
use support::{Daemon, MariaDb, PATIENCE, Postgres, Prosody, WireClient, XmppPeer, wait_until};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");
const PASSWORD: &str = "a long enough password";

fn done(daemon: &Daemon, arguments: &[&str], input: &str) -> String {
    let (well, said) = daemon.admin(arguments, input);
    assert!(well, "{arguments:?}: {said}");
    said
}

fn refused(daemon: &Daemon, arguments: &[&str], input: &str) -> String {
    let (well, said) = daemon.admin(arguments, input);
    assert!(!well, "{arguments:?} went well: {said}");
    said
}

#[test]
fn users_are_made_disabled_and_removed() {
    let daemon = Daemon::run(BELLFLOWER);
    let said = done(&daemon, &["user", "add", "Ines"], "a long enough password\n");
    assert!(said.contains("recovery code"), "{said}");
    assert!(refused(&daemon, &["user", "add", "ines"], "a long enough password\n").contains("already"));
    assert!(refused(&daemon, &["user", "add", "Bob"], "short\n").contains("8 to 1024"));
    let mut ines = daemon.client("tab");
    ines.sign_in("ines", PASSWORD);
    assert!(done(&daemon, &["user", "list"], "").starts_with("Ines\tenabled"));
    assert!(done(&daemon, &["user", "show", "INES"], "").contains("recovery code\tyes"));
    done(&daemon, &["user", "disable", "Ines"], "");
    // The page that is open hears of it by itself.
    let ended = wait_until("the end of the poll", PATIENCE, || {
        let answer = ines.poll();
        (answer.status == 401 || answer.body["end"] == "auth").then_some(answer)
    });
    assert!(ended.status == 401 || ended.body["end"] == "auth");
    let answer = ines.post("/login", &json!({ "name": "Ines", "password": PASSWORD }));
    assert_eq!((answer.status, answer.code()), (403, "user_disabled"));
    let answer = ines.post("/login", &json!({ "name": "Ines", "password": "not the password" }));
    assert_eq!((answer.status, answer.code()), (401, "bad_credentials"), "only who knows the password is told");
    done(&daemon, &["user", "enable", "Ines"], "");
    ines.sign_in("Ines", PASSWORD);
    assert!(refused(&daemon, &["user", "password", "Ines"], "another password\n").contains("--lose-secrets"));
    done(&daemon, &["user", "password", "Ines", "--lose-secrets"], "another password\n");
    ines.sign_in("Ines", "another password");
    done(&daemon, &["user", "limit", "Ines", "--accounts", "1"], "");
    wait_until("the limit", PATIENCE, || (ines.get("/me").ok()["limits"]["accounts"] == 1).then_some(()));
    assert!(refused(&daemon, &["user", "remove", "Ines"], "").contains("--yes"));
    done(&daemon, &["user", "remove", "Ines", "--yes"], "");
    assert_eq!(ines.get("/me").status, 401);
    assert!(refused(&daemon, &["user", "show", "Ines"], "").contains("no user"));
    let log = done(&daemon, &["audit"], "");
    for act in ["user_add", "sign_in", "user_disable", "user_password", "user_limit", "user_remove"] {
        assert!(log.contains(act), "{act} is not in {log}");
    }
    assert!(!log.contains(PASSWORD) && !log.contains("another password"), "{log}");
    done(&daemon, &["user", "add", "Bob"], &format!("{PASSWORD}\n"));
    let line = done(&daemon, &["audit", "Bob"], "");
    assert!(line.contains("\tuser_add\tBob\t"), "by the name: {line}");
}

#[test]
fn an_invite_lets_in_as_often_as_it_says() {
    let daemon = Daemon::builder(BELLFLOWER).config("registration = \"invite\"").limit("registrations_per_minute", 0).start();
    let said = done(&daemon, &["invite", "--note", "for Ines", "--uses", "1"], "");
    let code = said.lines().next().expect("a code").to_owned();
    assert!(done(&daemon, &["invite", "--list"], "").contains("for Ines"));
    let mut ines = daemon.client("tab");
    let without = ines.post("/register", &json!({ "name": "Ines", "password": PASSWORD }));
    assert_eq!((without.status, without.code()), (403, "bad_invite"));
    ines.post("/register", &json!({ "name": "Ines", "password": PASSWORD, "invite": code })).ok();
    let mut bob = daemon.client("other");
    let again = bob.post("/register", &json!({ "name": "Bob", "password": PASSWORD, "invite": code }));
    assert_eq!((again.status, again.code()), (403, "bad_invite"));
}

#[test]
fn a_back_up_is_made_while_people_talk_and_put_back_elsewhere() {
    let prosody = Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").start();
    let mut daemon = Daemon::builder(BELLFLOWER).config("registration = \"open\"").start();
    let mut ines = daemon.client("tab");
    ines.register("Ines", PASSWORD);
    ines.add_xmpp(&prosody, "ines");
    let mut bob = XmppPeer::connect(&prosody, "bob");
    bob.say("ines@localhost", "before the back-up");
    ines.hears("before the back-up");
    ines.carry_out("settings.set", json!({ "values": { "theme": "dark" } }));
    let folder = tempfile::tempdir().expect("a directory");
    let file = folder.path().join("backup.sqlite");
    let name = file.to_str().expect("a path");
    done(&daemon, &["db", "backup", name], "");
    assert!(refused(&daemon, &["db", "backup", name], "").contains("exists") || file.exists());
    assert!(done(&daemon, &["db", "check"], "").contains("as it should be"));
    bob.say("ines@localhost", "after the back-up");
    ines.hears("after the back-up");
    let other = format!("sqlite:{}", folder.path().join("moved.sqlite").display());
    daemon.stop();
    done(&daemon, &["db", "move", &other], "");
    assert!(refused(&daemon, &["db", "restore", name], "").contains("empty"), "a database with something in it is not overwritten");
    let back = Daemon::builder(BELLFLOWER).config("registration = \"open\"").start();
    {
        // Into the empty database of another site, which is stopped.
        let mut back = back;
        back.stop();
        std::fs::remove_dir_all(back.data_dir()).expect("the data directory");
        done(&back, &["db", "restore", name], "");
        back.start();
        let mut ines = back.client("tab");
        ines.sign_in("Ines", PASSWORD);
        assert_eq!(ines.snapshot["settings"]["theme"], "dark");
        let seen = ines.snapshot["conversations"][0]["messages"].as_array().expect("messages").clone();
        assert_eq!(seen.iter().map(|message| message["text"].clone()).collect::<Vec<_>>(), [json!("before the back-up")]);
        let account = ines.account();
        ines.wait_account_online(&account);
    }
}

/// How an account of a snapshot stands: whether its user wants it, the state, and the error's code.
fn stands(client: &WireClient) -> (bool, &str, &str) {
    let account = &client.snapshot["accounts"][0];
    (account["enabled"] == true, account["state"].as_str().unwrap_or_default(), account["error"]["code"].as_str().unwrap_or_default())
}

#[test]
fn a_protocol_is_switched_off_until_it_is_switched_on_again() {
    let prosody = Prosody::builder().users(["ines", "bob", "carol"]).friends("ines", "carol", "Friends").start();
    let mut daemon = Daemon::builder(BELLFLOWER).config("registration = \"open\"").start();
    let mut carol = XmppPeer::connect(&prosody, "carol");
    let mut ines = daemon.client("tab");
    ines.register("Ines", PASSWORD);
    let account = ines.add_xmpp(&prosody, "ines");
    let mut bob = daemon.client("guest");
    bob.sign_in_xmpp(&prosody, "bob");
    let gone = |carol: &mut XmppPeer| {
        carol.wait_for("her leaving", |s| s.name == "presence" && s.is("type", "unavailable") && s.from_bare() == "ines@localhost")
    };
    let offered = |daemon: &Daemon| {
        let all = daemon.client("visitor").get("/protocols").ok();
        let jabber = all.as_array().expect("a list").iter().find(|one| one["id"] == "prpl-jabber").expect("XMPP").clone();
        jabber["disabled"] != true
    };
    // Only what is there.
    let said = refused(&daemon, &["protocol", "disable", "jabber"], "");
    assert!(said.contains("no protocol \"jabber\"") && said.contains("prpl-jabber") && said.contains("prpl-irc"), "{said}");
    assert!(done(&daemon, &["protocol", "list"], "").contains("prpl-jabber\tenabled\tXMPP"));
    done(&daemon, &["protocol", "disable", "prpl-jabber"], "");
    // Whoever is signed on is signed off, and told why.
    for client in [&mut ines, &mut bob] {
        let told = client.wait_event("the word", |event| event["type"] == "account.state" && event["state"] == "error");
        assert_eq!((&told["error"]["code"], &told["error"]["fatal"]), (&json!("protocol_disabled"), &json!(true)), "{told}");
        assert!(told["error"]["message"].as_str().is_some_and(|said| said.contains("switched this network off")), "{told}");
    }
    gone(&mut carol);
    let came = |carol: &mut XmppPeer| {
        let hers = |s: &&support::Element| s.name == "presence" && s.attr("type").is_none() && s.from_bare() == "ines@localhost";
        carol.received().iter().filter(hers).count()
    };
    let before = came(&mut carol);
    assert!(!offered(&daemon), "the front page does not offer it");
    let network = WireClient::xmpp_network(&prosody, "bob", &prosody.password("bob"), &json!({}));
    let answer = daemon.client("another").post("/login", &json!({ "network": network }));
    assert_eq!((answer.status, answer.code()), (403, "protocol_disabled"));
    for kind in ["account.connect", "account.enable"] {
        let id = ines.new_id();
        let answer = ines.post_command(&id, kind, json!({ "account": account })).body;
        assert_eq!(answer["rejected"][0]["error"]["code"], "protocol_disabled", "{answer}");
    }
    // Neither a worker's end nor the daemon's brings it back.
    ines.attach();
    assert_eq!(stands(&ines), (true, "error", "protocol_disabled"));
    daemon.kill();
    daemon.start();
    ines.moved_to(daemon.url());
    ines.attach();
    assert_eq!(stands(&ines), (true, "error", "protocol_disabled"));
    assert!(!offered(&daemon));
    assert!(done(&daemon, &["protocol", "list"], "").contains("prpl-jabber\tdisabled"));
    assert!(done(&daemon, &["protocol", "disable", "prpl-jabber"], "").contains("already"));
    // What its worker has of it is not signed on: the account was made, and nothing came of it.
    ines.carry_out("account.alias", json!({ "account": account, "alias": "Ines" }));
    assert_eq!(came(&mut carol), before, "she was online meanwhile");
    done(&daemon, &["protocol", "enable", "prpl-jabber"], "");
    ines.wait_account_state(&account, &["online"]);
    wait_until("her", PATIENCE, || (came(&mut carol) > before).then_some(()));
    assert!(offered(&daemon));
    let log = done(&daemon, &["audit"], "");
    assert!(log.contains("prpl-jabber disabled") && log.contains("prpl-jabber enabled"), "{log}");
}

/// The texts of a conversation's history.
fn history(client: &mut WireClient, talk: &str) -> Vec<String> {
    let page = client.get(&format!("/history?conversation={talk}")).ok();
    let messages = page["messages"].as_array().expect("messages");
    messages.iter().map(|message| message["text"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn a_database_moves_to_another_kind_and_people_go_on_there() {
    let prosody = Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").start();
    let mut first = Daemon::builder(BELLFLOWER).config("registration = \"open\"").start();
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let mut ines = first.client("tab");
    ines.register("Ines", PASSWORD);
    let account = ines.add_xmpp(&prosody, "ines");
    bob.say("ines@localhost", "on SQLite");
    ines.hears("on SQLite");
    let talk = ines.open("bob@localhost");
    ines.carry_out("settings.set", json!({ "values": { "theme": "dark" } }));
    first.stop();
    let postgres = Postgres::start();
    postgres.database("moved");
    let url = postgres.socket_url("moved");
    let said = done(&first, &["db", "move", &url], "");
    assert!(said.contains("Everything is in") && said.contains("messages"), "{said}");
    assert!(refused(&first, &["db", "move", &url], "").contains("empty"), "not twice");
    // The new place has everything, secrets included, and goes on.
    let mut second = Daemon::builder(BELLFLOWER).config(&format!("database = {url:?}")).start();
    let mut ines = second.client("tab");
    ines.sign_in("Ines", PASSWORD);
    assert_eq!(ines.snapshot["settings"]["theme"], "dark");
    ines.wait_account_online(&account);
    bob.say("ines@localhost", "on PostgreSQL");
    ines.hears("on PostgreSQL");
    assert_eq!(history(&mut ines, &talk), ["on SQLite", "on PostgreSQL"]);
    // A back-up of that, while it runs, goes into a third kind.
    let folder = tempfile::tempdir().expect("a directory");
    let file = folder.path().join("backup.sqlite");
    done(&second, &["db", "backup", file.to_str().expect("a path")], "");
    assert!(done(&second, &["db", "check"], "").contains("as it should be"));
    second.stop();
    let mariadb = MariaDb::start();
    mariadb.database("moved");
    let mut third = Daemon::builder(BELLFLOWER).config(&format!("database = {:?}", mariadb.socket_url("moved"))).start();
    third.stop();
    // It was in use, if only for a moment.
    assert!(refused(&third, &["db", "restore", file.to_str().expect("a path")], "").contains("must be empty"));
    mariadb.sql("mysql", "drop database moved");
    mariadb.database("moved");
    let said = done(&third, &["db", "restore", file.to_str().expect("a path")], "");
    assert!(said.contains("is put back"), "{said}");
    third.start();
    let mut ines = third.client("tab");
    ines.sign_in("Ines", PASSWORD);
    ines.wait_account_online(&account);
    bob.say("ines@localhost", "on MariaDB");
    ines.hears("on MariaDB");
    assert_eq!(history(&mut ines, &talk), ["on SQLite", "on PostgreSQL", "on MariaDB"]);
    let log = done(&third, &["audit"], "");
    assert!(log.contains("\tregister\tInes\t"), "the audit log came along");
    assert!(["\tmove\t", "\trestore\t"].iter().all(|act| log.contains(act)), "{log}");
}

#[test]
fn a_command_leaves_the_tables_of_an_earlier_daemon_alone() {
    let postgres = Postgres::start();
    postgres.database("site");
    let mut daemon = Daemon::builder(BELLFLOWER).config(&format!("database = {:?}", postgres.socket_url("site"))).start();
    done(&daemon, &["user", "add", "Ines"], &format!("{PASSWORD}\n"));
    let schema = |value: &str| {
        if !value.is_empty() {
            postgres.sql("site", &format!("update bellflower set value={value} where name='schema'"));
        }
        postgres.sql("site", "select value from bellflower where name='schema'")
    };
    let now = schema("");
    // The schema of the daemon before this one, which may be running still.
    schema("1");
    let folder = tempfile::tempdir().expect("a directory");
    let backup = folder.path().join("backup.sqlite").display().to_string();
    for command in [vec!["user", "list"], vec!["user", "disable", "Ines"], vec!["db", "check"], vec!["db", "backup", &backup]] {
        let said = refused(&daemon, &command, "");
        assert!(said.contains("earlier version (schema 1)") && said.contains("start the daemon once"), "{said}");
    }
    assert_eq!(schema(""), "1");
    daemon.stop();
    daemon.start();
    assert_eq!(schema(""), now);
    assert!(done(&daemon, &["user", "list"], "").starts_with("Ines\tenabled"));
}

#[test]
fn the_password_of_the_database_is_in_a_file_or_a_credential() {
    let server = MariaDb::start();
    let url = server.database("site");
    let folder = tempfile::tempdir().expect("a directory");
    // The name is the one of a systemd credential.
    let file = folder.path().join("bellflower-database-password");
    std::fs::write(&file, format!("{}\n", server.password())).expect("a file");
    let by_file = format!("registration = \"open\"\ndatabase = {url:?}\ndatabase_password_file = {:?}", file.display().to_string());
    let mut daemon = Daemon::builder(BELLFLOWER).config(&by_file).start();
    daemon.client("tab").register("Ines", PASSWORD);
    assert!(done(&daemon, &["user", "list"], "").starts_with("Ines\tenabled"));
    daemon.stop();
    let by_credential = format!("database = {url:?}");
    let directory = folder.path().display().to_string();
    let daemon = Daemon::builder(BELLFLOWER).config(&by_credential).environment("CREDENTIALS_DIRECTORY", &directory).start();
    daemon.client("tab").sign_in("Ines", PASSWORD);
    let shown = format!("{}{}", daemon.log(), done(&daemon, &["audit"], ""));
    assert!(!shown.contains(server.password()), "{shown}");
}

#[test]
fn a_trusted_proxy_says_who_it_is_and_nobody_else() {
    let folder = tempfile::tempdir().expect("a directory");
    let key = folder.path().join("key");
    std::fs::write(&key, [7_u8; 32]).expect("a key");
    let mode = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o600);
    std::fs::set_permissions(&key, mode).expect("its mode");
    let start = |trusted: &str| {
        let config = format!(
            "registration = \"open\"\nheader_sign_in = \"X-Remote-User\"\nsite_key_file = {:?}\ntrusted_proxies = [{trusted}]",
            key.display().to_string()
        );
        Daemon::builder(BELLFLOWER).config(&config).start()
    };
    let log_in = |daemon: &Daemon| daemon.client("tab").with_header("X-Remote-User", "Ines").post("/login", &json!({}));
    let strange = start("");
    assert_eq!(log_in(&strange).status, 400, "a header of a stranger's is nothing");
    let trusting = start("\"127.0.0.1\"");
    let answer = log_in(&trusting);
    assert_eq!((answer.status, &answer.body["user"]["name"]), (200, &json!("Ines")));
    assert_eq!(trusting.client("tab").get("/site").ok()["sign_in"], "header");
    // Who is somebody is for the proxy to say: nobody takes a name before its owner comes.
    let answer = trusting.client("other").post("/register", &json!({ "name": "Bob", "password": PASSWORD }));
    assert_eq!((answer.status, answer.code()), (403, "registration_closed"));
}
