//! What a worker may say: of users, accounts and things that it has, and of no others; pure, and it tells nobody.

use super::ledger::{At, Ledger};
use bridge::event::{Event, EventKind, Outcome};
use bridge::id::{AccountId, ConversationId, UserId};
use bridge::model::RoomsFound;

/// Whether an event can be true. A worker runs anyone's plugins: what it says is not taken on trust. Outcomes of commands are known by their
/// origin, and removals by the ledger; both are judged there.
pub(super) fn may_say(ledger: &Ledger, number: u16, event: &Event) -> bool {
    let user = event.user;
    let has = |account: AccountId| has(ledger, number, user, account);
    // The number of its maker is in the upper bits of whatever is not named after an account.
    let own = |id: u64| id >> 48 == u64::from(number);
    let talks = |conversation: ConversationId| ledger.conversation(user, conversation).is_some_and(has);
    let may_have = |conversation: ConversationId, account: AccountId| {
        has(account) && ledger.conversation(user, conversation).is_none_or(|known| known == account)
    };
    match &event.kind {
        EventKind::AccountAdded(account) | EventKind::AccountUpdated(account) => has(account.id),
        EventKind::AccountState { account, .. }
        | EventKind::AccountStatus { account, .. }
        | EventKind::AccountRemoved { account }
        | EventKind::AccountPinned { account, .. }
        | EventKind::AccountPasswordGiven { account, .. }
        | EventKind::AccountSettingStored { account, .. }
        | EventKind::BuddiesRemoved { account, .. }
        | EventKind::RoomInvited { account, .. }
        | EventKind::Mail { account, .. }
        | EventKind::RoomsFound(RoomsFound { account, .. })
        | EventKind::Privacy { account, .. } => has(*account),
        EventKind::BuddiesAdded(buddies) => buddies.iter().all(|buddy| has(buddy.account)),
        EventKind::BuddyUpdated(buddy) => has(buddy.account),
        EventKind::RoomRemembered { conversation, account, .. } => may_have(*conversation, *account),
        EventKind::ConversationOpened(conversation) | EventKind::ConversationUpdated(conversation) => {
            may_have(conversation.id, conversation.account)
        }
        EventKind::ConversationClosed { conversation }
        | EventKind::MessageAdded { conversation, .. }
        | EventKind::MessageMarked { conversation, .. }
        | EventKind::MessageReplaced { conversation, .. }
        | EventKind::Typing { conversation, .. }
        | EventKind::RoomMembers { conversation, .. }
        | EventKind::RoomTopic { conversation, .. }
        | EventKind::Attention { conversation, .. } => talks(*conversation),
        EventKind::RequestOpened(request) => own(request.id.0) && request.account.is_none_or(has),
        EventKind::AuthorizationOpened(authorization) => own(authorization.id.0) && has(authorization.account),
        EventKind::NoticeOpened(notice) => own(notice.id.0) && notice.account.is_none_or(has),
        EventKind::TransferOpened(transfer) | EventKind::TransferProgress(transfer) => {
            own(transfer.id.0) && may_have(transfer.conversation, transfer.account)
        }
        EventKind::TransferBytes(piece) => own(piece.transfer.0),
        EventKind::TransferWanted { transfer, .. } => own(transfer.0),
        EventKind::RequestClosed { request } => own(request.0),
        EventKind::AuthorizationClosed { authorization } => own(authorization.0),
        EventKind::NoticeRows { notice, .. } | EventKind::NoticeClosed { notice } => own(notice.0),
        EventKind::TransferClosed { transfer, .. } => own(transfer.0),
        EventKind::RoomList(rows) => own(rows.list.0),
        // Whose bytes they are is seen by their hash.
        EventKind::MediaStored(_) => ledger.is_with(user, number),
        EventKind::PictureCame { picture, .. } => own(picture.0) && ledger.is_with(user, number),
        EventKind::CommandDone { result: Some(Outcome::Transfer(transfer)) } => own(transfer.0),
        EventKind::CommandDone { .. } | EventKind::CommandFailed { .. } => true,
        // Only a fleet says so.
        EventKind::AccountLost { .. } | EventKind::MessagesMissed { .. } | EventKind::RoomListFailed { .. } => false,
    }
}

