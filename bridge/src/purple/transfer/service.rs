//! Finds the upload service of an account's XMPP server (XEP-0363, 3) in what libjabber asks the server at each sign-on: no packet more goes out.
//! Uploads nothing (see `upload.rs`).

use super::super::ffi::{borrowed, guard_on, owned};
use super::super::token::OnPurple;
use super::super::{account, accounts, signals};
use super::upload::SPACE;
use crate::id::AccountId;
use glib_sys::{GFALSE, gboolean};
use purple_sys::{PurpleConnection, xmlnode};
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_void};

const INFO: &CStr = c"http://jabber.org/protocol/disco#info";
const ITEMS: &CStr = c"http://jabber.org/protocol/disco#items";
/// Services of a server that are looked at.
const MOST_ITEMS: usize = 50;

/// A service that takes files.
#[derive(Clone)]
pub(super) struct Service {
    /// The service's address.
    pub(super) address: String,
    /// Bytes of a file at most, where it says so.
    pub(super) most: Option<u64>,
}

#[derive(Default)]
struct Known {
    /// Services that the server itself has named.
    items: Vec<String>,
    service: Option<Service>,
}

thread_local! {
    static KNOWN: RefCell<HashMap<AccountId, Known>> = RefCell::default();
}

/// The upload service of an account that is signed on.
pub(super) fn of(account: AccountId) -> Option<Service> {
    KNOWN.with_borrow(|known| known.get(&account)?.service.clone())
}

/// The connection of an account ends.
pub(super) fn forget(_: OnPurple, account: AccountId) {
    KNOWN.with_borrow_mut(|known| known.remove(&account));
}

/// Listens to XMPP's plugin, where there is one. After it was loaded.
pub(super) fn listen(token: OnPurple) {
    signals::jabber::receiving_iq(token, on_receiving);
}

/// Answers FALSE: libjabber reads it all the same.
unsafe extern "C" fn on_receiving(
    gc: *mut PurpleConnection,
    kind: *const c_char,
    _: *const c_char,
    from: *const c_char,
    iq: *mut xmlnode,
    _: *mut c_void,
) -> gboolean {
    guard_on("jabber-receiving-iq", (), |token| {
        // SAFETY: the plugin gives a live connection of a live account, C strings or NULL, and a live stanza; nothing is copied before it is needed.
        unsafe {
            if kind.is_null() || from.is_null() || CStr::from_ptr(kind) != c"result" {
                return;
            }
            let info = purple_sys::xmlnode_get_child_with_namespace(iq, c"query".as_ptr(), INFO.as_ptr());
            let items = purple_sys::xmlnode_get_child_with_namespace(iq, c"query".as_ptr(), ITEMS.as_ptr());
            if info.is_null() && items.is_null() {
                return;
            }
            let (Some(from), Some(account)) = (borrowed(from), accounts::id(token, (*gc).account)) else { return };
            let Some(domain) = domain(token, account) else { return };
            let own = from.eq_ignore_ascii_case(&domain);
            if !items.is_null() && own {
                KNOWN.with_borrow_mut(|known| known.entry(account).or_default().items = named(items));
            } else if !info.is_null() {
                // Only the server, and services that it has named: anybody else may send such a stanza.
                let trusted = own || KNOWN.with_borrow(|known| known.get(&account).is_some_and(|known| known.items.contains(&from)));
                if let Some(service) = Some(from).filter(|_| trusted).and_then(|from| read(info, from)) {
                    log::debug!(target: "bridge", "account {account}: files go by {}", service.address);
                    KNOWN.with_borrow_mut(|known| known.entry(account).or_default().service = Some(service));
                    account::refresh(token, account);
                }
            }
        }
    });
    GFALSE
}

/// The domain of an account's address.
fn domain(token: OnPurple, account: AccountId) -> Option<String> {
    accounts::read(token, account, |entry| {
        let bare = entry.username.split('/').next().unwrap_or_default();
        bare.rsplit_once('@').map(|(_, domain)| domain.to_owned())
    })
    .flatten()
}

/// Addresses of services in an answer.
///
/// # Safety
/// A live node.
unsafe fn named(query: *mut xmlnode) -> Vec<String> {
    let mut items = Vec::new();
    // SAFETY: the caller's promise; C strings; texts are copied.
    unsafe {
        let mut item = purple_sys::xmlnode_get_child(query, c"item".as_ptr());
        while !item.is_null() && items.len() < MOST_ITEMS {
            let address = borrowed(purple_sys::xmlnode_get_attrib(item, c"jid".as_ptr()));
            items.extend(address.filter(|address| !address.contains(['@', '/'])));
            item = purple_sys::xmlnode_get_next_twin(item);
        }
    }
    items
}

/// The service that an answer describes, if it takes uploads.
///
/// # Safety
/// A live node.
unsafe fn read(query: *mut xmlnode, address: String) -> Option<Service> {
    // SAFETY: the caller's promise; C strings; texts are copied, or made for us.
    unsafe {
        let mut takes = false;
        let mut feature = purple_sys::xmlnode_get_child(query, c"feature".as_ptr());
        while !feature.is_null() && !takes {
            let var = purple_sys::xmlnode_get_attrib(feature, c"var".as_ptr());
            takes = !var.is_null() && CStr::from_ptr(var) == SPACE;
            feature = purple_sys::xmlnode_get_next_twin(feature);
        }
        if !takes {
            return None;
        }
        let mut most = None;
        let form = purple_sys::xmlnode_get_child_with_namespace(query, c"x".as_ptr(), c"jabber:x:data".as_ptr());
        let mut field = if form.is_null() { form } else { purple_sys::xmlnode_get_child(form, c"field".as_ptr()) };
        while !field.is_null() {
            let var = purple_sys::xmlnode_get_attrib(field, c"var".as_ptr());
            if !var.is_null() && CStr::from_ptr(var) == c"max-file-size" {
                let value = purple_sys::xmlnode_get_child(field, c"value".as_ptr());
                let value = if value.is_null() { None } else { owned(purple_sys::xmlnode_get_data(value)) };
                most = value.and_then(|text| text.trim().parse().ok());
            }
            field = purple_sys::xmlnode_get_next_twin(field);
        }
        Some(Service { address, most })
    }
}
