//! Spans as they are packed: flags, the text, and what of colour, link and image the flags tell of.

use super::when;
use crate::session::packed::{Reader, put_number, put_text};
use crate::wire::Span;

const BOLD: u64 = 1 << 0;
const ITALIC: u64 = 1 << 1;
const UNDERLINE: u64 = 1 << 2;
const STRIKE: u64 = 1 << 3;
const CODE: u64 = 1 << 4;
const QUOTE: u64 = 1 << 5;
const COLOR: u64 = 1 << 6;
const LINK: u64 = 1 << 7;
const IMAGE: u64 = 1 << 8;

fn style(span: &Span) -> u64 {
    when(span.bold, BOLD)
        | when(span.italic, ITALIC)
        | when(span.underline, UNDERLINE)
        | when(span.strike, STRIKE)
        | when(span.code, CODE)
        | when(span.quote, QUOTE)
        | when(span.color.is_some(), COLOR)
        | when(span.link.is_some(), LINK)
        | when(span.image.is_some(), IMAGE)
}

/// Adds a span to a record.
pub(super) fn put_span(record: &mut Vec<u8>, span: &Span) {
    put_number(record, style(span));
    put_text(record, &span.text);
    [&span.color, &span.link, &span.image].into_iter().flatten().for_each(|text| put_text(record, text));
}

/// Takes the next span out of one.
pub(super) fn read_span(reader: &mut Reader<'_>) -> Option<Span> {
    let flags = reader.number()?;
    let text = reader.text()?.to_owned();
    let mut optional = |flag| if flags & flag == 0 { Some(None) } else { reader.text().map(|text| Some(text.to_owned())) };
    let (color, link, image) = (optional(COLOR)?, optional(LINK)?, optional(IMAGE)?);
    let is = |flag| flags & flag != 0;
    Some(Span {
        text,
        bold: is(BOLD),
        italic: is(ITALIC),
        underline: is(UNDERLINE),
        strike: is(STRIKE),
        code: is(CODE),
        quote: is(QUOTE),
        color,
        link,
        image,
        awaited: None,
    })
}
