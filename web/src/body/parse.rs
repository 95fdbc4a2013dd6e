//! From libpurple's HTML to spans, by the tokenizer of html5ever: any input gives text, none gives markup; keeps no tag it does not know.

use super::pictures::{self, PICTURE};
use super::{bound, links, reveal};
use crate::wire::Span;
use bridge::model::Picture;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts};
use std::borrow::Cow;
use std::cell::RefCell;

/// What stands at the end of a text that was cut.
const CUT: &str = "\n[…]";
/// Open elements beyond this are not styled: nobody writes them, and each costs a copy of the style.
const DEEPEST: usize = 64;
/// Runs of style beyond this become one: a page paints each of them.
const MOST_SPANS: usize = 4096;
/// HTML is read up to so many times the bytes that its text may have.
const HTML_FACTOR: usize = 8;

/// The spans of an HTML text, with at most `limit` bytes of text; more is cut, with a mark.
pub fn spans(html: &str, limit: usize) -> Vec<Span> {
    spans_with(html, limit, &[])
}

/// The same with the pictures that came with the HTML. All others are shown by their words.
pub fn spans_with(html: &str, limit: usize, pictures: &[Picture]) -> Vec<Span> {
    // Most messages have no markup at all.
    if let Some(text) = unescaped(html) {
        let mut builder = Builder::new(limit, pictures);
        builder.characters(&text);
        return builder.finish();
    }
    tokenized(html, limit, pictures)
}

/// The text of what has no markup but what escapes a text. (A lone carriage return is the tokenizer's to normalise.)
fn unescaped(html: &str) -> Option<Cow<'_, str>> {
    const NAMES: [(&str, &str); 6] = [("lt;", "<"), ("gt;", ">"), ("amp;", "&"), ("quot;", "\""), ("apos;", "'"), ("#39;", "'")];
    if html.contains(['<', '\r', '\0']) {
        return None;
    }
    let mut pieces = html.split('&');
    let first = pieces.next()?;
    if first.len() == html.len() {
        return Some(html.into());
    }
    let mut text = String::with_capacity(html.len());
    text.push_str(first);
    for piece in pieces {
        let (name, character) = NAMES.iter().find(|(name, _)| piece.starts_with(name))?;
        text.push_str(character);
        text.push_str(piece.get(name.len()..)?);
    }
    Some(text.into())
}

/// The same, by way of the tokenizer.
pub(super) fn tokenized(html: &str, limit: usize, pictures: &[Picture]) -> Vec<Span> {
    let sink = Sink(RefCell::new(Builder::new(limit, pictures)));
    let most = html.floor_char_boundary(limit.saturating_mul(HTML_FACTOR));
    let most = bound::readable(html.get(..most).unwrap_or_default());
    let input = BufferQueue::default();
    input.push_back(StrTendril::from_slice(html.get(..most).unwrap_or_default()));
    let tokenizer = Tokenizer::new(sink, TokenizerOpts { discard_bom: false, ..TokenizerOpts::default() });
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    let mut builder = tokenizer.sink.0.into_inner();
    builder.cut |= most < html.len();
    builder.finish()
}

/// The text of an HTML text, without any style, at most `limit` bytes.
pub fn plain(html: &str, limit: usize) -> String {
    super::text(&spans(html, limit))
}

struct Sink<'a>(RefCell<Builder<'a>>);

impl TokenSink for Sink<'_> {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut builder = self.0.borrow_mut();
        match token {
            Token::CharacterTokens(text) => builder.characters(&text),
            Token::TagToken(tag) => match tag.kind {
                TagKind::StartTag => {
                    if builder.open(&tag) {
                        return TokenSinkResult::RawData(RawKind::Rawtext);
                    }
                }
                TagKind::EndTag => builder.close(&tag.name),
            },
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

/// An open element.
struct Open {
    name: String,
    /// The style around it.
    outside: Span,
}

struct Builder<'a> {
    pictures: &'a [Picture],
    /// Nothing stands for a picture that is not shown.
    nameless: bool,
    spans: Vec<Span>,
    style: Span,
    open: Vec<Open>,
    /// Within an element whose content is not shown.
    hidden: Option<String>,
    left: usize,
    cut: bool,
    /// Nothing has been written in this line yet.
    line_start: bool,
    /// A line break of the markup has just been written: one in the text right after it is only layout.
    broken: bool,
}

impl<'a> Builder<'a> {
    fn new(limit: usize, pictures: &'a [Picture]) -> Self {
        Self {
            pictures,
            nameless: false,
            spans: Vec::new(),
            style: Span::default(),
            open: Vec::new(),
            hidden: None,
            left: limit,
            cut: false,
            line_start: true,
            broken: false,
        }
    }

