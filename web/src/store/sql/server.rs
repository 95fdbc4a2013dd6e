//! Looks whether a server keeps what it says that it has kept. Changes no setting of it.

use super::dialect::Otherwise;
use super::link::Link;
use crate::store::StoreError;

/// Refuses a server that cannot hold every text, and warns of one that may lose what it has committed.
pub(super) async fn check(link: &mut Link) -> Result<(), StoreError> {
    for duty in link.dialect().duties() {
        let said = match link.row(duty.asked, &[]).await? {
            Some(row) => row.text(0)?,
            None => String::new(),
        };
        if said == duty.wanted {
            continue;
        }
        match duty.otherwise {
            Otherwise::Refuse(words) => return Err(StoreError::Setting(words.replace("{}", &said))),
            Otherwise::Warn(words) => log::warn!("{}", words.replace("{}", &said)),
        }
    }
    Ok(())
}
