//! Sends commands to the bridge, and sends those again that found no room. Decides none.

use super::Hub;
use super::hub::lock;
use super::state::State;
use bridge::command::{Command, CommandKind, Origin};
use bridge::handle::Rejected;
use bridge::id::{AccountId, UserId};

/// Commands of one user, each with the account that it is about.
pub(super) type Waiting = Vec<(CommandKind, Option<AccountId>, Option<Origin>)>;

/// Commands of one user that wait for room, beside the few without which an account or a user would be left behind. More come only of a
/// network that floods and reads nothing.
const MOST_LATER: usize = 256;

impl Hub {
    /// Sends a command that no browser asked for. False when there was no room.
    pub(crate) fn tell(&self, user: UserId, kind: CommandKind) -> bool {
        !matches!(self.networks.send(Command { user, origin: None, kind }, None), Err(Rejected::Busy(_)))
    }

    /// Tells the bridge what has come up.
    pub(super) fn do_chores(&self, user: UserId, state: &mut State) {
        for (origin, kind) in std::mem::take(&mut state.chores_from) {
            let of = state.account_of(&kind);
            self.tell_for_sure_from(user, Some(origin), kind, of);
        }
        let mut left_out = 0;
        for chore in std::mem::take(&mut state.chores) {
            let of = state.account_of(&chore);
            left_out += u64::from(!self.tell_or_keep(user, chore, of));
        }
        if left_out > 0 {
            self.counters.chores_left_out.add(left_out);
            if state.left_out(&self.env()) {
                crate::pace::paced!(
                    warn,
                    "user {user} has a network that floods and takes no answers: what does not fit is left out, and the user is told"
                );
            }
        }
    }

    /// Sends what waits, in its order, as far as there is room. Nothing newer of the same user goes before it.
    pub(super) fn tell_again(&self) {
        lock(&self.later).retain(|user, waiting| {
            for (kind, of, origin) in std::mem::take(waiting) {
                if let Err(Rejected::Busy(command)) = self.networks.send(Command { user: *user, origin, kind }, of) {
                    waiting.push((command.kind, of, command.origin));
                }
            }
            !waiting.is_empty()
        });
    }

    /// Sends what no browser asked for, or keeps it for when there is room. False: it was left out.
    fn tell_or_keep(&self, user: UserId, kind: CommandKind, of: Option<AccountId>) -> bool {
        if let Err(Rejected::Busy(command)) = self.networks.send(Command { user, origin: None, kind }, of) {
            let mut later = lock(&self.later);
            let theirs = later.entry(user).or_default();
            if theirs.len() >= MOST_LATER {
                return false;
            }
            theirs.push((command.kind, of, None));
        }
        true
    }

    /// Sends a command that must not be left out: again and again until there is room.
    pub(super) fn tell_for_sure(&self, user: UserId, kind: CommandKind, of: Option<AccountId>) {
        self.tell_for_sure_from(user, None, kind, of);
    }

    /// As [`Hub::tell_for_sure`], with an origin whose outcome comes back.
    pub(super) fn tell_for_sure_from(&self, user: UserId, origin: Option<Origin>, kind: CommandKind, of: Option<AccountId>) {
        let mut later = lock(&self.later);
        if let Some(theirs) = later.get_mut(&user)
            && kind != CommandKind::RemoveUser
        {
            // An account that comes back must not be taken for one of the session before, whose end waits.
            return theirs.push((kind, of, origin));
        }
        if let Err(Rejected::Busy(command)) = self.networks.send(Command { user, origin, kind }, of) {
            let theirs = later.entry(user).or_default();
            if command.kind == CommandKind::RemoveUser {
                // The user is removed: other commands are of no use any more.
                theirs.clear();
            }
            theirs.push((command.kind, of, command.origin));
        }
    }

    pub(crate) fn send(&self, user: UserId, origin: Origin, kind: CommandKind, of: Option<AccountId>) -> Result<(), Rejected> {
        self.networks.send(Command { user, origin: Some(origin), kind }, of)
    }
}
