//! libpurple's TLS, done by rustls: the `PurpleSslOps` and which connection each call is about; what is trusted is `policy`'s business.

mod certificate;
mod decision;
mod engine;
mod policy;
mod stream;
#[cfg(test)]
mod tests;
mod words;

pub(crate) use policy::{AskId, TrustHooks};

use super::ffi::{borrowed, guard_on};
use super::token::OnPurple;
use super::{interpose, owner};
use crate::config::BridgeConfig;
use crate::error::StartError;
use crate::id::AccountId;
use engine::Connection;
use purple_sys::{PurpleSslConnection, PurpleSslOps};
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::ffi::{c_int, c_void};
use std::rc::Rc;
use words::Failure;

/// Bytes handed out by one read, at most.
const A_READ: usize = 64 * 1024;

/// What all connections share.
struct Shared {
    policy: policy::Policy,
    hooks: Box<dyn TrustHooks>,
}

/// The connections by number. C holds numbers, never pointers, so that a late callback finds nothing instead of freed memory.
#[derive(Default)]
struct Table {
    last: usize,
    open: HashMap<usize, Rc<Connection>>,
    failures: HashMap<AccountId, (usize, Failure)>,
}

thread_local! {
    static SHARED: OnceCell<Rc<Shared>> = const { OnceCell::new() };
    static TABLE: RefCell<Table> = RefCell::default();
}

static OPS: PurpleSslOps = PurpleSslOps {
    init: Some(on_init),
    uninit: Some(on_uninit),
    connectfunc: Some(on_connect),
    close: Some(on_close),
    read: Some(on_read),
    write: Some(on_write),
    get_peer_certificates: Some(on_get_peer_certificates),
    _purple_reserved2: None,
    _purple_reserved3: None,
    _purple_reserved4: None,
};

/// Makes rustls the TLS of this libpurple, before `purple_core_init`; once. Without any trust root of the platform's every certificate is asked
/// about; roots of the configuration that cannot be read are an error.
pub(crate) fn install(_: OnPurple, config: &BridgeConfig, hooks: Box<dyn TrustHooks>) -> Result<(), StartError> {
    let policy = policy::Policy::new(config)?;
    let fresh = SHARED.with(|shared| shared.set(Rc::new(Shared { policy, hooks })).is_ok());
    if !fresh {
        return Err(StartError::AlreadyStarted);
    }
    // SAFETY: libpurple only reads the struct, and it is static.
    unsafe { purple_sys::purple_ssl_set_ops(std::ptr::from_ref(&OPS).cast_mut()) };
    Ok(())
}

/// Why the TLS connection of `account` that is failing right now fails: a code of `AccountError`'s and a sentence. It is there while libpurple
/// tells the protocol of the failure (so in `report_disconnect_reason`), until that connection is closed, and libpurple itself has only
/// three sentences for all of them.
pub(crate) fn take_failure(account: AccountId) -> Option<(String, String)> {
    let failure = TABLE.with_borrow_mut(|table| table.failures.remove(&account))?;
    Some((failure.1.code.to_owned(), failure.1.message))
}

fn shared() -> Option<Rc<Shared>> {
    SHARED.try_with(|shared| shared.get().cloned()).ok().flatten()
}

fn by_id(id: usize) -> Option<Rc<Connection>> {
    TABLE.try_with(|table| table.borrow().open.get(&id).cloned()).ok().flatten()
}

fn all() -> Vec<Rc<Connection>> {
    TABLE.with_borrow(|table| table.open.values().cloned().collect())
}

fn note_failure(account: Option<AccountId>, connection: usize, failure: &Failure) {
    match account {
        Some(account) => {
            super::debug::paced(log::Level::Info, format_args!("TLS of account {account}: {}", failure.message));
            TABLE.with_borrow_mut(|table| table.failures.insert(account, (connection, failure.clone())));
        }
        None => super::debug::paced(log::Level::Info, format_args!("TLS of no account: {}", failure.message)),
    }
}

fn forget(connection: usize) -> Option<Rc<Connection>> {
    TABLE.with_borrow_mut(|table| {
        table.failures.retain(|_, (of, _)| *of != connection);
        table.open.remove(&connection)
    })
}

