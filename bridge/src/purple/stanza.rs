//! Bounds what the stanzas of an XMPP stream are made of, before an XML parser sees them: attributes, depth, elements, bytes. Does not parse them,
//! and says nothing about whether they are well-formed.
//!
//! A contact can put any markup into a stanza, and the server passes it on. Elements beyond the bounds are left out whole, text is cut, and the stream
//! goes on: what is well-formed stays so. No attribute is ever taken out of a tag: one without its `from` would be the own server's word. Only a
//! server sends a document type, another encoding, or an end tag without end: these end the stream.
//!
//! The state survives any cutting of the stream into pieces. A stanza is a child of the document's element, over BOSH as well.

mod excess;
mod kept;
mod parts;

pub(crate) use excess::Excess;
use kept::Kept;
use parts::{Kind, Section, State, Word, check_declaration};
use std::borrow::Cow;

/// Attributes of one element. XML parsers and libpurple compare each with each.
const ATTRIBUTES: u32 = 64;
/// Attributes of a stanza, for each element that it may have. Ordinary ones have two or three.
const ATTRIBUTES_AN_ELEMENT: u32 = 4;
/// Elements in each other within a stanza.
const DEPTH: u32 = 100;
/// Elements of a stanza, and of the lists among them: a roster, a list of rooms.
const ELEMENTS: u32 = 5_000;
const ELEMENTS_OF_A_LIST: u32 = 40_000;
/// Bytes of a presence: libpurple keeps its text, and reads it again whenever anything of its sender changes.
const BYTES_OF_A_PRESENCE: usize = 64 << 10;
/// Bytes of a message, of an `iq` (pictures are among these), and of a list.
const BYTES: usize = 1 << 20;
const BYTES_OF_AN_IQ: usize = 4 << 20;
const BYTES_OF_A_LIST: usize = 8 << 20;
/// Bytes of a start tag.
const TAG: usize = 256 << 10;
/// Bytes of the longest reference to a character, and then some.
const REFERENCE: u32 = 12;
/// Bytes of the XML declaration.
const DECLARATION: usize = 128;

/// What only one's own server, or a service without a resource, sends at length.
const LISTS: [&[u8]; 2] = [b"jabber:iq:roster", b"http://jabber.org/protocol/disco#items"];

/// What a parser is given of a piece.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Passed<'a> {
    pub(crate) bytes: Cow<'a, [u8]>,
    /// Why something was left out of this piece for the first time in its element.
    pub(crate) left_out: Option<Excess>,
}

/// What is not passed on now.
#[derive(Clone, Copy, PartialEq)]
enum Leaving {
    Nothing,
    /// An element, with all in it: so many are around it.
    Element(u32),
}

/// One stream.
pub(crate) struct Scanner {
    state: State,
    depth: u32,
    bytes: usize,
    elements: u32,
    attributes: u32,
    /// Of the whole stanza.
    all_attributes: u32,
    kind: Kind,
    /// In a row, of what ends a section.
    marks: u32,
    /// The tag ends with `/>` if it ends here.
    slash: bool,
    /// The next byte of a tag begins an attribute's name.
    fresh: bool,
    /// The stanza is an `iq` of somebody with a resource: no list of one's own.
    has_resource: bool,
    name: Word<8>,
    attribute: Word<8>,
    value: Word<40>,
    /// The XML declaration, while it is the first thing of the stream.
    declaration: Option<Box<Word<DECLARATION>>>,
    /// Bytes of the tag or section that is being read.
    token: usize,
    /// The start tag that is being read, as far as it stood in earlier pieces. It is passed on when it has ended.
    tag: Vec<u8>,
    /// Text of the stanza is not passed on any more; before that, so many bytes in a row may be a reference's.
    is_cut: bool,
    in_reference: u32,
    leaving: Leaving,
    /// Why that began, until it is told.
    left_out: Option<Excess>,
    /// Nothing is passed on any more.
    excess: Option<Excess>,
}

