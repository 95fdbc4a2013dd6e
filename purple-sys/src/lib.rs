//! libpurple's C interface as Rust declarations, made from the installed headers; no behaviour lives here.
#![allow(non_camel_case_types, non_snake_case, non_upper_case_globals, missing_docs, unreachable_pub)]
#![allow(clippy::all, clippy::undocumented_unsafe_blocks, clippy::multiple_unsafe_ops_per_block)]
#![allow(rustdoc::all, unnecessary_transmutes)]

pub use glib_sys::*;

pub type gboolean = i32;
pub type gpointer = *mut std::os::raw::c_void;
pub type gconstpointer = *const std::os::raw::c_void;
pub type gchar = std::os::raw::c_char;
pub type guchar = u8;
pub type gint = i32;
pub type guint = u32;
pub type gshort = i16;
pub type gushort = u16;
pub type glong = std::os::raw::c_long;
pub type gulong = std::os::raw::c_ulong;
pub type gint8 = i8;
pub type guint8 = u8;
pub type gint16 = i16;
pub type guint16 = u16;
pub type gint32 = i32;
pub type guint32 = u32;
pub type gint64 = i64;
pub type guint64 = u64;
pub type gfloat = f32;
pub type gdouble = f64;
pub type gsize = usize;
pub type gssize = isize;
pub type gunichar = u32;
pub type goffset = i64;
pub type GType = usize;

include!(concat!(env!("OUT_DIR"), "/bindings.rs"));

/// Where this libpurple keeps its protocol plugins (pkg-config's `plugindir` at build time).
pub const PLUGIN_DIR: &str = env!("PURPLE_PLUGIN_DIR");
/// The libpurple version that the bindings were made from.
pub const BUILD_VERSION: &str = env!("PURPLE_BUILD_VERSION");
