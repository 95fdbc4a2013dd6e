//! libpurple's name look-ups, answered without forking and without waiting; which addresses may be used is `egress.rs`, how names are found is
//! `dns/resolver.rs`.

mod lists;
mod resolver;

use super::token::OnPurple;
use super::{egress, ffi, owner};
use crate::config::BridgeConfig;
use crate::error::StartError;
use crate::id::AccountId;
use glib_sys::{GFALSE, GTRUE, gboolean, gpointer};
use purple_sys::{
    PurpleDnsQueryData, PurpleDnsQueryFailedCallback, PurpleDnsQueryResolvedCallback, PurpleDnsQueryUiOps, PurpleSrvTxtQueryData,
    PurpleSrvTxtQueryFailedCallback, PurpleSrvTxtQueryResolvedCallback, PurpleSrvTxtQueryUiOps,
};
use resolver::{Answer, Question, Resolver};
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::c_void;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::task::AbortHandle;

/// Longest wait for an answer; libpurple itself sets no limit.
const PATIENCE: Duration = Duration::from_secs(10);

/// `PurpleDnsTypeTxt`, the type of a TXT record.
const TXT: i32 = 16;

/// Answers on their way to the libpurple thread, by look-up.
static ANSWERS: Mutex<Vec<(u64, Answer)>> = Mutex::new(Vec::new());

thread_local! {
    static DNS: RefCell<Option<Dns>> = const { RefCell::new(None) };
}

/// The look-ups that are under way. libpurple owns each query, and takes it back by `destroy` before or after its answer.
struct Dns {
    runtime: Runtime,
    resolver: Arc<Resolver>,
    waiting: HashMap<u64, Waiting>,
    by_query: HashMap<*const c_void, u64>,
    last: u64,
}

struct Waiting {
    asker: Asker,
    account: Option<AccountId>,
    task: AbortHandle,
}

/// Who is to be called with the answer.
#[derive(Clone, Copy)]
enum Asker {
    Host(*mut PurpleDnsQueryData, PurpleDnsQueryResolvedCallback, PurpleDnsQueryFailedCallback),
    Records(*mut PurpleSrvTxtQueryData, PurpleSrvTxtQueryResolvedCallback, PurpleSrvTxtQueryFailedCallback),
}

impl Asker {
    fn query(&self) -> *const c_void {
        match self {
            Self::Host(query, ..) => query.cast(),
            Self::Records(query, ..) => query.cast(),
        }
    }
}

/// Answers libpurple's look-ups from here on; before `purple_core_init`.
///
/// # Errors
/// When the thread for it cannot be started.
pub(crate) fn install(token: OnPurple, config: &BridgeConfig) -> Result<(), StartError> {
    let names = config.names.as_deref().unwrap_or_else(|| Path::new("/etc"));
    install_with(token, config.dns_servers.clone(), PATIENCE, names)
}

fn install_with(_: OnPurple, servers: Vec<SocketAddr>, patience: Duration, names: &Path) -> Result<(), StartError> {
    static HOSTS: super::Ops<PurpleDnsQueryUiOps> = super::Ops(PurpleDnsQueryUiOps {
        resolve_host: Some(on_resolve_host),
        destroy: Some(on_destroy_host),
        _purple_reserved1: None,
        _purple_reserved2: None,
        _purple_reserved3: None,
        _purple_reserved4: None,
    });
    static RECORDS: super::Ops<PurpleSrvTxtQueryUiOps> = super::Ops(PurpleSrvTxtQueryUiOps {
        resolve: Some(on_resolve_records),
        destroy: Some(on_destroy_records),
        _purple_reserved1: None,
        _purple_reserved2: None,
        _purple_reserved3: None,
        _purple_reserved4: None,
    });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .max_blocking_threads(1)
        .thread_name("names")
        // Name servers are on private networks more often than not.
        .on_thread_start(super::interpose::trust_this_thread)
        .enable_all()
        .build()
        .map_err(StartError::Thread)?;
    let resolver = Arc::new(Resolver::new(servers, patience, names));
    DNS.set(Some(Dns { runtime, resolver, waiting: HashMap::new(), by_query: HashMap::new(), last: 0 }));
    // SAFETY: both live for ever.
    unsafe { purple_sys::purple_dnsquery_set_ui_ops(HOSTS.pointer()) };
    // SAFETY: as above.
    unsafe { purple_sys::purple_srv_txt_query_set_ui_ops(RECORDS.pointer()) };
    Ok(())
}