    fn characters(&mut self, text: &str) {
        if self.hidden.is_some() {
            return;
        }
        let mut text = text;
        if self.broken {
            text = text.strip_prefix("\r\n").or_else(|| text.strip_prefix('\n')).unwrap_or(text);
        }
        if !text.is_empty() {
            self.write(text);
        }
    }

    fn write(&mut self, text: &str) {
        // Most pieces have nothing to be left out, and a tokenizer's are short.
        let is_left_out = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
        let clean: Cow<'_, str> =
            if text.contains(is_left_out) { text.chars().filter(|c| !is_left_out(*c)).collect::<String>().into() } else { text.into() };
        let fits = clean.floor_char_boundary(self.left);
        let is_cut = fits < clean.len();
        self.cut |= is_cut;
        // What comes later may fit, but would stand in the wrong place.
        self.left = if is_cut { 0 } else { self.left - fits };
        let clean = clean.get(..fits).unwrap_or_default();
        if clean.is_empty() {
            return;
        }
        self.broken = false;
        self.line_start = clean.ends_with('\n');
        let full = self.spans.len() >= MOST_SPANS;
        match self.spans.last_mut() {
            Some(last) if !last.is_picture() && same_style(last, &self.style) => last.text.push_str(clean),
            Some(last) if full && !last.is_picture() => last.text.push_str(clean),
            _ if full => self.spans.push(Span { text: clean.to_owned(), ..Span::default() }),
            _ => self.spans.push(Span { text: clean.to_owned(), ..self.style.clone() }),
        }
    }

    fn line_break(&mut self) {
        self.write("\n");
        self.broken = true;
    }

    /// A block begins or ends: it has its own lines.
    fn block(&mut self) {
        if !self.line_start {
            self.line_break();
        }
    }

    /// True when what follows is no HTML until the end tag.
    fn open(&mut self, tag: &Tag) -> bool {
        let name: &str = &tag.name;
        if self.hidden.is_some() {
            return false;
        }
        if matches!(name, "script" | "style" | "title" | "textarea" | "xmp" | "iframe" | "noembed" | "noframes" | "noscript") {
            if !tag.self_closing || name != "title" {
                self.hidden = Some(name.to_owned());
            }
            return true;
        }
        match name {
            "br" => return self.line_break_then_false(),
            "hr" => {
                self.block();
                return false;
            }
            "img" => {
                self.image(tag);
                return false;
            }
            "td" | "th" if !self.line_start => self.write("\t"),
            _ if is_block(name) => self.block(),
            _ => {}
        }
        if name == "li" {
            self.write("• ");
        }
        if tag.self_closing || self.open.len() >= DEEPEST {
            return false;
        }
        let outside = self.style.clone();
        if self.restyle(tag) {
            self.open.push(Open { name: name.to_owned(), outside });
        }
        false
    }

    fn line_break_then_false(&mut self) -> bool {
        self.line_break();
        false
    }

    fn image(&mut self, tag: &Tag) {
        let words = attribute(tag, "alt").filter(|words| !words.trim().is_empty());
        let Some(state) = pictures::named(self.pictures, attribute(tag, "id"), attribute(tag, "src")) else {
            self.nameless |= words.is_none();
            return words.map_or((), |words| self.write(words));
        };
        let before = self.spans.len();
        let mut picture = Span { text: words.unwrap_or(PICTURE).to_owned(), link: self.style.link.clone(), ..Span::default() };
        pictures::show(&mut picture, state);
        let text = std::mem::take(&mut picture.text);
        let outside = std::mem::replace(&mut self.style, picture);
        self.write(&text);
        if self.spans.len() == before && self.style.is_picture() {
            self.cut = true;
        }
        self.style = outside;
    }

    /// Changes the style as the element says. False when it says nothing.
    fn restyle(&mut self, tag: &Tag) -> bool {
        let style = &mut self.style;
        match &*tag.name {
            "b" | "strong" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "th" => style.bold = true,
            "i" | "em" | "cite" | "var" | "dfn" => style.italic = true,
            "u" | "ins" => style.underline = true,
            "s" | "strike" | "del" => style.strike = true,
            "code" | "tt" | "pre" | "kbd" | "samp" => style.code = true,
            "blockquote" | "q" => style.quote = true,
            "a" => style.link = attribute(tag, "href").and_then(links::safe_link),
            "font" => style.color = attribute(tag, "color").and_then(color).or(style.color.take()),
            "span" | "div" | "p" | "body" => {}
            _ => return false,
        }
        if let Some(declared) = attribute(tag, "style") {
            declare(style, declared);
        }
        true
    }

