//! The built page, as build.rs put it into the program; it adds nothing to it.

include!(concat!(env!("OUT_DIR"), "/page.rs"));

/// All files of the page.
pub(crate) fn files() -> &'static [web::page::File] {
    FILES
}
