//! A page of docs/ as a manual page. Reads the part of Markdown that those pages use: headings, paragraphs, lists, tables, code, links. Does not
//! know the rest of it.

use super::Page;
use clap_mangen::roff::{Inline, bold, italic, roman};

/// Adds a text to a page: its title and the paragraph below it are the DESCRIPTION.
pub(super) fn add(page: &mut Page, text: &str) {
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if line.starts_with("```") {
            let code: Vec<&str> = lines.by_ref().take_while(|line| !line.starts_with("```")).collect();
            page.literal(&code);
        } else if line.starts_with("# ") {
            page.section("DESCRIPTION");
        } else if let Some(title) = line.strip_prefix("## ") {
            page.section(&title.replace('`', "").to_uppercase());
        } else if line.starts_with('|') {
            let mut rows = vec![line];
            while let Some(row) = lines.next_if(|line| line.starts_with('|')) {
                rows.push(row);
            }
            table(page, &rows);
        } else if !line.trim().is_empty() {
            let item = line.strip_prefix("- ");
            let mut words = item.unwrap_or(line).to_owned();
            // The next lines of the paragraph, or of the item.
            while let Some(next) = lines.next_if(|line| !line.trim().is_empty() && !line.starts_with(['|', '#', '`', '-'])) {
                words.push(' ');
                words.push_str(next.trim());
            }
            match item {
                Some(_) => page.item(inlines(&words)),
                None => page.paragraph(inlines(&words)),
            }
        }
    }
}

/// A table's rows as entries: the first cell, then the others. The head is left out.
fn table(page: &mut Page, rows: &[&str]) {
    for row in rows.iter().skip(2) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let Some((first, rest)) = cells.split_first() else { continue };
        page.entry(inlines(first), inlines(&rest.join("; ")));
    }
}

/// Code in bold, links by their text, `name(section)` as it is.
fn inlines(text: &str) -> Vec<Inline> {
    let mut all = Vec::new();
    for (number, part) in text.split('`').enumerate() {
        if number % 2 == 1 {
            all.push(bold(part));
        } else {
            all.extend(links(part));
        }
    }
    all
}

fn links(mut text: &str) -> Vec<Inline> {
    let mut all = Vec::new();
    while let Some((before, label, after)) = link(text) {
        all.push(roman(before));
        all.push(italic(label));
        text = after;
    }
    all.push(roman(text));
    all
}

/// `before [label](target) after`, without the target.
fn link(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('[')?;
    let (label, rest) = rest.split_once("](")?;
    let (_, after) = rest.split_once(')')?;
    Some((before, label, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str) -> String {
        let mut page = Page::new("bellflower-plugins", "7", "2026-11-22", "a page");
        add(&mut page, text);
        page.finish()
    }

    #[test]
    fn each_part_becomes_what_manual_pages_have() {
        let text = "# Title\n\nSome `code` and\na [link](other.md#part).\n\n## More of `it`\n\n- one\n  and a half\n- two\n\n| A | B |\n|---|---|\n\
                    | `a` | of [b](c) |\n\n```sh\nmake all\n\n.dotted\n```\n";
        let page = page(text);
        assert!(page.contains(".SH DESCRIPTION\nSome \\fBcode\\fR and a \\fIlink\\fR.\n"), "{page}");
        assert!(page.contains(".SH \"MORE OF IT\"\n.IP \\(bu 2\none and a half\n.IP \\(bu 2\ntwo\n"), "{page}");
        assert!(page.contains(".TP\n\\fBa\\fR\nof \\fIb\\fR\n"), "{page}");
        assert!(page.contains(".nf\nmake all\n"), "{page}");
        assert!(!page.contains("\n.dotted"), "a line of code became a command: {page}");
    }
}
