//! A daemon with one user at a server that the test speaks for, and what is measured there. Judges nothing.

use crate::BELLFLOWER;
use serde_json::{Value, json};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use support::{Daemon, Element, RawConnection, RawServer, WireClient, wait_until};

/// A step: what it is called, and what is sent.
pub(crate) type Step = (&'static str, fn(&mut Stage));

/// Longer than the slowest step of a debug build takes on a busy machine.
pub(crate) const LONG: Duration = Duration::from_secs(120);

/// The other end of the account's connection.
pub(crate) enum Wire {
    Xmpp(RawConnection<Element>),
    Irc(RawConnection<String>),
    Bosh(crate::bosh::Server),
}

/// One user, whose page polls.
pub(crate) struct Stage {
    pub(crate) ines: WireClient,
    pub(crate) wire: Wire,
    bytes: usize,
    pings: u32,
    steps: u32,
    tab: Option<Tab>,
    daemon: Daemon,
}

/// A page that takes whatever comes.
struct Tab {
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Tab {
    fn open(mut client: WireClient) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            client.attach();
            while !stopped.load(Ordering::Acquire) {
                let answer = client.poll_within(Duration::from_millis(500));
                if answer.is_some_and(|answer| answer.status != 200 || !answer.body["reset"].is_null()) {
                    client.attach();
                }
            }
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Tab {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        // It has told of its panic itself.
        let _ = self.thread.take().map(std::thread::JoinHandle::join);
    }
}

/// What a step cost.
pub(crate) struct Cost {
    /// The longest callback of the worker.
    pub(crate) worker: Duration,
    /// The longest event of the web process.
    pub(crate) web: Duration,
    /// The most that it did at once for what the worker told.
    share: Duration,
    bytes: usize,
    turn: Duration,
    worker_cpu: Duration,
    web_cpu: Duration,
    took: Duration,
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        let Self { worker, web, share, bytes, turn, worker_cpu, web_cpu, took } = self;
        write!(
            f,
            "{} KiB; worker: longest call {:.1} ms, turn {:.1} ms, in all {:.0} ms; ",
            bytes >> 10,
            ms(*worker),
            ms(*turn),
            ms(*worker_cpu)
        )?;
        write!(
            f,
            "web: longest event {:.1} ms, share {:.1} ms, in all {:.0} ms; took {:.0} ms",
            ms(*web),
            ms(*share),
            ms(*web_cpu),
            ms(*took)
        )
    }
}

fn us(value: &Value) -> Duration {
    Duration::from_micros(value.as_u64().unwrap_or_default())
}

/// The figures as of now.
struct Figures {
    worker: Duration,
    turn: Duration,
    worker_cpu: Duration,
    web: Duration,
    share: Duration,
    web_cpu: Duration,
    turns: u64,
    /// What has not been worked off.
    backlog: u64,
    events: u64,
}

impl Stage {
    /// At an XMPP server, with this list.
    pub(crate) fn xmpp(roster: &str) -> Self {
        Self::xmpp_leaving(roster, &[])
    }

    /// The same, where the step answers requests of these namespaces.
    pub(crate) fn xmpp_leaving(roster: &str, spaces: &'static [&'static str]) -> Self {
        let server = RawServer::xmpp_leaving(roster, spaces);
        let network = server.xmpp_network("ines");
        Self::begin(&network, || Wire::Xmpp(server.connection()))
    }

    /// At an IRC server.
    pub(crate) fn irc() -> Self {
        let server = RawServer::irc();
        let network = server.irc_network("ines");
        Self::begin(&network, || {
            let mut connection = server.connection();
            connection.write(":irc.test 001 ines :Welcome\r\n:irc.test 376 ines :End\r\n").expect("a client that reads");
            Wire::Irc(connection)
        })
    }

    /// With an account at this network.
    pub(crate) fn begin(network: &Value, connect: impl FnOnce() -> Wire) -> Self {
        let mut daemon = Daemon::builder(BELLFLOWER).config("workers = 1").limit("attaches_per_minute", 0).start();
        // What libpurple says of what hostile servers send is no fault of the daemon's.
        ["libpurple", "glib"].into_iter().for_each(|part| daemon.allow_log(part));
        let mut ines = daemon.client("tab");
        ines.post("/login", &json!({ "network": network })).ok();
        ines.attach();
        let wire = connect();
        ines.wait_online();
        let tab = Tab::open(ines.tab("page"));
        Self { ines, wire, bytes: 0, pings: 0, steps: 0, tab: Some(tab), daemon }
    }

    /// A room that no other step has.
    pub(crate) fn place(&self) -> String {
        format!("den{}", self.steps)
    }

    /// Sends this; PLACE in it stands for [`Self::place`].
    pub(crate) fn send(&mut self, text: impl AsRef<str>) {
        let text = text.as_ref().replace("PLACE", &self.place());
        let bytes = text.as_bytes();
        self.bytes += bytes.len();
        match &mut self.wire {
            Wire::Xmpp(connection) => connection.write(bytes),
            Wire::Irc(connection) => connection.write(bytes),
            Wire::Bosh(server) => server.write(bytes),
        }
        .expect("a client that reads");
    }

    /// The next stanza of the client that `wanted` accepts.
    pub(crate) fn stanza(&mut self, what: &str, wanted: impl Fn(&Element) -> bool) -> Element {
        let Wire::Xmpp(connection) = &self.wire else { panic!("no XMPP") };
        let deadline = Instant::now() + LONG;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let stanza = connection.next_within(left).unwrap_or_else(|| panic!("the client has gone, or sent no {what}"));
            if wanted(&stanza) {
                return stanza;
            }
        }
    }

    /// The next line of the client that begins so.
    pub(crate) fn line(&mut self, front: &str) -> String {
        let Wire::Irc(connection) = &self.wire else { panic!("no IRC") };
        let deadline = Instant::now() + LONG;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = connection.next_within(left).unwrap_or_else(|| panic!("the client has gone, or sent no {front}"));
            if line.starts_with(front) {
                return line;
            }
        }
    }

    /// Takes these steps, and waits until both processes have worked them off.
    pub(crate) fn measure(&mut self, steps: &[Step]) -> Cost {
        self.settle();
        let (before, began) = (self.figures(), Instant::now());
        self.bytes = 0;
        for (_, step) in steps {
            self.steps += 1;
            step(self);
            self.answers();
        }
        let took = began.elapsed();
        let now = self.settle();
        Cost {
            worker: now.worker,
            web: now.web,
            share: now.share,
            bytes: self.bytes,
            turn: now.turn,
            worker_cpu: now.worker_cpu.saturating_sub(before.worker_cpu),
            web_cpu: now.web_cpu.saturating_sub(before.web_cpu),
            took,
        }
    }

    /// The client has read everything, and answers.
    pub(crate) fn answers(&mut self) {
        self.pings += 1;
        let id = format!("ping-{}", self.pings);
        let ping = format!("<iq type='get' id='{id}' from='localhost' to='ines@localhost/raw'><ping xmlns='urn:xmpp:ping'/></iq>");
        match &mut self.wire {
            Wire::Xmpp(..) => {
                self.send(ping);
                self.stanza("answer to a ping", |stanza| stanza.name == "iq" && stanza.is("id", &id));
            }
            Wire::Irc(..) => {
                self.send(format!(":irc.test PING :{id}\r\n"));
                let deadline = Instant::now() + LONG;
                while !self.line("PONG").contains(&id) {
                    assert!(Instant::now() < deadline, "no answer to a ping");
                }
            }
            Wire::Bosh(server) => {
                server.write(ping.as_bytes()).expect("a client that reads");
                wait_until("an answer to a ping", LONG, || server.has_heard(&id).then_some(()));
            }
        }
    }

    /// The figures once nothing is on its way any more, and the worker has told them anew.
    fn settle(&mut self) -> Figures {
        let mut last = self.figures();
        wait_until("the daemon to be at rest", LONG, || {
            let now = self.figures();
            // A look answered since: the figures before it are of all that was.
            if now.turns == last.turns {
                return None;
            }
            let rests = now.backlog == 0 && now.events == last.events;
            last = now;
            rests.then_some(())
        });
        last
    }

    fn figures(&self) -> Figures {
        let stats = self.daemon.stats();
        assert_eq!(stats["workers_restarted"], 0, "a worker was lost");
        let workers: Vec<&Value> = stats["workers"].as_array().expect("workers").iter().map(|worker| &worker["load"]).collect();
        let sum = |key: &str| workers.iter().filter_map(|load| load[key].as_u64()).sum::<u64>();
        let most = |key: &str| workers.iter().map(|load| us(&load[key])).max().unwrap_or_default();
        Figures {
            worker: most("longest_call_us"),
            turn: most("longest_turn_us"),
            worker_cpu: Duration::from_micros(sum("cpu_us")),
            web: us(&stats["longest_event_microseconds"]),
            share: us(&stats["longest_share_microseconds"]),
            web_cpu: cpu_of(self.daemon.id()),
            turns: sum("turns"),
            backlog: sum("backlog") + sum("commands"),
            events: stats["log_events"].as_u64().unwrap_or_default(),
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // The page goes before the daemon.
        self.tab.take();
    }
}

/// Processor time of a process so far: fields 14 and 15 of its `stat`, in hundredths of a second.
fn cpu_of(process: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let fields: Vec<u64> =
        stat.rsplit(')').next().unwrap_or_default().split_whitespace().map(|field| field.parse().unwrap_or_default()).collect();
    Duration::from_millis(10 * (fields.get(11).unwrap_or(&0) + fields.get(12).unwrap_or(&0)))
}
