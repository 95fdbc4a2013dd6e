//! A message's HTML: what it costs by the byte, and that what comes out is what a page may show.

use crate::cost;
use std::time::Duration;
use web::body;

/// As the sessions have it.
const LIMIT: usize = 64 << 10;

pub(crate) fn html(data: &[u8]) {
    let html = String::from_utf8_lossy(data);
    let (spans, cost) = cost::of(|| body::spans(&html, LIMIT));
    cost.is_at_most("spans", (64 << 10) + 64 * html.len(), html.len(), Duration::from_millis(1), Duration::from_nanos(500));
    let text = body::text(&spans);
    assert!(text.len() <= LIMIT + 256, "{} bytes of text", text.len());
    for span in &spans {
        if let Some(link) = &span.link {
            assert!(body::safe_link(link).is_some(), "a link that is none: {link:?}");
        }
    }
    let (_, cost) = cost::of(|| body::plain(&html, LIMIT));
    cost.is_at_most("plain", (64 << 10) + 64 * html.len(), html.len(), Duration::from_millis(1), Duration::from_nanos(500));
    // What is sent to a network says the same.
    let (sent, cost) = cost::of(|| body::html_of_text(&html));
    cost.is_at_most("html_of_text", (64 << 10) + 64 * html.len(), html.len(), Duration::from_millis(1), Duration::from_nanos(500));
    assert!(!sent.contains("<script"), "{sent}");
}
