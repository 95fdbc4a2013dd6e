//! What the sessions need to be told: times and bounds, already checked by whoever read them.

/// Times in milliseconds, sizes in bytes; for limits, 0 means none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionConfig {
    /// Longest a poll is held: 10 000-55 000.
    pub hold_ms: u64,
    /// Sign of life on a stream.
    pub heartbeat_ms: u64,
    /// Longest life of a stream; the client comes again.
    pub stream_ms: u64,
    /// Time without a poll, beyond the hold, after which a user counts as gone.
    pub grace_ms: u64,
    /// The same for a tab that said it was hidden (browsers slow those down).
    pub hidden_grace_ms: u64,
    /// How long a silent client may come back without attaching anew; at most the linger.
    pub resume_ms: u64,
    /// How long accounts stay signed on after the user is gone.
    pub linger_ms: u64,
    /// The same for guests.
    pub guest_linger_ms: u64,
    /// The same for a guest whose only account failed for good.
    pub failed_guest_linger_ms: u64,
    /// Events in a log.
    pub log_events: usize,
    /// Bytes in a log.
    pub log_bytes: usize,
    /// Bytes in a log that only clients wait for that have not polled for `stale_ms`.
    pub stale_log_bytes: usize,
    /// See `stale_log_bytes`.
    pub stale_ms: u64,
    /// Events in one answer.
    pub answer_events: usize,
    /// Bytes in one answer, one event aside.
    pub answer_bytes: usize,
    /// Clients of one user; the longest unpolled goes.
    pub clients_per_user: usize,
    /// Accounts of one user.
    pub accounts_per_user: usize,
    /// Open conversations of one user.
    pub conversations_per_user: usize,
    /// Messages kept of each conversation.
    pub kept_messages: usize,
    /// Bytes of messages kept of all conversations of a user.
    pub kept_bytes: usize,
    /// Bytes of a message's text.
    pub text_bytes: usize,
    /// Buddies that one user may add; lists that networks bring may be longer.
    pub buddies_per_user: usize,
    /// Commands of one user; short bursts may be four times as many. Those that are much work count for several (`price`).
    pub commands_per_second: u32,
    /// Requests of one user, each 16 KiB of its body or its answer counted as another; short bursts may be four times as many.
    pub requests_per_second: u32,
    /// Attaches of one user.
    pub attaches_per_minute: u32,
    /// People that a guest may be the first to write to within an hour; ten times as many for all guests of a neighbourhood.
    pub strangers_per_hour: u32,
    /// Some network is told where its users are.
    pub tells_addresses: bool,
    /// Users and guests signed in at once.
    pub users: usize,
    /// Icons and pictures that one user may see at once.
    pub media_bytes: usize,
    /// One upload; a user has four times as much at most.
    pub upload_bytes: usize,
    /// Uploads of one user on their way at once.
    pub uploads_per_user: u32,
    /// Bytes that `settings.set` keeps for a user.
    pub settings_bytes: usize,
    /// Keys that `settings.set` keeps for a user, and takes in one command.
    pub settings_keys: usize,
    /// Where files that are to be sent are kept; `None`: none are taken.
    pub uploads_dir: Option<std::path::PathBuf>,
    /// How much of them.
    pub files: super::StagingLimits,
    /// Shown as idle after so much inactivity in all tabs.
    pub idle_after_ms: u64,
}

impl Default for SessionConfig {
    fn default() -> Self {
        Self {
            hold_ms: 25_000,
            heartbeat_ms: 10_000,
            stream_ms: 5 * 60_000,
            grace_ms: 20_000,
            hidden_grace_ms: 90_000,
            resume_ms: 10 * 60_000,
            linger_ms: 12 * 3_600_000,
            guest_linger_ms: 10 * 60_000,
            failed_guest_linger_ms: 60_000,
            log_events: 2000,
            log_bytes: 1 << 20,
            stale_log_bytes: 64 << 10,
            stale_ms: 120_000,
            answer_events: 500,
            answer_bytes: 64 << 10,
            clients_per_user: 16,
            accounts_per_user: 32,
            conversations_per_user: 500,
            kept_messages: 50,
            kept_bytes: 64 << 10,
            text_bytes: 64 << 10,
            buddies_per_user: 10_000,
            commands_per_second: 50,
            requests_per_second: 200,
            attaches_per_minute: 60,
            strangers_per_hour: 0,
            tells_addresses: false,
            users: 0,
            media_bytes: 8 << 20,
            upload_bytes: 1 << 20,
            uploads_per_user: 4,
            settings_bytes: 64 << 10,
            settings_keys: 1000,
            uploads_dir: None,
            files: super::StagingLimits { file: 512 << 20, user: 1 << 30, all: 8 << 30 },
            idle_after_ms: 10 * 60_000,
        }
    }
}
