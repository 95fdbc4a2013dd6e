//! Where log lines go: standard error (a worker's is a pipe to the web process), filtered by RUST_LOG, without a time where the journal adds its own; nothing else is logged to.

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

/// The same for a worker: its lines go to the web process, which takes them apart ([`crate::fleet`]) and adds time and number.
pub(crate) fn start_worker() {
    use std::io::Write as _;
    let mut builder = Builder::from_env(Env::default().default_filter_or("info,libpurple=warn"));
    builder.format(|out, record| {
        // One line each.
        let text = record.args().to_string().replace('\n', " ");
        writeln!(out, "{} {} {text}", record.level(), record.target())
    });
    // A second start keeps the first logger, which is what is wanted.
    let _ = builder.try_init();
}
