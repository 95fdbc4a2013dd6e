//! Commands that workers have and have not ended yet: what goes to several ends once, and what a crash leaves open is known; it sends nothing.

use bridge::command::{Command, CommandKind, Origin};
use bridge::error::CommandError;
use bridge::event::{EventKind, Outcome};
use bridge::id::{AccountId, ConversationId, UserId};
use std::collections::{BTreeSet, HashMap};

/// What a command was, as far as its fate matters.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum What {
    /// A message, to be shown with a mark when nobody knows whether it was sent.
    Message { conversation: ConversationId, html: String },
    /// An account that will be made all the same, by another worker.
    Account(AccountId),
    /// An account that is made anew; nobody waits to hear of it.
    Restored(AccountId),
    /// A change of an account that holds once its worker has taken it.
    Change(Box<Command>),
    /// The end of an account.
    Removal(AccountId),
    /// Anything else.
    Other,
}

impl What {
    pub(crate) fn of(command: &Command) -> Self {
        match &command.kind {
            CommandKind::SendMessage { conversation, html, .. } => Self::Message { conversation: *conversation, html: html.clone() },
            CommandKind::AddAccount { account, .. } if is_restore(command.origin.as_ref()) => Self::Restored(*account),
            CommandKind::AddAccount { account, .. } => Self::Account(*account),
            CommandKind::UpdateAccount { .. } | CommandKind::ChangePassword { .. } => Self::Change(Box::new(command.clone())),
            CommandKind::RemoveAccount(account) => Self::Removal(*account),
            _ => Self::Other,
        }
    }

    /// Bytes of a message.
    fn bytes(&self) -> usize {
        if let Self::Message { html, .. } = self { html.len() } else { 0 }
    }
}

/// Where the outcome of an account's being made anew points to: no browser.
pub(crate) fn restore(account: AccountId) -> Origin {
    Origin { client: RESTORE.to_owned(), command: account.to_string() }
}

/// No browser's id: those are not empty and have no spaces around them.
const RESTORE: &str = " fleet ";

/// The origin of the command by which a worker forgets a user.
pub(crate) fn departure() -> Origin {
    Origin { client: " leaving ".to_owned(), command: String::new() }
}

/// Whether an outcome is nobody's but the fleet's.
pub(crate) fn is_restore(origin: Option<&Origin>) -> bool {
    origin.is_some_and(|origin| origin.client == RESTORE)
}

#[derive(Debug)]
struct Flight {
    waiting: BTreeSet<u16>,
    what: What,
    failed: Option<CommandError>,
    result: Option<Outcome>,
    /// Its line came back: it was sent.
    said: bool,
}

/// How a command ended.
pub(crate) type Ended = Result<Option<Outcome>, CommandError>;

/// What a worker left behind.
#[derive(Debug, PartialEq)]
pub(crate) struct Left {
    pub(crate) user: UserId,
    pub(crate) origin: Origin,
    pub(crate) what: What,
    /// Known all the same.
    pub(crate) ended: Option<Ended>,
}

/// Commands of one user that may be open: a worker need not end any.
const MOST: usize = 1024;
/// Bytes of messages among them.
const MOST_BYTES: usize = 4 << 20;

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Flights {
    open: HashMap<(UserId, Origin), Flight>,
    /// How many are each user's, and their bytes.
    shares: HashMap<UserId, (usize, usize)>,
}

impl Flights {
    /// Whether a user may have another one.
    pub(crate) fn has_room(&self, user: UserId) -> bool {
        self.shares.get(&user).is_none_or(|(count, bytes)| *count < MOST && *bytes < MOST_BYTES)
    }

    /// A command goes to these workers.
    pub(crate) fn begin(&mut self, user: UserId, origin: Origin, what: What, workers: impl IntoIterator<Item = u16>) {
        let key = (user, origin);
        self.take(&key);
        let flight = Flight { waiting: workers.into_iter().collect(), what, failed: None, result: None, said: false };
        let share = self.shares.entry(user).or_default();
        *share = (share.0 + 1, share.1 + flight.what.bytes());
        self.open.insert(key, flight);
    }

    fn take(&mut self, key: &(UserId, Origin)) -> Option<Flight> {
        let flight = self.open.remove(key)?;
        if let Some(share) = self.shares.get_mut(&key.0) {
            *share = (share.0.saturating_sub(1), share.1.saturating_sub(flight.what.bytes()));
            if share.0 == 0 {
                self.shares.remove(&key.0);
            }
        }
        Some(flight)
    }

    /// It did not go after all.
    pub(crate) fn forget(&mut self, user: UserId, origin: &Origin) {
        self.take(&(user, origin.clone()));
    }

    /// A user is gone, and nobody is to hear of what they wanted.
    pub(crate) fn forget_user(&mut self, user: UserId) {
        self.open.retain(|(theirs, _), _| *theirs != user);
        self.shares.remove(&user);
    }

    /// Its line was told by a worker that has it.
    pub(crate) fn said(&mut self, number: u16, user: UserId, origin: &Origin) {
        if let Some(flight) = self.open.get_mut(&(user, origin.clone())).filter(|flight| flight.waiting.contains(&number)) {
            flight.said = true;
        }
    }

    /// A worker tells how its part ended. What to tell the user, once the last part has, and what it was.
    pub(crate) fn end(&mut self, number: u16, user: UserId, origin: &Origin, ended: Ended) -> Option<(Ended, What)> {
        let key = (user, origin.clone());
        let flight = self.open.get_mut(&key)?;
        if !flight.waiting.remove(&number) {
            return None;
        }
        flight.note(ended);
        if !flight.waiting.is_empty() {
            return None;
        }
        self.take(&key).map(|flight| (flight.failed.map_or(Ok(flight.result), Err), flight.what))
    }

