//! `bellflower protocol`: switches protocols off and on, which lasts until it is changed again. Knows no account: the daemon signs them off.

use super::people::refused;
use super::{failed, note, say};
use crate::error::Failure;
use bridge::model::Protocol;
use web::store::Store;

pub(super) async fn list(store: &dyn Store, offered: &[Protocol]) -> Result<(), Failure> {
    let closed = store.closed_protocols().await.map_err(failed)?;
    for protocol in offered {
        let state = if closed.contains(&protocol.id) { "disabled" } else { "enabled" };
        say(&format!("{}\t{state}\t{}", protocol.id, protocol.name));
    }
    // Of plugins that are not there any more.
    for id in closed.iter().filter(|id| !offered.iter().any(|protocol| protocol.id == **id)) {
        say(&format!("{id}\tdisabled\tis not here"));
    }
    Ok(())
}

pub(super) async fn set(store: &dyn Store, offered: &[Protocol], id: &str, disabled: bool) -> Result<(), Failure> {
    let closed = store.closed_protocols().await.map_err(failed)?;
    let is_closed = closed.iter().any(|known| known == id);
    if !is_closed && !offered.iter().any(|protocol| protocol.id == id) {
        let known: Vec<&str> = offered.iter().map(|protocol| protocol.id.as_str()).collect();
        return Err(refused(format!("there is no protocol \"{id}\"; there are {}", known.join(", "))));
    }
    if is_closed == disabled {
        say(&format!("{id} is {} already.", if disabled { "disabled" } else { "enabled" }));
        return Ok(());
    }
    store.set_protocol(id, disabled).await.map_err(failed)?;
    note(store, None, "protocol", &format!("{id} {}", if disabled { "disabled" } else { "enabled" })).await?;
    say(&format!(
        "{id} is {}",
        if disabled {
            "disabled: its accounts are signed off, and nobody signs on, until `bellflower protocol enable`."
        } else {
            "enabled: accounts that were signed off for it sign on again."
        }
    ));
    Ok(())
}
