//! Message bodies: libpurple's HTML to spans and back. The only place that sees HTML; what comes out is text, style and harmless links.

mod bound;
mod links;
mod parse;
mod pictures;
mod reveal;
mod write;

pub use links::safe_link;
pub use parse::{plain, spans, spans_with};
pub(crate) use pictures::PICTURE;
pub use write::{html_of_spans, html_of_text};

use crate::wire::Span;

/// The text of a body: the concatenation of its spans' texts.
pub fn text(spans: &[Span]) -> String {
    spans.iter().map(|span| span.text.as_str()).collect()
}

#[cfg(test)]
mod tests;
