//! Promise: while strangers attack with servers, messages, plugins and browsers of their own, twenty people who chat lose nothing, are not signed
//! off, and wait no longer than a moment.
//!
//! `BELLFLOWER_ATTACK_SECONDS` says how long in all (30 unless set; `make attack` takes two minutes), `BELLFLOWER_ATTACK_ONLY` names the attacks
//! that are made (those with that text in their names).
#![allow(clippy::expect_used)]

mod browser;
mod contact;
mod crowd;
mod irc;
mod plugin;
mod xmpp;

use crowd::Crowd;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use support::{Daemon, Prosody, WireClient};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");
const USERS: usize = 20;
/// Nobody waits longer for a message. A debug build beside other tests, as in `make test`, is there to show that nothing is lost: how long a busy
/// machine takes says little.
const MOST: Duration = Duration::from_secs(if cfg!(debug_assertions) { 30 } else { 5 });

/// What attackers have to work with.
pub(crate) struct Site {
    pub(crate) daemon: Daemon,
    pub(crate) prosody: Prosody,
}

impl Site {
    /// Somebody new who signs in with an account at a hostile server, or does not get so far.
    pub(crate) fn visitor(&self, network: &serde_json::Value) -> WireClient {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let mut client = self.daemon.client(&format!("visitor{}", COUNT.fetch_add(1, Ordering::Relaxed)));
        // A site may let nobody in for a while.
        support::wait_until("the daemon to let a visitor in", 2 * support::PATIENCE, || {
            let answer = client.try_post("/login", &serde_json::json!({ "network": network })).ok()?;
            (answer.status == 200).then_some(())
        });
        client
    }
}

/// Waits until somebody is at a hostile server: each attack begins, however short the time. False: nobody was let in, since an attack before
/// this one has had the network set aside.
pub(crate) fn is_visited(site: &Site, server: &support::Hostile) -> bool {
    let visited = support::wait_until("somebody at the hostile server", Duration::from_secs(30), || {
        let aside = || site.daemon.stats()["accounts_aside"].as_u64() > Some(0) || site.daemon.log().contains("is set aside");
        if server.served() > 0 { Some(true) } else { aside().then_some(false) }
    });
    if !visited {
        eprintln!("attack: nobody was let in for the next one");
    }
    visited
}

/// An attack: what it is called, and what it does until then. One that has nothing more to do may return before.
pub(crate) type Attack = (&'static str, fn(&Site, Instant));

fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

#[test]
fn many_attacks_cost_the_innocent_nothing() {
    let seconds = setting("BELLFLOWER_ATTACK_SECONDS").and_then(|text| text.parse().ok()).unwrap_or(30);
    let only = setting("BELLFLOWER_ATTACK_ONLY").unwrap_or_default();
    let attacks: Vec<Attack> = [xmpp::ATTACKS, irc::ATTACKS, contact::ATTACKS, plugin::ATTACKS, browser::ATTACKS].concat();
    let attacks: Vec<Attack> = attacks.into_iter().filter(|(name, _)| name.contains(&only)).collect();
    let each = Duration::from_secs(seconds) / u32::try_from(attacks.len()).expect("some attacks");

    let prosody = Prosody::builder().users((0..USERS).map(crowd::name)).users(["eve", "eve2"]).start();
    // A debug build beside other tests may take long for what is no hang.
    let mut daemon = Daemon::builder(BELLFLOWER)
        .config("workers = 2")
        .limit("attaches_per_minute", 0)
        .limit("sign_ons_per_second", 100)
        .mischief(if cfg!(debug_assertions) { "memory_most_mb = 500\nhang = \"40s\"" } else { "memory_most_mb = 500" })
        .start();
    // What libpurple says of what hostile servers send is no fault of the daemon's, and workers may end for it.
    ["libpurple", "glib", "panicked at"].into_iter().for_each(|part| daemon.allow_log(part));
    let site = Site { daemon, prosody };
    let crowd = Crowd::gather(&site);
    let mut harmed = Vec::new();
    crowd.chat(|| {
        let calm = crowd.during(|| std::thread::sleep(each.min(Duration::from_secs(2))));
        eprintln!("attack: none: {calm}");
        for (name, attack) in &attacks {
            let harm = crowd.during(|| attack(&site, Instant::now() + each));
            eprintln!("attack: {name}: {harm}");
            if harm.is_too_much(MOST) {
                // The fate of the workers says why.
                let log = site.daemon.log();
                log.lines().filter(|line| line.contains("bellflower::fleet")).for_each(|line| eprintln!("attack: {line}"));
                harmed.push(format!("{name}: {harm}"));
            }
            if harm.is_lasting() {
                eprintln!("attack: no more of them: there are people who are not well again");
                break;
            }
        }
    });
    let restarts = &site.daemon.stats()["workers_restarted"];
    eprintln!("{} attacks, {restarts} workers replaced, {} messages", attacks.len(), crowd.count());
    assert!(harmed.is_empty(), "{} of {} attacks reached the innocent:\n{}", harmed.len(), attacks.len(), harmed.join("\n"));
}

/// Does something again and again, as fast as it goes.
pub(crate) fn again(until: Instant, mut body: impl FnMut(u64)) {
    let mut count = 0;
    while Instant::now() < until {
        body(count);
        count += 1;
    }
}
