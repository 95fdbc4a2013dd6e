//! A user of the site who chats with another and comes back by themself, with what their page was told. Judges nothing (see `account`).

use super::PASSWORD;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use support::{Daemon, PATIENCE, Prosody, WireClient};

/// Where the daemon is, and how often it was killed before.
pub(crate) struct Site(Mutex<(String, usize)>);

impl Site {
    pub(crate) fn new(daemon: &Daemon) -> Self {
        Self(Mutex::new((daemon.url().to_owned(), 0)))
    }

    pub(crate) fn moved(&self, daemon: &Daemon) {
        let mut place = self.0.lock().expect("nobody panics with it");
        *place = (daemon.url().to_owned(), place.1 + 1);
    }

    fn place(&self) -> (String, usize) {
        self.0.lock().expect("nobody panics with it").clone()
    }
}

/// A line of the two: one's own, and its number.
pub(crate) type Line = (bool, usize);

/// When a line was first seen, in which life of the daemon.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shown {
    pub(crate) at: Instant,
    pub(crate) life: usize,
}

/// What became of an own message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// `command.done`, which says that it is kept.
    Kept,
    /// `command.done`, which says that it is not.
    NotKept,
    Failed,
    /// No answer came: the daemon was killed.
    Unknown,
}

/// A user and the page.
pub(crate) struct Talker {
    pub(crate) number: usize,
    pub(crate) client: WireClient,
    pub(crate) talk: String,
    pub(crate) account: String,
    life: usize,
    online: bool,
    pub(crate) ends: HashMap<usize, End>,
    /// Own messages that the network has taken, in each life, in the order of its taking them.
    pub(crate) sent: Vec<Vec<usize>>,
    pub(crate) shown: HashMap<Line, Shown>,
    /// The lines of each life in the order in which the page has them.
    pub(crate) order: Vec<Vec<Line>>,
    pub(crate) resumed: usize,
}

pub(crate) fn name(number: usize) -> String {
    format!("u{number}")
}

/// Who talks to whom: 0 to 1, 2 to 3, …
pub(crate) fn partner(number: usize) -> usize {
    number ^ 1
}

/// The line of a message: `1: 12`, of whoever has this number.
fn line(message: &Value, number: usize) -> Option<Line> {
    let (who, count) = message["text"].as_str()?.split_once(": ")?;
    let who: usize = who.parse().ok()?;
    (who == number || who == partner(number)).then_some((who == number, count.parse().ok()?))
}

impl Talker {
    pub(crate) fn new(number: usize, daemon: &Daemon, prosody: &Prosody) -> Self {
        let mut client = daemon.client(&name(number));
        client.register(&name(number), PASSWORD);
        let account = client.add_xmpp(prosody, &name(number));
        let talk = client.open(&prosody.jid(&name(partner(number))));
        let (ends, shown, sent) = (HashMap::new(), HashMap::new(), vec![Vec::new()]);
        Self { number, client, talk, account, life: 0, online: true, ends, sent, shown, order: vec![Vec::new()], resumed: 0 }
    }

    pub(crate) fn line(&self, message: &Value) -> Option<Line> {
        line(message, self.number)
    }

    pub(crate) fn lines(&self, messages: &[Value]) -> Vec<Line> {
        messages.iter().filter_map(|message| line(message, self.number)).collect()
    }

    fn show(&mut self, message: &Value, comes: bool) {
        let Some(line) = line(message, self.number) else { return };
        let shown = Shown { at: Instant::now(), life: self.life };
        self.shown.entry(line).or_insert(shown);
        // A line that comes anew has its place at the end; news of one that the page does not show has none.
        let order = self.order.last_mut().expect("a life");
        if comes && !order.contains(&line) {
            order.push(line);
        }
    }

    fn note(&mut self, event: &Value) {
        match event["type"].as_str().unwrap_or_default() {
            "message.received" | "message.sent" | "message.failed" | "message.updated" if event["conversation"] == *self.talk => {
                self.show(&event["message"], event["type"] != "message.updated");
                let own = line(&event["message"], self.number).filter(|line| line.0 && event["message"]["state"] == "sent");
                self.sent.last_mut().expect("a life").extend(own.map(|line| line.1));
            }
            "account.state" if event["account"] == *self.account => self.online = event["state"] == "online",
            _ => {}
        }
    }

