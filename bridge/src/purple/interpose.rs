//! The C symbols that the executable answers in libpurple's and GLib's stead (`bridge/interposed.txt` names them all); their policies live elsewhere.

mod next;
mod timers;
