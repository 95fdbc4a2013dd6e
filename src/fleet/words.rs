//! What workers write to their outputs, line by line into the daemon's log, as each worker's own words: bounded, without anything that would
//! make another line or colour of them; nothing of it is believed.
//!
//! A worker's end of the pipe does not block, so that a worker which says too much, or a daemon that is slow, costs words and no time.

use log::{Level, Record};
use std::borrow::Cow;
use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;
use tokio::net::unix::pipe::Receiver;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// Bytes of the longest line; the rest of it is left out.
const LINE: usize = 4 << 10;
/// Lines and bytes of one second.
const LINES: usize = 200;
const BYTES: usize = 256 << 10;
/// So many times more while the administrator asks for details.
const DEBUGGING: usize = 20;
/// Bytes read at once.
const A_READ: usize = 8 << 10;
/// Bytes read of one that has ended: more do not fit into a pipe.
const LAST: usize = 64 << 10;
/// For the last words to be logged.
const PATIENCE: Duration = Duration::from_secs(2);
/// Longest name of a part of the program.
const TARGET: usize = 64;

/// A text as one line: control characters, and those that turn the direction of what follows, are replaced.
pub(super) fn clean(text: &str) -> Cow<'_, str> {
    let odd = |c: char| {
        c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let short = text.get(..text.floor_char_boundary(LINE)).unwrap_or_default();
    if short.contains(odd) { short.replace(odd, "\u{fffd}").into() } else { short.into() }
}

/// Reads a worker's words as long as it lives.
pub(super) struct Ear {
    task: JoinHandle<()>,
    ended: oneshot::Sender<()>,
}

impl Ear {
    /// Begins to. On a tokio runtime.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn open(number: u16, words: OwnedFd) -> io::Result<Self> {
        let voice = Voice {
            number,
            pipe: Receiver::from_owned_fd(words)?,
            lines: Lines::default(),
            since: Instant::now(),
            left: full(),
            lost: false,
        };
        let (ended, over) = oneshot::channel();
        Ok(Self { task: tokio::spawn(voice.listen(over)), ended })
    }

    /// The worker has ended: its last words are read, whoever else may have the pipe.
    pub(super) async fn close(self) {
        // It may have come to the end by itself.
        let _ = self.ended.send(());
        if tokio::time::timeout(PATIENCE, self.task).await.is_err() {
            log::debug!("the last words of a worker were not read");
        }
    }
}

/// Lines and bytes of a second.
fn full() -> (usize, usize) {
    let times = if log::max_level() >= log::LevelFilter::Debug { DEBUGGING } else { 1 };
    (LINES * times, BYTES * times)
}

struct Voice {
    number: u16,
    pipe: Receiver,
    lines: Lines,
    /// When this second began, and what is left of its lines and bytes.
    since: Instant,
    left: (usize, usize),
    /// Since it was told to wait, more may have come than the pipe holds.
    lost: bool,
}

impl Voice {
    async fn listen(mut self, mut over: oneshot::Receiver<()>) {
        loop {
            tokio::select! {
                biased;
                _ = &mut over => break,
                goes_on = self.turn() => if !goes_on { break },
            }
        }
        let mut rest = LAST;
        self.left.0 = LINES;
        while let Ok(1..) = self.read(&mut rest) {}
        self.lines.end(|line| say(self.number, line));
    }

    /// Reads once, when there is something and it is not too much. False: that was all.
    async fn turn(&mut self) -> bool {
        if self.left.0 == 0 || self.left.1 == 0 {
            tokio::time::sleep_until(self.since + Duration::from_secs(1)).await;
            if !std::mem::replace(&mut self.lost, true) {
                log::warn!("worker {} writes more than is logged: what does not fit is lost", self.number);
            }
        }
        if self.since.elapsed() >= Duration::from_secs(1) {
            (self.since, self.left) = (Instant::now(), full());
        }
        if self.pipe.readable().await.is_err() {
            return false;
        }
        let mut most = self.left.1;
        let read = self.read(&mut most);
        self.left.1 = most;
        match read {
            Ok(count) => count > 0,
            Err(error) => error.kind() == io::ErrorKind::WouldBlock,
        }
    }

    /// Reads what is there, at most so many bytes, and says it.
    fn read(&mut self, most: &mut usize) -> io::Result<usize> {
        let mut bytes = [0; A_READ];
        let room = A_READ.min(*most);
        let count = self.pipe.try_read(bytes.get_mut(..room).unwrap_or_default())?;
        *most -= count;
        let (number, left) = (self.number, &mut self.left.0);
        self.lines.take(bytes.get(..count).unwrap_or_default(), |line| {
            if *left > 0 {
                *left -= 1;
                say(number, line);
            }
        });
        Ok(count)
    }
}

/// Cuts bytes into lines, each at most [`LINE`] long.
#[derive(Default)]
struct Lines {
    begun: Vec<u8>,
    /// The end of a line that was too long is left out.
    over: bool,
}

