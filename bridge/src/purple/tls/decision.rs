//! The moment between handshake and connection: believe, ask, or refuse; what a certificate is worth is `policy`'s to judge.

use super::by_id;
use super::engine::{Connection, Phase};
use super::policy::Verdict;
use super::stream::Stream;
use super::words::Failure;

impl Connection {
    /// After the handshake, before any byte of the protocol's.
    pub(super) fn decide(&self) {
        let pins = self.account.map(|account| self.shared.hooks.pins(account)).unwrap_or_default();
        let verdict = {
            let stream = self.stream.borrow();
            self.shared.policy.judge(&self.name, stream.as_ref().map(Stream::chain).unwrap_or_default(), &pins)
        };
        let certificate = match verdict {
            Verdict::Trusted => return self.open(),
            Verdict::Doubtful(certificate) => *certificate,
        };
        let reason = certificate.reason.clone();
        self.fingerprint.borrow_mut().clone_from(&certificate.fingerprint);
        let Some(account) = self.account else {
            crate::purple::debug::paced(
                log::Level::Warn,
                format_args!(
                    "a certificate of {} is not trusted ({reason}), and the connection is of no account: refused",
                    self.name.host()
                ),
            );
            return self.refuse(&reason);
        };
        let answer = Answer { id: self.id, given: false };
        match self.shared.hooks.ask(account, certificate, Box::new(move |yes| answer.give(yes))) {
            // Answered while being asked: the timer has it.
            Some(_) if self.answer.get().is_some() => {}
            Some(question) if self.phase.get() == Phase::Deciding => self.question.set(Some(question)),
            // Closed while being asked.
            Some(question) => self.shared.hooks.withdraw(question),
            None => self.refuse(&reason),
        }
    }

    fn answered(&self, yes: bool) {
        if self.phase.get() == Phase::Deciding && self.answer.get().is_none() {
            self.question.set(None);
            self.answer.set(Some(yes));
            self.schedule(0);
        }
    }

    /// Its user said so; from the loop.
    pub(super) fn decided(&self, yes: bool) {
        if !yes {
            return self.fail(&Failure::certificate(format!("The certificate of {} was not accepted.", self.name.host())));
        }
        if let Some(account) = self.account {
            let fingerprint = self.fingerprint.borrow().clone();
            if !self.shared.hooks.pins(account).contains(&fingerprint) {
                self.shared.hooks.pin(account, fingerprint.clone());
            }
            // The same question may be open for the account's other connections.
            for other in super::all() {
                if other.id != self.id && other.account == self.account && *other.fingerprint.borrow() == fingerprint {
                    let question = other.question.get();
                    other.answered(true);
                    if let Some(question) = question {
                        self.shared.hooks.withdraw(question);
                    }
                }
            }
        }
        self.open();
    }

    fn refuse(&self, reason: &str) {
        self.fail(&Failure::certificate(format!("The certificate of {} is not trusted ({reason}).", self.name.host())));
    }
}

/// The way back of one question; unanswered it is a no, so that no account waits for ever.
struct Answer {
    id: usize,
    given: bool,
}

impl Answer {
    fn give(mut self, yes: bool) {
        self.given = true;
        if let Some(connection) = by_id(self.id) {
            connection.answered(yes);
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if !self.given
            && let Some(connection) = by_id(self.id)
        {
            connection.answered(false);
        }
    }
}
