//! Queries, and how texts are cut into words for them: once, here, and so the same on every database. Knows no database and no session.
//!
//! | Room | What for |
//! |---|---|
//! | `pieces` | a text as words and signs, each with its place in the text |
//! | `terms` | words and signs as the plain letters and digits that an index holds |
//! | `query` | what a person asks for, and where a text has it |
//! | `live` | many searches that wait for new messages, found by the words of a message |

pub mod live;
mod pieces;
mod query;
mod terms;

pub use query::{Flaw, MOST_BYTES, MOST_WORDS, Query, Ranges, Search};
pub(crate) use terms::{Need, begins, of_text, of_user};