/// The connection that libpurple means.
///
/// # Safety
/// `gsc` is a live connection of libpurple's.
unsafe fn of(gsc: *mut PurpleSslConnection) -> Option<Rc<Connection>> {
    // SAFETY: live, says the caller; the field holds a number of ours or NULL.
    by_id(unsafe { (*gsc).private_data }.addr())
}

fn set_errno(errno: c_int) {
    // SAFETY: no requirements.
    let place = unsafe { libc::__errno_location() };
    // SAFETY: this thread's errno.
    unsafe { *place = errno };
}

unsafe extern "C" fn on_init() -> purple_sys::gboolean {
    guard_on("ssl init", glib_sys::GFALSE, |_| i32::from(shared().is_some()))
}

unsafe extern "C" fn on_uninit() {}

unsafe extern "C" fn on_connect(gsc: *mut PurpleSslConnection) {
    guard_on("ssl connectfunc", (), |token| {
        let Some(shared) = shared() else { return };
        // SAFETY: libpurple made it just now and passes it in; the reference ends at once.
        let (host, fd) = unsafe { gsc.as_ref() }.map_or((std::ptr::null_mut(), -1), |gsc| (gsc.host, gsc.fd));
        // SAFETY: NULL or a string of libpurple's own.
        let host = unsafe { borrowed(host) };
        let account = match interpose::ssl_owner(token, gsc) {
            Some(asked) => asked.account,
            // A plugin made the structure by itself.
            None => owner::current(),
        };
        let id = TABLE.with_borrow_mut(|table| {
            table.last += 1;
            table.last
        });
        let connection = Rc::new(Connection::new(id, gsc, fd, account, host.as_deref(), shared));
        TABLE.with_borrow_mut(|table| table.open.insert(id, Rc::clone(&connection)));
        // SAFETY: live; the field is the back end's.
        unsafe { (*gsc).private_data = std::ptr::without_provenance_mut::<c_void>(id) };
        // Not a step further from in here: the protocol stores what its call returns before it can be called back.
        connection.schedule(0);
    });
}

unsafe extern "C" fn on_close(gsc: *mut PurpleSslConnection) {
    guard_on("ssl close", (), |token| {
        interpose::ssl_closed(token, gsc);
        // SAFETY: libpurple frees it only after this call.
        let id = unsafe { (*gsc).private_data }.addr();
        // SAFETY: as above.
        unsafe { (*gsc).private_data = std::ptr::null_mut() };
        if let Some(connection) = forget(id) {
            connection.close();
        }
    });
}

unsafe extern "C" fn on_read(gsc: *mut PurpleSslConnection, data: *mut c_void, len: usize) -> usize {
    let outcome = guard_on("ssl read", Err(libc::EIO), |_| {
        // SAFETY: a live connection of libpurple's.
        let connection = unsafe { of(gsc) }.ok_or(libc::ENOTCONN)?;
        let (data, len) = (data.cast::<u8>(), len.min(A_READ));
        // SAFETY: the caller's buffer has room for that; zeroed, since C does not promise that it was ever written.
        unsafe { data.write_bytes(0, len) };
        // SAFETY: as above, and nobody else has it during the call.
        connection.read(unsafe { std::slice::from_raw_parts_mut(data, len) })
    });
    answer(outcome)
}

unsafe extern "C" fn on_write(gsc: *mut PurpleSslConnection, data: *const c_void, len: usize) -> usize {
    let outcome = guard_on("ssl write", Err(libc::EIO), |_| {
        // SAFETY: a live connection of libpurple's.
        let connection = unsafe { of(gsc) }.ok_or(libc::ENOTCONN)?;
        // SAFETY: the caller's buffer holds `len` bytes.
        connection.write(unsafe { std::slice::from_raw_parts(data.cast::<u8>(), len) })
    });
    answer(outcome)
}

/// As POSIX `read` and `write` answer, through libpurple's `size_t`: -1 with errno, which is set last.
fn answer(outcome: Result<usize, c_int>) -> usize {
    match outcome {
        Ok(count) => count,
        Err(errno) => {
            set_errno(errno);
            usize::MAX
        }
    }
}

unsafe extern "C" fn on_get_peer_certificates(_: *mut PurpleSslConnection) -> *mut purple_sys::GList {
    // No protocol asks, and PurpleCertificate would want a scheme of its own.
    std::ptr::null_mut()
}