impl Lines {
    fn take(&mut self, bytes: &[u8], mut each: impl FnMut(&[u8])) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, ends) = piece.strip_suffix(b"\n").map_or((piece, false), |text| (text, true));
            let room = LINE - self.begun.len();
            self.over |= text.len() > room;
            self.begun.extend_from_slice(text.get(..room).unwrap_or(text));
            if ends {
                self.end(&mut each);
            }
        }
    }

    /// What was begun is a line.
    fn end(&mut self, mut each: impl FnMut(&[u8])) {
        if std::mem::take(&mut self.over) {
            self.begun.extend_from_slice("…".as_bytes());
        }
        if !self.begun.is_empty() {
            each(&self.begun);
        }
        self.begun.clear();
    }
}

/// Logs a line as the worker's.
fn say(number: u16, line: &[u8]) {
    let text = String::from_utf8_lossy(line);
    let text = clean(&text);
    let logged = logged(&text);
    let (level, target, text) = logged.unwrap_or((Level::Warn, "worker", &text));
    if level > log::max_level() {
        return;
    }
    // What comes of its own log has gone without secrets; a plugin may print anything.
    let text = if logged.is_some() { Cow::Borrowed(text) } else { bridge::redacted(text) };
    let wrote = if logged.is_some() { ":" } else { " wrote:" };
    log::logger().log(&Record::builder().level(level).target(target).args(format_args!("worker {number}{wrote} {text}")).build());
}

/// Level, part of the program and text of a line that a worker's own log wrote, or something that looks so.
fn logged(line: &str) -> Option<(Level, &str, &str)> {
    let (level, rest) = line.split_once(' ')?;
    let (target, text) = rest.split_once(' ')?;
    let is_target = target.len() <= TARGET && target.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-:.".contains(&byte));
    Some((level.parse().ok().filter(|_| is_target)?, target, text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn cut(pieces: &[&[u8]]) -> Vec<String> {
        let (mut lines, mut all) = (Lines::default(), Vec::new());
        for piece in pieces {
            lines.take(piece, |line| all.push(String::from_utf8_lossy(line).into_owned()));
        }
        lines.end(|line| all.push(String::from_utf8_lossy(line).into_owned()));
        all
    }

    #[test]
    fn lines_are_cut_whatever_pieces_they_come_in() {
        assert_eq!(cut(&[b"one\ntw", b"o\n\n", b"last words"]), ["one", "two", "last words"]);
        let long = [b"x".repeat(3 * LINE), b"\nnext\n".to_vec()].concat();
        let pieces: Vec<&[u8]> = long.chunks(1000).collect();
        let expected = [format!("{}…", "x".repeat(LINE)), "next".to_owned()];
        assert_eq!(cut(&pieces), expected);
    }

    #[test]
    fn no_line_of_a_worker_makes_two_or_has_colours() {
        assert_eq!(clean("a\r[2026 ERROR bellflower] b\u{1b}[31mred\u{202e}"), "a\u{fffd}[2026 ERROR bellflower] b\u{fffd}[31mred\u{fffd}");
        assert!(matches!(clean("plain"), Cow::Borrowed("plain")));
        assert_eq!(clean(&"é".repeat(LINE)).len(), LINE);
    }

    #[test]
    fn what_its_log_wrote_is_told_from_the_rest() {
        assert_eq!(logged("WARN libpurple odd thing"), Some((Level::Warn, "libpurple", "odd thing")));
        assert_eq!(logged("thread 'names' panicked at x"), None);
        assert_eq!(logged("ERROR [2026 x"), None);
        assert_eq!(logged(""), None);
    }

    #[tokio::test]
    async fn who_writes_without_end_waits_for_nobody_and_nobody_for_them() {
        let (words, said) = io::pipe().unwrap();
        let (words, said) = (OwnedFd::from(words), OwnedFd::from(said));
        rustix::fs::fcntl_setfl(&said, rustix::fs::OFlags::NONBLOCK).unwrap();
        rustix::fs::fcntl_setfl(&words, rustix::fs::OFlags::NONBLOCK).unwrap();
        let mut voice = Voice {
            number: 7,
            pipe: Receiver::from_owned_fd(words).unwrap(),
            lines: Lines::default(),
            since: Instant::now(),
            left: (3, BYTES),
            lost: false,
        };
        let mut said = std::fs::File::from(said);
        // As much as the pipe takes, and then an error at once.
        while said.write(&[b'x', b'\n'].repeat(512)).is_ok() {}
        assert!(voice.turn().await);
        assert_eq!(voice.left.0, 0);
        // No more in this second.
        let again = tokio::time::timeout(Duration::from_millis(100), voice.turn()).await;
        assert!(again.is_err() && !voice.lost);
        assert!(voice.turn().await && voice.lost);
        // The end of the worker ends the waiting, though somebody else has the pipe.
        let (ended, over) = oneshot::channel();
        let task = tokio::spawn(voice.listen(over));
        ended.send(()).unwrap();
        tokio::time::timeout(Duration::from_secs(10), task).await.expect("its last words").unwrap();
        drop(said);
    }
}
