//! What a browser posts to `/commands`: what it costs, and that each command is either taken or refused.

use crate::cost;
use crate::site::Site;
use std::cell::OnceCell;
use std::time::Duration;

thread_local! {
    static SITE: OnceCell<Site> = const { OnceCell::new() };
}

pub(crate) fn commands(data: &[u8]) {
    // One whose session has lived: what is refused for being too much at once is refused before it is looked at.
    SITE.with(|site| {
        let site = site.get_or_init(Site::new);
        let (result, cost) = cost::of(|| site.hub.perform(&site.session, data));
        cost.is_at_most("commands", (1 << 20) + 64 * data.len(), data.len(), Duration::from_millis(5), Duration::from_micros(1));
        if let Ok((status, commanded)) = result {
            assert!(status.is_success() || commanded.accepted.is_empty(), "{status} {commanded:?}");
        }
        let _ = site.networks.take();
    });
}
