//! Streams of XMPP as libjabber gives them to libxml2.

use super::{borrowed, in_use, lean};
use crate::purple::testing::with_core;
use std::cell::RefCell;
use std::ffi::{CStr, c_char, c_int, c_void};

use parser::Parser;

/// libxml2's push parser, as libjabber uses it.
mod parser {
    use super::{CStr, borrowed, c_char, c_int, c_void};

    fn symbol<F: Copy>(name: &CStr) -> F {
        // SAFETY: C strings; libpurple has loaded it.
        let found = unsafe { libc::dlsym(libc::dlopen(c"libxml2.so.2".as_ptr(), libc::RTLD_LAZY), name.as_ptr()) };
        assert!(!found.is_null(), "{name:?}");
        // SAFETY: the caller names libxml2's type.
        unsafe { std::mem::transmute_copy(&found) }
    }

    type Create = unsafe extern "C" fn(*mut c_void, *mut c_void, *const c_char, c_int, *const c_char) -> *mut c_void;
    type Dump = unsafe extern "C" fn(*mut c_void, *mut *mut c_char, *mut c_int);
    type Free = unsafe extern "C" fn(*mut c_void);

    pub(super) struct Parser(*mut c_void);

    impl Parser {
        pub(super) fn new() -> Self {
            Self::with(std::ptr::null_mut(), std::ptr::null_mut())
        }

        /// One that keeps nothing of what it reads.
        pub(super) fn deaf() -> Self {
            // A handler without any functions, as long as the longest (`xmlSAXHandler` has 32 fields); libxml2 copies it.
            Self::with([0_usize; 64].as_mut_ptr().cast(), std::ptr::null_mut())
        }

        /// One that calls `handler`'s functions with `user`.
        pub(super) fn with(handler: *mut c_void, user: *mut c_void) -> Self {
            let create: Create = symbol(c"xmlCreatePushParserCtxt");
            // SAFETY: NULL wherever it may be.
            Self(unsafe { create(handler, user, std::ptr::null(), 0, std::ptr::null()) })
        }

        /// Gives `text` at once, as libjabber gives what it has read; libxml2's word.
        pub(super) fn feed(&self, text: &str) -> c_int {
            self.feed_at(text.as_ptr(), text.len())
        }

        /// The same of so many bytes somewhere.
        pub(super) fn feed_at(&self, place: *const u8, length: usize) -> c_int {
            // SAFETY: a live parser and so many bytes.
            unsafe { crate::purple::interpose::lean::xmlParseChunk(self.0, place.cast(), c_int::try_from(length).unwrap(), 0) }
        }

        fn document(&self) -> *mut c_void {
            // SAFETY: the third field of a parser is its document (parser.h).
            unsafe { *self.0.cast::<*mut c_void>().add(2) }
        }

        /// The document so far.
        pub(super) fn text(&self) -> String {
            let (dump, free): (Dump, Free) = (symbol(c"xmlDocDumpMemory"), symbol(c"xmlFreeDoc"));
            let (mut text, mut length) = (std::ptr::null_mut(), 0);
            // SAFETY: a live document or NULL, which is not the parser's to free; the text is ours, from malloc.
            unsafe {
                dump(self.document(), &raw mut text, &raw mut length);
                free(self.document());
                let copy = borrowed(text).unwrap();
                libc::free(text.cast());
                copy
            }
        }
    }

    impl Drop for Parser {
        fn drop(&mut self) {
            let free: Free = symbol(c"xmlFreeParserCtxt");
            // SAFETY: ours, and gone afterwards.
            unsafe { free(self.0) };
        }
    }
}

#[test]
fn streams_are_parsed_as_ever_in_little_buffers() {
    with_core("purple::interpose::lean::tests::streams::streams_are_parsed_as_ever_in_little_buffers", |_| {
        let long: String = (0..3000).map(|n| format!("<m n='{n}' to='ж{n}@x'>ünïcode &amp; 鹿 {n}</m>\r\n")).collect();
        let stream = format!("<?xml version='1.0'?><s xmlns='jabber:client'>{long}</s>");
        let read = || {
            let parser = Parser::new();
            // As read(2) gives it: cut anywhere.
            let mut rest = stream.as_str();
            while !rest.is_empty() {
                let cut = rest.floor_char_boundary(4095.min(rest.len()));
                assert_eq!(parser.feed(&rest[..cut]), 0);
                rest = &rest[cut..];
            }
            parser.text()
        };
        let ours = read();
        lean(false);
        assert_eq!(ours, read());
        assert!(ours.contains("&#x9E7F; 2999"), "{}", ours.len());
        lean(true);
        // What a parser holds in the midst of a stream that has been long already.
        let took = |parsers: u32| {
            let before = in_use();
            let mut all = Vec::with_capacity(parsers as usize);
            for _ in 0..parsers {
                let parser = Parser::deaf();
                assert_eq!(parser.feed("<?xml version='1.0'?><s>"), 0);
                for _ in 0..100 {
                    assert_eq!(parser.feed(&"<m>text</m>".repeat(370)), 0);
                }
                all.push(parser);
            }
            (in_use() - before) / parsers as usize
        };
        let little = took(50);
        lean(false);
        let much = took(50);
        lean(true);
        println!("a parser takes {little} bytes, {much} when what was read stays");
        assert!(little + 5000 < much && little < 9_500, "{little}, was {much}");
        // An error in the midst of much is said, and nothing after it counts.
        let broken = Parser::deaf();
        assert_ne!(broken.feed(&format!("<s>{}</t>{}", "x".repeat(1000), "y".repeat(2000))), 0);
        assert_ne!(broken.feed("z"), 0);
    });
}

thread_local! {
    static NAMES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Another stream comes to be read in the midst of this one.
unsafe extern "C" fn on_element(place: *mut c_void, name: *const c_char, _: *mut *const c_char) {
    // SAFETY: libxml2's text, and the place that the parser was made with, which nobody else holds.
    unsafe {
        NAMES.with_borrow_mut(|names| names.push(borrowed(name).unwrap()));
        place.cast::<u8>().write_bytes(b'z', 2048);
    }
}

#[test]
fn what_is_given_may_go_while_it_is_parsed() {
    with_core("purple::interpose::lean::tests::streams::what_is_given_may_go_while_it_is_parsed", |_| {
        let text = format!("<s>{}", "<mine/>".repeat(200));
        let mut handler = [0_usize; 64];
        // The fifteenth function is `startElement`, without namespaces as long as nothing says otherwise (parser.h).
        handler[14] = on_element as *const c_void as usize;
        // A place for what is read, as libjabber has one for all streams.
        let mut place = [0_u8; 2048];
        place[..text.len()].copy_from_slice(text.as_bytes());
        let place = place.as_mut_ptr();
        let parser = Parser::with(handler.as_mut_ptr().cast(), place.cast());
        assert_eq!(parser.feed_at(place, text.len()), 0);
        let names = NAMES.take();
        assert_eq!(names.len(), 201);
        assert!(names.iter().skip(1).all(|name| name == "mine"), "{names:?}");
    });
}
