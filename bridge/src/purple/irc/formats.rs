//! Formatting in lines of IRC (mIRC's codes, modern.ircdocs.horse/formatting). The plugin reads some codes and nests them wrongly; so they become marks
//! that the plugin passes on, and the marks become HTML when libpurple writes the line. Knows no lines (see `mend.rs`).

use std::fmt::Write;

/// Begins a run of text in one style: flags in two digits, and with [`COLOR`] six digits of a colour follow.
const RUN: char = '\u{fdd0}';
const COLOR: char = '\u{fdd1}';
/// The digit 0 of a mark; 15 others follow. All of these are no characters of any text (Unicode, noncharacters).
const DIGIT: u32 = 0xfde0;
/// Runs of one line. More stay in the style of the last.
const RUNS: usize = 256;

const BOLD: u8 = 1 << 0;
const ITALIC: u8 = 1 << 1;
const UNDERLINE: u8 = 1 << 2;
const STRIKE: u8 = 1 << 3;
const CODE: u8 = 1 << 4;

/// Tags in the order in which they are opened.
const TAGS: [(u8, &str, &str); 5] =
    [(BOLD, "<b>", "</b>"), (ITALIC, "<i>", "</i>"), (UNDERLINE, "<u>", "</u>"), (STRIKE, "<s>", "</s>"), (CODE, "<tt>", "</tt>")];

/// Colours by their number; from 16 on those of the extended palette.
const PALETTE: [u32; 99] = [
    0xffffff, 0x000000, 0x00007f, 0x009300, 0xff0000, 0x7f0000, 0x9c009c, 0xfc7f00, 0xffff00, 0x00fc00, 0x009393, 0x00ffff, 0x0000fc,
    0xff00ff, 0x7f7f7f, 0xd2d2d2, 0x470000, 0x472100, 0x474700, 0x324700, 0x004700, 0x00472c, 0x004747, 0x002747, 0x000047, 0x2e0047,
    0x470047, 0x47002a, 0x740000, 0x743a00, 0x747400, 0x517400, 0x007400, 0x007449, 0x007474, 0x004074, 0x000074, 0x4b0074, 0x740074,
    0x740045, 0xb50000, 0xb56300, 0xb5b500, 0x7db500, 0x00b500, 0x00b571, 0x00b5b5, 0x0063b5, 0x0000b5, 0x7500b5, 0xb500b5, 0xb5006b,
    0xff0000, 0xff8c00, 0xffff00, 0xb2ff00, 0x00ff00, 0x00ffa0, 0x00ffff, 0x008cff, 0x0000ff, 0xa500ff, 0xff00ff, 0xff0098, 0xff5959,
    0xffb459, 0xffff71, 0xcfff60, 0x6fff6f, 0x65ffc9, 0x6dffff, 0x59b4ff, 0x5959ff, 0xc459ff, 0xff66ff, 0xff59bc, 0xff9c9c, 0xffd39c,
    0xffff9c, 0xe2ff9c, 0x9cff9c, 0x9cffdb, 0x9cffff, 0x9cd3ff, 0x9c9cff, 0xdc9cff, 0xff9cff, 0xff94d3, 0x000000, 0x131313, 0x282828,
    0x363636, 0x4d4d4d, 0x656565, 0x818181, 0x9f9f9f, 0xbcbcbc, 0xe2e2e2, 0xffffff,
];

#[derive(Clone, Copy, Default, PartialEq)]
struct Style {
    flags: u8,
    color: Option<u32>,
}

/// Whether there is anything to read in a text.
pub(super) fn has_any(text: &str) -> bool {
    text.chars().any(|character| is_code(character) || is_mark(character))
}

fn is_code(character: char) -> bool {
    matches!(character, '\u{2}' | '\u{3}' | '\u{4}' | '\u{7}' | '\u{f}' | '\u{11}' | '\u{16}' | '\u{1d}' | '\u{1e}' | '\u{1f}')
}

fn is_mark(character: char) -> bool {
    ('\u{fdd0}'..='\u{fdef}').contains(&character)
}

/// The text with marks in place of its codes. Marks that it has already are left out.
pub(super) fn marked(text: &str) -> String {
    read(text, true)
}

/// The text without codes and marks.
pub(super) fn plain(text: &str) -> String {
    read(text, false)
}

fn read(text: &str, mark: bool) -> String {
    let mut out = String::with_capacity(text.len() + 32);
    let (mut now, mut told, mut runs) = (Style::default(), Style::default(), 0);
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        rest = rest.get(character.len_utf8()..).unwrap_or_default();
        match character {
            '\u{2}' => now.flags ^= BOLD,
            '\u{1d}' => now.flags ^= ITALIC,
            '\u{1f}' => now.flags ^= UNDERLINE,
            '\u{1e}' => now.flags ^= STRIKE,
            '\u{11}' => now.flags ^= CODE,
            '\u{f}' => now = Style::default(),
            '\u{3}' => (now.color, rest) = numbered(rest),
            '\u{4}' => (now.color, rest) = hex(rest),
            '\u{7}' | '\u{16}' => {}
            character if is_mark(character) => {}
            character => {
                if mark && now != told && runs < RUNS {
                    (told, runs) = (now, runs + 1);
                    put(&mut out, now);
                }
                out.push(character);
            }
        }
    }
    out
}

/// Up to `most` digits at the beginning, and what is behind them.
fn digits(text: &str, most: usize, is: impl Fn(&u8) -> bool) -> (&str, &str) {
    let count = text.bytes().take(most).take_while(|byte| is(byte)).count();
    text.split_at(count)
}

