//! The order of locks: a thread that waits for one session keeps no other user waiting.

use super::people::Home;
use super::*;
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;

const PATIENCE: Duration = Duration::from_secs(30);

/// A thread that does something, and may have to wait for it.
struct Aside {
    /// The place at which the kernel tells of it.
    task: String,
    done: Receiver<()>,
    thread: JoinHandle<()>,
}

impl Aside {
    fn begin(work: impl FnOnce() + Send + 'static) -> Self {
        let (named, name) = channel();
        let (ended, done) = channel();
        let thread = std::thread::spawn(move || {
            named.send(std::fs::read_link("/proc/thread-self").unwrap()).unwrap();
            work();
            let _ = ended.send(());
        });
        let task = format!("/proc/{}/stat", name.recv_timeout(PATIENCE).unwrap().display());
        Self { task, done, thread }
    }

    /// Returns once the thread sleeps, which has nothing but a lock to sleep for.
    fn sleeps(&self) {
        let begun = std::time::Instant::now();
        loop {
            let stat = std::fs::read_to_string(&self.task).expect("it is not over");
            if stat.rsplit_once(") ").is_some_and(|(_, state)| state.starts_with('S')) {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "it waits for nothing: {stat}");
            std::thread::yield_now();
        }
    }

    fn ends(self) {
        self.done.recv_timeout(PATIENCE).expect("it does not end");
        self.thread.join().unwrap();
    }
}

#[test]
fn who_counts_users_keeps_nobody_from_coming() {
    let site = Site::new();
    let state = site.session.lock();
    let hub = site.hub.clone();
    let counts = Aside::begin(move || assert_eq!(hub.users_attached(), 1));
    counts.sleeps();
    // A user comes, for whom the list of sessions is changed; and the one whose session is locked goes on.
    let (hub, comes) = (site.hub.clone(), Arc::new(Session::new(UserId(9), "Eva", None, 1, 0)));
    let come = Aside::begin(move || hub.add_session(&comes));
    come.ends();
    assert!(site.hub.session(site.session.id).is_some());
    drop(state);
    counts.ends();
}

#[tokio::test]
async fn no_search_looks_at_the_list_of_sessions_with_its_own_locked() {
    let home = Home::new().await;
    home.talks().await;
    home.hub.attach(&home.session, "tab").unwrap();
    let held = home.hub.hold_sessions();
    let (hub, session) = (home.hub.clone(), home.session.clone());
    let search = tokio::task::spawn_blocking(move || {
        hub.discover(&session, "compost", None).unwrap();
        let closed = |kind: &str| json!({ "id": kind, "type": kind, "q": "compost", "conversation": ConversationId(9) });
        let again = json!({ "id": "3", "type": "message.cancel", "conversation": ConversationId(1), "message": "m0000000000000009" });
        let commands = json!([closed("search.open"), closed("search.save"), again]);
        let taken = hub.perform(&session, json!({ "client": "tab", "commands": commands }).to_string().as_bytes()).unwrap();
        assert_eq!(taken.1.rejected.len(), 0, "{:?}", serde_json::to_value(&taken.1));
    });
    let ended = std::time::Instant::now();
    while !search.is_finished() {
        assert!(ended.elapsed() < PATIENCE, "it waits for the list");
        std::thread::yield_now();
    }
    drop(held);
    search.await.unwrap();
}

#[test]
fn who_searches_while_lists_are_let_go_of_is_looked_after() {
    let site = Site::new();
    let held = site.hub.discovering.hold();
    let (hub, session) = (site.hub.clone(), site.session.clone());
    // There is nothing to look after: the user is let go of.
    let again = Aside::begin(move || hub.discover_again_for(&session, false));
    again.sleeps();
    assert!(site.session.is_locked(), "a search that begins now would be forgotten");
    drop(held);
    again.ends();
    site.hub.discover(&site.session, "rust", None).unwrap();
    assert!(site.hub.discovering.hold().contains(&site.session.id));
}
