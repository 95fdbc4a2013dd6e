//! libsasl2's connections in its stead: a protocol keeps each as long as it is signed on (some 5.7 KB), though after the log-in nothing is left for it
//! to do, unless it encrypts. Ours are names of them, and the connection behind goes when it has done its part. Only libjabber's have names: others
//! may call what is not answered here (`sasl_encodev`), or from other threads. It authenticates nobody.

use super::super::sasl::symbol;
use crate::purple::ffi::{borrowed, guard};
use crate::purple::token::OnPurple;
use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::marker::PhantomData;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

/// `sasl_conn_t`, or our name for one.
pub(in super::super) type Conn = *mut c_void;
pub(in super::super) type New =
    unsafe extern "C" fn(*const c_char, *const c_char, *const c_char, *const c_char, *const c_void, c_uint, *mut Conn) -> c_int;
pub(in super::super) type Start =
    unsafe extern "C" fn(Conn, *const c_char, *mut *mut c_void, *mut *const c_char, *mut c_uint, *mut *const c_char) -> c_int;
pub(in super::super) type Step =
    unsafe extern "C" fn(Conn, *const c_char, c_uint, *mut *mut c_void, *mut *const c_char, *mut c_uint) -> c_int;
pub(in super::super) type Code = unsafe extern "C" fn(Conn, *const c_char, c_uint, *mut *const c_char, *mut c_uint) -> c_int;
pub(in super::super) type Dispose = unsafe extern "C" fn(*mut Conn);
pub(in super::super) type Detail = unsafe extern "C" fn(Conn) -> *const c_char;
pub(in super::super) type Get = unsafe extern "C" fn(Conn, c_int, *mut *const c_void) -> c_int;
pub(in super::super) type Set = unsafe extern "C" fn(Conn, c_int, *const c_void) -> c_int;
pub(in super::super) type List = unsafe extern "C" fn(
    Conn,
    *const c_char,
    *const c_char,
    *const c_char,
    *const c_char,
    *mut *const c_char,
    *mut c_uint,
    *mut c_int,
) -> c_int;

const SASL_OK: c_int = 0;
const SASL_FAIL: c_int = -1;
/// What libjabber logs in to.
const SERVICE: &str = "xmpp";
/// The strength of the layer that was agreed on; 0 when there is none.
const SASL_SSF: c_int = 1;

/// Where the answer is when there is no layer: libsasl2's own place goes with the connection.
static NO_LAYER: c_uint = 0;

struct Named {
    /// NULL when it has done its part.
    behind: Conn,
    /// This side has nothing more to say to authenticate its user.
    said: bool,
}

// SAFETY: a connection is used by one thread at a time, as libsasl2 wants it; which one is its holder's to see to.
unsafe impl Send for Named {}

/// What is behind each name, by its address; for all threads, so that none takes a name for a connection. Nothing is called while it is locked.
static NAMES: LazyLock<Mutex<HashMap<usize, Named>>> = LazyLock::new(Mutex::default);

fn names() -> MutexGuard<'static, HashMap<usize, Named>> {
    NAMES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A function of libsasl2's, of type `F`.
