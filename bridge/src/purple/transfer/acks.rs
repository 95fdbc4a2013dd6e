//! What XMPP's stanzas tell of transfers: acknowledgements of bytes that nobody has taken yet are held back, so that the sender waits (XEP-0047,
//! 2.2), and an offer is known to be with the other side. Reads no bytes.
//!
//! A named exception: in-band bytes come with everything else on the account's one connection, and libjabber keeps any number of them.

use super::super::ffi::{borrowed, guard_on};
use super::super::token::OnPurple;
use super::super::{accounts, owner, signals, timers};
use super::{OPEN, Open, cancel_here, change, incoming};
use crate::id::{AccountId, TransferId};
use purple_sys::{PurpleConnection, xmlnode};
use std::cell::Cell;
use std::ffi::{CStr, CString, c_char, c_void};

/// Acknowledgements that are held back of one transfer. A sender that goes on all the same is given up.
const MOST_HELD: usize = 64;

thread_local! {
    /// The text that is sent next is an acknowledgement for this one.
    static NEXT: Cell<Option<TransferId>> = const { Cell::new(None) };
}

/// Listens to XMPP's plugin, where there is one. After it was loaded.
pub(in crate::purple) fn listen(_: OnPurple) {
    type Stanza = unsafe extern "C" fn(*mut PurpleConnection, *mut *mut xmlnode, *mut c_void);
    type Text = unsafe extern "C" fn(*mut PurpleConnection, *mut *mut c_char, *mut c_void);
    // SAFETY: a static text; the plugin stays loaded. The signatures are those that the plugin's signals are registered with.
    unsafe {
        let plugin = purple_sys::purple_find_prpl(c"prpl-jabber".as_ptr());
        if plugin.is_null() {
            return;
        }
        let stanza = std::mem::transmute::<Stanza, unsafe extern "C" fn()>(on_sending);
        let text = std::mem::transmute::<Text, unsafe extern "C" fn()>(on_sending_text);
        signals::connect(plugin.cast::<c_void>(), c"jabber-sending-xmlnode", stanza);
        signals::connect(plugin.cast::<c_void>(), c"jabber-sending-text", text);
    }
}

unsafe extern "C" fn on_sending(gc: *mut PurpleConnection, packet: *mut *mut xmlnode, _: *mut c_void) {
    guard_on("jabber-sending-xmlnode", (), |token| {
        NEXT.set(None);
        if OPEN.with_borrow(|open| open.is_empty()) {
            return;
        }
        // SAFETY: the plugin gives a live connection, and a place with a stanza, which another handler may have taken away.
        unsafe {
            if packet.is_null() || (*packet).is_null() || CStr::from_ptr((**packet).name) != c"iq" {
                return;
            }
            let attribute = |name: &CStr| borrowed(purple_sys::xmlnode_get_attrib(*packet, name.as_ptr()));
            let has = |name: &CStr| !purple_sys::xmlnode_get_child(*packet, name.as_ptr()).is_null();
            let (Some(account), Some(to)) = (accounts::id(token, (*gc).account), attribute(c"to")) else { return };
            let find = |wanted: &dyn Fn(&Open) -> bool| {
                let is_with =
                    |open: &Open| open.account == account && !open.xfer.is_null() && borrowed((*open.xfer).who).as_ref() == Some(&to);
                OPEN.with_borrow(|all| all.iter().find(|(_, open)| wanted(open) && is_with(open)).map(|(id, _)| *id))
            };
            match attribute(c"type").as_deref() {
                Some("result") if (**packet).child.is_null() || !has_elements(*packet) => NEXT.set(find(&|open| open.pending)),
                Some("set") if has(c"si") => {
                    if let Some(id) = find(&|open| !open.incoming && !open.requested) {
                        offered(token, id);
                    }
                }
                _ => {}
            }
        }
    });
}

/// # Safety
/// A live node.
unsafe fn has_elements(node: *mut xmlnode) -> bool {
    // SAFETY: the caller's promise; children live as long.
    unsafe {
        let mut child = (*node).child;
        while !child.is_null() {
            if (*child).type_ == purple_sys::XMLNodeType::XMLNODE_TYPE_TAG {
                return true;
            }
            child = (*child).next;
        }
    }
    false
}

/// The offer of an outgoing file is with the other side: from here on it can be cancelled.
fn offered(token: OnPurple, id: TransferId) {
    let over = change(id, |open| {
        open.requested = true;
        open.over.is_some().then_some((open.account, open.xfer))
    });
    if let Some((account, xfer)) = over.flatten() {
        timers::soon(token, Some(account), move |_| {
            if super::is_open(xfer) {
                cancel_here(xfer);
            }
        });
    }
}

unsafe extern "C" fn on_sending_text(_: *mut PurpleConnection, text: *mut *mut c_char, _: *mut c_void) {
    guard_on("jabber-sending-text", (), |token| {
        let Some(id) = NEXT.take() else { return };
        // SAFETY: the plugin gives a place with a C string of its own, which it does not send when the place is empty.
        let held = unsafe {
            if text.is_null() || (*text).is_null() {
                return;
            }
            CStr::from_ptr(*text).to_owned()
        };
        let count = change(id, |open| {
            open.held.push(held);
            open.held.len()
        });
        if let Some(count) = count {
            // SAFETY: as above.
            unsafe { *text = std::ptr::null_mut() };
            if count > MOST_HELD {
                incoming::give_up(token, id);
            }
        }
    });
}

/// Sends the acknowledgements that were held back.
pub(super) fn send_held(token: OnPurple, id: TransferId) {
    if let Some((account, held)) = change(id, |open| (open.account, std::mem::take(&mut open.held))) {
        send(token, account, held);
    }
}

/// Sends acknowledgements, if the account is still signed on.
pub(super) fn send(token: OnPurple, account: AccountId, held: Vec<CString>) {
    let Ok(gc) = super::super::conversation::connected(token, account) else { return };
    // SAFETY: a live connection, whose protocol's table lives as long as the plugin.
    let send = unsafe { super::super::protocols::info_of(gc) }.and_then(|info| info.send_raw);
    let Some(send) = send else { return };
    for text in held {
        let length = std::ffi::c_int::try_from(text.as_bytes().len()).unwrap_or(0);
        // SAFETY: a live connection and that many bytes, which are copied.
        owner::with(Some(account), || unsafe { send(gc, text.as_ptr(), length) });
    }
}
