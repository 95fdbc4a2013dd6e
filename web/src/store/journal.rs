//! Takes what sessions write and commits it in groups, in the order of its coming. Never makes a session wait, and holds no more than its bounds.

use super::{Store, StoreError, Write};
use crate::stats::{COMMITS, Histogram, Unit};
use bridge::id::UserId;
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, watch};

/// Between two commits: what came in between goes together.
const GROUP: Duration = Duration::from_millis(25);
/// Writes in one transaction, at most.
const MOST_WRITES: usize = 4096;
/// Bytes of one commit, about: a message may bring a row of the index for each few of them.
const MOST_BYTES: usize = 512 << 10;
/// Between two tries while the database does not answer: the first, and the longest.
const RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(3));
/// How often the database is asked whether it is there while nothing is written.
const PING: Duration = Duration::from_secs(5);
/// Silence of the database after which it counts as away.
const ANSWER: Duration = Duration::from_secs(3);
/// Longest time of one try of a commit: a slow one is not carried out twice.
const PATIENCE: Duration = Duration::from_secs(10);

/// The queue is full, as the database has not answered for long. Gives back what found no room.
#[derive(Debug, Clone, PartialEq)]
pub struct Full(pub Box<Write>);

/// Report of a commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Committed {
    /// Every write up to this number is durable, or was refused by the database for what it is.
    pub upto: u64,
    /// Whose writes were in it.
    pub users: Vec<UserId>,
}

/// Receiver of a journal's reports.
pub trait Keeping: Send + Sync {
    /// Writes are durable.
    fn committed(&self, committed: Committed);
    /// The database went away (`false`) or is back.
    fn kept(&self, kept: bool);
    /// There is room again after some writes found none.
    fn room(&self);
}

/// Writes that wait to be committed.
#[derive(Debug, Default)]
struct Queue {
    writes: VecDeque<Write>,
    bytes: usize,
    /// The bytes of each user who has any.
    of_users: HashMap<UserId, usize>,
    /// Users whose writes found no room, until half of it is free.
    refused: BTreeSet<UserId>,
    /// Number of the last write that was taken.
    last: u64,
}

/// The way of all writes to the store. Any thread.
pub struct Journal {
    store: Arc<dyn Store>,
    queue: Mutex<Queue>,
    most_bytes: usize,
    come: Notify,
    done: watch::Sender<u64>,
    kept: AtomicBool,
    ending: AtomicBool,
    dropped: AtomicU64,
    /// Something found no room. Changes under the queue's lock.
    full: AtomicBool,
    commits: Histogram,
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal").field("done", &*self.done.borrow()).finish_non_exhaustive()
    }
}

impl Journal {
    /// A journal of this store, which holds at most so many bytes. [`Journal::run`] makes it commit.
    pub fn new(store: Arc<dyn Store>, most_bytes: usize) -> Arc<Self> {
        Arc::new(Self {
            store,
            queue: Mutex::default(),
            most_bytes,
            come: Notify::new(),
            done: watch::Sender::new(0),
            kept: AtomicBool::new(true),
            ending: AtomicBool::new(false),
            dropped: AtomicU64::new(0),
            full: AtomicBool::new(false),
            commits: Histogram::new("store_commit_seconds", "How long the database took for a commit.", Unit::Seconds, COMMITS),
        })
    }

    /// How long the database took for what it committed.
    pub fn commits(&self) -> &Histogram {
        &self.commits
    }

    /// The store behind it, for reading.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a write, and gives it a number. Never waits. Once one found no room none of the same user does until half of the queue is free: what is missing is one
    /// piece, and no small write comes in between large ones.
    ///
    /// # Errors
    /// [`Full`]: it is not taken.
    pub fn push(&self, write: Write) -> Result<u64, Full> {
        let bytes = write.bytes();
        let mut queue = self.lock();
        let user = write.user();
        let theirs = queue.of_users.get(&user).copied().unwrap_or(0);
        // Nobody may have more than is left to all others: whoever floods leaves half of the room, two who do leave a third.
        let free = self.most_bytes.saturating_sub(queue.bytes);
        let over = theirs > 0 && (bytes > free || theirs + bytes > free) || bytes > free && !queue.writes.is_empty();
        if over || queue.refused.contains(&user) {
            queue.refused.insert(user);
            self.dropped.fetch_add(1, Ordering::Relaxed);
            self.full.store(true, Ordering::Release);
            return Err(Full(Box::new(write)));
        }
        queue.bytes += bytes;
        *queue.of_users.entry(user).or_default() += bytes;
        queue.last += 1;
        queue.writes.push_back(write);
        let number = queue.last;
        drop(queue);
        self.come.notify_one();
        Ok(number)
    }

    /// Number of the last write that was taken.
    pub fn last(&self) -> u64 {
        self.lock().last
    }

    /// Number up to which everything is durable.
    pub fn done(&self) -> u64 {
        *self.done.borrow()
    }

    /// Whether the database takes what is written.
    pub fn is_kept(&self) -> bool {
        self.kept.load(Ordering::Acquire)
    }

    /// Whether nothing of this user finds room now.
    pub fn is_full(&self, user: UserId) -> bool {
        self.full.load(Ordering::Acquire) && self.lock().refused.contains(&user)
    }

    /// Writes that wait, their bytes, and how many found no room since the start.
    pub fn figures(&self) -> (u64, u64, u64) {
        let queue = self.lock();
        (queue.writes.len() as u64, queue.bytes as u64, self.dropped.load(Ordering::Relaxed))
    }

    /// Waits until the writes up to `number` are durable. False: they are not after `patience`, or the database is away.
    pub async fn reached(&self, number: u64, patience: Duration) -> bool {
        if self.done() >= number {
            return true;
        }
        if !self.is_kept() {
            return false;
        }
        let mut done = self.done.subscribe();
        matches!(tokio::time::timeout(patience, done.wait_for(|done| *done >= number)).await, Ok(Ok(_)))
    }

