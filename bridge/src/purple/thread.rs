//! The libpurple thread: starts the core in the one right order, runs GLib's default context, and takes everything down again; it performs no commands.

use super::connection::Pace;
use super::ffi::borrowed;
use super::mailbox::{self, Item, MailboxSender};
use super::outbox::Way;
use super::token::OnPurple;
use super::{account, accounts, blist, connection, conversation, cost, debug, dispatch, dns, egress, eventloop, icon, interpose, irc};
use super::{notify, outbox, owner, picture, prefs, privacy, protocols, request, roomlist, signals, teardown, tls, transfer, trust};
use crate::config::BridgeConfig;
use crate::error::StartError;
use crate::handle::{Bridge, BridgeHandle, Catalogue, Events};
use crate::model::AccountError;
use purple_sys::PurpleCoreUiOps;
use std::cell::Cell;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

/// libpurple is a singleton, and cannot be started again in the same process.
static STARTED: AtomicBool = AtomicBool::new(false);

/// The name that libpurple and its plugins know this front end by.
const UI: &std::ffi::CStr = c"bellflower";

thread_local! {
    static MAIN_LOOP: Cell<*mut glib_sys::GMainLoop> = const { Cell::new(std::ptr::null_mut()) };
}

/// See [`crate::handle::start`].
pub(crate) fn start(config: BridgeConfig) -> Result<Bridge, StartError> {
    if STARTED.swap(true, Ordering::SeqCst) {
        return Err(StartError::AlreadyStarted);
    }
    let mailbox = MailboxSender::new(config.mailbox);
    let (batches, events) = tokio::sync::mpsc::unbounded_channel();
    let (ready, started) = mpsc::channel();
    let ours = mailbox.clone();
    let body = move || {
        // Whoever started it may have given up.
        let up = |result: Result<&Catalogue, &StartError>| _ = ready.send(result.ok().cloned());
        run(&config, ours, |_| Ok(Way::Channel(batches)), up)
    };
    let thread = std::thread::Builder::new().name("libpurple".to_owned()).spawn(body).map_err(StartError::Thread)?;
    match started.recv() {
        Ok(Some(catalogue)) => {
            Ok(Bridge { handle: BridgeHandle { mailbox, catalogue: Arc::new(catalogue) }, events: Events::of_bridge(events), thread })
        }
        // It has ended, and says why.
        _ => Err(thread.join().ok().and_then(Result::err).unwrap_or(StartError::Core)),
    }
}

/// The throw-away user directory: mode 0700, empty, gone when dropped.
pub(super) struct PrivateDir(PathBuf);

impl PrivateDir {
    fn make(config: &BridgeConfig) -> Result<Self, StartError> {
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        let candidates = [runtime, Some(PathBuf::from("/dev/shm")), Some(std::env::temp_dir())];
        let parent = match &config.private_dir {
            Some(given) => given.clone(),
            None => candidates.into_iter().flatten().find(|path| is_writable(path)).unwrap_or_else(std::env::temp_dir),
        };
        let path = parent.join(format!("bellflower-{}", std::process::id()));
        // A directory of the same name is what an earlier process with this number left; it is ours to clear only if we may.
        let _ = std::fs::remove_dir_all(&path);
        match std::fs::DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => Ok(Self(path)),
            Err(error) => Err(StartError::Directory(path, error)),
        }
    }
}

impl Drop for PrivateDir {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            log::warn!(target: "bridge", "cannot remove {}: {error}", self.0.display());
        }
    }
}

fn is_writable(path: &Path) -> bool {
    let path = super::ffi::in_process(&path.to_string_lossy());
    // SAFETY: a C string.
    unsafe { libc::access(path.as_ptr(), libc::W_OK | libc::X_OK) == 0 }
}

/// Runs libpurple on this thread until it is told to quit. `way` opens the way out once this is libpurple's thread; `started` hears whether
/// libpurple came up, before the first command.
fn run(
    config: &BridgeConfig,
    mailbox: MailboxSender,
    way: impl FnOnce(OnPurple) -> std::io::Result<Way>,
    started: impl FnOnce(Result<&Catalogue, &StartError>),
) -> Result<(), StartError> {
    // SAFETY: this thread takes the default context before anything runs on it, and `STARTED` lets only one such thread be.
    let token = unsafe {
        glib_sys::g_main_context_acquire(std::ptr::null_mut());
        OnPurple::declare()
    };
    let way = way(token).map_err(StartError::Thread)?;
    super::registry::set_number(config.number);
    let up =
        bring_up_core(token, config, Box::new(trust::Accounts)).and_then(|dir| bring_up(token, config).map(|catalogue| (dir, catalogue)));
    let (_dir, catalogue) = match up {
        Ok(up) => up,
        Err(error) => {
            started(Err(&error));
            return Err(error);
        }
    };
    outbox::open(token, way);
    mailbox::attach(token, mailbox, move |item| perform(token, item), move || turn_ended(token));
    // SAFETY: a loop on the default context, which this thread owns.
    let main_loop = unsafe { glib_sys::g_main_loop_new(std::ptr::null_mut(), glib_sys::GFALSE) };
    MAIN_LOOP.set(main_loop);
    started(Ok(&catalogue));
    // SAFETY: as above; it returns after `perform` was told to quit.
    unsafe {
        glib_sys::g_main_loop_run(main_loop);
        glib_sys::g_main_loop_unref(main_loop);
    }
    take_down(token);
    Ok(())
}

