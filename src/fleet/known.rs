//! Which servers are known: those where somebody else was online for long. Pure over given times. Judges no crash (see `blame`).

use super::server::ServerKey;
use bridge::id::PersonId;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Servers remembered.
const MOST: usize = 4096;
/// People remembered of each, who were online there.
const PEOPLE: usize = 8;
/// People besides the one whose account crashed who keep a server known.
const ENOUGH: usize = 3;
/// A server is forgotten when nobody was online there for so long.
const FORGOTTEN: Duration = Duration::from_secs(7 * 24 * 3600);

#[derive(Debug)]
struct Known {
    by: Vec<PersonId>,
    last: Instant,
}

/// The servers.
#[derive(Debug, Default)]
pub(crate) struct Servers(HashMap<ServerKey, Known>);

impl Servers {
    /// Somebody has been online there for long, and no worker ended for it.
    pub(crate) fn vouch(&mut self, now: Instant, server: ServerKey, person: PersonId) {
        if self.0.len() >= MOST && !self.0.contains_key(&server) {
            // One person can fill the table with servers that only they know: those go first.
            let least = self.0.iter().min_by_key(|(_, known)| (known.by.len() > 1, known.last)).map(|(server, _)| *server);
            least.and_then(|server| self.0.remove(&server));
        }
        let known = self.0.entry(server).or_insert_with(|| Known { by: Vec::new(), last: now });
        known.last = now;
        if known.by.len() < PEOPLE && !known.by.contains(&person) {
            known.by.push(person);
        }
    }

    /// Whether somebody else than `person` was online there for long.
    pub(crate) fn is_known(&self, server: ServerKey, person: PersonId) -> bool {
        self.0.get(&server).is_some_and(|known| known.by.iter().any(|other| *other != person))
    }

    /// An account of `person` there ended a worker: their word counts no more, and a server that few others vouch for is unknown again.
    pub(crate) fn crashed(&mut self, server: ServerKey, person: PersonId) {
        self.0.retain(|other, known| {
            known.by.retain(|by| *by != person);
            if *other == server { known.by.len() >= ENOUGH } else { !known.by.is_empty() }
        });
    }

    /// Forgets what is long ago.
    pub(crate) fn forget(&mut self, now: Instant) {
        self.0.retain(|_, known| now.saturating_duration_since(known.last) < FORGOTTEN);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: ServerKey = ServerKey(1);
    const OTHER: ServerKey = ServerKey(2);

    fn person(number: u64) -> PersonId {
        PersonId(number)
    }

    #[test]
    fn a_server_is_known_by_somebody_else() {
        let (mut servers, now) = (Servers::default(), Instant::now());
        servers.vouch(now, SERVER, person(1));
        servers.vouch(now, SERVER, person(1));
        assert!(!servers.is_known(SERVER, person(1)), "nobody vouches for their own");
        assert!(servers.is_known(SERVER, person(2)) && !servers.is_known(OTHER, person(2)));
        servers.vouch(now, SERVER, person(2));
        assert!(servers.is_known(SERVER, person(1)));
        servers.forget(now + FORGOTTEN);
        assert!(!servers.is_known(SERVER, person(1)));
    }

    #[test]
    fn a_crash_makes_a_server_unknown_unless_many_are_there() {
        let (mut servers, now) = (Servers::default(), Instant::now());
        for number in 1..=3 {
            servers.vouch(now, SERVER, person(number));
        }
        servers.vouch(now, OTHER, person(1));
        servers.crashed(SERVER, person(1));
        assert!(!servers.is_known(SERVER, person(9)), "two accomplices are not enough");
        assert!(!servers.is_known(OTHER, person(9)), "nor is the word of one who brought a worker down");
        for number in 1..=4 {
            servers.vouch(now, SERVER, person(number));
        }
        servers.crashed(SERVER, person(1));
        assert!(servers.is_known(SERVER, person(9)));
        servers.crashed(SERVER, person(2));
        assert!(!servers.is_known(SERVER, person(9)));
    }

    #[test]
    fn one_person_cannot_fill_the_table() {
        let (mut servers, now) = (Servers::default(), Instant::now());
        servers.vouch(now, SERVER, person(1));
        servers.vouch(now, SERVER, person(2));
        for number in 0..2 * MOST as u64 {
            servers.vouch(now + Duration::from_secs(1), ServerKey(10 + number), person(3));
        }
        assert_eq!(servers.0.len(), MOST);
        assert!(servers.is_known(SERVER, person(3)));
    }
}