    /// Commits until [`Journal::end`]; what is told goes to `keeping`.
    pub async fn run(self: Arc<Self>, keeping: Arc<dyn Keeping>) {
        loop {
            let ending = self.ending.load(Ordering::Acquire);
            if self.lock().writes.is_empty() {
                if ending {
                    return;
                }
                tokio::select! {
                    () = self.come.notified() => {
                        if !self.ending.load(Ordering::Acquire) {
                            tokio::time::sleep(GROUP).await;
                        }
                    }
                    () = tokio::time::sleep(PING) => self.look(&*keeping).await,
                }
                continue;
            }
            let (batch, bytes) = self.batch();
            if !self.commit(&batch, &*keeping).await {
                // Ending, and the database is away: the log says how much is lost.
                log::error!("{} writes could not be stored before the end", self.lock().writes.len() + batch.len());
                return;
            }
            let mut queue = self.lock();
            queue.bytes -= bytes;
            for write in &batch {
                if let Entry::Occupied(mut theirs) = queue.of_users.entry(write.user()) {
                    *theirs.get_mut() = theirs.get().saturating_sub(write.bytes());
                    if *theirs.get() == 0 {
                        theirs.remove();
                    }
                }
            }
            let upto = queue.last - queue.writes.len() as u64;
            let again = queue.bytes <= self.most_bytes / 2 && self.full.swap(false, Ordering::AcqRel);
            if again {
                queue.refused.clear();
            }
            drop(queue);
            self.done.send_replace(upto);
            let users: BTreeSet<UserId> = batch.iter().map(Write::user).collect();
            keeping.committed(Committed { upto, users: users.into_iter().collect() });
            if again {
                keeping.room();
            }
        }
    }

    /// Takes the next writes out. Their bytes count until they are durable.
    fn batch(&self) -> (Vec<Write>, usize) {
        let mut queue = self.lock();
        let mut sum = 0;
        let fits = |write: &&Write| {
            let fits = sum < MOST_BYTES;
            sum += write.bytes();
            fits
        };
        let count = queue.writes.iter().take(MOST_WRITES).take_while(fits).count();
        let batch: Vec<Write> = queue.writes.drain(..count).collect();
        if queue.writes.is_empty() {
            queue.writes = VecDeque::new();
        }
        drop(queue);
        let bytes = batch.iter().map(Write::bytes).sum();
        (batch, bytes)
    }

    /// Commits, trying again while the database is away. False: given up, as the end has come.
    async fn commit(&self, batch: &[Write], keeping: &dyn Keeping) -> bool {
        let mut wait = RETRY.0;
        loop {
            let begun = Instant::now();
            match self.answer(self.store.commit(batch), keeping).await {
                Ok(()) => {
                    self.commits.note_time(begun.elapsed());
                    self.set_kept(true, "", keeping);
                    return true;
                }
                Err(StoreError::Unavailable(why)) => {
                    self.set_kept(false, &why, keeping);
                    if self.ending.load(Ordering::Acquire) {
                        return false;
                    }
                    tokio::select! {
                        () = tokio::time::sleep(wait) => {}
                        () = self.ended() => {}
                    }
                    wait = (wait * 2).min(RETRY.1);
                }
                Err(error) if batch.len() == 1 => {
                    // The database refuses this one for what it is: it must not hold up all others.
                    log::error!("a write of user {} is left out: {error}", batch.first().map_or(UserId(0), Write::user));
                    self.dropped.fetch_add(1, Ordering::Relaxed);
                    return true;
                }
                Err(error) => {
                    log::error!("a group of {} writes is carried out one by one: {error}", batch.len());
                    for one in batch.chunks(1) {
                        if !Box::pin(self.commit(one, keeping)).await {
                            return false;
                        }
                    }
                    return true;
                }
            }
        }
    }

    /// The answer of the database. Reports it as away as soon as it lets a commit wait.
    async fn answer<T>(&self, work: impl Future<Output = Result<T, StoreError>>, keeping: &dyn Keeping) -> Result<T, StoreError> {
        let mut work = std::pin::pin!(work);
        if let Ok(result) = tokio::time::timeout(ANSWER, &mut work).await {
            return result;
        }
        self.set_kept(false, &format!("no answer within {} s", ANSWER.as_secs()), keeping);
        let left = PATIENCE.saturating_sub(ANSWER);
        let silent = || Err(StoreError::Unavailable(format!("no answer within {} s", PATIENCE.as_secs())));
        tokio::time::timeout(left, work).await.unwrap_or_else(|_| silent())
    }

    /// Finds out whether the database is there while nothing is to be written.
    async fn look(&self, keeping: &dyn Keeping) {
        match self.answer(self.store.ping(), keeping).await {
            Ok(()) => self.set_kept(true, "", keeping),
            Err(error) => self.set_kept(false, &error.to_string(), keeping),
        }
    }

    fn set_kept(&self, kept: bool, why: &str, keeping: &dyn Keeping) {
        if self.kept.swap(kept, Ordering::AcqRel) == kept {
            return;
        }
        if kept {
            log::warn!("the database is back: what is said is being kept");
        } else {
            log::error!("the database is away, nothing is being kept: {why}");
        }
        keeping.kept(kept);
    }

    async fn ended(&self) {
        while !self.ending.load(Ordering::Acquire) {
            self.come.notified().await;
        }
    }

    /// Lets [`Journal::run`] return once everything is committed, or at once when the database is away.
    pub fn end(&self) {
        self.ending.store(true, Ordering::Release);
        self.come.notify_one();
    }
}