    /// A worker is gone: what it had.
    pub(crate) fn lose(&mut self, number: u16) -> Vec<Left> {
        let mut left = Vec::new();
        let keys: Vec<_> = self.open.iter().filter(|(_, flight)| flight.waiting.contains(&number)).map(|(key, _)| key.clone()).collect();
        for key in keys {
            let Some(flight) = self.open.get_mut(&key) else { continue };
            flight.waiting.remove(&number);
            // An account is made by another worker; a removed one is not made anew.
            let certain = matches!(flight.what, What::Account(_) | What::Restored(_) | What::Removal(_));
            let open = !flight.said && !certain;
            if open {
                let message = "The server lost a part of itself before this was confirmed. It may or may not have been done.";
                flight.note(Err(CommandError::new("unknown_fate", message)));
            }
            if !flight.waiting.is_empty() {
                continue;
            }
            let Some(flight) = self.take(&key) else { continue };
            let what = if flight.said { What::Other } else { flight.what.clone() };
            let ended = if matches!(flight.what, What::Account(_) | What::Restored(_)) { None } else { Some(flight.outcome()) };
            left.push(Left { user: key.0, origin: key.1, what, ended });
        }
        left
    }

    /// How many there are.
    #[cfg(test)]
    fn count(&self) -> usize {
        self.open.len()
    }
}

impl Flight {
    fn note(&mut self, ended: Ended) {
        match ended {
            Ok(result) => self.result = result.or(self.result.take()),
            Err(error) => self.failed = Some(error),
        }
    }

    fn outcome(self) -> Ended {
        self.failed.map_or(Ok(self.result), Err)
    }
}

/// The event that tells it.
pub(crate) fn told(ended: Ended) -> EventKind {
    match ended {
        Ok(result) => EventKind::CommandDone { result },
        Err(error) => EventKind::CommandFailed { error },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(command: &str) -> Origin {
        Origin { client: "c".to_owned(), command: command.to_owned() }
    }

    const USER: UserId = UserId(1);

    #[test]
    fn what_goes_to_several_ends_once_and_a_failure_wins() {
        let mut flights = Flights::default();
        flights.begin(USER, origin("1"), What::Other, [1, 2, 3]);
        let error = CommandError::new("offline", "no");
        assert_eq!(flights.end(1, USER, &origin("1"), Ok(None)), None);
        assert_eq!(flights.end(2, USER, &origin("1"), Err(error.clone())), None);
        assert_eq!(flights.end(2, USER, &origin("1"), Ok(None)), None, "twice from one");
        assert_eq!(flights.end(3, UserId(2), &origin("1"), Ok(None)), None, "another user's");
        assert_eq!(flights.end(3, USER, &origin("1"), Ok(None)), Some((Err(error), What::Other)));
        assert_eq!(flights.end(3, USER, &origin("1"), Ok(None)), None, "it has ended");
        assert_eq!(flights.count(), 0);
    }

    #[test]
    fn a_crash_leaves_messages_unknown_unless_their_line_came() {
        let mut flights = Flights::default();
        let message = || What::Message { conversation: ConversationId(9), html: "hello".to_owned() };
        flights.begin(USER, origin("unknown"), message(), [1]);
        flights.begin(USER, origin("said"), message(), [1]);
        flights.begin(USER, origin("elsewhere"), message(), [2]);
        flights.begin(USER, origin("account"), What::Account(AccountId(3)), [1]);
        flights.said(2, USER, &origin("unknown"));
        flights.said(1, USER, &origin("said"));
        let mut left = flights.lose(1);
        left.sort_by(|a, b| a.origin.command.cmp(&b.origin.command));
        let [account, said, unknown] = left.as_slice() else { panic!("{left:?}") };
        assert_eq!((&account.what, &account.ended), (&What::Account(AccountId(3)), &None));
        assert_eq!((&said.what, &said.ended), (&What::Other, &Some(Ok(None))));
        assert_eq!(unknown.what, message());
        assert!(matches!(&unknown.ended, Some(Err(error)) if error.code == "unknown_fate"));
        assert_eq!(flights.count(), 1);
    }

    #[test]
    fn what_a_worker_never_ends_is_bounded() {
        let mut flights = Flights::default();
        let begin = |flights: &mut Flights, id: usize, bytes: usize| {
            let what = What::Message { conversation: ConversationId(9), html: "x".repeat(bytes) };
            let has_room = flights.has_room(USER);
            if has_room {
                flights.begin(USER, origin(&id.to_string()), what, [1]);
            }
            has_room
        };
        assert_eq!((0..2 * MOST).filter(|id| begin(&mut flights, *id, 1)).count(), MOST);
        assert!(flights.has_room(UserId(2)), "others are not held up");
        assert!(flights.end(1, USER, &origin("0"), Ok(None)).is_some());
        assert!(begin(&mut flights, 0, MOST_BYTES) && !flights.has_room(USER));
        // The same one again counts once.
        flights.begin(USER, origin("0"), What::Other, [1]);
        assert_eq!(flights.shares[&USER], (MOST, MOST - 1));
        assert_eq!(flights.lose(1).len(), MOST);
        assert!(flights.shares.is_empty() && flights.open.is_empty());
    }

    #[test]
    fn a_crash_of_one_of_several_is_told_when_the_others_have_ended() {
        let mut flights = Flights::default();
        flights.begin(USER, origin("1"), What::Other, [1, 2]);
        assert!(flights.lose(1).is_empty());
        assert!(matches!(flights.end(2, USER, &origin("1"), Ok(None)), Some((Err(error), _)) if error.code == "unknown_fate"));
    }
}