impl Scanner {
    pub(crate) fn new() -> Self {
        Self {
            state: State::Start(0),
            depth: 0,
            bytes: 0,
            elements: 0,
            attributes: 0,
            all_attributes: 0,
            kind: Kind::Plain,
            marks: 0,
            slash: false,
            fresh: false,
            has_resource: false,
            name: Word::EMPTY,
            attribute: Word::EMPTY,
            value: Word::EMPTY,
            declaration: None,
            token: 0,
            tag: Vec::new(),
            is_cut: false,
            in_reference: 0,
            leaving: Leaving::Nothing,
            left_out: None,
            excess: None,
        }
    }

    /// Whether it was said already that the stream is not read on.
    pub(crate) fn has_stopped(&self) -> bool {
        self.excess.is_some()
    }

    /// Reads on.
    ///
    /// # Errors
    /// What ends the stream. The answer stays the same then.
    pub(crate) fn feed<'a>(&mut self, bytes: &'a [u8]) -> Result<Passed<'a>, Excess> {
        if let Some(excess) = self.excess {
            return Err(excess);
        }
        let mut kept = Kept::of(bytes);
        match self.walk(bytes, &mut kept) {
            Ok(()) => Ok(Passed { bytes: kept.end(), left_out: self.left_out.take() }),
            Err(excess) => {
                self.excess = Some(excess);
                Err(excess)
            }
        }
    }

    fn walk(&mut self, bytes: &[u8], kept: &mut Kept<'_>) -> Result<(), Excess> {
        // Where the start tag begins that is being read.
        let mut from = 0;
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let run = self.run(rest);
            // What stands between stanzas is read away at once.
            self.bytes = if self.state == State::Text && self.depth <= 1 { 0 } else { self.bytes + run };
            self.token += run + 1;
            if self.leaving == Leaving::Nothing && !self.is_in_tag() {
                let count = if self.state == State::Text { self.text(rest.get(..run).unwrap_or_default()) } else { run };
                kept.keep(at, count);
            }
            at += run;
            self.check_token()?;
            let Some(byte) = bytes.get(at) else { break };
            self.bytes += 1;
            let (leaving, was_in_tag) = (self.leaving, self.is_in_tag());
            self.step(*byte)?;
            self.check_token()?;
            let passes = leaving == Leaving::Nothing && self.leaving == Leaving::Nothing;
            match (was_in_tag, self.is_in_tag()) {
                (false, true) => from = at,
                (true, true) => {}
                (true, false) => {
                    let tag = std::mem::take(&mut self.tag);
                    if passes && !tag.is_empty() {
                        kept.add(&tag);
                    }
                    if passes {
                        kept.keep(from, at + 1 - from);
                    }
                }
                (false, false) if passes => kept.keep(at, 1),
                (false, false) => {}
            }
            at += 1;
        }
        if self.leaving != Leaving::Nothing {
            self.tag = Vec::new();
        } else if self.is_in_tag() {
            self.tag.extend_from_slice(bytes.get(from..).unwrap_or_default());
        }
        Ok(())
    }

    /// In what may be a start tag.
    fn is_in_tag(&self) -> bool {
        matches!(self.state, State::Open | State::Name | State::Tag | State::Quoted(_))
    }

    /// An element that is left out, unless it is the document's own.
    fn leave_out(&mut self, excess: Excess) -> Result<(), Excess> {
        if self.depth == 0 {
            return Err(excess);
        }
        if self.leaving == Leaving::Nothing {
            self.leaving = Leaving::Element(self.depth);
            self.left_out.get_or_insert(excess);
        }
        Ok(())
    }

    fn most(&self) -> usize {
        match self.kind {
            Kind::Plain => BYTES,
            Kind::Presence => BYTES_OF_A_PRESENCE,
            Kind::Iq => BYTES_OF_AN_IQ,
            Kind::List => BYTES_OF_A_LIST,
        }
    }

    /// Bounds what has no end: a start tag is left out with its element.
    fn check_token(&mut self) -> Result<(), Excess> {
        if self.leaving != Leaving::Nothing {
            return Ok(());
        }
        match self.state {
            State::Name | State::Tag | State::Quoted(_) if self.token > TAG => self.leave_out(Excess::Bytes(TAG)),
            State::EndTag | State::Until(_) if self.token > BYTES => Err(Excess::Bytes(BYTES)),
            _ => Ok(()),
        }
    }

    /// How much of a text of the stanza is passed on. The cut is where no character and no reference is divided.
    fn text(&mut self, text: &[u8]) -> usize {
        let most = self.most();
        if self.depth <= 1 || self.bytes <= most {
            return text.len();
        }
        if self.is_cut {
            return 0;
        }
        for (at, byte) in text.iter().enumerate().skip(text.len().saturating_sub(self.bytes - most)) {
            self.in_reference += 1;
            let cut = match byte {
                0x80..=0xbf => continue,
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'#' if self.in_reference <= REFERENCE => continue,
                b';' => at + 1,
                _ => at,
            };
            self.is_cut = true;
            self.left_out.get_or_insert(Excess::Bytes(most));
            return cut;
        }
        text.len()
    }

    /// How many bytes change no state.
    fn run(&mut self, rest: &[u8]) -> usize {
        let until = |wanted: u8| rest.iter().position(|byte| *byte == wanted).unwrap_or(rest.len());
        match self.state {
            State::Text => until(b'<'),
            State::EndTag => until(b'>'),
            State::Quoted(quote) => {
                let end = until(quote);
                self.read_value(rest.get(..end).unwrap_or_default());
                end
            }
            State::Until(section) if self.marks == 0 && self.declaration.is_none() => until(section.mark().0),
            _ => 0,
        }
    }

    fn read_value(&mut self, part: &[u8]) {
        // Only what says of which kind the stanza is.
        if self.depth == 1 && self.attribute.whole() == b"from" {
            self.has_resource |= part.contains(&b'/');
        } else if self.depth == 2 && self.attribute.whole() == b"xmlns" {
            part.iter().take(64).for_each(|byte| self.value.push(*byte));
        }
    }

    fn step(&mut self, byte: u8) -> Result<(), Excess> {
        match self.state {
            State::Start(seen) => {
                self.state = match (seen, byte) {
                    (0 | 3, b'<') => return self.open(true),
                    (0, 0xef) => State::Start(1),
                    (1, 0xbb) => State::Start(2),
                    (2, 0xbf) => State::Start(3),
                    (0 | 3, b' ' | b'\t' | b'\r' | b'\n') => State::Start(3),
                    _ => return Err(Excess::Encoding),
                };
            }
            State::Text => return self.open(false),
            State::Open => return self.opened(byte),
            State::Bang(seen) => {
                let expected: &[u8] = if seen == 0 && byte == b'-' || self.marks == 1 { b"--" } else { b"[CDATA[" };
                self.marks = u32::from(expected.len() == 2);
                if expected.get(usize::from(seen)) != Some(&byte) {
                    return Err(Excess::DocumentType);
                }
                self.state = State::Bang(seen + 1);
                if usize::from(seen) + 1 == expected.len() {
                    self.state = State::Until(if expected.len() == 2 { Section::Comment } else { Section::Data });
                    self.marks = 0;
                }
            }
            State::Name if !matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b'/' | b'>') => match byte {
                b':' => self.name = Word::EMPTY,
                byte => self.name.push(byte),
            },
            State::Name | State::Tag => return self.in_tag(byte),
            State::Quoted(_) => self.state = State::Tag,
            State::EndTag => {
                self.depth = self.depth.saturating_sub(1);
                self.state = State::Text;
                self.end_of_element();
            }
            State::Until(section) => return self.in_section(section, byte),
        }
        Ok(())
    }

    /// `<`; between stanzas everything begins anew.
    fn open(&mut self, is_first: bool) -> Result<(), Excess> {
        if self.depth <= 1 {
            (self.bytes, self.elements, self.kind, self.has_resource) = (1, 0, Kind::Plain, false);
            (self.is_cut, self.in_reference, self.all_attributes) = (false, 0, 0);
        }
        self.token = 1;
        self.declaration = is_first.then(|| Box::new(Word::EMPTY));
        self.state = State::Open;
        Ok(())
    }

    fn opened(&mut self, byte: u8) -> Result<(), Excess> {
        self.marks = 0;
        if byte != b'?' {
            self.declaration = None;
        }
        self.state = match byte {
            // The beginning of UTF-16.
            0 => return Err(Excess::Encoding),
            b'/' => State::EndTag,
            b'!' => State::Bang(0),
            b'?' => State::Until(Section::Instruction),
            _ => {
                self.elements = self.elements.saturating_add(1);
                let most = if self.kind == Kind::List { ELEMENTS_OF_A_LIST } else { ELEMENTS };
                if self.elements > most {
                    self.leave_out(Excess::Elements(most))?;
                } else if self.depth > 1 && self.all_attributes > most * ATTRIBUTES_AN_ELEMENT {
                    self.leave_out(Excess::AllAttributes(most * ATTRIBUTES_AN_ELEMENT))?;
                } else if self.depth > DEPTH {
                    self.leave_out(Excess::Depth)?;
                } else if self.depth > 1 && self.bytes > self.most() {
                    self.leave_out(Excess::Bytes(self.most()))?;
                }
                (self.attributes, self.slash, self.fresh) = (0, false, true);
                (self.name, self.attribute, self.value) = (Word::EMPTY, Word::EMPTY, Word::EMPTY);
                self.name.push(byte);
                State::Name
            }
        };
        Ok(())
    }

    fn in_tag(&mut self, byte: u8) -> Result<(), Excess> {
        self.state = State::Tag;
        match byte {
            b'>' => return self.end_of_tag(),
            b'"' | b'\'' => {
                self.attributes = self.attributes.saturating_add(1);
                self.all_attributes = self.all_attributes.saturating_add(1);
                if self.attributes > ATTRIBUTES {
                    self.leave_out(Excess::Attributes)?;
                }
                (self.state, self.slash, self.fresh) = (State::Quoted(byte), false, true);
            }
            b'=' | b' ' | b'\t' | b'\r' | b'\n' => self.fresh = true,
            b'/' => self.slash = true,
            byte => {
                if std::mem::take(&mut self.fresh) {
                    self.attribute = Word::EMPTY;
                }
                self.attribute.push(byte);
                self.slash = false;
            }
        }
        Ok(())
    }

    fn end_of_tag(&mut self) -> Result<(), Excess> {
        let level = self.depth;
        if level == 1 && self.name.whole() == b"iq" {
            self.kind = Kind::Iq;
        } else if level == 1 && self.name.whole() == b"presence" {
            self.kind = Kind::Presence;
        } else if level == 2 && self.kind == Kind::Iq && !self.has_resource && LISTS.contains(&self.value.whole()) {
            self.kind = Kind::List;
        }
        self.depth = self.depth.saturating_add(1);
        if self.slash {
            self.depth -= 1;
            self.end_of_element();
        }
        self.state = State::Text;
        Ok(())
    }

    /// An element of the one around it has ended.
    fn end_of_element(&mut self) {
        if self.leaving == Leaving::Element(self.depth) {
            self.leaving = Leaving::Nothing;
        }
    }

    fn in_section(&mut self, section: Section, byte: u8) -> Result<(), Excess> {
        let (mark, enough) = section.mark();
        if byte == b'>' && self.marks >= enough {
            self.state = State::Text;
            return self.declaration.take().map_or(Ok(()), |declaration| check_declaration(declaration.whole()));
        }
        self.marks = if byte == mark { self.marks + 1 } else { 0 };
        if let Some(declaration) = &mut self.declaration {
            declaration.push(byte);
            if declaration.length > DECLARATION {
                return Err(Excess::Encoding);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
