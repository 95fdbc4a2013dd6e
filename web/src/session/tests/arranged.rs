//! What the user has arranged goes with the group, the conversation or the account that it was about; in memory and in a real SQLite.

use super::people::Home;
use super::*;
use crate::store::{Store, Stored, keys_of};

fn draft_key(id: ConversationId) -> String {
    let [draft, ..] = keys_of(id);
    draft
}

fn of(account: u64, id: u64, group: &str) -> Buddy {
    Buddy { account: AccountId(account), ..buddy(id, group) }
}

impl Home {
    async fn stored(&self) -> Stored {
        self.commits().await;
        self.store.load(self.session.id()).await.unwrap()
    }

    async fn groups(&self) -> Vec<(String, i64)> {
        self.stored().await.groups.into_iter().map(|group| (group.name, group.order)).collect()
    }

    async fn drafts(&self) -> Vec<String> {
        let settings = self.stored().await.settings;
        settings.into_iter().map(|(name, _)| name).filter(|name| !name.starts_with('.')).collect()
    }

    fn arrange(&self, id: &str, group: &str, order: i64) {
        self.command(json!({ "id": id, "type": "group.order", "group": group, "order": order }));
    }

    fn draft(&self, id: &str, conversation: u64) {
        let key = draft_key(ConversationId(conversation));
        self.command(json!({ "id": id, "type": "settings.set", "values": { key: "not sent yet" } }));
    }

    fn removed(&self, account: u64) {
        let account = AccountId(account);
        self.command(json!({ "id": format!("remove {account}"), "type": "account.remove", "account": account }));
        self.tell(vec![EventKind::AccountRemoved { account }]);
    }
}

#[tokio::test]
async fn an_arranged_group_waits_for_its_buddies_and_goes_when_its_user_says_so() {
    let home = Home::new().await;
    home.tell(vec![EventKind::AccountAdded(account(1)), EventKind::BuddiesAdded(vec![of(1, 1, "Friends"), of(1, 2, "Work")])]);
    home.arrange("1", "Friends", 3);
    home.arrange("2", "Work", 5);
    assert_eq!(home.groups().await, [("Friends".to_owned(), 3), ("Work".to_owned(), 5)]);
    // The network takes them off the list, and brings them again.
    home.tell(vec![EventKind::BuddiesRemoved { account: AccountId(1), buddies: vec![BuddyId(1)] }]);
    assert_eq!(home.groups().await.len(), 2);
    home.tell(vec![EventKind::BuddiesAdded(vec![of(1, 1, "Friends")])]);
    home.command(json!({ "id": "3", "type": "group.remove", "group": "Friends" }));
    home.tell(vec![EventKind::BuddiesRemoved { account: AccountId(1), buddies: vec![BuddyId(1)] }]);
    assert_eq!(home.groups().await, [("Work".to_owned(), 5)]);
    // Another name: the place stays.
    home.command(json!({ "id": "4", "type": "group.rename", "group": "Work", "name": "Job" }));
    home.tell(vec![EventKind::BuddyUpdated(of(1, 2, "Job"))]);
    assert_eq!(home.groups().await, [("Job".to_owned(), 5)]);
    assert_eq!(home.session.lock().groups.len(), 1);
    // As before anybody arranged it.
    home.arrange("5", "Job", 0);
    assert_eq!(home.groups().await, []);
}

#[tokio::test]
async fn groups_without_buddies_are_bounded_also_after_a_restart() {
    let home = Home::new().await;
    home.tell(vec![EventKind::AccountAdded(account(1))]);
    for number in 1..=230 {
        home.tell(vec![EventKind::BuddiesAdded(vec![of(1, number, &format!("group {number:03}"))])]);
        home.clock.advance(1000);
        home.arrange(&number.to_string(), &format!("group {number:03}"), 7);
    }
    assert_eq!(home.groups().await.len(), 230);
    home.tell(vec![EventKind::BuddiesRemoved { account: AccountId(1), buddies: (1..=230).map(BuddyId).collect() }]);
    assert_eq!((home.groups().await.len(), home.session.lock().groups.len()), (200, 200));
}

#[tokio::test]
async fn drafts_go_with_their_conversation_and_everything_with_the_account() {
    let home = Home::new().await;
    home.talks().await;
    let second = Conversation { account: AccountId(2), ..conversation(2, ConversationKind::Im) };
    home.tell(vec![
        EventKind::AccountAdded(account(2)),
        EventKind::ConversationOpened(second),
        opened(3),
        EventKind::BuddiesAdded(vec![of(1, 1, "Friends"), of(2, 2, "Friends"), of(2, 3, "Work")]),
    ]);
    (1..=3).for_each(|number| home.draft(&format!("draft {number}"), number));
    home.arrange("1", "Friends", 3);
    home.arrange("2", "Work", 5);
    assert_eq!(home.drafts().await.len(), 3);
    home.command(json!({ "id": "3", "type": "history.delete", "conversation": ConversationId(3) }));
    assert_eq!(home.drafts().await.len(), 3, "only what was said is deleted");
    home.command(json!({ "id": "4", "type": "history.delete", "conversation": ConversationId(3), "whole": true }));
    assert_eq!(home.drafts().await, [draft_key(ConversationId(1)), draft_key(ConversationId(2))]);
    // Mutes of both accounts, and of a conversation of each.
    let quiet = ["mute.c1", "mute.c2", "mute.a1", "mute.a2"].map(|key| (key.to_owned(), json!({ "until": null })));
    let quiet: serde_json::Map<_, _> = quiet.into_iter().collect();
    home.command(json!({ "id": "5", "type": "settings.set", "values": quiet }));
    assert_eq!(home.drafts().await.len(), 6);
    home.removed(2);
    assert_eq!(home.drafts().await, [&draft_key(ConversationId(1)), "mute.a1", "mute.c1"]);
    assert_eq!(home.groups().await, [("Friends".to_owned(), 3)], "the other account has somebody there");
    assert!(!home.session.lock().settings.contains_key(&draft_key(ConversationId(2))));
    home.removed(1);
    assert_eq!((home.drafts().await, home.groups().await), (Vec::new(), Vec::new()));
    assert_eq!(home.session.lock().settings_bytes, 0);
}

#[tokio::test]
async fn drafts_of_an_account_that_is_not_remembered_stay_in_memory() {
    let home = Home::new().await;
    home.tell(vec![EventKind::AccountAdded(account(1)), opened(1)]);
    home.session.lock().keep.as_mut().unwrap().passing.insert(AccountId(1));
    home.draft("1", 1);
    for (id, key) in [("2", "mute.c1"), ("3", "mute.a1")] {
        home.command(json!({ "id": id, "type": "settings.set", "values": { key: { "until": null } } }));
    }
    assert_eq!(home.drafts().await, Vec::<String>::new());
    assert!(home.session.lock().settings.contains_key(&draft_key(ConversationId(1))));
}