fn has(ledger: &Ledger, number: u16, user: UserId, account: AccountId) -> bool {
    ledger.get(user, account).is_some_and(|record| matches!(record.at, At::Worker(at) | At::Leaving(at) if at == number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::ledger::CONVERSATIONS;
    use crate::fleet::ledger::tests::settings;
    use crate::fleet::place::Group;
    use bridge::command::Secret;
    use bridge::command::{AccountSettings, Before, CommandKind, Username};
    use bridge::id::{ConversationKind, NoticeId, PictureId, RequestId, TransferId};
    use bridge::model::{Author, Conversation, Message, MessageKind, Privacy, Transfer, Value};
    use bridge::time::Timestamp;
    use std::time::Instant;

    const USER: UserId = UserId(1);
    const CORE: AccountId = AccountId(10);
    const PLUGIN: AccountId = AccountId(20);
    const TALK: ConversationId = ConversationId(100);

    /// One user with an account in worker 1 and one in worker 2, and a conversation of the first.
    fn ledger() -> Ledger {
        let mut ledger = Ledger::default();
        for (account, number) in [(CORE, 1), (PLUGIN, 2)] {
            let settings = AccountSettings { username: Username::Whole(account.to_string()), ..settings() };
            assert!(ledger.add(USER, account, Box::new(settings), None, Group::Core, Instant::now()));
            ledger.put(account, At::Worker(number));
        }
        ledger.note_event(&event(EventKind::ConversationOpened(conversation(TALK, CORE))), Instant::now());
        ledger
    }

    fn event(kind: EventKind) -> Event {
        Event { user: USER, origin: None, kind }
    }

    fn conversation(id: ConversationId, account: AccountId) -> Conversation {
        let (name, title) = ("bob".to_owned(), "bob".to_owned());
        Conversation {
            id,
            account,
            kind: ConversationKind::Im,
            name,
            title,
            buddy: None,
            topic: None,
            members: None,
            joined: None,
            nick: None,
            blocked: false,
        }
    }

    fn line() -> EventKind {
        let from = Author { name: "bob".to_owned(), alias: None, buddy: None, own: false };
        let message = Message {
            kind: MessageKind::Received,
            from,
            time: Timestamp(0),
            html: String::new(),
            delayed: false,
            highlight: false,
            auto_reply: false,
            remote: false,
            topic: false,
            server_id: None,
            reference: None,
            pictures: Vec::new(),
        };
        EventKind::MessageAdded { conversation: TALK, message }
    }

    #[test]
    fn a_worker_speaks_of_its_own_accounts_and_conversations_only() {
        let ledger = ledger();
        let says = |number, kind| may_say(&ledger, number, &event(kind));
        assert!(says(1, line()) && !says(2, line()), "another account's conversation");
        assert!(!says(2, EventKind::ConversationOpened(conversation(TALK, PLUGIN))), "taken over");
        assert!(!says(2, EventKind::ConversationUpdated(conversation(TALK, CORE))));
        assert!(says(2, EventKind::ConversationOpened(conversation(ConversationId(200), PLUGIN))));
        let stored = |account| EventKind::AccountSettingStored { account, key: "connect_server".to_owned(), value: None };
        assert!(says(2, stored(PLUGIN)) && !says(2, stored(CORE)), "what another account signs on with");
        let pinned = |account| EventKind::AccountPinned { account, fingerprint: String::new() };
        assert!(says(1, pinned(CORE)) && !says(2, pinned(CORE)), "whom another account trusts");
        let given = |account| EventKind::AccountPasswordGiven { account, password: Secret::default() };
        assert!(says(1, given(CORE)) && !says(2, given(CORE)), "what another account signs on with");
        assert!(!may_say(&ledger, 1, &Event { user: UserId(2), ..event(line()) }), "another user");
    }

    #[test]
    fn files_are_of_who_tells_of_them() {
        let ledger = ledger();
        let says = |number, kind| may_say(&ledger, number, &event(kind));
        let done = |number: u64| EventKind::CommandDone { result: Some(Outcome::Transfer(TransferId(number << 48 | 7))) };
        assert!(says(2, done(2)) && !says(2, done(1)), "another's transfer is fed a user's file");
        let transfer = |conversation: ConversationId| {
            let [peer, direction, name, state] = ["bob", "in", "a.txt", "offered"].map(str::to_owned);
            let (id, size) = (TransferId(2 << 48 | 7), None);
            Transfer { id, account: PLUGIN, conversation, peer, direction, name, size, done: 0, state }
        };
        for told in [EventKind::TransferOpened, EventKind::TransferProgress] {
            assert!(says(2, told(transfer(ConversationId(200)))) && !says(2, told(transfer(TALK))), "a file in another's conversation");
        }
    }

    #[test]
    fn questions_carry_the_number_of_who_asks() {
        let ledger = ledger();
        let closed = |number: u64| EventKind::RequestClosed { request: RequestId(number << 48 | 7) };
        assert!(may_say(&ledger, 1, &event(closed(1))) && !may_say(&ledger, 2, &event(closed(1))));
        let notice = EventKind::NoticeClosed { notice: NoticeId(2 << 48 | 7) };
        assert!(may_say(&ledger, 2, &event(notice.clone())) && !may_say(&ledger, 1, &event(notice)));
        let came = EventKind::PictureCame { picture: PictureId(2 << 48 | 7), hash: None };
        assert!(may_say(&ledger, 2, &event(came.clone())) && !may_say(&ledger, 1, &event(came)), "another worker's message waits for it");
    }

    #[test]
    fn what_an_account_is_made_of_is_bounded() {
        let mut ledger = ledger();
        let (long, longer) = ("x".repeat(4 << 10), "x".repeat(32 << 10));
        // Few and long: all of them are packed at each change.
        for number in 0..12 {
            let key = format!("{number}{longer}");
            let value = Some(Value::Text(longer.clone()));
            ledger.note_event(&event(EventKind::AccountPinned { account: CORE, fingerprint: key.clone() }), Instant::now());
            ledger.note_event(&event(EventKind::AccountSettingStored { account: CORE, key, value }), Instant::now());
        }
        for number in 0..300 {
            let fields = Some([("room".to_owned(), long.clone())].into());
            ledger.note_event(
                &event(EventKind::RoomRemembered { conversation: ConversationId(number), account: CORE, fields }),
                Instant::now(),
            );
        }
        for number in 0..CONVERSATIONS as u64 + 10 {
            ledger.note_event(&event(EventKind::ConversationOpened(conversation(ConversationId(number), CORE))), Instant::now());
        }
        let names = |count: usize| Privacy { mode: String::new(), permit: vec![long.clone(); count], deny: Vec::new() };
        for count in [10, 1000] {
            ledger.note_event(&event(EventKind::Privacy { account: CORE, privacy: names(count) }), Instant::now());
        }
        let restoring = ledger.restoring(CORE, Before::default());
        let Some(CommandKind::AddAccount { settings, .. }) = restoring.first() else { panic!("{restoring:?}") };
        let before = &settings.before;
        assert!(before.again);
        assert_eq!((settings.stored.len(), settings.pins.len(), before.rooms.len()), (3, 7, 252));
        assert_eq!(before.privacy.as_ref().map(|privacy| privacy.permit.len()), Some(10));
        let mut bytes = Vec::new();
        bridge::frame::write(&mut bytes, &restoring.first()).unwrap();
        assert!(bytes.len() < 4 << 20, "{} bytes", bytes.len());
        assert_eq!(ledger.left_out, 9 + 5 + 48 + 10 + 1);
    }

    #[test]
    fn what_has_left_is_spoken_of_no_more() {
        let mut ledger = ledger();
        ledger.put(CORE, At::Lost);
        assert!(!may_say(&ledger, 1, &event(line())));
        ledger.put(CORE, At::Worker(3));
        assert!(may_say(&ledger, 3, &event(line())), "its conversations go with it");
        ledger.remove(CORE);
        assert_eq!(ledger.conversation(USER, TALK), None);
    }
}
