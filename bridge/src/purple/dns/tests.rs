//! Look-ups as libpurple makes them, against a name server on loopback; each test has a libpurple of its own.

use super::test_server::{Server, Zone, a, aaaa, srv, txt};
use super::*;
use crate::purple::alone;
use hickory_resolver::proto::rr::RecordType;
use purple_sys::{PurpleSrvResponse, PurpleTxtResponse, gchar};
use std::ffi::{c_int, c_void};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Instant;

const ACCOUNT: AccountId = AccountId(7);
/// Under valgrind, on a busy machine, the first question takes some seconds.
const LONG: Duration = Duration::from_secs(15);

/// What a caller was told, in its own words.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Told {
    Addresses(Vec<SocketAddr>),
    Services(Vec<(String, i32, i32)>),
    Texts(Vec<String>),
    Failed(String),
}

thread_local! {
    static TOLD: RefCell<Vec<Told>> = const { RefCell::new(Vec::new()) };
}

/// What the caller passes along, to see that it comes back.
static DATA: u8 = 0;

fn data() -> gpointer {
    std::ptr::from_ref(&DATA).cast_mut().cast()
}

fn tell(told: Told) {
    TOLD.with_borrow_mut(|all| all.push(told));
}

unsafe extern "C" fn on_hosts(list: *mut glib_sys::GSList, passed: gpointer, error: *const gchar) {
    assert_eq!(passed, data());
    // SAFETY: libpurple's promise: a C string, or NULL with a list of pairs that is the callee's.
    unsafe {
        if let Some(error) = ffi::borrowed(error) {
            return tell(Told::Failed(error));
        }
        let items: Vec<*mut c_void> = ffi::slist(list);
        let addresses = items.chunks(2).map(|pair| {
            let address = match pair[0].addr() {
                16 => {
                    let four = *pair[1].cast::<libc::sockaddr_in>();
                    SocketAddr::new(IpAddr::V4(Ipv4Addr::from(four.sin_addr.s_addr.to_ne_bytes())), u16::from_be(four.sin_port))
                }
                28 => {
                    let six = *pair[1].cast::<libc::sockaddr_in6>();
                    SocketAddr::new(IpAddr::V6(Ipv6Addr::from(six.sin6_addr.s6_addr)), u16::from_be(six.sin6_port))
                }
                other => panic!("a length of {other}"),
            };
            glib_sys::g_free(pair[1]);
            address
        });
        tell(Told::Addresses(addresses.collect()));
        glib_sys::g_slist_free(list);
    }
}

unsafe extern "C" fn on_services(responses: *mut PurpleSrvResponse, count: c_int, passed: gpointer) {
    assert_eq!(passed, data());
    let mut services = Vec::new();
    for index in 0..usize::try_from(count).unwrap() {
        // SAFETY: libpurple's promise: `count` responses.
        let service = unsafe { &*responses.add(index) };
        // SAFETY: a C string.
        services.push((unsafe { ffi::borrowed(service.hostname.as_ptr()) }.unwrap(), service.port, service.pref));
    }
    tell(Told::Services(services));
    // SAFETY: the callee's to free.
    unsafe { glib_sys::g_free(responses.cast()) };
}

unsafe extern "C" fn on_texts(list: *mut glib_sys::GList, passed: gpointer) {
    assert_eq!(passed, data(), "XMPP's callback follows this pointer");
    // SAFETY: libpurple's promise: responses that are the callee's.
    unsafe {
        let responses: Vec<*mut PurpleTxtResponse> = ffi::list(list);
        tell(Told::Texts(
            responses.iter().map(|text| ffi::borrowed(purple_sys::purple_txt_response_get_content(*text)).unwrap()).collect(),
        ));
        responses.into_iter().for_each(|text| purple_sys::purple_txt_response_destroy(text));
        glib_sys::g_list_free(list);
    }
}

fn begin_host(name: &str) -> *mut PurpleDnsQueryData {
    let name = ffi::in_process(name);
    // SAFETY: live C strings; no account, so libpurple's own proxy settings.
    owner::with(Some(ACCOUNT), || unsafe {
        purple_sys::purple_dnsquery_a_account(std::ptr::null_mut(), name.as_ptr(), 5222, Some(on_hosts), data())
    })
}

