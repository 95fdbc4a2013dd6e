//! Kills the daemon, its workers and the database's server at random points while people chat. `BELLFLOWER_CHAOS_KILLS` says how often (3 unless
//! set; `make chaos` does it a hundred times), `BELLFLOWER_CHAOS_SEED` repeats an order of kills.

use super::account::{Kill, account_for};
use super::talker::{End, Site, Talker, name};
use super::{BELLFLOWER, PASSWORD};
use serde_json::json;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use support::{Daemon, MariaDb, PATIENCE, Postgres, Prosody, WireClient, wait_until};

const TALKERS: usize = 6;
/// Number of the last line of each.
const LAST: usize = 1_000_000;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

/// A repeatable order of kills.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// The database's server, when there is one.
enum Server {
    None,
    Postgres(Postgres),
    MariaDb(MariaDb),
}

impl Server {
    /// Kills it, and starts it again after a while.
    fn kill(&mut self, dark: Duration) {
        match self {
            Self::None => {}
            Self::Postgres(server) => {
                server.kill();
                std::thread::sleep(dark);
                server.restart();
            }
            Self::MariaDb(server) => {
                server.kill();
                std::thread::sleep(dark);
                server.restart();
            }
        }
    }
}

struct Stops<'a>(&'a AtomicBool);

impl Drop for Stops<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

fn each(talkers: &mut [Talker], body: impl Fn(&mut Talker) + Sync) {
    let body = &body;
    std::thread::scope(|scope| {
        for talker in talkers {
            scope.spawn(move || body(talker));
        }
    });
}

fn chat(talker: &mut Talker, site: &Site, stop: &AtomicBool, seed: u64) {
    let mut dice = Dice(seed.wrapping_add(talker.number as u64) | 1);
    let mut count = 0;
    while !stop.load(Ordering::Acquire) {
        talker.say(site, count);
        count += 1;
        let pause = Instant::now() + Duration::from_millis(dice.roll(120));
        while let Some(left) = pause.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
            talker.listen(site, left);
        }
    }
}

/// Writes without a pause until the time has come. What was on a page before the moment that is given is durable: writes are committed in order.
fn write_until(probe: &mut WireClient, point: Instant) -> Instant {
    loop {
        let asked = Instant::now();
        probe.carry_out("settings.set", json!({ "values": { "probe": format!("{asked:?}") } }));
        if Instant::now() >= point {
            return asked;
        }
    }
}

fn kill_a_worker(daemon: &Daemon, dice: &mut Dice) {
    let pids: Vec<u64> = daemon.workers().iter().filter_map(|one| one["pid"].as_u64()).collect();
    if pids.is_empty() {
        return;
    }
    let pid = pids[usize::try_from(dice.roll(pids.len() as u64)).expect("few workers")];
    let pid = libc::pid_t::try_from(pid).expect("process ids fit");
    // SAFETY: kill takes no pointers. The worker may have ended by itself, and its id is not used again so soon.
    unsafe { libc::kill(pid, libc::SIGKILL) };
}

fn run(mut server: Server, database: Option<String>) {
    let count = setting("BELLFLOWER_CHAOS_KILLS").unwrap_or(3);
    let seed = setting("BELLFLOWER_CHAOS_SEED").unwrap_or_else(|| u64::from(std::process::id()) << 20 | 0xb311);
    eprintln!("BELLFLOWER_CHAOS_SEED={seed}");
    let prosody = Prosody::builder().users((0..TALKERS).map(name)).start();
    let mut builder = Daemon::builder(BELLFLOWER)
        .config("workers = 2\nregistration = \"open\"\nisolation = \"shared\"")
        .limit("registrations_per_minute", 0)
        .limit("attaches_per_minute", 0)
        .limit("sign_ons_per_second", 100)
        .table("[worker]\ncrashes = 0");
    if let Some(database) = database {
        builder = builder.config(&format!("database = {database:?}"));
    }
    let mut daemon = builder.start();
    let site = Site::new(&daemon);
    let mut talkers: Vec<Talker> = (0..TALKERS).map(|number| Talker::new(number, &daemon, &prosody)).collect();
    let mut probe = daemon.client("probe");
    probe.register("probe", PASSWORD);

    let stop = AtomicBool::new(false);
    let kills = std::thread::scope(|scope| {
        for talker in &mut talkers {
            let (site, stop) = (&site, &stop);
            scope.spawn(move || chat(talker, site, stop, seed));
        }
        let _stops = Stops(&stop);
        let mut dice = Dice(seed | 1);
        let mut kills = Vec::new();
        let kinds = if matches!(server, Server::None) { 2 } else { 3 };
        let first = dice.roll(kinds);
        for number in 0..count {
            let point = Instant::now() + Duration::from_millis(200 + dice.roll(1500));
            let safe = write_until(&mut probe, point);
            // Each kind is drawn, however short the run.
            let kind = if number < kinds { (first + number) % kinds } else { dice.roll(kinds) };
            match kind {
                0 => {
                    let at = Instant::now();
                    daemon.kill();
                    daemon.start();
                    site.moved(&daemon);
                    probe.moved_to(daemon.url());
                    probe.attach();
                    kills.push(Kill::Daemon { safe, at });
                }
                1 => {
                    kill_a_worker(&daemon, &mut dice);
                    kills.push(Kill::Worker);
                }
                _ => {
                    server.kill(Duration::from_millis(dice.roll(1500)));
                    kills.push(Kill::Server);
                    wait_until("the database", PATIENCE, || {
                        let stats = daemon.stats();
                        (stats["store_kept"] == 1 && stats["store_writes_waiting"] == 0).then_some(())
                    });
                }
            }
        }
        write_until(&mut probe, Instant::now() + Duration::from_millis(500));
        kills
    });
    each(&mut talkers, |talker| talker.wait_online(&site));
    each(&mut talkers, |talker| {
        assert_eq!(talker.say(&site, LAST), End::Kept);
        talker.wait_sent(&site, LAST);
    });
    each(&mut talkers, |talker| talker.wait_for(&site, LAST));
    // Everything that is on a page by now is in the database after this.
    probe.carry_out("settings.set", json!({ "values": { "probe": "the end" } }));
    account_for(&mut talkers, &kills);
}

#[test]
fn nothing_is_lost_or_doubled_when_daemon_and_workers_are_killed() {
    run(Server::None, None);
}

#[test]
fn nothing_is_lost_or_doubled_when_postgresql_is_killed_too() {
    let server = Postgres::start();
    server.database("site");
    let url = server.socket_url("site");
    run(Server::Postgres(server), Some(url));
}

#[test]
fn nothing_is_lost_or_doubled_when_mariadb_is_killed_too() {
    let server = MariaDb::start();
    server.database("site");
    let url = server.socket_url("site");
    run(Server::MariaDb(server), Some(url));
}
