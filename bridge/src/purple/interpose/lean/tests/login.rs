//! libsasl2's connections, as libjabber uses them: PLAIN, which is over with its first word.

use super::super::sasl::{
    Conn, sasl_client_new, sasl_client_start, sasl_client_step, sasl_decode, sasl_dispose, sasl_encode, sasl_errdetail, sasl_getprop,
    sasl_setprop,
};
use super::{borrowed, in_use, lean};
use crate::purple::testing::with_core;
use std::ffi::{CStr, c_char, c_int, c_uint, c_ulong, c_void};
use std::ptr::{null, null_mut};

const SASL_OK: c_int = 0;
const SASL_FAIL: c_int = -1;
const SASL_SSF: c_int = 1;
const SASL_MAXOUTBUF: c_int = 2;
const SASL_CB_USER: c_ulong = 0x4001;
const SASL_CB_AUTHNAME: c_ulong = 0x4002;
const SASL_CB_PASS: c_ulong = 0x4004;

#[repr(C)]
struct Callback(c_ulong, *const c_void, *mut c_void);

/// `sasl_secret_t` with its six letters.
#[repr(C)]
struct Secret(c_ulong, [u8; 8]);

unsafe extern "C" fn on_name(_: *mut c_void, _: c_int, result: *mut *const c_char, length: *mut c_uint) -> c_int {
    // SAFETY: libsasl2 gives a place for the answer, and one for its length or NULL.
    unsafe {
        *result = c"ines".as_ptr();
        if let Some(length) = length.as_mut() {
            *length = 4;
        }
    }
    SASL_OK
}

unsafe extern "C" fn on_secret(_: Conn, context: *mut c_void, _: c_int, secret: *mut *mut Secret) -> c_int {
    // SAFETY: a place for the answer, which is this test's for as long as the connection lives.
    unsafe { *secret = context.cast() };
    SASL_OK
}

fn connection(callbacks: &[Callback]) -> Conn {
    connection_to(c"xmpp", callbacks)
}

fn connection_to(service: &CStr, callbacks: &[Callback]) -> Conn {
    let mut conn = null_mut();
    // SAFETY: C strings; the callbacks live as long as the connection.
    let made = unsafe { sasl_client_new(service.as_ptr(), c"localhost".as_ptr(), null(), null(), callbacks.as_ptr().cast(), 0, &mut conn) };
    assert_eq!(made, SASL_OK);
    assert!(!conn.is_null());
    conn
}

/// Says the first word of PLAIN, which is the last.
fn log_in(conn: Conn) -> Vec<u8> {
    let (mut out, mut length, mut mechanism) = (null(), 0, null());
    // SAFETY: a live connection, a C string, and places for the answers.
    let started = unsafe { sasl_client_start(conn, c"PLAIN".as_ptr(), null_mut(), &mut out, &mut length, &mut mechanism) };
    // SAFETY: libsasl2's text, or NULL.
    assert_eq!((started, unsafe { borrowed(mechanism) }.as_deref()), (SASL_OK, Some("PLAIN")));
    // SAFETY: so many bytes, says libsasl2.
    unsafe { std::slice::from_raw_parts(out.cast::<u8>(), length as usize) }.to_vec()
}

/// The property, a number.
fn property(conn: Conn, which: c_int) -> (c_int, Option<c_uint>) {
    let mut value = null();
    // SAFETY: a connection's name and a place for the answer, which is a number's address.
    let result = unsafe { sasl_getprop(conn, which, &mut value) };
    // SAFETY: likewise.
    (result, if result == SASL_OK { unsafe { value.cast::<c_uint>().as_ref() }.copied() } else { None })
}

/// What a protocol can do with one: the words, the texts, and what it is in the end.
fn life(callbacks: &[Callback]) -> String {
    let mut conn = connection(callbacks);
    let (mut out, mut length) = (null(), 0);
    // SAFETY: a live connection, C strings and places for the answers.
    unsafe {
        let early = [
            sasl_encode(conn, c"x".as_ptr(), 1, &mut out, &mut length),
            sasl_decode(conn, c"x".as_ptr(), 1, &mut out, &mut length),
            sasl_setprop(conn, 77, null()),
            property(conn, SASL_SSF).0,
        ];
        let detail = borrowed(sasl_errdetail(conn));
        let word = log_in(conn);
        let (strength, largest) = (property(conn, SASL_SSF), property(conn, SASL_SSF));
        sasl_dispose(&mut conn);
        format!("{early:?} {detail:?} {word:?} {strength:?} {largest:?} {conn:?}")
    }
}