/// Runs libpurple on the calling thread, until it is told to quit.
pub(super) fn run_here(
    config: &BridgeConfig,
    mailbox: MailboxSender,
    way: impl FnOnce(OnPurple) -> std::io::Result<Way>,
    started: impl FnOnce(Result<&Catalogue, &StartError>),
) -> Result<(), StartError> {
    if STARTED.swap(true, Ordering::SeqCst) {
        return Err(StartError::AlreadyStarted);
    }
    run(config, mailbox, way, started)
}

/// libpurple's core, in the order that it needs: what must not fall back to a default comes before `purple_core_init`.
pub(super) fn bring_up_core(token: OnPurple, config: &BridgeConfig, hooks: Box<dyn tls::TrustHooks>) -> Result<PrivateDir, StartError> {
    // SAFETY: a static text, copied.
    let misfit =
        unsafe { borrowed(purple_sys::purple_version_check(purple_sys::PURPLE_MAJOR_VERSION, purple_sys::PURPLE_MINOR_VERSION, 0)) };
    if let Some(reason) = misfit {
        return Err(StartError::Version { built: purple_sys::BUILD_VERSION.to_owned(), reason });
    }
    let dir = PrivateDir::make(config)?;
    let user_dir = super::ffi::in_process(&dir.0.to_string_lossy());
    // SAFETY: a C string, copied.
    unsafe { purple_sys::purple_util_set_user_dir(user_dir.as_ptr()) };
    debug::install(token);
    eventloop::install(token)?;
    prefs::install(token);
    egress::set_policy(egress::Policy::new(&config.egress_allow));
    egress::set_sources(&config.egress_source);
    interpose::install(token, config);
    dns::install(token, config)?;
    if !config.native_tls {
        tls::install(token, config, hooks)?;
    }
    static CORE: super::Ops<PurpleCoreUiOps> = super::Ops(PurpleCoreUiOps {
        ui_prefs_init: None,
        debug_ui_init: None,
        ui_init: None,
        quit: None,
        get_ui_info: None,
        _purple_reserved1: None,
        _purple_reserved2: None,
        _purple_reserved3: None,
    });
    // SAFETY: the ops are static; core_init is called once, here.
    let up = unsafe {
        purple_sys::purple_core_set_ui_ops(CORE.pointer());
        purple_sys::purple_core_init(UI.as_ptr())
    };
    if up == glib_sys::GFALSE { Err(StartError::Core) } else { Ok(dir) }
}

/// Everything of ours on top of the core.
fn bring_up(token: OnPurple, config: &BridgeConfig) -> Result<Catalogue, StartError> {
    blist::install(token);
    account::install(token);
    connection::install(token, pace(config));
    conversation::install(token);
    icon::install(token);
    picture::install(token);
    request::install(token);
    notify::install(token);
    privacy::install(token);
    roomlist::install(token);
    transfer::install(token);
    // Statuses are ours to apply; libpurple must not wait for a network manager (hazard 32).
    // SAFETY: after core_init.
    unsafe { purple_sys::purple_network_force_online() };
    interpose::self_test(token)?;
    interpose::load_plugins(token);
    conversation::listen(token);
    conversation::server_id::listen(token);
    super::room::listen(token);
    super::xmpp::listen(token);
    super::iq::listen(token);
    picture::listen(token);
    irc::listen(token);
    irc::set_gateways(token, &config.gateways);
    transfer::listen(token);
    blist::groups::listen(token);
    // SAFETY: a static text, copied.
    let version = unsafe { borrowed(purple_sys::purple_core_get_version()) }.unwrap_or_default();
    let protocols = protocols::catalogue(token, config);
    let mut plugins = interpose::plugin_reports();
    for plugin in plugins.iter_mut().filter(|plugin| plugin.state == "loaded") {
        plugin.kept_back = plugin.id.as_deref().map(|id| protocols::kept_back(token, id)).unwrap_or_default();
    }
    Ok(Catalogue { protocols, plugins, version })
}

fn pace(config: &BridgeConfig) -> Pace {
    let between = Duration::from_secs(1).checked_div(config.sign_ons_per_second).unwrap_or(Duration::ZERO);
    let (first, most) = (config.reconnect_first, config.reconnect_most);
    Pace { between, first, most, timeout: config.sign_on_timeout, silence: config.silence, held: connection::HELD }
}

fn perform(token: OnPurple, item: Item) {
    match item {
        Item::Command(command) => dispatch::perform(token, *command),
        Item::Ping(answer) => {
            // Whoever asked may have gone.
            let _ = answer.send(());
        }
        Item::Echo(number) => super::link::answer(number),
        Item::Quit => {
            let main_loop = MAIN_LOOP.get();
            if !main_loop.is_null() {
                // SAFETY: set before the loop ran, unset never; quitting twice is harmless.
                unsafe { glib_sys::g_main_loop_quit(main_loop) };
            }
        }
    }
}

/// Between two turns of the loop: fails the accounts whose callbacks panicked, then sends what the turn produced.
fn turn_ended(token: OnPurple) {
    for account in owner::take_blamed() {
        let message = "Something went wrong inside this account's protocol. It was signed off; sign it on again to go on.".to_owned();
        connection::lose(token, account, AccountError { code: "internal".to_owned(), message, fatal: true });
    }
    conversation::server_id::over();
    picture::over();
    cost::settle(token);
    blist::flush(token);
    super::load::note(token);
    outbox::flush(token);
}

/// The reverse order. Accounts first: libpurple would otherwise look at freed ones while it quits.
fn take_down(token: OnPurple) {
    for account in accounts::all(token) {
        teardown::end(token, account);
    }
    turn_ended(token);
    signals::disconnect(token);
    // SAFETY: started once in `bring_up`, ended once here.
    unsafe { purple_sys::purple_core_quit() };
    interpose::uninstall(token);
    dns::uninstall(token);
    eventloop::uninstall(token);
    outbox::close(token);
}
