//! Lines that are given up, or sent again, though memory has them no more. Against a real SQLite.

use super::people::Home;
use super::*;
use crate::session::conversation::message_id;
use crate::store::{Store, StoredMessage, Write};

/// A line of the user's own that the network refused, in the store alone.
fn failed(home: &Home, number: u64, text: &str, own: bool) -> StoredMessage {
    StoredMessage {
        user: home.session.id(),
        conversation: ConversationId(1),
        number,
        time: Timestamp(1),
        flags: 3 << StoredMessage::STATE | if own { StoredMessage::OWN } else { 0 },
        author: "ines".to_owned(),
        alias: None,
        buddy: None,
        text: text.to_owned(),
        spans: None,
        server_id: None,
    }
}

impl Home {
    /// The page is there, and the store has these lines.
    async fn has(&self, lines: &[StoredMessage]) {
        self.talks().await;
        self.hub.attach(&self.session, "c").unwrap();
        let journal = self.hub.journal().unwrap();
        lines.iter().for_each(|line| _ = journal.push(Write::Message(line.clone())).unwrap());
        self.commits().await;
    }

    /// Posts commands, and waits until all have ended: `done`, or the code of the error, in the order of their ids.
    async fn ends(&self, commands: Json) -> Vec<String> {
        let body = json!({ "client": "c", "commands": commands }).to_string();
        let (_, answer) = self.hub.perform(&self.session, body.as_bytes()).unwrap();
        assert_eq!(answer.rejected.len(), 0, "{:?}", serde_json::to_value(&answer));
        let mut ends = Vec::new();
        for command in commands.as_array().unwrap() {
            let id = command["id"].as_str().unwrap();
            let ended = async {
                loop {
                    let fate = self.session.lock().client("c").and_then(|client| client.fate(id).cloned());
                    match fate {
                        Some(crate::session::client::Fate::Done(_)) => return "done".to_owned(),
                        Some(crate::session::client::Fate::Failed(error)) => return error.code,
                        _ => tokio::task::yield_now().await,
                    }
                }
            };
            ends.push(tokio::time::timeout(Duration::from_secs(20), ended).await.expect("it ends"));
        }
        ends
    }

    fn sent(&self) -> Vec<String> {
        let html = |command: BridgeCommand| match command.kind {
            CommandKind::SendMessage { html, .. } => Some(html),
            _ => None,
        };
        self.bridge.take().into_iter().filter_map(html).collect()
    }
}

fn command(id: &str, kind: &str, number: u64) -> Json {
    json!({ "id": id, "type": kind, "conversation": ConversationId(1), "message": message_id(number) })
}

#[tokio::test]
async fn a_line_that_memory_lost_is_given_up_or_sent_again_once() {
    let home = Home::new().await;
    home.has(&[failed(&home, 5, "five &amp; <six>", true), failed(&home, 6, "given up", true), failed(&home, 7, "theirs", false)]).await;
    assert_eq!(home.ends(json!([command("1", "message.cancel", 6)])).await, ["done"]);
    assert_eq!(home.sent(), Vec::<String>::new());
    // Two pages at once.
    let twice = home.ends(json!([command("2", "message.resend", 5), command("3", "message.resend", 5)])).await;
    assert_eq!(twice, ["done", "too_late"]);
    assert_eq!(home.sent(), ["five &amp;amp; &lt;six&gt;"]);
    let rest = json!([
        command("4", "message.resend", 5),
        command("5", "message.cancel", 6),
        command("6", "message.cancel", 7),
        command("7", "message.cancel", 8),
    ]);
    assert_eq!(home.ends(rest).await, ["no_such_message", "no_such_message", "too_late", "no_such_message"]);
    home.commits().await;
    let page = home.store.page(home.session.id(), ConversationId(1), Place::Newest, 10).await.unwrap();
    let left: Vec<_> =
        page.messages.iter().filter(|message| message.flags & StoredMessage::REMOVED == 0).map(|m| m.text.as_str()).collect();
    assert_eq!(left, ["theirs", "one"]);
    assert!(home.session.lock().keep.as_ref().unwrap().sought.is_empty());
}

#[tokio::test]
async fn a_line_of_another_user_is_not_there() {
    let home = Home::new().await;
    let other = StoredMessage { user: UserId(99), ..failed(&home, 5, "another's", true) };
    home.has(&[other]).await;
    assert_eq!(home.ends(json!([command("1", "message.resend", 5)])).await, ["no_such_message"]);
    assert_eq!(home.sent(), Vec::<String>::new());
}

#[tokio::test]
async fn a_line_that_waits_is_taken_back_though_memory_lost_it() {
    let home = Home::new().await;
    home.has(&[]).await;
    let standing = AccountStanding::plain(AccountState::Offline);
    home.tell(vec![EventKind::AccountState { account: AccountId(1), standing }]);
    home.command(json!({ "id": "say", "type": "message.send", "conversation": ConversationId(1), "text": "later" }));
    let number = {
        let mut state = home.session.lock();
        let number = state.keep.as_ref().unwrap().outbox[0].number;
        // Others have pushed it out.
        state.conversations.get_mut(&ConversationId(1)).unwrap().kept = Default::default();
        number
    };
    home.hub.attach(&home.session, "c").unwrap();
    assert_eq!(home.ends(json!([command("1", "message.cancel", number)])).await, ["done"]);
    assert!(home.session.lock().keep.as_ref().unwrap().outbox.is_empty());
}
