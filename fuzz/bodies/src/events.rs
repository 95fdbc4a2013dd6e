//! Frames of a worker that was taken over: what the daemon keeps of them, and what they cost it.

use crate::cost;
use crate::site::Site;
use bridge::frame::{Frames, Up};
use bridge::handle::Events;
use std::sync::Arc;
use std::time::Duration;

/// What a session may hold, whatever is told it: its log, kept messages, pictures, texts cut to their bounds.
const MOST: usize = 96 << 20;

pub(crate) fn events(data: &[u8]) {
    let site = Site::new();
    let mut frames = Frames::default();
    frames.push(data);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap_or_else(|error| panic!("{error}"));
    let (sender, events) = tokio::sync::mpsc::channel(1 << 16);
    let mut count = 0;
    loop {
        let (frame, cost) = cost::of(|| frames.take::<Up>());
        // A type's own size beside its shortest form is the most that decoding multiplies by. A list that claims to be long gets a MiB at once
        // (serde), in each of the lists that stand in each other.
        cost.is_at_most("a frame", (24 << 20) + 512 * data.len(), data.len(), Duration::from_millis(1), Duration::from_nanos(500));
        match frame {
            Ok(Some(Up::Events(mut batch))) => {
                count += batch.len();
                batch.iter_mut().for_each(|event| event.user = site.session.id());
                let _ = sender.try_send((batch, None));
            }
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => break,
        }
    }
    drop(sender);
    let ((), cost) = cost::of(|| runtime.block_on(Arc::clone(&site.hub).run(Events::of(events))));
    cost.is_at_most(
        &format!("{count} events"),
        MOST.min((4 << 20) + 64 * data.len()),
        data.len(),
        Duration::from_millis(20),
        Duration::from_micros(2),
    );
    let (snapshot, cost) = cost::of(|| site.hub.attach(&site.session, "tab"));
    assert!(snapshot.is_ok(), "{snapshot:?}");
    cost.is_at_most("a snapshot", MOST, data.len(), Duration::from_millis(20), Duration::from_micros(2));
    let _ = site.networks.take();
}