/// A colour by number, which a comma and the background's may follow. None: back to the usual one.
fn numbered(text: &str) -> (Option<u32>, &str) {
    let (number, rest) = digits(text, 2, u8::is_ascii_digit);
    let color = number.parse::<usize>().ok().and_then(|number| PALETTE.get(number).copied());
    let behind = rest.strip_prefix(',').filter(|_| !number.is_empty()).map(|rest| digits(rest, 2, u8::is_ascii_digit));
    (color, behind.filter(|(background, _)| !background.is_empty()).map_or(rest, |(_, rest)| rest))
}

/// The same in six hexadecimal digits.
fn hex(text: &str) -> (Option<u32>, &str) {
    let (number, rest) = digits(text, 6, u8::is_ascii_hexdigit);
    if number.len() < 6 {
        return (None, text);
    }
    let behind = rest.strip_prefix(',').map(|rest| digits(rest, 6, u8::is_ascii_hexdigit));
    let rest = behind.filter(|(background, _)| background.len() == 6).map_or(rest, |(_, rest)| rest);
    (u32::from_str_radix(number, 16).ok(), rest)
}

fn put(out: &mut String, style: Style) {
    out.push(RUN);
    digits_of(out, u32::from(style.flags), 2);
    if let Some(color) = style.color {
        out.push(COLOR);
        digits_of(out, color, 6);
    }
}

fn digits_of(out: &mut String, number: u32, count: u32) {
    out.extend((0..count).rev().filter_map(|place| char::from_u32(DIGIT + (number >> (4 * place) & 15))));
}

/// HTML of a line that libpurple writes, with tags in place of marks.
pub(in super::super) fn html(written: &str) -> Option<String> {
    if !written.contains(RUN) {
        return None;
    }
    let mut out = String::with_capacity(written.len() + 64);
    let mut runs = written.split(RUN);
    out.push_str(runs.next().unwrap_or_default());
    for run in runs {
        let (style, text) = style(run);
        TAGS.iter().filter(|(flag, ..)| style.flags & flag != 0).for_each(|(_, open, _)| out.push_str(open));
        if let Some(color) = style.color {
            // Writing to a String cannot fail.
            let _ = write!(out, "<font color=\"#{color:06x}\">");
        }
        out.extend(text.chars().filter(|character| !is_mark(*character)));
        if style.color.is_some() {
            out.push_str("</font>");
        }
        TAGS.iter().rev().filter(|(flag, ..)| style.flags & flag != 0).for_each(|(.., close)| out.push_str(close));
    }
    Some(out)
}

/// The style at the beginning of a run, and its text.
fn style(run: &str) -> (Style, &str) {
    let (flags, rest) = number(run, 2);
    let (color, rest) = rest.strip_prefix(COLOR).map_or((None, rest), |rest| number(rest, 6));
    (Style { flags: u8::try_from(flags.unwrap_or(0)).unwrap_or(0), color }, rest)
}

fn number(text: &str, digits: usize) -> (Option<u32>, &str) {
    let mut rest = text.chars();
    let mut value = 0;
    for _ in 0..digits {
        let digit = rest.next().and_then(|one| u32::from(one).checked_sub(DIGIT)).filter(|digit| *digit < 16);
        let Some(digit) = digit else { return (None, text) };
        value = value << 4 | digit;
    }
    (Some(value), rest.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(line: &str) -> String {
        let marked = marked(line);
        html(&marked).unwrap_or(marked)
    }

    #[test]
    fn codes_become_tags_that_are_nested() {
        for (line, html) in [
            ("plain", "plain"),
            ("\u{2}b\u{1d}bi\u{2}i\u{1d}n", "<b>b</b><b><i>bi</i></b><i>i</i>n"),
            ("\u{1e}s\u{1e}\u{11}m\u{11}\u{1f}u", "<s>s</s><tt>m</tt><u>u</u>"),
            ("\u{4}ff0000,00ff00hex\u{4} no", "<font color=\"#ff0000\">hex</font> no"),
            (
                "\u{3}56e\u{3}4,12r\u{3},x\u{3}99d\u{3}1234",
                "<font color=\"#00ff00\">e</font><font color=\"#ff0000\">r</font>,xd<font color=\"#0000fc\">34</font>",
            ),
            ("\u{3}04,x", "<font color=\"#ff0000\">,x</font>"),
            ("\u{4}ff00 x", "ff00 x"),
            ("\u{2}\u{2}\u{1f}", ""),
            ("\u{2}a\u{f}b\u{16}\u{7}c", "<b>a</b>bc"),
        ] {
            assert_eq!(shown(line), html, "{line:?}");
        }
    }

    #[test]
    fn marks_of_strangers_are_left_out() {
        assert_eq!(shown("a\u{fdd0}\u{fde1}\u{fde1}b"), "ab");
        assert_eq!(plain("\u{2}a\u{fdd0}\u{3}04,05b"), "ab");
        // A run without its digits, and with too few of them.
        assert_eq!(html("\u{fdd0}x").as_deref(), Some("x"));
        assert_eq!(html("\u{fdd0}\u{fde0}").as_deref(), Some(""));
    }

    proptest! {
        #[test]
        fn a_text_keeps_its_words(text in "[ab\u{2}\u{3}\u{4}\u{1d}\u{fdd0}\u{fde3}0-9,]{0,600}") {
            let marked = marked(&text);
            let written = html(&marked).unwrap_or_else(|| marked.clone());
            let mut words = String::new();
            let mut tag = false;
            for character in written.chars() {
                match character {
                    '<' => tag = true,
                    '>' => tag = false,
                    character if !tag => words.push(character),
                    _ => {}
                }
            }
            prop_assert_eq!(words, plain(&text));
            prop_assert!(marked.len() <= text.len() + 30 * RUNS);
        }
    }
}