    /// One poll, of which the events are noted and given. Comes back when the daemon was killed.
    pub(crate) fn listen(&mut self, site: &Site, patience: Duration) -> Vec<Value> {
        match self.client.try_poll_within(patience) {
            Ok(None) => Vec::new(),
            Ok(Some(answer)) if answer.status == 200 && answer.body["reset"].is_null() => {
                let events = answer.body["events"].as_array().cloned().unwrap_or_default();
                events.iter().for_each(|event| self.note(event));
                events
            }
            Ok(Some(answer)) if site.place().1 == self.life => panic!("{}: {answer:?}", self.number),
            Ok(Some(_)) | Err(_) => {
                self.come_back(site);
                Vec::new()
            }
        }
    }

    /// As a page does: tries until the daemon is there again, with nothing but the cookie.
    fn come_back(&mut self, site: &Site) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let (url, life) = site.place();
            self.client.moved_to(&url);
            let tried = self.client.try_attach();
            match tried {
                Ok(_) => {
                    self.life = life;
                    break;
                }
                // The cookie is as good as ever.
                Err(error) => {
                    assert!(!error.starts_with("401") && Instant::now() < deadline, "{} cannot come back: {error}", self.number);
                }
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.resumed += 1;
        self.order.push(Vec::new());
        self.sent.push(Vec::new());
        let snapshot = self.client.snapshot.clone();
        let known = snapshot["conversations"].as_array().into_iter().flatten().find(|known| known["id"] == *self.talk);
        let known = known.unwrap_or_else(|| panic!("{} has no conversation any more: {snapshot}", self.number));
        for message in known["messages"].as_array().expect("messages") {
            self.show(message, true);
        }
        assert_eq!(self.client.account(), self.account);
        self.online = snapshot["accounts"][0]["state"] == "online";
    }

    /// Says a line, and listens until it is known what became of the command, or the daemon was killed.
    pub(crate) fn say(&mut self, site: &Site, count: usize) -> End {
        let id = self.client.new_id();
        let fields = json!({ "conversation": self.talk, "text": format!("{}: {count}", self.number) });
        let deadline = Instant::now() + PATIENCE;
        let resumed = self.resumed;
        let end = loop {
            match self.client.try_command(&id, "message.send", fields.clone()) {
                Ok(answer) if answer.status == 202 => break None,
                // Its worker is on its way out.
                Ok(answer) if answer.code() == "busy" => {
                    self.listen(site, Duration::from_millis(50));
                }
                Ok(answer) => panic!("{}: {answer:?}", self.number),
                Err(_) => {
                    self.come_back(site);
                    break Some(End::Unknown);
                }
            }
            if self.resumed != resumed {
                break Some(End::Unknown);
            }
            assert!(Instant::now() < deadline, "{} finds no ear", self.number);
        };
        let end = end.unwrap_or_else(|| {
            loop {
                let events = self.listen(site, PATIENCE);
                let ended = events.iter().find(|event| {
                    event["origin"]["command"] == *id && (event["type"] == "command.done" || event["type"] == "command.failed")
                });
                match ended {
                    Some(event) if event["type"] == "command.failed" => return End::Failed,
                    Some(event) if event["result"]["kept"] == false => return End::NotKept,
                    Some(_) => return End::Kept,
                    None if self.resumed != resumed => return End::Unknown,
                    None => assert!(Instant::now() < deadline, "{} does not hear what became of {count}", self.number),
                }
            }
        });
        self.ends.insert(count, end);
        end
    }

    /// Listens until the account is signed on.
    pub(crate) fn wait_online(&mut self, site: &Site) {
        let deadline = Instant::now() + PATIENCE;
        while !self.online {
            assert!(Instant::now() < deadline, "the account of {} does not sign on again", self.number);
            self.listen(site, Duration::from_millis(500));
        }
    }

    /// Listens until the network has taken this own line.
    pub(crate) fn wait_sent(&mut self, site: &Site, count: usize) {
        let deadline = Instant::now() + PATIENCE;
        while !self.sent.last().expect("a life").contains(&count) {
            if Instant::now() >= deadline {
                self.client.attach();
                panic!("{count} of {} is not sent: {:?}, {}", self.number, self.ends.get(&count), self.client.snapshot);
            }
            self.listen(site, Duration::from_millis(500));
        }
    }

    /// Listens until this line of the other is heard.
    pub(crate) fn wait_for(&mut self, site: &Site, count: usize) {
        let deadline = Instant::now() + PATIENCE;
        while !self.shown.contains_key(&(false, count)) {
            assert!(Instant::now() < deadline, "{} does not hear {count}", self.number);
            self.listen(site, Duration::from_millis(500));
        }
    }
}
