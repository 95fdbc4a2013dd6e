//! `make bench`: starts the servers, the floors and the daemon, puts N users on each, and prints every figure beside its floor, from one run.
//! It measures; it judges nothing.

mod child;
mod daemon;
mod floor;
mod irc;
mod latency;
mod proc;
mod prosody;
mod raw;
mod tls;
mod wire;

use clap::{Parser, Subcommand};

/// Errors are told and end the run: a figure that was not measured must not look like one.
pub(crate) type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[derive(Parser)]
#[command(about = "Measures Bellflower against its floors")]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// The whole table.
    Run {
        /// The daemon's binary.
        #[arg(long, default_value = "target/release/bellflower")]
        daemon: std::path::PathBuf,
        /// Populations of XMPP accounts.
        #[arg(long, value_delimiter = ',', default_value = "10,100,1000,3000")]
        users: Vec<usize>,
        /// Population of IRC accounts; 0 leaves IRC out.
        #[arg(long, default_value_t = 1000)]
        irc: usize,
        /// Messages to each user before memory is read.
        #[arg(long, default_value_t = 100)]
        messages: usize,
        /// Accounts for the memory of TLS; 0 leaves it out.
        #[arg(long, default_value_t = 300)]
        tls: usize,
    },
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
}

fn main() -> Outcome<()> {
    match Arguments::parse().what {
        What::Floor { port, users, tls } => floor::main(port, users, &tls),
        What::Run { daemon, users, irc, messages, tls } => {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
            runtime.block_on(async {
                daemon::table(&daemon, &users, messages).await?;
                if irc > 0 {
                    irc::table(&daemon, irc, messages).await?;
                }
                if tls > 0 {
                    tls::table(tls).await?;
                }
                Ok(())
            })
        }
    }
}
