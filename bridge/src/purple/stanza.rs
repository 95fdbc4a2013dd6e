//! Bounds what the stanzas of an XMPP stream are made of, before an XML parser sees them: attributes, depth, elements, bytes. Does not parse them,
//! and says nothing about whether they are well-formed.
//!
//! A contact can put any markup into a stanza, and the server passes it on. Attributes and elements beyond the bounds are left out, and the stream
//! goes on: what is well-formed stays so. Only a server sends too many bytes at once, a document type or another encoding: these end the stream.
//!
//! The state survives any cutting of the stream into pieces. A stanza is a child of the document's element, over BOSH as well.

mod kept;
mod parts;

use kept::Kept;
use parts::{Kind, Section, State, Word, check_declaration};
use std::borrow::Cow;
use std::fmt;

/// Attributes of one element. XML parsers and libpurple compare each with each.
const ATTRIBUTES: u32 = 64;
/// Elements in each other within a stanza.
const DEPTH: u32 = 100;
/// Elements of a stanza, and of the lists among them: a roster, a list of rooms.
const ELEMENTS: u32 = 5_000;
const ELEMENTS_OF_A_LIST: u32 = 60_000;
/// Bytes of a message or a presence, of an `iq` (pictures are among these), and of a list.
const BYTES: usize = 1 << 20;
const BYTES_OF_AN_IQ: usize = 4 << 20;
const BYTES_OF_A_LIST: usize = 8 << 20;
/// Bytes of the XML declaration.
const DECLARATION: usize = 128;

/// What only one's own server, or a service without a resource, sends at length.
const LISTS: [&[u8]; 2] = [b"jabber:iq:roster", b"http://jabber.org/protocol/disco#items"];

/// What is too much of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Excess {
    /// Left out, as depth and elements are.
    Attributes,
    Depth,
    Elements(u32),
    /// Ends the stream, as all that follow do.
    Bytes(usize),
    /// A document type, which RFC 6120 forbids: entities could be declared there.
    DocumentType,
    /// Another encoding than UTF-8, which RFC 6120 forbids: here it would be misread.
    Encoding,
}

impl fmt::Display for Excess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Attributes => write!(f, "an element with more than {ATTRIBUTES} attributes"),
            Self::Depth => write!(f, "a stanza with more than {DEPTH} elements in each other"),
            Self::Elements(most) => write!(f, "a stanza with more than {most} elements"),
            Self::Bytes(most) => write!(f, "a stanza of more than {} KiB", most >> 10),
            Self::DocumentType => write!(f, "a document type, which XMPP forbids"),
            Self::Encoding => write!(f, "another encoding than UTF-8, which XMPP forbids"),
        }
    }
}

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
    /// The rest of a start tag.
    Attributes,
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
            kind: Kind::Plain,
            marks: 0,
            slash: false,
            fresh: false,
            has_resource: false,
            name: Word::EMPTY,
            attribute: Word::EMPTY,
            value: Word::EMPTY,
            declaration: None,
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
        match self.walk(bytes, &mut kept).and_then(|()| self.check_bytes()) {
            Ok(()) => Ok(Passed { bytes: kept.end(), left_out: self.left_out.take() }),
            Err(excess) => {
                self.excess = Some(excess);
                Err(excess)
            }
        }
    }

    fn walk(&mut self, bytes: &[u8], kept: &mut Kept<'_>) -> Result<(), Excess> {
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let run = self.run(rest);
            // What stands between stanzas is read away at once.
            self.bytes = if self.state == State::Text && self.depth <= 1 { 0 } else { self.bytes + run };
            if self.leaving == Leaving::Nothing {
                kept.keep(at, run);
            }
            at += run;
            let Some(byte) = bytes.get(at) else { break };
            self.bytes += 1;
            let (before, was_open) = (self.leaving, self.state == State::Open);
            self.step(*byte)?;
            self.pass(before, was_open, at, kept);
            at += 1;
        }
        Ok(())
    }

    /// Passes the byte on that was just read, unless it is left out; `<` waits for the byte behind it, which decides.
    fn pass(&self, before: Leaving, was_open: bool, at: usize, kept: &mut Kept<'_>) {
        match (before, self.leaving) {
            (Leaving::Nothing, Leaving::Nothing) if self.state == State::Open => {}
            (Leaving::Nothing, Leaving::Nothing) if was_open && at > 0 => kept.keep(at - 1, 2),
            (Leaving::Nothing, Leaving::Nothing) => {
                if was_open {
                    kept.add(b"<");
                }
                kept.keep(at, 1);
            }
            // The end of a tag whose attributes were too many.
            (Leaving::Attributes, Leaving::Nothing) => kept.add(if self.slash { b"/>" } else { b">" }),
            _ => {}
        }
    }

    fn leave_out(&mut self, what: Leaving, excess: Excess) {
        if self.leaving == Leaving::Nothing {
            self.leaving = what;
            self.left_out.get_or_insert(excess);
        }
    }

    fn check_bytes(&self) -> Result<(), Excess> {
        let most = match self.kind {
            Kind::Plain => BYTES,
            Kind::Iq => BYTES_OF_AN_IQ,
            Kind::List => BYTES_OF_A_LIST,
        };
        if self.bytes > most { Err(Excess::Bytes(most)) } else { Ok(()) }
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
                self.check_bytes()?;
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
            self.check_bytes()?;
            (self.bytes, self.elements, self.kind, self.has_resource) = (1, 0, Kind::Plain, false);
        }
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
                    self.leave_out(Leaving::Element(self.depth), Excess::Elements(most));
                } else if self.depth > DEPTH {
                    self.leave_out(Leaving::Element(self.depth), Excess::Depth);
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
                if self.attributes >= ATTRIBUTES {
                    self.leave_out(Leaving::Attributes, Excess::Attributes);
                }
                self.attributes = self.attributes.saturating_add(1);
                (self.state, self.slash, self.fresh) = (State::Quoted(byte), false, true);
            }
            b'=' | b' ' | b'\t' | b'\r' | b'\n' => self.fresh = true,
            b'/' => self.slash = true,
            byte => {
                if self.attributes >= ATTRIBUTES {
                    self.leave_out(Leaving::Attributes, Excess::Attributes);
                }
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
        self.check_bytes()?;
        let level = self.depth;
        if level == 1 && self.name.whole() == b"iq" {
            self.kind = Kind::Iq;
        } else if level == 2 && self.kind == Kind::Iq && !self.has_resource && LISTS.contains(&self.value.whole()) {
            self.kind = Kind::List;
        }
        if self.leaving == Leaving::Attributes {
            self.leaving = Leaving::Nothing;
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
