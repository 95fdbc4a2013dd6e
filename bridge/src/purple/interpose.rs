//! The C symbols that the executable answers in libpurple's and GLib's stead (`bridge/interposed.txt` names them all); their policies live elsewhere.

mod next;
pub(super) mod timers;

pub(super) fn install(_: super::token::OnPurple, _: &crate::config::BridgeConfig) {}
pub(super) fn self_test(_: super::token::OnPurple) -> Result<(), crate::error::StartError> { Ok(()) }
pub(super) fn plugin_reports() -> Vec<crate::model::PluginReport> { Vec::new() }