fn begin_services(domain: &str) {
    let domain = ffi::in_process(domain);
    let (service, protocol) = (c"xmpp-client", c"tcp");
    // SAFETY: live C strings.
    unsafe {
        purple_sys::purple_srv_resolve_account(
            std::ptr::null_mut(),
            service.as_ptr(),
            protocol.as_ptr(),
            domain.as_ptr(),
            Some(on_services),
            data(),
        )
    };
}

fn begin_texts(domain: &str) {
    let domain = ffi::in_process(domain);
    // SAFETY: live C strings.
    unsafe {
        purple_sys::purple_txt_resolve_account(std::ptr::null_mut(), c"_xmppconnect".as_ptr(), domain.as_ptr(), Some(on_texts), data())
    };
}

/// Runs the loop until `done`, for some seconds at most.
fn run_until(what: &str, done: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(Instant::now() < end, "{what} did not happen");
        // SAFETY: the default context, on the thread that owns it.
        unsafe { glib_sys::g_main_context_iteration(std::ptr::null_mut(), GFALSE) };
    }
}

fn told() -> Told {
    run_until("an answer", || TOLD.with_borrow(|told| !told.is_empty()));
    TOLD.with_borrow_mut(|told| told.remove(0))
}

fn host(name: &str) -> Told {
    assert!(!begin_host(name).is_null());
    assert!(TOLD.with_borrow(Vec::is_empty), "answered before the call returned");
    told()
}

/// Starts a libpurple of its own with a name server that holds `zone`.
fn with(name: &str, zone: Zone, patience: Duration, body: impl FnOnce(OnPurple, Server)) {
    alone::run(&format!("purple::dns::tests::{name}"), |token| {
        let server = Server::start(zone);
        alone::core(token, &BridgeConfig { protocols_allow: vec!["prpl-irc".to_owned()], ..Default::default() });
        install_with(token, vec![server.address], patience, Path::new("/etc")).unwrap();
        body(token, server);
        // SAFETY: no memory is involved.
        let child = unsafe { libc::waitpid(-1, std::ptr::null_mut(), libc::WNOHANG) };
        assert_eq!((child, std::io::Error::last_os_error().raw_os_error()), (-1, Some(libc::ECHILD)), "libpurple forked");
    });
}

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

#[test]
fn hosts_are_found_filtered_and_cached() {
    let zone: Zone = vec![
        ("both.example.", a("9.9.9.9")),
        ("both.example.", aaaa("2620:fe::9")),
        ("inner.example.", a("10.1.2.3")),
        ("mixed.example.", a("127.0.0.1")),
        ("mixed.example.", a("1.1.1.1")),
        ("xn--bcher-kva.example.", a("1.0.0.1")),
    ];
    with("hosts_are_found_filtered_and_cached", zone, LONG, |_, server| {
        let Told::Addresses(mut both) = host("both.example") else { panic!("both.example") };
        both.sort();
        assert_eq!(both, [address("9.9.9.9:5222"), address("[2620:fe::9]:5222")]);
        assert!(matches!(host("Both.Example."), Told::Addresses(_)));
        assert_eq!(server.count("both.example.", RecordType::A), 1, "the second answer comes from the cache");

        let Told::Failed(why) = host("inner.example") else { panic!("inner.example was let through") };
        assert!(why.contains("10.1.2.3") && why.contains("private"), "{why}");
        assert_eq!(egress::take_refusal(ACCOUNT), Some("10.1.2.3".parse().unwrap()));
        assert_eq!(host("mixed.example"), Told::Addresses(vec![address("1.1.1.1:5222")]));
        assert_eq!(host("bücher.example"), Told::Addresses(vec![address("1.0.0.1:5222")]));
        // /etc/hosts knows this one, and the server is not asked.
        let Told::Failed(why) = host("localhost") else { panic!("localhost was let through") };
        assert!(why.contains("the server itself"), "{why}");
        assert_eq!(server.count("localhost.", RecordType::A), 0);
    });
}

#[test]
fn what_does_not_exist_is_said_and_remembered() {
    with("what_does_not_exist_is_said_and_remembered", vec![("here.example.", txt(&["x"]))], LONG, |_, server| {
        for name in ["gone.example", "here.example", "gone.example"] {
            assert_eq!(host(name), Told::Failed(format!("There is no server called “{name}”.")));
        }
        assert_eq!(server.count("gone.example.", RecordType::A), 1, "a \"no\" is cached too");
        assert_eq!(host("a..b"), Told::Failed("“a..b” is not a server's name.".to_owned()));
        // Hazard 29: the look-up that XMPP makes at each sign-on.
        for _ in 0..3 {
            begin_services("gone.example");
            assert_eq!(told(), Told::Services(Vec::new()));
        }
        assert_eq!(server.count("_xmpp-client._tcp.gone.example.", RecordType::SRV), 1);
    });
}

