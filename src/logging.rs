//! Where log lines go: standard error, filtered by RUST_LOG, without a time where the journal adds its own; nothing else is logged to.

use env_logger::{Builder, Env};

/// Starts logging. `RUST_LOG` as env_logger has it; `info` without it, of libpurple only warnings.
pub(crate) fn start() {
    let mut builder = Builder::from_env(Env::default().default_filter_or("info,libpurple=warn"));
    if std::env::var_os("JOURNAL_STREAM").is_some() {
        builder.format_timestamp(None);
    }
    // A second start keeps the first logger, which is what is wanted.
    let _ = builder.try_init();
}

/// The same for a worker, whose lines say which one it is.
pub(crate) fn start_worker(number: u16) {
    use std::io::Write as _;
    let mut builder = Builder::from_env(Env::default().default_filter_or("info,libpurple=warn"));
    let times = std::env::var_os("JOURNAL_STREAM").is_none();
    builder.format(move |out, record| {
        let time = if times { format!("{} ", out.timestamp()) } else { String::new() };
        writeln!(out, "[{time}{} {} worker {number}] {}", record.level(), record.target(), record.args())
    });
    // A second start keeps the first logger, which is what is wanted.
    let _ = builder.try_init();
}
