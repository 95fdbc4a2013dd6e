//! Pictures of buddies and of the user's own accounts, by content hash; nothing is cached on disk and no picture is decoded here.

use super::token::OnPurple;
use super::{accounts, outbox, protocols};
use crate::error::CommandError;
use crate::event::{EventKind, Media};
use crate::id::{AccountId, UserId};
use purple_sys::PurpleBuddy;
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// Largest picture passed on, in bytes; a contact's server chooses it.
const LARGEST_IN: usize = 1 << 20;

/// Keeps libpurple from writing pictures to disk (hazard 12). After `purple_core_init`.
pub(super) fn install(_: OnPurple) {
    // SAFETY: after core_init.
    unsafe { purple_sys::purple_buddy_icons_set_caching(glib_sys::GFALSE) };
}

/// Sends bytes to a user ahead of the event that names them; the answer is their hash (SHA-256, lower-case hex).
pub(super) fn store(token: OnPurple, user: UserId, bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    });
    outbox::emit(token, user, EventKind::MediaStored(Media { hash: hash.clone(), bytes: bytes.to_vec() }));
    hash
}

/// A picture that a user was sent.
#[derive(Clone)]
pub(super) struct Seen {
    /// Where libpurple keeps it: compared, never read.
    at: usize,
    size: usize,
    pub(super) hash: String,
}

/// The buddy's picture, sent ahead unless it is the one seen `before`; `None` without one. libpurple replaces a picture's bytes as a whole and
/// says so by a signal, so the same place and size are the same picture.
pub(super) fn of_buddy(token: OnPurple, user: UserId, buddy: *mut PurpleBuddy, before: Option<&Seen>) -> Option<Seen> {
    // SAFETY: a live buddy; its icon, when there is one, lends its bytes while it lives, and nothing here changes it.
    unsafe {
        let icon = purple_sys::purple_buddy_get_icon(buddy);
        if icon.is_null() {
            return None;
        }
        let mut size = 0;
        let bytes = purple_sys::purple_buddy_icon_get_data(icon, &raw mut size).cast::<u8>();
        if bytes.is_null() || size == 0 || size > LARGEST_IN {
            return None;
        }
        let at = bytes.addr();
        if let Some(before) = before.filter(|before| before.at == at && before.size == size) {
            return Some(before.clone());
        }
        Some(Seen { at, size, hash: store(token, user, std::slice::from_raw_parts(bytes, size)) })
    }
}

/// Whether these are the first bytes of a PNG, GIF or JPEG file.
pub(super) fn is_picture(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x89PNG\r\n\x1a\n")
        || bytes.starts_with(b"GIF87a")
        || bytes.starts_with(b"GIF89a")
        || bytes.starts_with(b"\xff\xd8\xff")
}

/// Sets the icon that others see of the account, or takes it away.
///
/// # Errors
/// `no_such_account`; `not_supported` by the protocol; `bad_picture` for what its protocol does not take ([`crate::icons::check`]).
pub(super) fn set_own(token: OnPurple, user: UserId, account: AccountId, image: Option<Vec<u8>>) -> Result<(), CommandError> {
    let purple = accounts::pointer(token, user, account)?;
    let protocol = accounts::read(token, account, |entry| entry.protocol.clone()).unwrap_or_default();
    let Some(spec) = protocols::icon_spec(token, &protocol) else {
        return Err(CommandError::new("not_supported", "This network has no icons."));
    };
    if let Some(bytes) = &image {
        crate::icons::check(&spec, bytes).map_err(|message| CommandError::new("bad_picture", message).at("image"))?;
    }
    let hash = image.as_deref().map(|bytes| store(token, user, bytes));
    let (data, size) = match image.as_deref() {
        None => (std::ptr::null_mut(), 0),
        Some(bytes) => {
            // SAFETY: libpurple takes the copy over and frees it with g_free; g_malloc gives that many bytes or ends the program.
            unsafe {
                let copy = glib_sys::g_malloc(bytes.len()).cast::<u8>();
                std::ptr::copy_nonoverlapping(bytes.as_ptr(), copy, bytes.len());
                (copy, bytes.len())
            }
        }
    };
    // SAFETY: a live account, and bytes of which libpurple is the owner now.
    super::owner::with(Some(account), || unsafe { purple_sys::purple_buddy_icons_set_account_icon(purple, data, size) });
    accounts::change(token, account, |entry| entry.icon = hash);
    if let Some(shown) = super::account::describe(token, account) {
        outbox::emit(token, user, EventKind::AccountUpdated(shown));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::purple::testing::with_core;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x60\0\0\0\x60 and so on";

    #[test]
    fn own_icons_are_checked_set_and_taken_away() {
        with_core("purple::icon::tests::own_icons_are_checked_set_and_taken_away", |core| {
            let (token, account) = (core.token, core.account(1, 10));
            let set = |image: Option<&[u8]>| set_own(token, UserId(1), AccountId(10), image.map(<[u8]>::to_vec));
            assert_eq!(set_own(token, UserId(2), AccountId(10), None).unwrap_err().code, "no_such_account");
            assert_eq!(set(Some(b"<svg/>")).unwrap_err().field.as_deref(), Some("image"));
            assert_eq!(set(Some(&[PNG, &vec![0; crate::icons::LARGEST]].concat())).unwrap_err().code, "bad_picture");
            assert!(core.events().is_empty());
            set(Some(PNG)).unwrap();
            let events = core.events();
            let EventKind::MediaStored(media) = &events[0].1 else { panic!("{events:?}") };
            assert_eq!(media.bytes, PNG);
            assert!(
                matches!(&events.last().unwrap().1, EventKind::AccountUpdated(shown) if shown.icon.as_ref() == Some(&media.hash)),
                "{events:?}"
            );
            // SAFETY: a live account, whose picture libpurple lends with a reference.
            let held = unsafe {
                let image = purple_sys::purple_buddy_icons_find_account_icon(account);
                let size = purple_sys::purple_imgstore_get_size(image);
                purple_sys::purple_imgstore_unref(image);
                size as usize
            };
            assert_eq!(held, PNG.len());
            set(None).unwrap();
            // SAFETY: a live account.
            assert!(unsafe { purple_sys::purple_buddy_icons_find_account_icon(account) }.is_null());
        });
    }

    #[test]
    fn only_pictures_pass() {
        for (bytes, fits) in
            [(PNG, true), (b"GIF89a..", true), (b"\xff\xd8\xff\xe0", true), (b"", false), (b"BM", false), (b"\x89PNG", false)]
        {
            assert_eq!(is_picture(bytes), fits, "{bytes:?}");
        }
    }
}
