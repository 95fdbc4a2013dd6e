//! libpurple for many users, as channels.
