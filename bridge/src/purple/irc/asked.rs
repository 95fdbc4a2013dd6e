//! Answers of a server about somebody who was asked after (WHOIS), told from refusals of a message: both are "no such nick" (401), but the first is
//! followed by the end of its answer (318). Asks nothing itself.

use super::{CONNECTIONS, Words, tagged};
use purple_sys::PurpleConnection;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Questions of a connection that are remembered.
const MOST: usize = 64;
/// How long a server may take to answer one.
const ANSWERED_WITHIN: Duration = Duration::from_secs(30);

/// Somebody who was asked after.
#[derive(Debug)]
struct Question {
    nick: Vec<u8>,
    at: Instant,
    /// The server has said that there is nobody of the name.
    denied: bool,
}

/// The questions whose answers have not ended.
#[derive(Debug, Default)]
pub(super) struct Asked(VecDeque<Question>);

impl Asked {
    fn ask(&mut self, line: &[u8]) {
        let mut words = line.trim_ascii().split(|byte| *byte == b' ').filter(|word| !word.is_empty());
        if !words.next().is_some_and(|command| command.eq_ignore_ascii_case(b"WHOIS")) {
            return;
        }
        // Before the nick may stand the server that is asked.
        if let Some(nick) = words.next_back() {
            if self.0.len() >= MOST {
                self.0.pop_front();
            }
            self.0.push_back(Question { nick: nick.to_ascii_lowercase(), at: Instant::now(), denied: false });
        }
    }

    /// A line has come. Whether it says of a question, and not of a message, that there is nobody of the name.
    fn hear(&mut self, line: &[u8]) -> bool {
        let Some((ends, nick)) = about(line) else { return false };
        self.0.retain(|question| question.at.elapsed() < ANSWERED_WITHIN);
        let Some(at) = self.0.iter().position(|question| question.nick.eq_ignore_ascii_case(nick)) else { return false };
        if ends {
            self.0.remove(at);
            return false;
        }
        // A second such line before the end of the answer is about a message.
        self.0.get_mut(at).is_some_and(|question| !std::mem::replace(&mut question.denied, true))
    }
}

/// Of 401 (false) and 318 (true): whom it is about.
fn about(line: &[u8]) -> Option<(bool, &[u8])> {
    let line = tagged(line).map_or(line, |(_, rest)| rest);
    let mut words = Words(line.strip_prefix(b":")?);
    let (_, number, _, nick) = (words.word()?, words.word()?, words.word()?, words.word()?);
    matches!(number, b"401" | b"318").then_some((number == b"318", nick))
}

/// Lines are on their way to the server.
pub(super) fn note(gc: *mut PurpleConnection, lines: &[u8]) {
    let is_question = |line: &&[u8]| line.get(..6).is_some_and(|word| word.eq_ignore_ascii_case(b"WHOIS "));
    for line in lines.split(|byte| *byte == b'\n').filter(is_question) {
        CONNECTIONS.with_borrow_mut(|all| all.entry(gc).or_default().asked.ask(line));
    }
}

/// A line has come: to be called with each. Whether it says of somebody who was asked after, and not of a message, that there is nobody of the name.
pub(super) fn answers(gc: *mut PurpleConnection, line: &[u8]) -> bool {
    about(line).is_some() && CONNECTIONS.with_borrow_mut(|all| all.get_mut(&gc).is_some_and(|known| known.asked.hear(line)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOBODY: &[u8] = b":irc.test 401 ines bob :No such nick";
    const END: &[u8] = b"@time=x :irc.test 318 ines Bob :End of WHOIS";

    #[test]
    fn one_answer_is_the_questions_and_all_others_are_messages() {
        let mut asked = Asked::default();
        assert!(!asked.hear(NOBODY), "nobody asked");
        asked.ask(b"WHOIS irc.test Bob\r");
        assert!(!asked.hear(b":irc.test 401 ines eva :No such nick"));
        assert!(asked.hear(NOBODY) && !asked.hear(NOBODY), "one of two");
        assert!(!asked.hear(END) && !asked.hear(NOBODY), "the answer has ended");
        // Somebody who is there is answered otherwise.
        asked.ask(b"whois bob bob");
        assert!(!asked.hear(END) && !asked.hear(NOBODY));
    }

    #[test]
    fn questions_are_bounded() {
        let mut asked = Asked::default();
        (0..1000).for_each(|n| asked.ask(format!("WHOIS n{n}").as_bytes()));
        asked.ask(b"WHOIS");
        asked.ask(b"PRIVMSG bob :WHOIS bob");
        assert_eq!(asked.0.len(), MOST);
        assert!(!asked.hear(NOBODY));
    }
}
