//! Conversations: opening, joining, saying. It must not know how the person came in.

use serde_json::{Value, json};

use super::WireClient;

/// Whether an event says that somebody of this name is in a room.
pub fn joins(event: &Value, name: &str) -> bool {
    let there = |members: &Value| members.as_array().is_some_and(|members| members.iter().any(|member| member["name"] == name));
    match event["type"].as_str() {
        Some("room.members") => there(&event["joined"]),
        Some("conversation.opened" | "conversation.updated") => there(&event["conversation"]["members"]),
        _ => false,
    }
}

impl WireClient {
    /// Opens a conversation of the first account with somebody and gives its id.
    #[track_caller]
    pub fn open(&mut self, name: &str) -> String {
        let account = self.account();
        let result = self.carry_out("conversation.open", json!({ "account": account, "name": name }));
        result["conversation"].as_str().unwrap_or_else(|| panic!("no conversation in {result}")).to_owned()
    }

    /// Joins a room with the first account and gives the conversation's id.
    #[track_caller]
    pub fn join(&mut self, fields: &Value) -> String {
        let account = self.account();
        let result = self.carry_out("room.join", json!({ "account": account, "fields": fields }));
        result["conversation"].as_str().unwrap_or_else(|| panic!("no conversation in {result}")).to_owned()
    }

    /// Sends a text and waits until the daemon says that it is sent; gives the `message`.
    #[track_caller]
    pub fn say(&mut self, conversation: &str, text: &str) -> Value {
        let id = self.command("message.send", json!({ "conversation": conversation, "text": text }));
        let event = self.wait_event(&format!("message.sent for {text:?}"), |event| {
            (event["type"] == "message.sent" || event["type"] == "command.failed") && event["origin"]["command"] == *id
        });
        assert_eq!(event["type"], "message.sent", "the message was not sent: {event}");
        event["message"].clone()
    }
}
