//! From what the user typed to the HTML that libpurple takes: escapes everything, knows few tags.

use super::links::safe_link;
use crate::wire::Span;
use bridge::text::prose;

fn escape(html: &mut String, text: &str) {
    for c in prose(text).chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\n' => html.push_str("<br>"),
            c => html.push(c),
        }
    }
}

/// Plain text as HTML; newlines become line breaks.
pub fn html_of_text(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + text.len() / 16);
    escape(&mut html, text);
    html
}

/// Spans as HTML. Links with other schemes than harmless ones and colours that are none are left out.
pub fn html_of_spans(spans: &[Span]) -> String {
    let mut html = String::new();
    for span in spans {
        let color = span.color.as_deref().filter(|color| is_color(color));
        let link = span.link.as_deref().and_then(safe_link);
        let mut ends: Vec<&str> = Vec::new();
        for (wanted, start, end) in [
            (span.quote, "<blockquote>", "</blockquote>"),
            (span.bold, "<b>", "</b>"),
            (span.italic, "<i>", "</i>"),
            (span.underline, "<u>", "</u>"),
            (span.strike, "<s>", "</s>"),
            // libpurple takes `<code>` for text, and says it.
            (span.code, "<span style=\"font-family: monospace\">", "</span>"),
        ] {
            if wanted {
                html.push_str(start);
                ends.push(end);
            }
        }
        if let Some(color) = color {
            html.push_str("<font color=\"");
            html.push_str(color);
            html.push_str("\">");
            ends.push("</font>");
        }
        if let Some(link) = link {
            html.push_str("<a href=\"");
            escape(&mut html, &link);
            html.push_str("\">");
            ends.push("</a>");
        }
        escape(&mut html, &span.text);
        html.extend(ends.into_iter().rev());
    }
    html
}

fn is_color(color: &str) -> bool {
    color.strip_prefix('#').is_some_and(|digits| digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
