//! The journal, over a store that fails on demand.

mod flaky;

use crate::make::{conversation, message};
use bridge::id::{AccountId, UserId};
use flaky::{Flaky, Mood};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use web::store::{Committed, ConversationRow, Full, Journal, Keeping, Write};

/// Longest wait for what must come.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, PartialEq, Eq)]
enum Told {
    Committed(Committed),
    Kept(bool),
    Room,
}

struct Ear(UnboundedSender<Told>);

impl Keeping for Ear {
    fn committed(&self, committed: Committed) {
        let _ = self.0.send(Told::Committed(committed));
    }

    fn kept(&self, kept: bool) {
        let _ = self.0.send(Told::Kept(kept));
    }

    fn room(&self) {
        let _ = self.0.send(Told::Room);
    }
}

struct Scene {
    store: Arc<Flaky>,
    journal: Arc<Journal>,
    told: UnboundedReceiver<Told>,
    running: tokio::task::JoinHandle<()>,
    talk: ConversationRow,
}

impl Scene {
    fn new(most_bytes: usize) -> Self {
        let store = Arc::new(Flaky::default());
        let journal = Journal::new(store.clone(), most_bytes);
        let (ear, told) = unbounded_channel();
        let running = tokio::spawn(Arc::clone(&journal).run(Arc::new(Ear(ear))));
        Self { store, journal, told, running, talk: conversation(UserId(7), AccountId(1)) }
    }

    fn say(&self, text: &str) -> Result<u64, Full> {
        self.journal.push(Write::Message(message(&self.talk, text)))
    }

    /// Pushes lines from one place to before another.
    fn lines(&self, from: usize, to: usize) {
        for place in from..to {
            self.say(&place.to_string()).unwrap();
        }
    }

    async fn hears(&mut self) -> Told {
        tokio::time::timeout(PATIENCE, self.told.recv()).await.expect("nothing was told").unwrap()
    }

    /// Waits for this, past what is told of commits.
    async fn hears_kept(&mut self, kept: bool) {
        loop {
            match self.hears().await {
                Told::Kept(now) => return assert_eq!(now, kept),
                Told::Committed(_) | Told::Room => {}
            }
        }
    }

    async fn ends(self) -> Arc<Flaky> {
        self.journal.end();
        tokio::time::timeout(PATIENCE, self.running).await.expect("it does not end").unwrap();
        self.store
    }
}

fn numbers(from: usize, to: usize) -> Vec<String> {
    (from..to).map(|place| place.to_string()).collect()
}

#[tokio::test]
async fn writes_are_committed_in_order_and_in_groups() {
    let mut scene = Scene::new(4 << 20);
    scene.lines(0, 100);
    assert_eq!(scene.journal.last(), 100);
    assert!(scene.journal.reached(100, PATIENCE).await);
    assert_eq!(scene.hears().await, Told::Committed(Committed { upto: 100, users: vec![UserId(7)] }));
    assert_eq!((scene.journal.done(), scene.journal.figures()), (100, (0, 0, 0)));
    scene.lines(100, 9000);
    let journal = Arc::clone(&scene.journal);
    let store = scene.ends().await;
    assert_eq!(journal.done(), 9000);
    assert_eq!(store.texts(), numbers(0, 9000));
    assert!(store.commits() < 10, "{} commits", store.commits());
}

#[tokio::test]
async fn nothing_is_lost_while_the_database_is_away() {
    let mut scene = Scene::new(1 << 20);
    scene.store.be(Mood::Away);
    scene.lines(0, 10);
    assert_eq!(scene.hears().await, Told::Kept(false));
    assert!(!scene.journal.is_kept());
    assert!(!scene.journal.reached(10, Duration::from_secs(600)).await, "nobody waits for a database that is away");
    scene.lines(10, 20);
    // Tried again, and not told again.
    scene.store.tried(4).await;
    scene.store.be(Mood::Well);
    assert_eq!(scene.hears().await, Told::Kept(true));
    assert!(scene.journal.reached(20, PATIENCE).await);
    let told = scene.hears().await;
    assert!(matches!(&told, Told::Committed(committed) if committed.upto == 10), "{told:?}");
    assert_eq!(scene.ends().await.texts(), numbers(0, 20));
}

