//! Proof at start that libpurple and its plugins really get our answers: by name, and by a connection that libpurple itself makes.

use super::super::{debug, ffi, token::OnPurple};
use super::{
    files, find, images, lean, linear, lists, names, opened, plugins, read, roster, sasl, socket, ssl, streams, timers, transfers,
};
use crate::error::StartError;
use purple_sys::{gchar, gpointer};
use std::cell::RefCell;
use std::ffi::{CStr, c_int, c_void};
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

/// TEST-NET-1 (RFC 5737): nobody is there, should the guard be missing.
const NOBODY: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

/// Longest wait for libpurple to try; it takes two turns of the loop.
const PATIENCE: Duration = Duration::from_secs(5);

thread_local! {
    static OUTCOME: RefCell<Option<(c_int, Option<String>)>> = const { RefCell::new(None) };
}

/// What the build scripts export, one name a line.
const LIST: &str = include_str!("../../../interposed.txt");

/// Names and our answers to them. That they are named here also makes the linker keep them.
fn answers() -> Vec<(&'static CStr, *const c_void)> {
    vec![
        (c"connect", socket::connect as socket::Connect as *const c_void),
        (c"sendto", socket::sendto as socket::SendTo as *const c_void),
        (c"sendmsg", socket::sendmsg as socket::SendMsg as *const c_void),
        (c"sendmmsg", socket::sendmmsg as socket::SendMmsg as *const c_void),
        (c"read", read::read as read::Read as *const c_void),
        (c"open", opened::open as opened::Open as *const c_void),
        (c"open64", opened::open64 as opened::Open as *const c_void),
        (c"fopen", opened::fopen as opened::FileOpen as *const c_void),
        (c"fopen64", opened::fopen64 as opened::FileOpen as *const c_void),
        (c"opendir", opened::opendir as opened::OpenDirectory as *const c_void),
        (c"mkdir", opened::mkdir as opened::MakeDirectory as *const c_void),
        (c"purple_blist_add_account", lists::purple_blist_add_account as lists::OfAccount as *const c_void),
        (c"purple_blist_remove_account", lists::purple_blist_remove_account as lists::OfAccount as *const c_void),
        (c"purple_blist_add_buddy", roster::purple_blist_add_buddy as roster::AddBuddy as *const c_void),
        (c"purple_find_buddy", find::purple_find_buddy as find::FindBuddy as *const c_void),
        (c"purple_find_buddies", find::purple_find_buddies as find::FindBuddies as *const c_void),
        (c"purple_imgstore_add_with_id", images::purple_imgstore_add_with_id as images::AddWithId as *const c_void),
        (c"purple_conv_custom_smiley_add", images::purple_conv_custom_smiley_add as images::SmileyAdd as *const c_void),
        (c"purple_conv_custom_smiley_write", images::purple_conv_custom_smiley_write as images::SmileyWrite as *const c_void),
        (c"purple_conv_custom_smiley_close", images::purple_conv_custom_smiley_close as images::SmileyClose as *const c_void),
        (c"purple_roomlist_room_add", linear::purple_roomlist_room_add as linear::AddRoom as *const c_void),
        (c"purple_markup_linkify", linear::purple_markup_linkify as linear::Linkify as *const c_void),
        (c"serv_got_alias", names::serv_got_alias as names::GotAlias as *const c_void),
        (c"purple_serv_got_private_alias", names::purple_serv_got_private_alias as names::GotAlias as *const c_void),
        (c"purple_plugins_probe", plugins::purple_plugins_probe as plugins::Probe as *const c_void),
        (c"purple_proxy_connect", transfers::purple_proxy_connect as transfers::Connect as *const c_void),
        (c"purple_xfer_prpl_ready", transfers::purple_xfer_prpl_ready as transfers::OfXfer as *const c_void),
        (c"purple_xfer_read", transfers::purple_xfer_read as transfers::Read as *const c_void),
        (c"purple_xfer_cancel_local", transfers::purple_xfer_cancel_local as transfers::OfXfer as *const c_void),
        (c"purple_xfer_cancel_remote", transfers::purple_xfer_cancel_remote as transfers::OfXfer as *const c_void),
        (c"purple_xfer_error", transfers::purple_xfer_error as transfers::Complain as *const c_void),
        (c"purple_util_write_data_to_file", files::purple_util_write_data_to_file as *const c_void),
        (c"purple_network_listen_family", files::purple_network_listen_family as files::Listen as *const c_void),
        (c"purple_network_listen_range_family", files::purple_network_listen_range_family as files::ListenRange as *const c_void),
        (c"purple_ssl_connect_with_host_fd", ssl::purple_ssl_connect_with_host_fd as ssl::WithHostFd as *const c_void),
        (c"purple_ssl_connect_with_ssl_cn", ssl::purple_ssl_connect_with_ssl_cn as ssl::WithSslCn as *const c_void),
        (c"g_timeout_add", timers::g_timeout_add as *const c_void),
        (c"g_timeout_add_seconds", timers::g_timeout_add_seconds as *const c_void),
        (c"g_idle_add", timers::g_idle_add as *const c_void),
        (c"g_source_remove", timers::g_source_remove as *const c_void),
        (c"g_source_remove_by_user_data", timers::g_source_remove_by_user_data as *const c_void),
        (c"sasl_client_init", sasl::sasl_client_init as sasl::ClientInit as *const c_void),
        (c"sasl_client_new", lean::sasl::sasl_client_new as lean::sasl::New as *const c_void),
        (c"sasl_client_start", lean::sasl::sasl_client_start as lean::sasl::Start as *const c_void),
        (c"sasl_client_step", lean::sasl::sasl_client_step as lean::sasl::Step as *const c_void),
        (c"sasl_encode", lean::sasl::sasl_encode as lean::sasl::Code as *const c_void),
        (c"sasl_decode", lean::sasl::sasl_decode as lean::sasl::Code as *const c_void),
        (c"sasl_dispose", lean::sasl::sasl_dispose as lean::sasl::Dispose as *const c_void),
        (c"sasl_errdetail", lean::sasl::sasl_errdetail as lean::sasl::Detail as *const c_void),
        (c"sasl_getprop", lean::sasl::sasl_getprop as lean::sasl::Get as *const c_void),
        (c"sasl_setprop", lean::sasl::sasl_setprop as lean::sasl::Set as *const c_void),
        (c"sasl_listmech", lean::sasl::sasl_listmech as lean::sasl::List as *const c_void),
        (c"purple_status_new", lean::purple_status_new as lean::New as *const c_void),
        (c"purple_status_destroy", lean::purple_status_destroy as lean::Destroy as *const c_void),
        (c"purple_status_get_attr_value", lean::purple_status_get_attr_value as lean::GetValue as *const c_void),
        (c"purple_status_get_attr_string", lean::purple_status_get_attr_string as lean::GetString as *const c_void),
        (c"purple_status_get_attr_int", lean::purple_status_get_attr_int as lean::GetNumber as *const c_void),
        (c"purple_status_get_attr_boolean", lean::purple_status_get_attr_boolean as lean::GetNumber as *const c_void),
        (c"purple_account_set_status_types", lean::purple_account_set_status_types as lean::SetTypes as *const c_void),
        (c"purple_status_type_destroy", lean::purple_status_type_destroy as lean::DestroyType as *const c_void),
        (c"purple_dbus_register_pointer", lean::purple_dbus_register_pointer as lean::Register as *const c_void),
        (c"purple_dbus_unregister_pointer", lean::purple_dbus_unregister_pointer as lean::Unregister as *const c_void),
        (c"xmlParseChunk", lean::xmlParseChunk as lean::ParseChunk as *const c_void),
        (c"xmlCreatePushParserCtxt", streams::xmlCreatePushParserCtxt as streams::Create as *const c_void),
        (c"xmlFreeParserCtxt", streams::xmlFreeParserCtxt as streams::Free as *const c_void),
        (c"xmlSAXUserParseMemory", streams::xmlSAXUserParseMemory as streams::ParseMemory as *const c_void),
    ]
}

