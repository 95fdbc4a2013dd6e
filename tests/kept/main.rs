//! Promise: whatever is killed, and whatever becomes of the database, nothing that was said to be kept is lost.
#![allow(clippy::expect_used)]

mod account;
mod away;
mod keys;
mod kills;
mod slow;
mod talker;

use serde_json::Value;

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");
const PASSWORD: &str = "a long enough password";

/// All of a conversation's history, oldest first, and its gaps.
fn history(client: &mut support::WireClient, conversation: &str) -> (Vec<Value>, Vec<Value>) {
    let (mut messages, mut gaps): (Vec<Value>, Vec<Value>) = (Vec::new(), Vec::new());
    loop {
        let before = messages.first().map_or_else(String::new, |message| format!("&before={}", message["id"].as_str().expect("an id")));
        let page = client.get(&format!("/history?conversation={conversation}&limit=100{before}")).ok();
        let mut older = page["messages"].as_array().expect("messages").clone();
        older.append(&mut messages);
        messages = older;
        // A gap at the edge of a page may come with both.
        gaps.extend(page["gaps"].as_array().expect("gaps").iter().filter(|gap| !gaps.contains(gap)).cloned().collect::<Vec<_>>());
        if page["more"] != true {
            return (messages, gaps);
        }
    }
}
