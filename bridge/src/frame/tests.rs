//! Tests of frames.

use super::*;
use crate::command::{CommandKind, Origin};
use crate::event::Media;
use crate::id::{ConversationId, NoticeId, UserId};
use proptest::prelude::*;

fn command(text: &str) -> Command {
    let kind = CommandKind::SendMessage { conversation: ConversationId(u64::MAX), text: text.to_owned(), html: String::new() };
    Command { user: UserId(7), origin: Some(Origin { client: "tab".to_owned(), command: "1".to_owned() }), kind }
}

fn picture(bytes: usize) -> Event {
    let media = Media { hash: "ab".to_owned(), bytes: vec![200; bytes] };
    Event { user: UserId(1), origin: None, kind: EventKind::MediaStored(media) }
}

proptest! {
    #[test]
    fn frames_survive_any_cutting(texts in prop::collection::vec(".{0,40}", 0..20), cuts in prop::collection::vec(1usize..200, 1..50)) {
        let sent: Vec<Down> = texts.iter().map(|text| Down::Command(command(text))).collect();
        let mut bytes = Vec::new();
        for frame in &sent {
            write(&mut bytes, frame).unwrap();
        }
        let (mut frames, mut got, mut cuts) = (Frames::default(), Vec::new(), cuts.iter().cycle());
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let (piece, more) = rest.split_at((*cuts.next().unwrap()).min(rest.len()));
            frames.push(piece);
            rest = more;
            while let Some(frame) = frames.take::<Down>().unwrap() {
                got.push(frame);
            }
        }
        prop_assert_eq!(got, sent);
        prop_assert!(!frames.is_ready());
    }

    #[test]
    fn garbage_is_an_error_or_waits_for_more(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut frames = Frames::default();
        frames.push(&bytes);
        while let Ok(Some(_)) = frames.take::<Up>() {}
    }
}

#[test]
fn a_picture_costs_its_bytes_and_a_batch_is_cut() {
    let mut out = Vec::new();
    write_batch(&mut out, vec![picture(100_000)]);
    assert!(out.len() < 100_200, "{}", out.len());
    let batch: Batch =
        (0..10).map(|_| picture(100_000)).chain([Event { kind: EventKind::NoticeClosed { notice: NoticeId(3) }, ..picture(0) }]).collect();
    out.clear();
    write_batch(&mut out, batch.clone());
    let mut frames = Frames::default();
    frames.push(&out);
    let mut got = Vec::new();
    let mut count = 0;
    while let Some(Up::Events(part)) = frames.take().unwrap() {
        got.extend(part);
        count += 1;
    }
    assert_eq!(got, batch);
    assert!(count > 3, "{count}");
}

#[test]
fn what_is_too_long_takes_nothing_else_with_it() {
    // Settings count as nothing towards a frame, so that all of these start out in one.
    let stored = |bytes: usize| {
        let value = Some(crate::model::Value::Text("x".repeat(bytes)));
        let kind = EventKind::AccountSettingStored { account: crate::id::AccountId(1), key: "token".to_owned(), value };
        Event { user: UserId(1), origin: None, kind }
    };
    let batch: Batch = vec![stored(10), stored(MOST / 2), stored(20), stored(MOST), stored(MOST / 2), stored(30)];
    let mut out = Vec::new();
    write_batch(&mut out, batch.clone());
    let mut frames = Frames::default();
    frames.push(&out);
    let mut got = Vec::new();
    while let Some(Up::Events(part)) = frames.take().unwrap() {
        got.extend(part);
    }
    let all_but_the_longest: Batch = batch.into_iter().enumerate().filter(|(at, _)| *at != 3).map(|(_, event)| event).collect();
    assert!(got == all_but_the_longest, "{} came", got.len());
}

#[test]
fn a_frame_of_small_values_without_end_is_not_read_and_not_written() {
    let members = |left: usize| EventKind::RoomMembers {
        conversation: ConversationId(1),
        joined: Vec::new(),
        left: vec![String::new(); left],
        changed: Vec::new(),
        renamed: Vec::new(),
        initial: false,
    };
    let event = |kind| Event { user: UserId(1), origin: None, kind };
    let mut frames = Frames::default();
    let mut out = Vec::new();
    write(&mut out, &Up::Events(vec![event(members(MOST - 1000))])).unwrap();
    frames.push(&out);
    assert!(matches!(frames.take_within::<Up>(MOST_VALUES), Err(FrameError::TooManyValues)));
    // An event of too many values is left out of a worker's own batch, and the events beside it are written.
    out.clear();
    let kept = [event(members(2)), event(members(MOST_VALUES / 2)), event(members(3))];
    write_batch(&mut out, [kept[0].clone(), event(members(2 * MOST_VALUES)), kept[1].clone(), kept[2].clone()].into());
    let mut frames = Frames::default();
    frames.push(&out);
    let mut got = Vec::new();
    while let Some(Up::Events(part)) = frames.take_within(MOST_VALUES).unwrap() {
        got.extend(part);
    }
    assert!(got == kept, "{} came", got.len());
}

#[test]
fn the_people_of_a_large_room_come_in_pieces() {
    let member = |number: usize| crate::model::Member {
        name: number.to_string(),
        alias: Some("a".to_owned()),
        buddy: None,
        flags: vec!["voice".to_owned(); 3],
    };
    let joined: Vec<_> = (0..50_000).map(member).collect();
    let (left, changed, renamed) = (vec!["x".to_owned()], Vec::new(), Vec::new());
    let all = EventKind::RoomMembers { conversation: ConversationId(1), joined, left, changed, renamed, initial: true };
    let mut out = Vec::new();
    write_batch(&mut out, vec![Event { user: UserId(1), origin: None, kind: all }]);
    let mut frames = Frames::default();
    frames.push(&out);
    let mut names = Vec::new();
    while let Some(Up::Events(part)) = frames.take_within(MOST_VALUES).unwrap() {
        for event in part {
            let EventKind::RoomMembers { joined, left, changed, initial, .. } = event.kind else { panic!("{event:?}") };
            assert_eq!((initial, left.len()), (names.is_empty(), usize::from(names.is_empty())), "only the first begins anew");
            names.extend(joined.into_iter().chain(changed).map(|member| member.name));
        }
    }
    assert!(names.len() == 50_000 && names.iter().enumerate().all(|(at, name)| *name == at.to_string()));
}

#[test]
fn what_fits_into_no_frame_leaves_no_trace() {
    let mut out = b"before".to_vec();
    assert!(matches!(write(&mut out, &Up::Events(vec![picture(MOST)])), Err(FrameError::TooLong(_))));
    assert_eq!(out, b"before");
    let mut frames = Frames::default();
    frames.push(&u32::MAX.to_le_bytes());
    assert!(frames.is_ready());
    assert!(matches!(frames.take::<Up>(), Err(FrameError::TooLong(_))));
}

/// In place of an account's unknown field: a list in a list, each of which claims to be endless.
#[test]
fn lists_in_lists_are_refused_before_they_take_memory() {
    let mut frame = vec![0x81, 0xa6];
    frame.extend_from_slice(b"Events");
    frame.extend_from_slice(&[0xdd, 0xff, 0xff, 0xff, 0xff].repeat(1000));
    let mut bytes = u32::try_from(frame.len()).unwrap().to_le_bytes().to_vec();
    bytes.extend_from_slice(&frame);
    let mut frames = Frames::default();
    frames.push(&bytes);
    let told = frames.take::<serde::de::IgnoredAny>().unwrap_err().to_string();
    assert!(told.contains("depth limit"), "{told}");
}