struct Real<F>(&'static CStr, PhantomData<fn() -> F>);

impl<F: Copy> Real<F> {
    /// # Safety
    /// `F` is the function pointer type of the C function `name`.
    const unsafe fn new(name: &'static CStr) -> Self {
        const { assert!(size_of::<F>() == size_of::<*mut c_void>()) };
        Self(name, PhantomData)
    }

    fn get(&self) -> Option<F> {
        let found = symbol(self.0);
        // SAFETY: `new` was promised that F is this function's pointer type; the size is asserted there.
        (!found.is_null()).then(|| unsafe { std::mem::transmute_copy::<*mut c_void, F>(&found) })
    }
}

/// The connection meant: behind a name of ours, or itself (libsasl2's modules have those). `None`: it has done its part.
fn meant(conn: Conn) -> Option<Conn> {
    let behind = names().get(&conn.addr()).map(|named| named.behind);
    match behind {
        None => Some(conn),
        Some(behind) => (!behind.is_null()).then_some(behind),
    }
}

/// In libsasl2's stead: a name for the new connection.
///
/// # Safety
/// As libsasl2's.
#[unsafe(no_mangle)]
pub(in super::super) unsafe extern "C" fn sasl_client_new(
    service: *const c_char,
    server: *const c_char,
    local: *const c_char,
    remote: *const c_char,
    callbacks: *const c_void,
    flags: c_uint,
    conn: *mut Conn,
) -> c_int {
    guard("sasl_client_new", SASL_FAIL, || {
        // SAFETY: sasl.h's declaration.
        let Some(real) = (unsafe { Real::<New>::new(c"sasl_client_new") }).get() else { return SASL_FAIL };
        // SAFETY: the caller's own arguments.
        let made = unsafe { real(service, server, local, remote, callbacks, flags, conn) };
        // SAFETY: a C string or NULL.
        let is_ours = super::is_on() && OnPurple::here().is_some() && unsafe { borrowed(service) }.as_deref() == Some(SERVICE);
        // SAFETY: a place for the answer, or NULL.
        if let Some(conn) = unsafe { conn.as_mut() }.filter(|conn| is_ours && made == SASL_OK && !conn.is_null()) {
            // Its address is the name: nobody else's as long as it is not freed.
            let name: Conn = Box::into_raw(Box::new(0_u64)).cast();
            names().insert(name.addr(), Named { behind: *conn, said: false });
            *conn = name;
        }
        made
    })
}

/// In libsasl2's stead: the name goes, too.
///
/// # Safety
/// As libsasl2's.
#[unsafe(no_mangle)]
pub(in super::super) unsafe extern "C" fn sasl_dispose(conn: *mut Conn) {
    guard("sasl_dispose", (), || {
        // SAFETY: the caller's own place, or NULL.
        let Some(conn) = (unsafe { conn.as_mut() }) else { return };
        let named = names().remove(&conn.addr());
        if let Some(Named { behind, .. }) = named {
            // SAFETY: from Box::into_raw in sasl_client_new, and a name no more.
            drop(unsafe { Box::from_raw(conn.cast::<u64>()) });
            *conn = behind;
        }
        // SAFETY: a live connection or NULL, which is written over.
        unsafe { dispose(conn) };
    });
}

/// # Safety
/// A live connection of libsasl2's own, or NULL.
unsafe fn dispose(conn: &mut Conn) {
    // SAFETY: sasl.h's declaration.
    let real = unsafe { Real::<Dispose>::new(c"sasl_dispose") }.get();
    if let Some(real) = real.filter(|_| !conn.is_null()) {
        // SAFETY: the caller's promise.
        unsafe { real(conn) };
    }
    *conn = std::ptr::null_mut();
}

/// In libsasl2's stead. Asked how strong the layer is, once somebody is authenticated: without one the connection has done its part.
///
/// # Safety
/// As libsasl2's.
#[unsafe(no_mangle)]
pub(in super::super) unsafe extern "C" fn sasl_getprop(conn: Conn, property: c_int, value: *mut *const c_void) -> c_int {
    guard("sasl_getprop", SASL_FAIL, || {
        let none = std::ptr::from_ref(&NO_LAYER).cast::<c_void>();
        // SAFETY: a place for the answer, or NULL.
        let mut place = unsafe { value.as_mut() };
        let Some(meant) = meant(conn) else {
            return match (&mut place, property) {
                (Some(place), SASL_SSF) => {
                    **place = none;
                    SASL_OK
                }
                _ => SASL_FAIL,
            };
        };
        // SAFETY: sasl.h's declaration.
        let Some(real) = (unsafe { Real::<Get>::new(c"sasl_getprop") }).get() else { return SASL_FAIL };
        // SAFETY: libsasl2's own connection, and the caller's other arguments.
        let result = unsafe { real(meant, property, value) };
        if let (SASL_OK, SASL_SSF, Some(place)) = (result, property, place) {
            // SAFETY: what libsasl2 answers for this property (sasl.h): the address of a number, or NULL.
            let is_none = unsafe { place.cast::<c_uint>().as_ref() } == Some(&0);
            if let Some(mut behind) = is_none.then(|| done(conn)).flatten() {
                *place = none;
                // SAFETY: live until now, and behind no name any more.
                unsafe { dispose(&mut behind) };
            }
        }
        result
    })
}

/// The connection that nobody needs any more, taken from behind its name.
fn done(name: Conn) -> Option<Conn> {
    let mut names = names();
    let named = names.get_mut(&name.addr()).filter(|named| named.said && !named.behind.is_null())?;
    Some(std::mem::replace(&mut named.behind, std::ptr::null_mut()))
}

/// Notes what came of a step.
fn note(name: Conn, result: c_int) -> c_int {
    if let Some(named) = names().get_mut(&name.addr()) {
        named.said = result == SASL_OK;
    }
    result
}

/// A function that only hands its arguments on, to the connection that is meant.
macro_rules! hand_on {
    ($name:ident: $kind:ty, $text:literal, $failure:expr, $note:expr, ($($argument:ident: $sort:ty),*) -> $result:ty) => {
        /// In libsasl2's stead, for the connection that is meant.
        ///
        /// # Safety
        /// As libsasl2's.
        #[unsafe(no_mangle)]
        pub(in super::super) unsafe extern "C" fn $name(conn: Conn, $($argument: $sort),*) -> $result {
            guard(stringify!($name), $failure, || {
                // SAFETY: sasl.h's declaration.
                let real = unsafe { Real::<$kind>::new($text) }.get();
                match (real, meant(conn)) {
                    // SAFETY: libsasl2's own connection, and the caller's other arguments.
                    (Some(real), Some(meant)) => $note(conn, unsafe { real(meant, $($argument),*) }),
                    _ => $failure,
                }
            })
        }
    };
}

type Prompts = *mut *mut c_void;
type Text = *const c_char;
type Texts = *mut *const c_char;
type Length = *mut c_uint;

hand_on!(sasl_client_start: Start, c"sasl_client_start", SASL_FAIL, note,
    (list: Text, prompts: Prompts, out: Texts, length: Length, mechanism: Texts) -> c_int);
hand_on!(sasl_client_step: Step, c"sasl_client_step", SASL_FAIL, note,
    (given: Text, size: c_uint, prompts: Prompts, out: Texts, length: Length) -> c_int);
hand_on!(sasl_encode: Code, c"sasl_encode", SASL_FAIL, |_, result| result, (given: Text, size: c_uint, out: Texts, length: Length) -> c_int);
hand_on!(sasl_decode: Code, c"sasl_decode", SASL_FAIL, |_, result| result, (given: Text, size: c_uint, out: Texts, length: Length) -> c_int);
hand_on!(sasl_errdetail: Detail, c"sasl_errdetail", c"the log-in is over".as_ptr(), |_, result| result, () -> *const c_char);
hand_on!(sasl_setprop: Set, c"sasl_setprop", SASL_FAIL, |_, result| result, (property: c_int, value: *const c_void) -> c_int);
hand_on!(sasl_listmech: List, c"sasl_listmech", SASL_FAIL, |_, result| result,
    (user: Text, before: Text, between: Text, after: Text, result: Texts, length: Length, count: *mut c_int) -> c_int);
