//! XML as it comes over a stream: one owned element at a time. It must not know what a stanza means.

use std::borrow::Cow;
use std::io::BufRead;

use quick_xml::Reader;
use quick_xml::escape::{escape, unescape};
use quick_xml::events::{BytesStart, Event};

/// An element with everything in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Element {
    /// The name, with its prefix when it has one.
    pub name: String,
    /// The attributes, `xmlns` among them.
    pub attributes: Vec<(String, String)>,
    /// The child elements, in order.
    pub children: Vec<Element>,
    /// The text directly inside, joined.
    pub text: String,
}

impl Element {
    /// An attribute's value, or nothing.
    pub fn attr(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether the attribute is there with that value.
    pub fn is(&self, name: &str, value: &str) -> bool {
        self.attr(name) == Some(value)
    }

    /// The first child of that name.
    pub fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The text of the first child of that name.
    pub fn child_text(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.as_str())
    }

    /// Whether it is a message with that body.
    pub fn says(&self, body: &str) -> bool {
        self.name == "message" && self.child_text("body") == Some(body)
    }

    /// The part of `from` before the resource.
    pub fn from_bare(&self) -> &str {
        self.attr("from").unwrap_or_default().split('/').next().unwrap_or_default()
    }
}

/// Text made safe for use inside XML.
pub(crate) fn quoted(text: &str) -> Cow<'_, str> {
    escape(text)
}

/// What came over the stream.
pub(crate) enum Incoming {
    /// The stream's own opening tag.
    Opened,
    /// One whole element of the stream.
    Element(Element),
    /// The end, with what ended it.
    Closed(String),
}

/// Reads from `source` until `sink` declines or the stream ends. An element is given away as soon as its end has been read.
pub(crate) fn read_stream(source: impl BufRead, mut sink: impl FnMut(Incoming) -> bool) {
    let mut reader = Reader::from_reader(source);
    reader.config_mut().check_end_names = false;
    let mut open: Vec<Element> = Vec::new();
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        let done = match reader.read_event_into(&mut buffer) {
            Ok(Event::Start(tag)) if tag.name().as_ref() == b"stream:stream" => {
                open.clear();
                if !sink(Incoming::Opened) {
                    return;
                }
                None
            }
            Ok(Event::Start(tag)) => {
                open.push(element(&tag));
                None
            }
            Ok(Event::Empty(tag)) => Some(element(&tag)),
            Ok(Event::End(tag)) if tag.name().as_ref() == b"stream:stream" => {
                sink(Incoming::Closed("end of stream".to_owned()));
                return;
            }
            Ok(Event::End(_)) => open.pop(),
            Ok(Event::Text(text)) => {
                if let (Some(parent), Ok(text)) = (open.last_mut(), text.decode()) {
                    parent.text.push_str(&text);
                }
                None
            }
            Ok(Event::GeneralRef(reference)) => {
                if let (Some(parent), Ok(name)) = (open.last_mut(), reference.decode()) {
                    parent.text.push_str(&unescape(&format!("&{name};")).unwrap_or_default());
                }
                None
            }
            Ok(Event::Eof) => {
                sink(Incoming::Closed("end of file".to_owned()));
                return;
            }
            Ok(_) => None,
            Err(error) => {
                sink(Incoming::Closed(error.to_string()));
                return;
            }
        };
        if let Some(done) = done {
            match open.last_mut() {
                Some(parent) => parent.children.push(done),
                None => {
                    if !sink(Incoming::Element(done)) {
                        return;
                    }
                }
            }
        }
    }
}

fn element(tag: &BytesStart<'_>) -> Element {
    let attributes = tag
        .attributes()
        .flatten()
        .map(|attribute| {
            let value = attribute.unescape_value().map(Cow::into_owned).unwrap_or_default();
            (String::from_utf8_lossy(attribute.key.as_ref()).into_owned(), value)
        })
        .collect();
    Element { name: String::from_utf8_lossy(tag.name().as_ref()).into_owned(), attributes, ..Element::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(source: &str) -> Vec<Element> {
        let mut found = Vec::new();
        read_stream(source.as_bytes(), |incoming| {
            if let Incoming::Element(element) = incoming {
                found.push(element);
            }
            true
        });
        found
    }

    #[test]
    fn elements_come_whole_and_unescaped() {
        let found = all(
            "<?xml version='1.0'?><stream:stream id='1'><message from='a@b/c'><body>1 &lt; 2 &amp; &#x1F514;</body></message><r/></stream:stream>",
        );
        assert_eq!(found.len(), 2);
        assert!(found[0].says("1 < 2 & 🔔"), "{:?}", found[0]);
        assert_eq!(found[0].from_bare(), "a@b");
        assert_eq!(found[1].name, "r");
    }

    #[test]
    fn a_second_opening_starts_afresh() {
        let found = all("<stream:stream><a/><stream:stream><b x='1'><c/></b>");
        assert_eq!(found.iter().map(|e| e.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert!(found[1].is("x", "1") && found[1].child("c").is_some());
    }
}
