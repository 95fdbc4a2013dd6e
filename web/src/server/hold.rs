//! A connection whose answer is to come, with nothing of its request and nothing of hyper beside the socket; it reads no request.

use super::stream::{Guarded, Held};
use super::{Address, Ending, write};
use tokio::sync::watch;

/// Waits for an answer with the socket alone in hand, and writes it. False when the connection is over.
pub(super) async fn hold(stream: &mut Guarded, mut held: Held, address: Address, ending: &mut watch::Receiver<Ending>) -> bool {
    stream.calm();
    let response = loop {
        tokio::select! {
            response = &mut held.answer => break response,
            () = stream.left() => return false,
            changed = ending.changed() => {
                match (changed.is_ok(), *ending.borrow_and_update()) {
                    (true, Ending::No) => {}
                    // What is held is answered now, by whoever ends everything; nothing comes after it.
                    (true, Ending::Drain) => held.keep = false,
                    _ => return false,
                }
            }
        }
    };
    // Boxed, so that who waits above keeps no place for it.
    if let Err(error) = Box::pin(write::response(stream, response, held.keep)).await {
        log::debug!("connection from {address}: {error}");
        return false;
    }
    stream.rest();
    held.keep
}
