//! The floor of every measurement: libpurple with our event loop and nothing else; no bridge, no users, no channels. Built for `make bench` only.

use super::ffi::{borrowed, guard_on, in_process};
use super::token::OnPurple;
use crate::config::BridgeConfig;
use crate::error::StartError;
use crate::id::AccountId;
use crate::model::{Certificate, Value};
use purple_sys::{PurpleAccount, PurpleConnection, PurpleConnectionUiOps, PurpleConversation, PurpleConversationUiOps, PurpleMessageFlags};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::c_char;
use std::time::Duration;

/// An account of the bare process.
pub struct BareAccount {
    /// As `prpl-jabber`.
    pub protocol: String,
    /// libpurple's user name.
    pub username: String,
    /// Password.
    pub password: String,
    /// The plugin's settings.
    pub options: BTreeMap<String, Value>,
}

/// The TLS of the bare process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BareTls {
    /// None is needed.
    None,
    /// Ours.
    Rustls,
    /// libpurple's own.
    Nss,
}

type OnOnline = Box<dyn Fn()>;
type OnMessage = Box<dyn Fn(&str)>;

thread_local! {
    static HOOKS: RefCell<Option<(OnOnline, OnMessage)>> = const { RefCell::new(None) };
}

/// Nobody can be asked: the certificate has to be among the extra roots.
struct Nobody;

impl super::tls::TrustHooks for Nobody {
    fn domain(&self, _: AccountId, _: Option<&str>) -> Option<String> {
        None
    }
    fn pins(&self, _: AccountId) -> Vec<String> {
        Vec::new()
    }
    fn ask(&self, _: AccountId, _: Certificate, _: Box<dyn FnOnce(bool)>) -> Option<super::tls::AskId> {
        None
    }
    fn withdraw(&self, _: super::tls::AskId) {}
    fn pin(&self, _: AccountId, _: String) {}
}

/// Signs all on, 50 a second, and runs for ever. `roots`: certificates to trust besides the platform's.
///
/// # Errors
/// libpurple or its parts could not be set up.
pub fn run(
    accounts: Vec<BareAccount>,
    tls: BareTls,
    roots: Option<std::path::PathBuf>,
    online: impl Fn() + 'static,
    message: impl Fn(&str) + 'static,
) -> Result<(), StartError> {
    // SAFETY: this thread takes the default context first; the process starts no other libpurple.
    let token = unsafe {
        glib_sys::g_main_context_acquire(std::ptr::null_mut());
        OnPurple::declare()
    };
    HOOKS.set(Some((Box::new(online), Box::new(message))));
    let loopback = "127.0.0.0/8".parse().map_err(StartError::Tls)?;
    let config = BridgeConfig {
        egress_allow: vec![loopback],
        native_tls: tls == BareTls::Nss,
        extra_roots: roots,
        lean: false,
        ..BridgeConfig::default()
    };
    let _dir = super::thread::bring_up_core(token, &config, Box::new(Nobody))?;
    if let (BareTls::Nss, Some(roots)) = (tls, &config.extra_roots) {
        know_peer(roots).map_err(|error| StartError::Directory(roots.clone(), error))?;
    }
    static CONNECTION: super::Ops<PurpleConnectionUiOps> = super::Ops(PurpleConnectionUiOps {
        connect_progress: None,
        connected: Some(on_connected),
        disconnected: None,
        notice: None,
        report_disconnect: None,
        network_connected: None,
        network_disconnected: None,
        report_disconnect_reason: Some(on_failed),
        _purple_reserved1: None,
        _purple_reserved2: None,
        _purple_reserved3: None,
    });
    static CONVERSATION: super::Ops<PurpleConversationUiOps> = super::Ops(PurpleConversationUiOps {
        create_conversation: None,
        destroy_conversation: None,
        write_chat: None,
        write_im: None,
        write_conv: Some(on_write),
        chat_add_users: None,
        chat_rename_user: None,
        chat_remove_users: None,
        chat_update_user: None,
        present: None,
        has_focus: None,
        custom_smiley_add: None,
        custom_smiley_write: None,
        custom_smiley_close: None,
        send_confirm: None,
        _purple_reserved1: None,
        _purple_reserved2: None,
        _purple_reserved3: None,
        _purple_reserved4: None,
    });
    // SAFETY: the ops are static; libpurple only reads them. An empty list, so that none is loaded.
    unsafe {
        purple_sys::purple_connections_set_ui_ops(CONNECTION.pointer());
        purple_sys::purple_conversations_set_ui_ops(CONVERSATION.pointer());
        purple_sys::purple_set_blist(purple_sys::purple_blist_new());
        purple_sys::purple_network_force_online();
    }
    super::signals::keep_no_history(token);
    let mut wait = Duration::ZERO;
    for account in accounts {
        std::mem::forget(super::timers::after(token, wait, Some(AccountId(1)), move |_| connect(&account)));
        wait += Duration::from_millis(20);
    }
    // SAFETY: a loop on the default context, which this thread owns.
    unsafe { glib_sys::g_main_loop_run(glib_sys::g_main_loop_new(std::ptr::null_mut(), glib_sys::GFALSE)) };
    Ok(())
}

/// Puts a certificate where libpurple's own verifier keeps those that a user has accepted: nobody here answers its question.
fn know_peer(certificate: &std::path::Path) -> std::io::Result<()> {
    // SAFETY: libpurple's own string, copied.
    let dir = unsafe { borrowed(purple_sys::purple_user_dir()) }.unwrap_or_default();
    let dir = std::path::Path::new(&dir).join("certificates/x509/tls_peers");
    std::fs::create_dir_all(&dir)?;
    // By the name that is connected to, which is what libpurple checks.
    std::fs::copy(certificate, dir.join("127.0.0.1"))?;
    Ok(())
}

fn connect(account: &BareAccount) {
    let (name, protocol, password) = (in_process(&account.username), in_process(&account.protocol), in_process(&account.password));
    // SAFETY: C strings, copied; the account lives as long as the process.
    unsafe {
        let purple = purple_sys::purple_account_new(name.as_ptr(), protocol.as_ptr());
        for (key, value) in &account.options {
            super::account::store_option(purple, key, value);
        }
        purple_sys::purple_account_set_password(purple, password.as_ptr());
        purple_sys::purple_account_set_enabled(purple, purple_sys::purple_core_get_ui(), glib_sys::GTRUE);
        let _: *mut PurpleAccount = purple;
    }
}

unsafe extern "C" fn on_connected(_: *mut PurpleConnection) {
    guard_on("connected", (), |_| {
        HOOKS.with_borrow(|hooks| {
            if let Some((online, _)) = hooks {
                online()
            }
        })
    });
}

unsafe extern "C" fn on_failed(_: *mut PurpleConnection, _: purple_sys::PurpleConnectionError, text: *const c_char) {
    // SAFETY: a C string or NULL.
    let text = unsafe { borrowed(text) };
    eprintln!("an account failed: {}", text.unwrap_or_default());
}

unsafe extern "C" fn on_write(
    _: *mut PurpleConversation,
    _: *const c_char,
    _: *const c_char,
    text: *const c_char,
    _: PurpleMessageFlags,
    _: purple_sys::time_t,
) {
    guard_on("write_conv", (), |_| {
        // SAFETY: a C string or NULL.
        let text = unsafe { borrowed(text) }.unwrap_or_default();
        HOOKS.with_borrow(|hooks| {
            if let Some((_, message)) = hooks {
                message(&text)
            }
        });
    });
}