fn listed() -> impl Iterator<Item = &'static str> {
    LIST.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// Proves the interposition, once, after `purple_core_init` and with the event loop in place (this runs a few turns of it).
///
/// # Errors
/// [`StartError::Interposition`] with the symbol that another object answers, or the check that did not hold.
pub(crate) fn self_test(token: OnPurple) -> Result<(), StartError> {
    by_name()?;
    as_a_plugin()?;
    as_libpurple(token)
}

/// What a library that is loaded later finds under each name has to be ours, and nothing in the list may be without an answer.
fn by_name() -> Result<(), StartError> {
    let answers = answers();
    if let Some((name, _)) = answers.iter().find(|(name, ours)| !std::ptr::eq(find(name), *ours)) {
        return Err(StartError::Interposition(name.to_str().unwrap_or("a symbol")));
    }
    let unanswered = listed().find(|listed| !answers.iter().any(|(name, _)| name.to_bytes() == listed.as_bytes()));
    unanswered.map_or(Ok(()), |name| Err(StartError::Interposition(name)))
}

fn find(name: &CStr) -> *const c_void {
    // SAFETY: a C string.
    unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) }
}

/// A connection through the symbol as `dlsym` gives it to a plugin.
fn as_a_plugin() -> Result<(), StartError> {
    const FAILED: StartError = StartError::Interposition("connect, as a plugin calls it");
    let found = find(c"connect");
    if found.is_null() {
        return Err(FAILED);
    }
    // SAFETY: the type of connect(2), whoever answers it.
    let connect = unsafe { std::mem::transmute::<*const c_void, socket::Connect>(found) };
    // SAFETY: zeroes are a value.
    let mut address: libc::sockaddr_in = unsafe { std::mem::zeroed() };
    address.sin_family = libc::AF_INET as libc::sa_family_t;
    address.sin_port = 9_u16.to_be();
    address.sin_addr.s_addr = u32::from_ne_bytes(NOBODY.octets());
    let length = size_of::<libc::sockaddr_in>() as libc::socklen_t;
    // SAFETY: no memory is involved.
    let datagrams = unsafe { libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) };
    // SAFETY: the address lives through the call. Were it not refused, a datagram socket's connect sends nothing.
    let result = socket::refusing(IpAddr::V4(NOBODY), || unsafe { connect(datagrams, (&raw const address).cast(), length) });
    let errno = std::io::Error::last_os_error().raw_os_error();
    if datagrams >= 0 {
        // SAFETY: our own descriptor.
        unsafe { libc::close(datagrams) };
    }
    if result == -1 && errno == Some(libc::EACCES) { Ok(()) } else { Err(FAILED) }
}

