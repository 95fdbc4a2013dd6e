//! `make bench`: starts the servers, the floors and the daemon, puts N users on each, and prints every figure beside its floor, from one run.
//! It measures; it judges nothing but whether a figure is within its target.

mod bitlbee;
mod busy;
mod child;
mod crash;
mod crowd;
mod daemon;
mod floor;
mod http;
mod irc;
mod kept;
mod latency;
mod load;
mod ngircd;
mod peer;
mod proc;
mod prosody;
mod raw;
mod roster;
mod search;
mod sides;
mod store;
mod table;
mod tls;
mod workers;
mod xmpp;

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

/// Errors are told and end their table: a figure that was not measured must not look like one.
pub(crate) type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[derive(Parser)]
#[command(about = "Measures Bellflower against its floors")]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// The tables.
    Run(Box<Run>),
    /// The bare libpurple process; started by `run`.
    Floor {
        /// Port of the XMPP server on 127.0.0.1.
        #[arg(long)]
        port: u16,
        /// Accounts u0 to uN-1.
        #[arg(long)]
        users: usize,
        /// `none`, `rustls` or `nss`.
        #[arg(long, default_value = "none")]
        tls: String,
    },
    /// What is done to one database; started by `run`.
    Store {
        /// As the setting `database`.
        #[arg(long)]
        url: String,
        /// Messages.
        #[arg(long)]
        messages: usize,
        /// Seconds of 20 000 messages each.
        #[arg(long)]
        seconds: u64,
    },
    /// Searches of one database; started by `run`.
    Search {
        /// As the setting `database`.
        #[arg(long)]
        url: String,
        /// Messages.
        #[arg(long)]
        messages: usize,
        /// Seconds of 20 000 messages each.
        #[arg(long)]
        seconds: u64,
    },
}

/// A part of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Populations on XMPP beside a bare libpurple.
    Xmpp,
    /// A population on IRC.
    Irc,
    /// Memory of TLS.
    Tls,
    /// Numbers of workers.
    Workers,
    /// As much as goes through.
    Busy,
    /// Users who do nothing.
    Idle,
    /// Sign-ons with buddies.
    Roster,
    /// A worker that dies.
    Crash,
    /// Beside BitlBee.
    Bitlbee,
    /// The database.
    Store,
    /// Users of the site, whose lines are stored, beside guests.
    Kept,
    /// Searches of people for messages.
    Search,
}

#[derive(Args)]
struct Run {
    /// The daemon's binary.
    #[arg(long, default_value = "target/release/bellflower")]
    daemon: PathBuf,
    /// Only these parts, in this order.
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Part>,
    /// xmpp: populations; up to 5000 were tried.
    #[arg(long, value_delimiter = ',', default_value = "10,100,1000,3000")]
    users: Vec<usize>,
    /// xmpp, irc: messages to each user before memory is read.
    #[arg(long, default_value_t = 100)]
    messages: usize,
    /// irc: populations.
    #[arg(long, value_delimiter = ',', default_value = "10,1000,5000")]
    irc_users: Vec<usize>,
    /// tls: accounts.
    #[arg(long, default_value_t = 300)]
    tls_users: usize,
    /// workers: populations.
    #[arg(long, value_delimiter = ',', default_value = "10,1000,3000,5000")]
    worker_users: Vec<usize>,
    /// workers: how many, each with every population.
    #[arg(long, value_delimiter = ',', default_value = "1,4,16")]
    workers: Vec<u32>,
    /// workers: messages to each user before memory is read.
    #[arg(long, default_value_t = 20)]
    worker_messages: usize,
    /// busy: users.
    #[arg(long, default_value_t = 200)]
    busy_users: usize,
    /// busy: how many workers.
    #[arg(long, value_delimiter = ',', default_value = "1,2,4")]
    busy_workers: Vec<u32>,
    /// busy: seconds for each.
    #[arg(long, default_value_t = 10)]
    busy_seconds: u64,
    /// idle: users.
    #[arg(long, default_value_t = 1000)]
    idle_users: usize,
    /// roster: accounts.
    #[arg(long, default_value_t = 1000)]
    roster_users: usize,
    /// roster, crash: buddies of each.
    #[arg(long, default_value_t = 100)]
    roster_buddies: usize,
    /// roster: leave the run in one libpurple out, which takes minutes.
    #[arg(long)]
    roster_no_shared: bool,
    /// crash: accounts.
    #[arg(long, default_value_t = 1000)]
    crash_users: usize,
    /// bitlbee: the fewest and the most users.
    #[arg(long, value_delimiter = ',', default_value = "20,100")]
    bitlbee_users: Vec<usize>,
    /// store: messages in SQLite; 10000000 is what its targets are for.
    #[arg(long, default_value_t = 1_000_000)]
    store_messages: usize,
    /// store: messages in PostgreSQL and MariaDB.
    #[arg(long, default_value_t = 1_000_000)]
    store_server_messages: usize,
    /// store: seconds of 20 000 messages each.
    #[arg(long, default_value_t = 20)]
    store_seconds: u64,
    /// search: messages in SQLite; 10000000 is what its targets are for.
    #[arg(long, default_value_t = 1_000_000)]
    search_messages: usize,
    /// search: messages in PostgreSQL and MariaDB; 1000000 is what their targets are for.
    #[arg(long, default_value_t = 1_000_000)]
    search_server_messages: usize,
    /// search: seconds of 20 000 messages each.
    #[arg(long, default_value_t = 30)]
    search_seconds: u64,
    /// kept: turns of each side.
    #[arg(long, default_value_t = 20)]
    kept_turns: usize,
    /// kept: the fewest and the most users.
    #[arg(long, value_delimiter = ',', default_value = "10,300")]
    kept_users: Vec<usize>,
}