    fn close(&mut self, name: &str) {
        if let Some(hidden) = &self.hidden {
            if hidden == name {
                self.hidden = None;
            }
            return;
        }
        if is_block(name) {
            self.block();
        }
        if let Some(at) = self.open.iter().rposition(|open| open.name == name) {
            // Elements that were left open within this one end with it.
            if let Some(first) = self.open.drain(at..).next() {
                self.style = first.outside;
            }
        }
    }

    fn finish(mut self) -> Vec<Span> {
        if self.broken && !self.cut {
            self.drop_last_break();
        }
        if self.nameless && self.spans.is_empty() {
            self.write(PICTURE);
        }
        if self.cut {
            self.spans.push(Span { text: CUT.to_owned(), italic: true, ..Span::default() });
        }
        reveal::reveal(pictures::place(links::find(self.spans), self.pictures))
    }

    /// The break after the last block is layout, not text.
    fn drop_last_break(&mut self) {
        if let Some(last) = self.spans.last_mut() {
            if last.text.ends_with('\n') {
                last.text.pop();
            }
            if last.text.is_empty() {
                self.spans.pop();
            }
        }
    }
}

fn same_style(one: &Span, other: &Span) -> bool {
    one.bold == other.bold
        && one.italic == other.italic
        && one.underline == other.underline
        && one.strike == other.strike
        && one.code == other.code
        && one.quote == other.quote
        && one.color == other.color
        && one.link == other.link
        && one.image == other.image
        && one.awaited == other.awaited
}

fn is_block(name: &str) -> bool {
    matches!(
        name,
        "p" | "div"
            | "blockquote"
            | "pre"
            | "ul"
            | "ol"
            | "li"
            | "table"
            | "tr"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "dl"
            | "dt"
            | "dd"
    )
}

fn attribute<'a>(tag: &'a Tag, name: &str) -> Option<&'a str> {
    tag.attrs.iter().find(|attribute| &*attribute.name.local == name).map(|attribute| &*attribute.value)
}

/// The parts of a `style` attribute that a span has.
fn declare(style: &mut Span, declared: &str) {
    for (name, value) in declared.split(';').filter_map(|declaration| declaration.split_once(':')) {
        let value = value.trim().to_ascii_lowercase();
        match name.trim().to_ascii_lowercase().as_str() {
            "color" => style.color = color(&value).or(style.color.take()),
            "font-weight" => style.bold = value.starts_with("bold") || value.parse::<u32>().is_ok_and(|weight| weight >= 600),
            "font-style" => style.italic = value == "italic" || value == "oblique",
            "text-decoration" => {
                style.underline |= value.contains("underline");
                style.strike |= value.contains("line-through");
            }
            "font-family" => style.code |= value.contains("monospace"),
            _ => {}
        }
    }
}

/// `#rrggbb` of a colour: in hex, as `rgb(…)`, or one of HTML's basic names.
fn color(text: &str) -> Option<String> {
    let text = text.trim().to_ascii_lowercase();
    if let Some(digits) = text.strip_prefix('#') {
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        return match digits.len() {
            3 => Some(digits.chars().fold("#".to_owned(), |all, digit| all + &digit.to_string() + &digit.to_string())),
            6 => Some(text),
            // GDK's sixteen bits a channel: the upper half of each.
            12 => Some(format!("#{}{}{}", digits.get(0..2)?, digits.get(4..6)?, digits.get(8..10)?)),
            _ => None,
        };
    }
    if let Some(inner) = text.strip_prefix("rgb(").and_then(|rest| rest.strip_suffix(')')) {
        let channels: Vec<u8> = inner.split(',').map_while(|channel| channel.trim().parse().ok()).collect();
        let [red, green, blue] = channels.as_slice() else { return None };
        return Some(format!("#{red:02x}{green:02x}{blue:02x}"));
    }
    let named = match text.as_str() {
        "black" => "#000000",
        "silver" => "#c0c0c0",
        "gray" | "grey" => "#808080",
        "white" => "#ffffff",
        "maroon" => "#800000",
        "red" => "#ff0000",
        "purple" => "#800080",
        "fuchsia" | "magenta" => "#ff00ff",
        "green" => "#008000",
        "lime" => "#00ff00",
        "olive" => "#808000",
        "yellow" => "#ffff00",
        "navy" => "#000080",
        "blue" => "#0000ff",
        "teal" => "#008080",
        "aqua" | "cyan" => "#00ffff",
        "orange" => "#ffa500",
        "pink" => "#ffc0cb",
        "brown" => "#a52a2a",
        _ => return None,
    };
    Some(named.to_owned())
}