#[tokio::test]
async fn a_full_queue_takes_nothing_and_loses_nothing_that_it_took() {
    let mut scene = Scene::new(20_000);
    scene.store.be(Mood::Silent);
    let mut taken = 0;
    while scene.say(&taken.to_string()).is_ok() {
        taken += 1;
    }
    assert!((50..200).contains(&taken), "{taken}");
    let more = Write::Message(message(&scene.talk, "more"));
    assert_eq!(scene.journal.push(more.clone()), Err(Full(Box::new(more))));
    let (waiting, bytes, dropped) = scene.journal.figures();
    assert!(bytes <= 20_000 && waiting as usize <= taken, "{waiting} {bytes}");
    assert_eq!(dropped, 2);
    scene.store.be(Mood::Well);
    // Told once, when half of it is free.
    while scene.hears().await != Told::Room {}
    scene.say("room again").unwrap();
    assert!(scene.journal.reached(taken as u64 + 1, PATIENCE).await);
    assert!(std::iter::from_fn(|| scene.told.try_recv().ok()).all(|told| told != Told::Room));
    let mut all = numbers(0, taken);
    all.push("room again".to_owned());
    assert_eq!(scene.ends().await.texts(), all);
}

#[tokio::test]
async fn whoever_floods_leaves_room_for_others() {
    let scene = Scene::new(20_000);
    scene.store.be(Mood::Silent);
    while scene.say("a flood").is_ok() {}
    let others = conversation(UserId(8), AccountId(2));
    for place in 0..20 {
        scene.journal.push(Write::Message(message(&others, &place.to_string()))).unwrap();
    }
    scene.store.be(Mood::Well);
    let last = scene.journal.last();
    assert!(scene.journal.reached(last, PATIENCE).await);
    assert_eq!(scene.journal.figures(), (0, 0, 1));
    assert!(scene.say("again").is_ok(), "what is durable counts no more");
    scene.ends().await;
}

#[tokio::test]
async fn a_database_that_lets_one_wait_is_away_and_its_late_answer_counts() {
    let mut scene = Scene::new(1 << 20);
    scene.store.be(Mood::Silent);
    scene.lines(0, 3);
    scene.hears_kept(false).await;
    scene.store.be(Mood::Well);
    scene.hears_kept(true).await;
    let store = scene.ends().await;
    assert_eq!((store.texts(), store.tries()), (numbers(0, 3), 1), "it is not carried out twice");
}

#[tokio::test]
async fn a_write_that_is_refused_holds_up_no_other() {
    let mut scene = Scene::new(1 << 20);
    scene.lines(0, 5);
    scene.say("poison").unwrap();
    scene.lines(5, 10);
    assert!(scene.journal.reached(11, PATIENCE).await);
    assert_eq!(scene.hears().await, Told::Committed(Committed { upto: 11, users: vec![UserId(7)] }));
    assert_eq!(scene.journal.figures(), (0, 0, 1));
    assert!(scene.journal.is_kept());
    assert_eq!(scene.ends().await.texts(), numbers(0, 10));
}

#[tokio::test]
async fn the_end_waits_for_no_database_that_is_away() {
    let mut scene = Scene::new(1 << 20);
    scene.store.be(Mood::Away);
    scene.lines(0, 3);
    scene.hears_kept(false).await;
    assert_eq!(scene.ends().await.texts(), Vec::<String>::new());
}

#[tokio::test]
async fn a_database_that_goes_while_nothing_is_written_is_noticed() {
    let mut scene = Scene::new(1 << 20);
    scene.store.be(Mood::Away);
    scene.hears_kept(false).await;
    scene.store.be(Mood::Well);
    scene.hears_kept(true).await;
    scene.ends().await;
}
