//! No event lost, none twice: polls cut at any point, delayed, replayed, reordered and duplicated, over random histories.

use super::super::poll::Step;
use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

#[derive(Debug, Clone)]
enum Deed {
    /// The bridge tells so many messages in one turn.
    Say(usize),
    /// Something that a newer one makes void.
    Type,
    /// A poll; its answer arrives, or is lost on the way.
    Poll {
        client: usize,
        lost: bool,
    },
    /// A poll with a cursor from the past arrives late, or twice. Its answer arrives as well.
    Replay {
        client: usize,
        back: usize,
    },
    /// An answer that was thought lost arrives after all.
    LateAnswer {
        client: usize,
    },
    /// The tab begins anew under its old name.
    Attach {
        client: usize,
    },
    Wait(u64),
}

fn deed() -> impl Strategy<Value = Deed> {
    let client = 0_usize..3;
    prop_oneof![
        4 => (1_usize..4).prop_map(Deed::Say),
        3 => Just(Deed::Type),
        6 => (client.clone(), any::<bool>()).prop_map(|(client, lost)| Deed::Poll { client, lost }),
        2 => (client.clone(), 0_usize..8).prop_map(|(client, back)| Deed::Replay { client, back }),
        2 => client.clone().prop_map(|client| Deed::LateAnswer { client }),
        1 => client.prop_map(|client| Deed::Attach { client }),
        1 => (0_u64..200_000).prop_map(Deed::Wait),
    ]
}

/// What a browser does, in the words of the wire.
#[derive(Default)]
struct Browser {
    cursor: u64,
    cursors: Vec<u64>,
    n: u64,
    /// Ids of messages it shows.
    messages: BTreeSet<String>,
    /// Numbers of events it has processed since it attached.
    processed: Vec<u64>,
    delayed: Vec<Json>,
}

impl Browser {
    fn attach(&mut self, site: &Site, name: &str) {
        let attached = site.attach(name);
        self.cursor = attached["seq"].as_u64().unwrap();
        self.cursors = vec![self.cursor];
        self.n = 0;
        self.processed.clear();
        // Answers to polls of the page before are not for this one.
        self.delayed.clear();
        for conversation in attached["snapshot"]["conversations"].as_array().unwrap() {
            for message in conversation["messages"].as_array().unwrap() {
                self.messages.insert(message["id"].as_str().unwrap().to_owned());
            }
        }
    }

    /// True when it has to attach again.
    fn process(&mut self, answer: &Json) -> bool {
        for event in answer["events"].as_array().unwrap() {
            let seq = event["seq"].as_u64().unwrap();
            if seq <= self.cursor {
                continue;
            }
            self.cursor = seq;
            self.cursors.push(seq);
            self.processed.push(seq);
            if event["type"] == "message.received" {
                assert!(self.messages.insert(event["message"]["id"].as_str().unwrap().to_owned()), "a message came twice");
            }
        }
        answer.get("reset").is_some()
    }
}

/// The answer, when there is one at once.
fn ask(site: &Site, name: &str, after: u64, n: Option<u64>) -> Option<Json> {
    match site.hub.take_poll(&site.session, &site.query(name, after, n)).unwrap().0 {
        Step::Answer(polled) => Some(serde_json::from_slice(&polled.0).unwrap()),
        Step::Group => panic!("nobody is busy here"),
        Step::Park(_) => None,
    }
}

fn run(config: SessionConfig, deeds: Vec<Deed>) {
    let site = Site::with(config);
    let names = ["one", "two", "three"];
    let mut browsers: [Browser; 3] = Default::default();
    for (browser, name) in browsers.iter_mut().zip(names) {
        browser.attach(&site, name);
    }
    site.tell([opened(1)]);
    let mut said_so_far = 0;
    for deed in deeds {
        // One answer a second at most, so that nobody is busy.
        site.clock.advance(1001);
        match deed {
            Deed::Say(count) => {
                site.tell((0..count).map(|number| said(1, &format!("{}", said_so_far + number))));
                said_so_far += count;
            }
            Deed::Type => site.tell([typing(1, TypingState::Typing), typing(1, TypingState::Paused)]),
            Deed::Poll { client, lost } => {
                let browser = &mut browsers[client];
                browser.n += 1;
                let Some(answer) = ask(&site, names[client], browser.cursor, Some(browser.n)) else { continue };
                if lost {
                    browser.delayed.push(answer);
                } else if browser.process(&answer) {
                    browser.attach(&site, names[client]);
                }
            }
            Deed::Replay { client, back } => {
                let browser = &mut browsers[client];
                let at = browser.cursors.len().saturating_sub(back + 1);
                let Some(answer) = ask(&site, names[client], browser.cursors[at], Some(browser.n)) else { continue };
                if browser.process(&answer) {
                    browser.attach(&site, names[client]);
                }
            }
            Deed::LateAnswer { client } => {
                let browser = &mut browsers[client];
                if let Some(answer) = browser.delayed.pop()
                    && browser.process(&answer)
                {
                    browser.attach(&site, names[client]);
                }
            }
            Deed::Attach { client } => browsers[client].attach(&site, names[client]),
            Deed::Wait(ms) => site.clock.advance(ms),
        }
        let state = site.session.lock();
        assert!(state.log.len() <= site.hub.config.log_events);
    }
    for (browser, name) in browsers.iter_mut().zip(names) {
        loop {
            site.clock.advance(1001);
            match ask(&site, name, browser.cursor, None) {
                None => break,
                Some(answer) if browser.process(&answer) => browser.attach(&site, name),
                Some(_) => {}
            }
        }
        assert_eq!(browser.messages.len(), said_so_far, "{name} lost a message");
        assert!(browser.processed.is_sorted_by(|one, other| one < other), "{name} got events twice or out of order");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_and_nothing_comes_twice(deeds in prop::collection::vec(deed(), 0..40)) {
        run(SessionConfig { clients_per_user: 16, kept_messages: 1000, attaches_per_minute: 0, resume_ms: u64::MAX / 4, ..SessionConfig::default() }, deeds);
    }

    #[test]
    fn nor_when_the_log_is_tiny_and_gaps_are_said(deeds in prop::collection::vec(deed(), 0..60)) {
        let config = SessionConfig { log_events: 4, kept_messages: 1000, kept_bytes: 1 << 20, attaches_per_minute: 0, answer_events: 2, ..SessionConfig::default() };
        run(config, deeds);
    }
}