/// Who may log in with a name and a password.
fn callbacks(secret: &mut Secret) -> [Callback; 4] {
    [
        Callback(SASL_CB_USER, on_name as *const c_void, null_mut()),
        Callback(SASL_CB_AUTHNAME, on_name as *const c_void, null_mut()),
        Callback(SASL_CB_PASS, on_secret as *const c_void, std::ptr::from_mut(secret).cast()),
        Callback(0, null(), null_mut()),
    ]
}

#[test]
fn a_name_is_one_on_every_thread_and_others_connections_have_none() {
    with_core("purple::interpose::lean::tests::login::a_name_is_one_on_every_thread_and_others_connections_have_none", |_| {
        let mut secret = Secret(6, *b"secret\0\0");
        let callbacks = callbacks(&mut secret);
        let [mut named, mut other] = [c"xmpp", c"irc"].map(|service| connection_to(service, &callbacks));
        for conn in [named, other] {
            log_in(conn);
            let at = conn.expose_provenance();
            let elsewhere = std::thread::spawn(move || property(std::ptr::with_exposed_provenance_mut(at), SASL_SSF));
            assert_eq!(elsewhere.join().unwrap(), (SASL_OK, Some(0)));
        }
        assert_eq!((property(named, SASL_MAXOUTBUF).0, property(other, SASL_MAXOUTBUF).0), (SASL_FAIL, SASL_OK));
        for conn in [&mut named, &mut other] {
            // SAFETY: its holder's place.
            unsafe { sasl_dispose(conn) };
            assert!(conn.is_null());
        }
    });
}

#[test]
fn a_connection_goes_when_it_has_done_its_part() {
    with_core("purple::interpose::lean::tests::login::a_connection_goes_when_it_has_done_its_part", |_| {
        let mut secret = Secret(6, *b"secret\0\0");
        let callbacks = callbacks(&mut secret);
        let ours = life(&callbacks);
        lean(false);
        let theirs = life(&callbacks);
        lean(true);
        assert_eq!(ours, theirs);
        // Too early, and asked how strong a layer is before there could be one: not taken for the end.
        assert!(ours.starts_with("[-15, -15, -7, 0]") && ours.contains("115, 101, 99, 114, 101, 116"), "{ours}");

        // Signed on, and kept: what a protocol holds meanwhile.
        let held = |count: usize| {
            let before = in_use();
            let conns: Vec<Conn> = (0..count).map(|_| connection(&callbacks)).collect();
            for conn in &conns {
                log_in(*conn);
                assert_eq!(property(*conn, SASL_SSF), (SASL_OK, Some(0)));
            }
            ((in_use() - before) / count, conns)
        };
        let (little, mut conns) = held(50);
        assert!(little < 500, "{little} bytes each");
        // Whoever asks again gets the same answer, and nothing else does anything.
        let (mut out, mut length) = (null(), 0);
        let last = conns[0];
        // SAFETY: a connection's name and places for the answers.
        unsafe {
            assert_eq!(property(last, SASL_SSF), (SASL_OK, Some(0)));
            assert_eq!(property(last, SASL_MAXOUTBUF), (SASL_FAIL, None));
            assert_eq!(sasl_client_step(last, c"x".as_ptr(), 1, null_mut(), &mut out, &mut length), SASL_FAIL);
            assert_eq!(sasl_encode(last, c"x".as_ptr(), 1, &mut out, &mut length), SASL_FAIL);
            assert_eq!(borrowed(sasl_errdetail(last)).as_deref(), Some("the log-in is over"));
        }
        for conn in &mut conns {
            // SAFETY: its holder's place.
            unsafe { sasl_dispose(conn) };
            assert!(conn.is_null());
        }
        lean(false);
        let (much, mut conns) = held(50);
        lean(true);
        assert!(much > 4000, "{much} bytes each");
        for conn in &mut conns {
            // SAFETY: as above, of those that were made otherwise.
            unsafe { sasl_dispose(conn) };
        }
        // SAFETY: nothing to dispose of.
        unsafe {
            sasl_dispose(null_mut());
            sasl_dispose(&mut null_mut());
        }
    });
}
