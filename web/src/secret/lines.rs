//! Holds what waits for a thread that hashes passwords: strangers stand in one line, users in another, and the two take turns. A browser that is known
//! stands with the strangers where there is no place among the users. Runs nothing (see `hasher`).

use bridge::id::UserId;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

pub(super) type Job = Box<dyn FnOnce() + Send>;

/// Runs of one user that wait or are under way.
const OF_A_USER: u32 = 2;

/// Where a run waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// The line of people who have shown nothing yet.
    Strangers,
    /// The line of users who are signed in.
    Users(UserId),
    /// The users' line for somebody who comes from a browser of this user's; the strangers' where that has no place.
    Known(UserId),
}

#[derive(Default)]
struct Waiting {
    strangers: VecDeque<Job>,
    users: VecDeque<Job>,
    of: HashMap<UserId, u32>,
    /// The last one was a user's.
    strangers_next: bool,
    closed: bool,
}

impl Waiting {
    /// Whether the users' line has a place for this user.
    fn has_place(&self, user: UserId, most: usize) -> bool {
        self.users.len() < most && self.of.get(&user).is_none_or(|count| *count < OF_A_USER)
    }
}

/// The two lines.
pub(super) struct Lines {
    /// Jobs that may wait in each.
    most: usize,
    waiting: Mutex<Waiting>,
    news: Condvar,
}

/// A user's place among the runs.
struct Place(Arc<Lines>, UserId);

impl Drop for Place {
    fn drop(&mut self) {
        let mut waiting = self.0.lock();
        if let Some(count) = waiting.of.get_mut(&self.1) {
            *count -= 1;
            if *count == 0 {
                waiting.of.remove(&self.1);
            }
        }
    }
}

impl Lines {
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, waiting: Mutex::default(), news: Condvar::new() })
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a job at the end of a line. False: too many wait there, or too many are this user's.
    pub(super) fn push(self: &Arc<Self>, line: Line, job: Job) -> bool {
        let mut waiting = self.lock();
        match line {
            Line::Users(user) | Line::Known(user) if waiting.has_place(user, self.most) => {
                *waiting.of.entry(user).or_default() += 1;
                let place = Place(Arc::clone(self), user);
                waiting.users.push_back(Box::new(move || {
                    let _place = place;
                    job();
                }));
            }
            Line::Strangers | Line::Known(_) if waiting.strangers.len() < self.most => waiting.strangers.push_back(job),
            _ => return false,
        }
        drop(waiting);
        self.news.notify_one();
        true
    }

    /// The next job; waits for one. `None`: there will be none.
    pub(super) fn next(&self) -> Option<Job> {
        let mut waiting = self.lock();
        loop {
            let strangers_first = waiting.strangers_next || waiting.users.is_empty();
            let stranger = if strangers_first { waiting.strangers.pop_front() } else { None };
            let job = stranger.map(|job| (job, false)).or_else(|| waiting.users.pop_front().map(|job| (job, true)));
            if let Some((job, of_user)) = job {
                waiting.strangers_next = of_user;
                return Some(job);
            }
            if waiting.closed {
                return None;
            }
            waiting = self.news.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waiting jobs are still handed out, and then no more.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.news.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_and_users_take_turns_and_no_user_has_more_than_two() {
        let lines = Lines::new(4);
        let seen = Arc::new(Mutex::new(Vec::new()));
        let job = |name: String| {
            let seen = Arc::clone(&seen);
            Box::new(move || seen.lock().unwrap().push(name)) as Job
        };
        for number in 0..4 {
            assert!(lines.push(Line::Strangers, job(format!("stranger {number}"))));
        }
        assert!(!lines.push(Line::Strangers, job("one too many".to_owned())));
        for (user, taken) in [(1, true), (1, true), (1, false), (2, true), (3, true), (4, false)] {
            assert_eq!(lines.push(Line::Users(UserId(user)), job(format!("user {user}"))), taken, "{user}");
        }
        let run = || {
            let job = lines.next().unwrap();
            job();
        };
        run();
        run();
        assert_eq!(*seen.lock().unwrap(), ["user 1", "stranger 0"], "nobody waits for all strangers");
        assert!(lines.push(Line::Users(UserId(1)), job("user 1".to_owned())), "the first is done");
        lines.close();
        while let Some(job) = lines.next() {
            job();
        }
        let rest = ["user 1", "stranger 1", "user 2", "stranger 2", "user 3", "stranger 3", "user 1"];
        assert_eq!(seen.lock().unwrap()[2..], rest);
        assert!(lines.lock().of.is_empty());
    }

    #[test]
    fn a_known_browser_stands_with_the_strangers_where_users_fill_their_line() {
        let lines = Lines::new(2);
        let push = |line| lines.push(line, Box::new(|| {}));
        assert!(push(Line::Known(UserId(1))), "with the users as long as there is a place");
        assert!(push(Line::Users(UserId(2))));
        assert!(!push(Line::Users(UserId(3))), "their line is full");
        assert!(push(Line::Known(UserId(3))) && push(Line::Known(UserId(3))));
        assert!(!push(Line::Known(UserId(3))), "so is the strangers'");
        let waiting = lines.lock();
        assert_eq!((waiting.users.len(), waiting.strangers.len(), waiting.of.get(&UserId(3))), (2, 2, None));
    }
}
