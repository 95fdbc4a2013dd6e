//! Which account a TLS connection belongs to, learnt where libpurple is asked for it; what is trusted is `tls.rs`'s business.

use super::super::{accounts, ffi, owner, token::OnPurple};
use super::next::Next;
use crate::id::AccountId;
use purple_sys::{PurpleAccount, PurpleSslConnection, PurpleSslErrorFunction, PurpleSslInputFunction, gchar, gpointer};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::c_int;

pub(super) type WithHostFd = unsafe extern "C" fn(
    *mut PurpleAccount,
    c_int,
    PurpleSslInputFunction,
    PurpleSslErrorFunction,
    *const gchar,
    gpointer,
) -> *mut PurpleSslConnection;
pub(super) type WithSslCn = unsafe extern "C" fn(
    *mut PurpleAccount,
    *const gchar,
    c_int,
    PurpleSslInputFunction,
    PurpleSslErrorFunction,
    *const gchar,
    gpointer,
) -> *mut PurpleSslConnection;

// SAFETY: libpurple's declaration.
static WITH_HOST_FD: Next<WithHostFd> = unsafe { Next::new(c"purple_ssl_connect_with_host_fd") };
// SAFETY: libpurple's declaration.
static WITH_SSL_CN: Next<WithSslCn> = unsafe { Next::new(c"purple_ssl_connect_with_ssl_cn") };

/// Who asked for a TLS connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SslOwner {
    /// The account that was named, looked up while it was certainly alive (a look-up may outlive it); the account whose callback asked, where
    /// none was named. `None` when neither is one of ours.
    pub(crate) account: Option<AccountId>,
}

thread_local! {
    /// Of the call that is running: `connectfunc` runs inside it when the socket exists already.
    static RUNNING: Cell<Option<SslOwner>> = const { Cell::new(None) };
    /// Of connections whose `connectfunc` is called later, when the socket is connected.
    static WAITING: RefCell<HashMap<*const PurpleSslConnection, SslOwner>> = RefCell::new(HashMap::new());
}

/// For `connectfunc`: who asked for `connection`. `None` when a plugin made the structure by itself.
pub(crate) fn ssl_owner(_: OnPurple, connection: *const PurpleSslConnection) -> Option<SslOwner> {
    // One that waited is told by its address; inside a running call it is a new one, which no entry can mean.
    RUNNING.get().or_else(|| WAITING.with_borrow(|waiting| waiting.get(&connection).copied()))
}

/// For `close`, which libpurple calls for every connection that it gave out, connected or not: its address may be used again.
pub(crate) fn ssl_closed(_: OnPurple, connection: *const PurpleSslConnection) {
    WAITING.with_borrow_mut(|waiting| waiting.remove(&connection));
}

/// # Safety
/// `account` is NULL or a live `PurpleAccount`.
unsafe fn asked_by(account: *const PurpleAccount) -> SslOwner {
    if account.is_null() {
        return SslOwner { account: owner::current() };
    }
    // SAFETY: passed on.
    SslOwner { account: OnPurple::here().and_then(|token| unsafe { accounts::id(token, account) }) }
}

struct Restore(Option<SslOwner>);

impl Drop for Restore {
    fn drop(&mut self) {
        RUNNING.set(self.0);
    }
}

/// `purple_ssl_connect_with_host_fd` in libpurple's stead, with its account noted for the back end.
///
/// # Safety
/// As libpurple's.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn purple_ssl_connect_with_host_fd(
    account: *mut PurpleAccount,
    socket: c_int,
    connected: PurpleSslInputFunction,
    failed: PurpleSslErrorFunction,
    host: *const gchar,
    data: gpointer,
) -> *mut PurpleSslConnection {
    ffi::guard("purple_ssl_connect_with_host_fd", std::ptr::null_mut(), || {
        let Some(real) = WITH_HOST_FD.get() else { return std::ptr::null_mut() };
        // SAFETY: the caller's own account.
        let _restore = Restore(RUNNING.replace(Some(unsafe { asked_by(account) })));
        // SAFETY: the caller's own arguments.
        unsafe { real(account, socket, connected, failed, host, data) }
    })
}

/// `purple_ssl_connect_with_ssl_cn` in libpurple's stead, with its account noted for the back end.
///
/// # Safety
/// As libpurple's.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn purple_ssl_connect_with_ssl_cn(
    account: *mut PurpleAccount,
    host: *const gchar,
    port: c_int,
    connected: PurpleSslInputFunction,
    failed: PurpleSslErrorFunction,
    name: *const gchar,
    data: gpointer,
) -> *mut PurpleSslConnection {
    ffi::guard("purple_ssl_connect_with_ssl_cn", std::ptr::null_mut(), || {
        let Some(real) = WITH_SSL_CN.get() else { return std::ptr::null_mut() };
        // SAFETY: the caller's own arguments.
        let connection = unsafe { real(account, host, port, connected, failed, name, data) };
        if !connection.is_null() {
            // SAFETY: the caller's own account.
            let asked = unsafe { asked_by(account) };
            WAITING.with_borrow_mut(|waiting| waiting.insert(connection, asked));
        }
        connection
    })
}