impl Run {
    async fn part(&self, part: Part) -> Outcome<()> {
        let daemon = &self.daemon;
        match part {
            Part::Xmpp => xmpp::table(daemon, &self.users, self.messages).await,
            Part::Irc => irc::table(daemon, &self.irc_users, self.messages).await,
            Part::Tls => tls::table(self.tls_users).await,
            Part::Workers => workers::table(daemon, &self.worker_users, &self.workers, self.worker_messages).await,
            Part::Busy => busy::table(daemon, self.busy_users, &self.busy_workers, Duration::from_secs(self.busy_seconds)).await,
            Part::Idle => workers::idle(daemon, self.idle_users).await,
            Part::Roster => roster::table(daemon, self.roster_users, self.roster_buddies, !self.roster_no_shared).await,
            Part::Crash => crash::table(daemon, self.crash_users, self.roster_buddies).await,
            Part::Bitlbee => {
                let [least, most] = self.bitlbee_users.as_slice() else { return Err("--bitlbee-users wants two figures".into()) };
                peer::table(daemon, *least, *most, self.messages).await
            }
            Part::Store => {
                let plan = |messages| store::Plan { messages, seconds: self.store_seconds };
                store::table(plan(self.store_messages), plan(self.store_server_messages)).await
            }
            Part::Search => {
                let plan = |messages| store::Plan { messages, seconds: self.search_seconds };
                search::table(plan(self.search_messages), plan(self.search_server_messages)).await
            }
            Part::Kept => {
                let [least, most] = self.kept_users.as_slice() else { return Err("--kept-users wants two figures".into()) };
                kept::table(daemon, self.kept_turns, *least, *most, self.messages).await
            }
        }
    }

    /// All parts. One that fails is told, and the others are measured all the same.
    async fn all(&self) -> Outcome<()> {
        println!("Memory is PSS, CPU is user and system time; both of the daemon with all its workers, without the kernel's own memory.");
        println!("Beside the figures: the load generator's part of the machine, and everybody else's, who should have had none.");
        if !daemon::is_root() {
            println!("Not root: the workers run with worker.core = true, else their memory could not be read.");
        }
        println!();
        let parts = if self.only.is_empty() { Part::value_variants().to_vec() } else { self.only.clone() };
        let mut failed = 0;
        for part in parts {
            let began = std::time::Instant::now();
            if let Err(error) = self.part(part).await {
                println!("FAILED: {part:?}: {error}\n");
                failed += 1;
            }
            println!("({part:?} took {:.0} s)\n", began.elapsed().as_secs_f64());
        }
        if failed == 0 { Ok(()) } else { Err(format!("{failed} parts failed").into()) }
    }
}

fn main() -> Outcome<()> {
    match Arguments::parse().what {
        What::Floor { port, users, tls } => floor::main(port, users, &tls),
        What::Store { url, messages, seconds } => {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
            runtime.block_on(store::main(&url, store::Plan { messages, seconds }))
        }
        What::Search { url, messages, seconds } => {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
            runtime.block_on(search::main(&url, store::Plan { messages, seconds }))
        }
        What::Run(run) => {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
            runtime.block_on(run.all())
        }
    }
}