/// Ends all look-ups; after `purple_core_quit`. Nobody is called any more.
pub(crate) fn uninstall(_: OnPurple) {
    if let Some(dns) = DNS.take() {
        dns.runtime.shutdown_background();
    }
    ANSWERS.lock().unwrap_or_else(PoisonError::into_inner).clear();
}

/// Begins a look-up for the current account. Whatever happens, the asker is called later, or destroys its query first.
fn ask(_: OnPurple, asker: Asker, question: Question) {
    DNS.with_borrow_mut(|dns| {
        let Some(dns) = dns else { return };
        dns.last += 1;
        let id = dns.last;
        let resolver = dns.resolver.clone();
        let task = dns.runtime.spawn(async move { post(id, resolver.answer(question).await) });
        dns.by_query.insert(asker.query(), id);
        dns.waiting.insert(id, Waiting { asker, account: owner::current(), task: task.abort_handle() });
    });
}

/// Forgets a look-up that libpurple has no more use for: its answer will find nobody.
fn forget(query: *const c_void) {
    DNS.with_borrow_mut(|dns| {
        let Some(dns) = dns else { return };
        if let Some(waiting) = dns.by_query.remove(&query).and_then(|id| dns.waiting.remove(&id)) {
            waiting.task.abort();
        }
    });
}

/// On the thread of the look-ups: hands the answer over and has GLib call for it.
fn post(id: u64, answer: Answer) {
    ANSWERS.lock().unwrap_or_else(PoisonError::into_inner).push((id, answer));
    // SAFETY: a new source, which the default context then owns; GLib allows this from any thread, and wakes its loop.
    unsafe {
        let source = glib_sys::g_idle_source_new();
        glib_sys::g_source_set_priority(source, glib_sys::G_PRIORITY_DEFAULT);
        glib_sys::g_source_set_callback(source, Some(on_answers), std::ptr::null_mut(), None);
        glib_sys::g_source_attach(source, std::ptr::null_mut());
        glib_sys::g_source_unref(source);
    }
}

unsafe extern "C" fn on_answers(_: gpointer) -> gboolean {
    ffi::guard_on("names answered", GFALSE, |token| {
        let answers = std::mem::take(&mut *ANSWERS.lock().unwrap_or_else(PoisonError::into_inner));
        for (id, answer) in answers {
            // Looked up one by one: each callback may destroy queries that are further down.
            let waiting = DNS.with_borrow_mut(|dns| {
                let dns = dns.as_mut()?;
                let waiting = dns.waiting.remove(&id)?;
                dns.by_query.remove(&waiting.asker.query());
                Some(waiting)
            });
            if let Some(Waiting { asker, account, .. }) = waiting {
                owner::with(account, || ffi::guard("a name's answer", (), || deliver(token, asker, answer)));
            }
        }
        GFALSE
    })
}

/// Notes for the current account why its server's name led nowhere, for the words of its error; `None` when it led somewhere.
fn note(token: OnPurple, failure: Option<String>) {
    if let Some(account) = owner::current() {
        super::connection::resolved(token, account, failure);
    }
}

