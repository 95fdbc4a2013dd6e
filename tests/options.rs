//! Promise: an account has every option that its form shows. Untouched, it asks for encryption; and a value that makes no sense is refused at once.
#![allow(clippy::expect_used)]

use serde_json::{Value, json};
use support::{Daemon, Flaw, Prosody, ProsodyBuilder, Stripper, WireClient};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");
const STATES: [&str; 3] = ["online", "waiting", "error"];

/// A log-in that touches nothing of the form but where the server is.
fn untouched(name: &str, port: u16, more: Value) -> Value {
    let mut network = json!({
        "protocol": "prpl-jabber",
        "username": format!("{name}@localhost/web"),
        "password": format!("secret-{name}"),
        "options": { "connect_server": "127.0.0.1", "port": port },
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        network[key] = value.clone();
    }
    json!({ "network": network })
}

fn guest(daemon: &Daemon, body: &Value) -> WireClient {
    let mut client = daemon.client("tab");
    client.post("/login", body).ok();
    client.attach();
    client
}

/// The first account as it stands, now or later, with one of [`STATES`].
fn standing(client: &mut WireClient) -> Value {
    let now = client.snapshot["accounts"][0].clone();
    if now["state"].as_str().is_some_and(|state| STATES.contains(&state)) {
        return now;
    }
    let account = client.account();
    client.wait_account_state(&account, &STATES)
}

#[track_caller]
fn says_that_there_is_no_encryption(standing: &Value) {
    assert_eq!((&standing["state"], &standing["error"]["code"]), (&json!("error"), &json!("encryption")), "{standing}");
    let message = standing["error"]["message"].as_str().expect("a message");
    assert!(message.contains("You require encryption") && message.contains("settings"), "{message}");
}

#[track_caller]
fn nothing_was_given_away(stripper: &Stripper, prosody: &Prosody) {
    let heard = stripper.heard();
    assert!(heard.contains("<stream:stream"), "nobody came: {heard}");
    assert!(!heard.contains("<auth") && !heard.contains("jabber:iq:auth") && !heard.contains("jabber:iq:register"), "{heard}");
    assert!(!prosody.log().contains("Authenticated as"), "{}", prosody.log());
}

/// A server that offers TLS and does not insist on it, with someone before it, and a daemon that believes its certificate.
fn scene(builder: ProsodyBuilder) -> (Prosody, Stripper, Daemon) {
    let prosody = builder.users(["ines"]).tls(Flaw::None).start();
    let stripper = Stripper::before(prosody.port());
    let daemon = Daemon::builder(BELLFLOWER).config("workers = 1").trust(prosody.authority_pem()).start();
    (prosody, stripper, daemon)
}

#[test]
fn an_untouched_form_is_never_signed_on_in_clear() {
    let (prosody, stripper, daemon) = scene(Prosody::builder());
    stripper.strip();
    let mut ines = guest(&daemon, &untouched("ines", stripper.port(), json!({})));
    says_that_there_is_no_encryption(&standing(&mut ines));
    nothing_was_given_away(&stripper, &prosody);

    let plain = Prosody::with_users(["ines"]);
    let mut ines = guest(&daemon, &untouched("ines", plain.port(), json!({})));
    says_that_there_is_no_encryption(&standing(&mut ines));
    assert!(!plain.log().contains("Authenticated as"), "{}", plain.log());
}

#[test]
fn an_account_is_not_made_in_clear_either() {
    let modules = r#"modules_enabled = { "disco", "roster", "saslauth", "tls", "presence", "iq", "c2s", "ping", "posix", "register" }"#;
    let (prosody, stripper, daemon) = scene(Prosody::builder().config(modules).config("allow_registration = true"));
    stripper.strip();
    let mut newcomer = guest(&daemon, &untouched("newcomer", stripper.port(), json!({ "register": true })));
    says_that_there_is_no_encryption(&standing(&mut newcomer));
    nothing_was_given_away(&stripper, &prosody);
}

#[test]
fn an_account_that_is_made_anew_is_not_signed_on_in_clear() {
    let (prosody, stripper, mut daemon) = scene(Prosody::builder());
    daemon.allow_log("ended: signal 9");
    let mut ines = guest(&daemon, &untouched("ines", stripper.port(), json!({})));
    ines.wait_online();
    assert!(!stripper.heard().contains("<auth"), "it was signed on in clear");
    stripper.strip();
    let authenticated = prosody.log().matches("Authenticated as").count();
    let pid = daemon.workers()[0]["pid"].as_u64().and_then(|pid| i32::try_from(pid).ok()).and_then(rustix::process::Pid::from_raw);
    rustix::process::kill_process(pid.expect("a worker"), rustix::process::Signal::KILL).expect("it is ended");
    let account = ines.account();
    ines.wait_event("the account to be lost", |e| e["type"] == "account.state" && e["error"]["code"] == "restarting");
    says_that_there_is_no_encryption(&ines.wait_account_state(&account, &["online", "error"]));
    assert!(!stripper.heard().contains("<auth"), "the password was given away");
    assert_eq!(prosody.log().matches("Authenticated as").count(), authenticated);
}

#[test]
fn options_are_shown_as_they_are_and_can_be_taken_back() {
    let (_prosody, stripper, daemon) = scene(Prosody::builder());
    stripper.strip();
    let given = json!({
        "connect_server": "127.0.0.1",
        "port": stripper.port(),
        "connection_security": "opportunistic_tls",
        "auth_plain_in_clear": true,
    });
    // In clear, since its user says so.
    let mut ines = guest(&daemon, &untouched("ines", 1, json!({ "options": given })));
    ines.wait_online();
    ines.attach();
    assert_eq!(ines.snapshot["accounts"][0]["options"], given);
    let account = ines.account();
    let back = json!({ "account": account, "options": { "connection_security": null, "auth_plain_in_clear": null } });
    ines.carry_out("account.update", back);
    says_that_there_is_no_encryption(&ines.wait_account_state(&account, &["online", "error"]));
    ines.attach();
    let kept = json!({ "connect_server": "127.0.0.1", "port": stripper.port() });
    assert_eq!(ines.snapshot["accounts"][0]["options"], kept);
}

#[test]
fn a_port_that_no_server_has_is_refused_at_once() {
    let prosody = Prosody::with_users(["ines"]);
    // Without a port to be reached at there is no SIMPLE.
    let daemon = Daemon::builder(BELLFLOWER).listening().start();
    let refused = |network: &Value, field: &str| {
        let answer = daemon.client("tab").post("/login", &json!({ "network": network }));
        let told = (answer.status, answer.code(), answer.body["error"]["field"].as_str());
        assert_eq!(told, (400, "bad_option", Some(field)), "{network}: {answer:?}");
        assert!(answer.body["error"]["message"].as_str().is_some_and(|message| message.contains("ort")), "{answer:?}");
    };
    for (protocol, username) in [("prpl-jabber", "ines@localhost"), ("prpl-irc", "ines@localhost"), ("prpl-simple", "ines@localhost")] {
        for port in [-1, 65_536, 70_000] {
            let network = json!({ "protocol": protocol, "username": username, "password": "x", "options": { "port": port } });
            refused(&network, "options.port");
        }
    }
    let options = json!({ "connect_server": "localhost:5222" });
    refused(
        &json!({ "protocol": "prpl-jabber", "username": "ines@localhost", "password": "x", "options": options }),
        "options.connect_server",
    );

    // The same inside: an account that is there keeps what it has.
    let mut ines = daemon.client("tab");
    ines.sign_in_xmpp(&prosody, "ines");
    let (account, id) = (ines.account(), ines.new_id());
    let update = ines.post_command(&id, "account.update", json!({ "account": account, "options": { "port": 0 } }));
    assert_eq!(update.body["rejected"][0]["error"]["field"], "options.port", "{update:?}");
    let irc = json!({ "protocol": "prpl-irc", "username": "ines@irc.example.org:70000" });
    let id = ines.command("account.add", irc);
    assert_eq!(ines.outcome(&id).expect_err("a name with a port")["code"], "bad_username");
}
