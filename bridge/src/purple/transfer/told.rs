//! What the owner of a transfer is told of it until its end: that it is there, and how far it is. Tells no end (see the parent).

use super::super::conversation::normalize;
use super::super::ffi::borrowed;
use super::super::token::OnPurple;
use super::super::{outbox, timers};
use super::change;
use crate::event::EventKind;
use crate::id::{ConversationId, TransferId};
use crate::model::Transfer;
use std::time::{Duration, Instant};

/// Time between two reports of how far a transfer is.
const A_REPORT: Duration = Duration::from_millis(250);

/// Tells the owner of a transfer for the first time.
pub(super) fn show(token: OnPurple, id: TransferId, state: &str) {
    let Some((account, xfer)) = change(id, |open| (open.account, open.xfer)).filter(|(_, xfer)| !xfer.is_null()) else { return };
    // SAFETY: a live transfer of a live account; copied.
    let (purple, peer, name, size, done) = unsafe {
        let transfer = &*xfer;
        (transfer.account, borrowed(transfer.who), borrowed(transfer.filename), transfer.size as u64, transfer.bytes_sent as u64)
    };
    let peer = peer.unwrap_or_default();
    let name_there = normalize(token, purple, &peer);
    let told = change(id, |open| {
        let conversation = ConversationId::of(account, open.kind, &name_there);
        let direction = if open.incoming { "in" } else { "out" }.to_owned();
        let name = plain_name(&name.unwrap_or_default());
        let size = (size > 0).then_some(size);
        let shown = Transfer { id, account, conversation, peer, direction, name, size, done, state: state.to_owned() };
        open.shown = Some(shown.clone());
        (open.user, shown)
    });
    if let Some((user, shown)) = told {
        outbox::emit(token, user, EventKind::TransferOpened(shown));
    }
}

/// A name without directories and characters that no name has.
fn plain_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain: String = crate::text::line(last).trim().trim_start_matches('.').chars().filter(|c| !c.is_control()).take(200).collect();
    if plain.is_empty() { "file".to_owned() } else { plain }
}

/// Tells how it stands. Reports of progress alone are paced.
pub(super) fn report(token: OnPurple, id: TransferId, state: Option<&str>) {
    let mut later = false;
    let told = change(id, |open| {
        let shown = open.shown.as_mut().filter(|_| open.over.is_none())?;
        if let Some(state) = state {
            state.clone_into(&mut shown.state);
        } else if open.reported.is_some_and(|last| last.elapsed() < A_REPORT) {
            later = !std::mem::replace(&mut open.reports, true);
            return None;
        }
        if !open.xfer.is_null() {
            // SAFETY: a live transfer.
            let (size, done) = unsafe { ((*open.xfer).size as u64, (*open.xfer).bytes_sent as u64) };
            (shown.size, shown.done) = ((size > 0).then_some(size), done);
        }
        open.reported = Some(Instant::now());
        Some((open.user, shown.clone()))
    });
    if let Some((user, shown)) = told.flatten() {
        outbox::emit_caused(token, user, None, EventKind::TransferProgress(shown));
    }
    if later {
        let again = timers::after(token, A_REPORT, change(id, |open| open.account), move |token| {
            change(id, |open| open.reports = false);
            report(token, id, None);
        });
        // The report looks by itself whether there is anything to report.
        std::mem::forget(again);
    }
}