fn deliver(token: OnPurple, asker: Asker, answer: Answer) {
    match (asker, answer) {
        (Asker::Host(query, resolved, failed), Answer::Addresses(addresses)) => match permitted(addresses) {
            Ok(addresses) => {
                note(token, None);
                if let Some(resolved) = resolved {
                    // SAFETY: the query has not been destroyed, and takes the list over.
                    unsafe { resolved(query, lists::hosts(&addresses)) };
                }
            }
            Err(why) => fail_host(query, failed, &why),
        },
        (Asker::Host(query, _, failed), Answer::Failed(why)) => {
            note(token, Some(why.clone()));
            fail_host(query, failed, &why);
        }
        (Asker::Records(query, Some(resolved), _), Answer::Services(services)) => {
            // SAFETY: the query has not been destroyed, and takes the list over.
            unsafe { resolved(query, lists::services(&services)) };
        }
        (Asker::Records(query, Some(resolved), _), Answer::Texts(texts)) => {
            // SAFETY: as above.
            unsafe { resolved(query, lists::texts(&texts)) };
        }
        (Asker::Records(query, resolved, failed), Answer::Failed(why)) => {
            // SAFETY: a query that has not been destroyed.
            let kind = unsafe { purple_sys::purple_srv_txt_query_get_type(query) };
            match (kind, resolved, failed) {
                // libpurple's own `failed` calls a TXT callback with the arguments of an SRV one, and its data, as NULL: XMPP's follows it.
                // An empty list is not taken either. One empty text says the same.
                // SAFETY: the query has not been destroyed, and takes the list over.
                (TXT, Some(resolved), _) => unsafe { resolved(query, lists::texts(&[Vec::new()])) },
                // SAFETY: the query has not been destroyed; the text is copied.
                (_, _, Some(failed)) => unsafe { failed(query, ffi::in_process(&why).as_ptr()) },
                _ => {}
            }
        }
        _ => log::error!(target: "bridge", "a name's answer does not fit its question"),
    }
}

fn fail_host(query: *mut PurpleDnsQueryData, failed: PurpleDnsQueryFailedCallback, why: &str) {
    if let Some(failed) = failed {
        // SAFETY: the query has not been destroyed; the text is copied.
        unsafe { failed(query, ffi::in_process(why).as_ptr()) };
    }
}

/// The addresses that may be reached; when there is none, a sentence that says why, and the account remembers the first.
fn permitted(addresses: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, String> {
    let first = addresses.first().copied();
    let good: Vec<SocketAddr> = addresses.into_iter().filter(|address| egress::refusal(address.ip()).is_none()).collect();
    match first {
        Some(first) if good.is_empty() => {
            let why = egress::refusal(first.ip()).unwrap_or("a refused address");
            egress::note_refusal(first.ip(), why);
            Err(format!("The server's address, {}, is {why}, which cannot be reached from here.", first.ip()))
        }
        _ => Ok(good),
    }
}

unsafe extern "C" fn on_resolve_host(
    query: *mut PurpleDnsQueryData,
    resolved: PurpleDnsQueryResolvedCallback,
    failed: PurpleDnsQueryFailedCallback,
) -> gboolean {
    // TRUE in any case: libpurple's own way would fork.
    ffi::guard_on("resolve_host", GTRUE, |token| {
        // SAFETY: a live query with a name, copied at once.
        let name = unsafe { ffi::borrowed(purple_sys::purple_dnsquery_get_host(query)) }.unwrap_or_default();
        // SAFETY: a live query.
        let port = unsafe { purple_sys::purple_dnsquery_get_port(query) };
        ask(token, Asker::Host(query, resolved, failed), Question::Host(name, port));
        GTRUE
    })
}

unsafe extern "C" fn on_resolve_records(
    query: *mut PurpleSrvTxtQueryData,
    resolved: PurpleSrvTxtQueryResolvedCallback,
    failed: PurpleSrvTxtQueryFailedCallback,
) -> gboolean {
    ffi::guard_on("resolve", GTRUE, |token| {
        // SAFETY: a live query with a name, copied at once.
        let name = unsafe { ffi::borrowed(purple_sys::purple_srv_txt_query_get_query(query)) }.unwrap_or_default();
        // SAFETY: a live query.
        let kind = unsafe { purple_sys::purple_srv_txt_query_get_type(query) };
        let question = if kind == TXT { Question::Texts(name) } else { Question::Services(name) };
        ask(token, Asker::Records(query, resolved, failed), question);
        GTRUE
    })
}

unsafe extern "C" fn on_destroy_host(query: *mut PurpleDnsQueryData) {
    ffi::guard("destroy of a name query", (), || forget(query.cast_const().cast()));
}

unsafe extern "C" fn on_destroy_records(query: *mut PurpleSrvTxtQueryData) {
    ffi::guard("destroy of a record query", (), || forget(query.cast_const().cast()));
}

#[cfg(test)]
mod test_server;
#[cfg(test)]
mod tests;
