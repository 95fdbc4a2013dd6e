//! HTTP and what a browser session is.
#![forbid(unsafe_code)]
