//! Streams of XMPP as libjabber gives them to libxml2.

use super::{borrowed, in_use, lean};
use crate::purple::testing::with_core;
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
            Self::with(std::ptr::null_mut())
        }

        /// One that keeps nothing of what it reads.
        pub(super) fn deaf() -> Self {
            // A handler without any functions, as long as the longest (`xmlSAXHandler` has 32 fields); libxml2 copies it.
            Self::with([0_usize; 64].as_mut_ptr().cast())
        }

        fn with(handler: *mut c_void) -> Self {
            let create: Create = symbol(c"xmlCreatePushParserCtxt");
            // SAFETY: NULL wherever it may be.
            Self(unsafe { create(handler, std::ptr::null_mut(), std::ptr::null(), 0, std::ptr::null()) })
        }

        /// Gives `text` at once, as libjabber gives what it has read; libxml2's word.
        pub(super) fn feed(&self, text: &str) -> c_int {
            let length = c_int::try_from(text.len()).unwrap();
            // SAFETY: a live parser and so many bytes.
            unsafe { crate::purple::interpose::lean::xmlParseChunk(self.0, text.as_ptr().cast(), length, 0) }
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
