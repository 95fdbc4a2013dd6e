//! Stand-in, soon replaced by the real room: in a conflict take the other side whole.
use crate::config::Range;
use crate::id::AccountId;
pub(crate) struct Policy;
impl Policy { pub(crate) fn new(_: &[Range]) -> Self { Self } }
pub(crate) fn set_policy(_: Policy) {}
pub(crate) fn take_refusal(_: AccountId) -> Option<std::net::IpAddr> { None }
pub(crate) fn forget(_: AccountId) {}
