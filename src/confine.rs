//! What a worker process takes from itself before it loads a plugin; where the kernel lacks the means, a line in the log says so.

use bridge::config::BridgeConfig;
use bridge::frame::Confine;
use std::io;

/// Applies it to the whole process, which has one thread yet.
pub(crate) fn apply(_config: &BridgeConfig, confine: &Confine) -> io::Result<()> {
    // As many descriptors as the system lets it have: each account is one or more.
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        log::warn!("cannot raise the limit of descriptors: {error}");
    }
    crate::worker::limit(confine.core, confine.address_space)
}
