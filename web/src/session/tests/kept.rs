//! Packed messages come out as they went in, whatever comes and goes, in little room.

use crate::session::kept::{Kept, Line};
use crate::wire::{Message, MessageState, Span};
use bridge::id::BuddyId;
use bridge::model::Author;
use bridge::time::Timestamp;
use proptest::prelude::*;
use std::collections::VecDeque;

/// A message of one plain span.
pub(crate) fn message(number: u64, highlight: bool) -> Message {
    let text = format!("message {number} of many");
    Message {
        id: crate::session::conversation::message_id(number),
        from: Author { name: "joe@example.org".into(), alias: None, buddy: None, own: false },
        time: Timestamp((number >> 16).cast_signed()),
        text: text.clone(),
        spans: vec![Span { text, ..Span::default() }],
        delayed: false,
        highlight,
        auto_reply: false,
        remote: false,
        system: false,
        topic: false,
        edited_at: None,
        error: None,
        state: None,
    }
}

fn span() -> impl Strategy<Value = Span> {
    let optional = || proptest::option::of("[a-zé#:/]{0,200}");
    (".{0,40}", any::<[bool; 6]>(), optional(), optional(), optional()).prop_map(|(text, style, color, link, image)| {
        let [bold, italic, underline, strike, code, quote] = style;
        Span { text, bold, italic, underline, strike, code, quote, color, link, image, awaited: None }
    })
}

fn author() -> impl Strategy<Value = Author> {
    (0_usize..6, proptest::option::of("[a-z]{0,9}"), proptest::option::of(any::<u64>()), any::<bool>())
        .prop_map(|(name, alias, buddy, own)| Author { name: "n".repeat(name), alias, buddy: buddy.map(BuddyId), own })
}

fn any_message() -> impl Strategy<Value = Message> {
    let spans = prop_oneof![".{0,300}".prop_map(|text| vec![Span { text, ..Span::default() }]), proptest::collection::vec(span(), 0..4)];
    let state = proptest::option::of(prop_oneof![
        Just(MessageState::Pending),
        Just(MessageState::Sent),
        Just(MessageState::Failed),
        Just(MessageState::Delivered),
        Just(MessageState::Unknown)
    ]);
    let later = (proptest::option::of(any::<i64>()), proptest::option::of(".{0,40}"));
    (author(), any::<i64>(), spans, any::<[bool; 6]>(), state, later).prop_map(|(from, time, spans, flags, state, (edited, error))| {
        let edited_at = edited.map(Timestamp);
        let [delayed, highlight, auto_reply, remote, system, topic] = flags;
        let topic = topic && state.is_none();
        let (id, text) = (String::new(), crate::body::text(&spans));
        Message {
            id,
            from,
            time: Timestamp(time),
            text,
            spans,
            delayed,
            highlight,
            auto_reply,
            remote,
            system,
            topic,
            state,
            edited_at,
            error,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn what_comes_out_is_what_went_in(deeds in proptest::collection::vec((any_message(), 0_u64..1 << 40, any::<bool>(), 0_usize..3, any::<bool>()), 1..40)) {
        let (mut kept, mut model, mut number) = (Kept::default(), VecDeque::new(), 1_u64);
        for (mut message, step, counts, drops, of_system) in deeds {
            number += step + 1;
            message.id = crate::session::conversation::message_id(number);
            kept.push(number, counts, &message);
            model.push_back((number, counts, message));
            for _ in 0..drops {
                let before = kept.bytes();
                let freed = kept.drop_oldest();
                prop_assert_eq!(freed.is_some(), model.pop_front().is_some());
                prop_assert_eq!(kept.bytes() + freed.unwrap_or(0), before);
            }
            let at = model.iter().position(|(_, _, message)| message.system).filter(|_| of_system);
            if of_system {
                let before = kept.bytes();
                let freed = kept.drop_oldest_system();
                prop_assert_eq!(freed.is_some(), at.and_then(|at| model.remove(at)).is_some());
                prop_assert_eq!(kept.bytes() + freed.unwrap_or(0), before);
            }
            prop_assert_eq!(kept.systems(), model.iter().filter(|(_, _, message)| message.system).count());
            let out: Vec<_> = kept.lines().map(|line: Line<'_>| (line.number, line.counts(), line.message())).collect();
            prop_assert_eq!(&out, &Vec::from(model.clone()));
            for (line, (_, counts, message)) in kept.lines().zip(&model) {
                prop_assert_eq!((line.text().into_owned(), line.mentions()), (message.text.clone(), *counts && message.highlight));
            }
            prop_assert_eq!((kept.len(), kept.is_empty()), (model.len(), model.is_empty()));
            prop_assert_eq!((kept.oldest(), kept.newest()), (model.front().map(|m| m.0), model.back().map(|m| m.0)));
            prop_assert!(!kept.is_empty() || kept.bytes() == 0);
            prop_assert!(kept.heap() <= 1024 + 5 * kept.bytes(), "{} bytes take {}", kept.bytes(), kept.heap());
        }
    }
}

/// Fails when somebody makes a kept message twice as large.
#[test]
fn fifty_messages_take_little_more_than_their_text() {
    let mut kept = Kept::default();
    let minute = 60_000 << 16;
    for number in (0..500).map(|at| (1_795_377_600_000 << 16) + at * minute) {
        let mut message = message(number, false);
        message.from.own = number % 3 == 0;
        kept.push(number, true, &message);
        while kept.len() > 50 {
            kept.drop_oldest();
        }
    }
    let text: usize = kept.lines().map(|line| line.text().len()).sum();
    assert!(kept.bytes() < text + 50 * 12 + 300, "{} bytes for {text} of text", kept.bytes());
    assert!(kept.heap() < text + 50 * 12 + 300 + text / 4, "{} bytes of heap for {text} of text", kept.heap());
}
