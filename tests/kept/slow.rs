//! The database answers, but slowly: nobody waits long for an answer, and everybody comes in.

use super::{BELLFLOWER, PASSWORD};
use serde_json::json;
use std::time::{Duration, Instant};
use support::{Daemon, Line, PATIENCE, Postgres, Prosody, wait_until};

/// Conversations that are open: each is asked for by itself.
const OPEN: usize = 24;
/// Delay of each answer of the database. A return needs some 150 answers.
const SLOW: Duration = Duration::from_millis(20);
/// Within a second is promised; the machine may be busy.
const AT_ONCE: Duration = Duration::from_secs(2);

#[test]
fn an_attach_waits_a_second_for_all_that_a_slow_database_is_asked() {
    let prosody = Prosody::builder().user("ines", "secret").start();
    let server = Postgres::start();
    let direct = server.database("site");
    let line = Line::to(direct.rsplit_once('/').expect("a name").0);
    // Over TCP, where the server wants a password.
    let folder = tempfile::tempdir().expect("a directory");
    let password = folder.path().join("password");
    std::fs::write(&password, server.password()).expect("a file");
    let url = direct.replace(direct.rsplit_once('@').expect("a host").1, &format!("127.0.0.1:{}/site", line.port()));
    let config = format!("registration = \"open\"\ndatabase = {url:?}\ndatabase_password_file = {:?}", password.display().to_string());
    let mut daemon = Daemon::builder(BELLFLOWER).config(&config).limit("attaches_per_minute", 0).start();
    let mut ines = daemon.client("tab");
    ines.register("Ines", PASSWORD);
    let account = ines.add_xmpp(&prosody, "ines");
    for number in 0..OPEN {
        ines.open(&format!("friend{number}@localhost"));
    }
    daemon.stop();
    daemon.start();
    ines.moved_to(daemon.url());

    line.slow(SLOW);
    let asked = Instant::now();
    let first = ines.post("/attach", &json!({ "client": "tab" }));
    let took = asked.elapsed();
    assert_eq!((first.status, first.code()), (503, "store_unavailable"), "after {took:?}");
    assert!(first.body["error"]["retry_ms"].as_u64() > Some(0) && first.header("set-cookie").is_none(), "{first:?}");
    assert!(took < AT_ONCE, "{took:?}");
    // As slow as it is: what was asked for in vain is there for one who comes again.
    wait_until("her to come in", PATIENCE, || {
        let asked = Instant::now();
        let answer = ines.post("/attach", &json!({ "client": "tab" }));
        assert!(asked.elapsed() < AT_ONCE, "{:?}", asked.elapsed());
        (answer.status == 200).then_some(())
    });
    ines.attach();
    assert_eq!(ines.snapshot["conversations"].as_array().map(Vec::len), Some(OPEN));
    ines.wait_account_online(&account);
}
