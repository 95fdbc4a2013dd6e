//! Puts the pictures of a message where its HTML names them: by the list that came with the message, and by nothing that the HTML says itself.

use crate::wire::Span;
use bridge::model::{Picture, PicturePlace, PictureState};

/// Places of texts that stand for pictures, in one message.
const MOST: usize = 200;

/// Words for a picture that has none of its own.
pub(crate) const PICTURE: &str = "[image]";

/// The picture with this number, or of this source.
pub(super) fn named<'a>(pictures: &'a [Picture], id: Option<&str>, source: Option<&str>) -> Option<&'a PictureState> {
    let id: Option<i32> = id.and_then(|id| id.trim().parse().ok());
    let is_meant = |place: &PicturePlace| match place {
        PicturePlace::Id(known) => id == Some(*known),
        PicturePlace::Source(known) => source == Some(known.as_str()),
        PicturePlace::Text(_) => false,
    };
    pictures.iter().find(|picture| is_meant(&picture.place)).map(|picture| &picture.state)
}

/// Makes a span show a picture, with the text that it has. A picture that is too large is words.
pub(super) fn show(span: &mut Span, state: &PictureState) {
    match state {
        PictureState::Here(hash) => span.image = Some(hash.clone()).filter(|hash| is_hash(hash)),
        PictureState::Awaited(picture) => span.awaited = Some(*picture),
        PictureState::TooLarge(bytes) => span.text = format!("[{} of {}: too large to be shown]", words(&span.text), size(*bytes)),
    }
}

/// The words of a picture, for a sentence.
fn words(text: &str) -> &str {
    match text {
        "" | PICTURE => "picture",
        text => text,
    }
}

fn size(bytes: u64) -> String {
    let tenths = (bytes * 10).div_ceil(1 << 20);
    format!("{}.{} MB", tenths / 10, tenths % 10)
}

fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Puts pictures in the place of the texts that stand for them.
pub(super) fn place(spans: Vec<Span>, pictures: &[Picture]) -> Vec<Span> {
    let texts: Vec<(&str, &PictureState)> = pictures
        .iter()
        .filter_map(|picture| match &picture.place {
            PicturePlace::Text(text) if !text.is_empty() => Some((text.as_str(), &picture.state)),
            _ => None,
        })
        .collect();
    if texts.is_empty() {
        return spans;
    }
    let (mut placed, mut left) = (Vec::with_capacity(spans.len()), MOST);
    for span in spans {
        if span.is_picture() || span.link.is_some() || span.code {
            placed.push(span);
            continue;
        }
        let mut found: Vec<_> = texts
            .iter()
            .flat_map(|(text, state)| span.text.match_indices(text).take(left).map(move |(at, _)| (at, *text, *state)))
            .collect();
        // The longest of those that begin in one place.
        found.sort_by_key(|(at, text, _)| (*at, std::cmp::Reverse(text.len())));
        let mut rest = 0;
        for (at, text, state) in found {
            if at < rest || left == 0 {
                continue;
            }
            left -= 1;
            push(&mut placed, &span, span.text.get(rest..at));
            let mut picture = Span { text: text.to_owned(), ..Span::default() };
            show(&mut picture, state);
            placed.push(picture);
            rest = at + text.len();
        }
        push(&mut placed, &span, span.text.get(rest..));
    }
    placed
}

/// Adds a part of a span, when there is something in it.
fn push(spans: &mut Vec<Span>, whole: &Span, text: Option<&str>) {
    if let Some(text) = text.filter(|text| !text.is_empty()) {
        spans.push(Span { text: text.to_owned(), ..whole.clone() });
    }
}
