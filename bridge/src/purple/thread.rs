//! The libpurple thread.
use crate::config::BridgeConfig;
use crate::error::StartError;
use crate::handle::Bridge;
pub(crate) fn start(_config: BridgeConfig) -> Result<Bridge, StartError> {
    Err(StartError::Core)
}