unsafe extern "C" fn on_connected(_: gpointer, socket: c_int, error: *const gchar) {
    ffi::guard("self-test connected", (), || {
        // SAFETY: libpurple passes a C string or NULL.
        let error = unsafe { ffi::borrowed(error) };
        OUTCOME.set(Some((socket, error)));
    });
}

/// A connection that libpurple's own code makes, as for any account.
fn as_libpurple(_: OnPurple) -> Result<(), StartError> {
    const FAILED: StartError = StartError::Interposition("connect, as libpurple calls it");
    // SAFETY: no arguments.
    if unsafe { purple_sys::purple_get_core() }.is_null() {
        return Err(FAILED);
    }
    OUTCOME.take();
    let host = ffi::in_process(&NOBODY.to_string());
    let handle = std::ptr::from_ref(&OUTCOME).cast_mut().cast::<c_void>();
    let attempt = || {
        // SAFETY: live C strings and a callback of that type; the handle only names this attempt.
        let attempt = unsafe {
            purple_sys::purple_proxy_connect(handle, std::ptr::null_mut(), host.as_ptr(), 9, Some(on_connected), std::ptr::null_mut())
        };
        if attempt.is_null() {
            return None;
        }
        let end = Instant::now() + PATIENCE;
        while OUTCOME.with_borrow(Option::is_none) && Instant::now() < end {
            // SAFETY: the default context, which this thread owns, as the token says.
            if unsafe { glib_sys::g_main_context_iteration(std::ptr::null_mut(), glib_sys::GFALSE) } == glib_sys::GFALSE {
                std::thread::yield_now();
            }
        }
        // SAFETY: cancels what is left of the attempt, nothing when it is over.
        unsafe { purple_sys::purple_proxy_connect_cancel_with_handle(handle) };
        OUTCOME.take()
    };
    let outcome = debug::trying(|| socket::refusing(IpAddr::V4(NOBODY), attempt));
    // SAFETY: any errno has a text.
    let refused = unsafe { ffi::borrowed(glib_sys::g_strerror(libc::EACCES)) };
    match outcome {
        Some((socket, error)) if socket < 0 && error.is_some() && error == refused => Ok(()),
        Some((socket, error)) => {
            log::error!(target: "bridge", "libpurple's own connection was not refused: descriptor {socket}, {error:?}");
            if socket >= 0 {
                // SAFETY: libpurple gave it to the callback, whose it is.
                unsafe { libc::close(socket) };
            }
            Err(FAILED)
        }
        None => Err(FAILED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_name_is_answered_by_us() {
        by_name().unwrap();
    }

    #[test]
    fn the_list_for_the_linker_names_every_answer() {
        let listed: BTreeSet<&str> = listed().collect();
        for (name, _) in answers() {
            assert!(listed.contains(name.to_str().unwrap()), "{name:?}");
        }
    }

    #[test]
    fn a_plugin_is_refused() {
        as_a_plugin().unwrap();
    }

    #[test]
    fn libpurples_own_connection_is_refused() {
        crate::purple::alone::run("purple::interpose::self_test::tests::libpurples_own_connection_is_refused", |token| {
            // Even when the administrator allows everything, the self-test's own address is refused.
            let everything = crate::config::BridgeConfig { egress_allow: vec!["0.0.0.0/0".parse().unwrap()], ..Default::default() };
            crate::purple::alone::core(token, &everything);
            self_test(token).unwrap();
            // And the test can fail: on a thread that is trusted nothing is refused.
            socket::trust_this_thread();
            assert!(matches!(self_test(token), Err(StartError::Interposition(_))));
            assert!(matches!(as_libpurple(token), Err(StartError::Interposition(_))));
        });
    }

    #[test]
    fn without_a_core_nothing_is_proved() {
        crate::purple::alone::run("purple::interpose::self_test::tests::without_a_core_nothing_is_proved", |token| {
            assert!(matches!(self_test(token), Err(StartError::Interposition(_))));
        });
    }
}