#[test]
fn services_and_texts_are_found() {
    let zone: Zone = vec![
        ("_xmpp-client._tcp.one.example.", srv(20, 0, 5223, "second.one.example.")),
        ("_xmpp-client._tcp.one.example.", srv(10, 5, 5222, "first.one.example.")),
        ("_xmpp-client._tcp.none.example.", srv(0, 0, 0, ".")),
        ("_xmppconnect.one.example.", txt(&["_xmpp-client-xbosh=", "https://one.example/bosh"])),
    ];
    with("services_and_texts_are_found", zone, LONG, |_, _| {
        begin_services("one.example");
        assert_eq!(told(), Told::Services(vec![("first.one.example".to_owned(), 5222, 10), ("second.one.example".to_owned(), 5223, 20)]));
        begin_services("none.example");
        assert_eq!(told(), Told::Services(Vec::new()));
        begin_texts("one.example");
        assert_eq!(told(), Told::Texts(vec!["_xmpp-client-xbosh=https://one.example/bosh".to_owned()]));
        begin_texts("none.example");
        assert_eq!(told(), Told::Texts(vec![String::new()]));
    });
}

#[test]
fn half_an_answer_is_an_answer() {
    let zone: Zone = vec![("half.example.", a("9.9.9.9"))];
    with("half_an_answer_is_an_answer", zone, Duration::from_secs(3), |_, _| {
        assert_eq!(host("half.example"), Told::Addresses(vec![address("9.9.9.9:5222")]));
        let Told::Failed(why) = host("half.of.nothing.example") else { panic!("an answer out of nowhere") };
        assert!(why.contains("did not answer"), "{why}");
    });
}

#[test]
fn silence_ends_after_the_patience() {
    with("silence_ends_after_the_patience", Vec::new(), Duration::from_millis(600), |_, _| {
        let begun = Instant::now();
        let Told::Failed(why) = host("silent.example") else { panic!("an answer out of nowhere") };
        assert!(why.contains("did not answer"), "{why}");
        assert!(begun.elapsed() < LONG, "{:?}", begun.elapsed());
    });
}

#[test]
fn a_destroyed_query_is_never_answered() {
    let zone: Zone = vec![("late.example.", a("9.9.9.9")), ("next.example.", a("9.9.9.8"))];
    with("a_destroyed_query_is_never_answered", zone, LONG, |token, server| {
        // Before it was asked, while it is, and when the answer already lies here.
        // SAFETY: a live query, destroyed once.
        unsafe { purple_sys::purple_dnsquery_destroy(begin_host("late.example")) };
        let asked = begin_host("silent.example");
        run_until("a question", || server.count("silent.example.", RecordType::A) > 0);
        // SAFETY: as above.
        unsafe { purple_sys::purple_dnsquery_destroy(asked) };
        let answered = begin_host("late.example");
        run_until("a look-up", || DNS.with_borrow(|dns| dns.as_ref().is_some_and(|dns| !dns.waiting.is_empty())));
        let end = Instant::now() + LONG;
        while ANSWERS.lock().unwrap().is_empty() && Instant::now() < end {
            std::thread::yield_now();
        }
        // SAFETY: as above.
        unsafe { purple_sys::purple_dnsquery_destroy(answered) };
        assert_eq!(host("next.example"), Told::Addresses(vec![address("9.9.9.8:5222")]));
        assert!(TOLD.with_borrow(Vec::is_empty), "a destroyed query was answered");
        assert!(DNS.with_borrow(|dns| dns.as_ref().is_some_and(|dns| dns.waiting.is_empty() && dns.by_query.is_empty())));

        // After the end nobody is called either.
        begin_host("silent.again.example");
        run_until("a look-up", || DNS.with_borrow(|dns| dns.as_ref().is_some_and(|dns| !dns.waiting.is_empty())));
        uninstall(token);
        assert!(ANSWERS.lock().unwrap().is_empty() && TOLD.with_borrow(Vec::is_empty));
    });
}
