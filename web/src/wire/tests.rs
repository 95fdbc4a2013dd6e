//! The wire's types: every sort has its own name, goes out and comes back the same, and fits the schema it is published with.

use super::*;
use bridge::id::{AccountId, BuddyId, ConversationId};
use bridge::model::{Author, StatusKind, TypingState, Value as Setting};
use bridge::time::Timestamp;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn span() -> impl Strategy<Value = Span> {
    (any::<String>(), any::<[bool; 3]>(), prop::option::of("#[0-9a-f]{6}"), prop::option::of("https://[a-z]{1,8}"))
        .prop_map(|(text, [bold, code, quote], color, link)| Span { text, bold, code, quote, color, link, ..Span::default() })
}

fn message() -> impl Strategy<Value = Message> {
    (any::<u32>(), any::<String>(), prop::collection::vec(span(), 0..4), any::<[bool; 5]>(), 0_i64..4_000_000_000_000).prop_map(
        |(id, name, spans, [own, delayed, highlight, system, topic], time)| Message {
            id: format!("m{id:016x}"),
            from: Author { name, alias: None, buddy: own.then_some(BuddyId(1)), own },
            time: Timestamp(time),
            text: crate::body::text(&spans),
            spans,
            delayed,
            highlight,
            auto_reply: false,
            remote: false,
            system,
            topic,
            state: own.then_some(MessageState::Sent),
            edited_at: highlight.then_some(Timestamp(time)),
            error: own.then(|| "refused".to_owned()),
        },
    )
}

fn body() -> impl Strategy<Value = EventBody> {
    let (account, conversation) = (AccountId(1), ConversationId(2));
    prop_oneof![
        message().prop_map(move |message| EventBody::MessageReceived { account, conversation, message }),
        message().prop_map(move |message| EventBody::MessageSent { account, conversation, message }),
        any::<String>().prop_map(move |who| EventBody::Typing { account, conversation, who, state: TypingState::Paused }),
        any::<String>().prop_map(|group| EventBody::GroupRemoved { group }),
        prop::option::of(any::<String>()).prop_map(move |status_message| EventBody::AccountStatus {
            account,
            status: StatusKind::ExtendedAway,
            status_message,
            idle: true
        }),
        (any::<String>(), any::<i64>()).prop_map(|(key, value)| EventBody::Settings { values: Map::from_iter([(key, json!(value))]) }),
        any::<String>().prop_map(|message| EventBody::CommandFailed {
            error: ErrorBody { code: "x".into(), message, field: None, retry_ms: Some(1) }
        }),
        Just(EventBody::CommandDone { result: Some(bridge::event::Outcome::Account(account)) }),
        Just(EventBody::CommandDone { result: None }),
    ]
}

proptest! {
    #[test]
    fn events_come_back_as_they_were(body in body(), seq in 1_u64..(1 << 53), from_command: bool) {
        let origin = from_command.then(|| bridge::command::Origin { client: "c".into(), command: "1".into() });
        let event = Event { seq, time: Timestamp(0), origin, body };
        let text = serde_json::to_string(&event).unwrap();
        prop_assert!(!text.contains('\n'), "one line, for streams");
        let back = serde_json::from_str::<Event>(&text).unwrap();
        // The spans of a plain text are not told: what comes back says the same.
        prop_assert_eq!(serde_json::to_string(&back).unwrap(), text);
        let told = |event: &Event| !matches!(&event.body, EventBody::MessageSent { .. } | EventBody::MessageReceived { .. });
        prop_assert!(!told(&event) || back == event);
    }

    #[test]
    fn any_json_gives_a_command_or_an_error_with_a_code(kind in prop::sample::select(Command::TYPES), fields in fields()) {
        match Command::parse(kind, fields) {
            Ok(command) => {
                let written = serde_json::to_value(&command).unwrap();
                prop_assert_eq!(&written["type"], kind);
                let mut object = written.as_object().unwrap().clone();
                object.remove("type");
                prop_assert_eq!(Command::parse(kind, object).unwrap(), command);
            }
            Err(error) => prop_assert!(error.code == "missing_field" && error.field.is_some() || error.code == "bad_field"),
        }
    }
}

fn fields() -> impl Strategy<Value = Map<String, Value>> {
    let names = ["account", "conversation", "buddy", "name", "text", "state", "hidden", "group", "values", "upto", "list", "fields"];
    let value = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[abcuqzn][0-9a-f]{1,3}".prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(json!([])),
        Just(json!({})),
        Just(json!("typing")),
    ];
    prop::collection::btree_map(prop::sample::select(names.to_vec()).prop_map(str::to_owned), value, 0..6).prop_map(Map::from_iter)
}

/// The `type`s that a schema of a tagged enum names.
fn kinds(schema: &Value) -> Vec<String> {
    schema["oneOf"].as_array().unwrap().iter().map(|variant| variant["properties"]["type"]["const"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_schema_names_every_command_and_event() {
    let commands = serde_json::to_value(schemars::schema_for!(Command)).unwrap();
    assert_eq!(kinds(&commands), Command::TYPES);
    let events = kinds(&serde_json::to_value(schemars::schema_for!(EventBody)).unwrap());
    let unique: std::collections::BTreeSet<_> = events.iter().collect();
    assert_eq!(unique.len(), events.len());
    let documented = "account.added account.updated account.removed account.state account.status buddy.added buddy.updated buddy.removed \
        group.added group.updated group.removed conversation.opened conversation.updated conversation.closed conversation.read \
        message.received message.sent message.system message.failed typing room.members room.topic room.invited room.list attention mail \
        notice.opened notice.closed request.opened request.closed authorization.opened authorization.closed transfer.opened \
        transfer.progress transfer.closed privacy settings command.done command.failed conversation.gap history.deleted message.removed kept user discover.changed";
    for name in documented.split_whitespace() {
        assert!(unique.contains(&name.to_owned()), "{name}");
    }
}

#[test]
fn the_names_of_the_document_are_all_there() {
    let documented = "account.add account.update account.remove account.enable account.disable account.connect account.alias account.password \
        account.icon account.register account.menu account.action status.set client.state buddy.add buddy.remove buddy.alias buddy.move \
        buddy.info buddy.menu buddy.action buddy.block buddy.unblock buddy.merge buddy.split group.rename group.remove group.order \
        group.collapse privacy.set pounce.add pounce.remove bookmark.add bookmark.update bookmark.remove conversation.open \
        conversation.close conversation.read message.send typing.set attention.send room.join room.leave room.invite room.topic room.nick \
        room.menu room.action room.list room.list_stop transfer.send transfer.accept transfer.cancel request.answer authorization.answer \
        notice.close notice.action settings.set message.cancel message.resend history.set history.delete room.member";
    for name in documented.split_whitespace() {
        assert!(Command::TYPES.contains(&name), "{name}");
    }
}

#[test]
fn null_is_another_choice_than_none() {
    let set = |object: Value| match Command::parse("history.set", object.as_object().unwrap().clone()).unwrap() {
        Command::HistorySet(set) => (set.keep, set.days),
        other => panic!("{other:?}"),
    };
    assert_eq!(set(json!({})), (None, None));
    assert_eq!(set(json!({ "keep": null, "days": null })), (Some(None), Some(None)));
    assert_eq!(set(json!({ "keep": false, "days": 30 })), (Some(Some(false)), Some(Some(30))));
}

#[test]
fn a_field_deep_inside_is_named_by_its_path() {
    let object = json!({ "account": "a1", "options": { "port": { "x": 1 } } });
    let error = Command::parse("account.update", object.as_object().unwrap().clone()).unwrap_err();
    assert_eq!((error.code.as_str(), error.field.as_deref()), ("bad_field", Some("options.port")));
    let object = json!({ "conversation": "c1", "spans": [{ "text": "a" }, { "bold": true }] });
    let error = Command::parse("message.send", object.as_object().unwrap().clone()).unwrap_err();
    assert_eq!((error.code.as_str(), error.field.as_deref()), ("missing_field", Some("spans[1].text")));
    let ok = json!({ "account": "a1", "options": { "port": 5222, "tls": true, "server": null } });
    match Command::parse("account.update", ok.as_object().unwrap().clone()).unwrap() {
        Command::AccountUpdate(update) => {
            assert_eq!((&update.options["port"], &update.options["server"]), (&Some(Setting::Int(5222)), &None));
        }
        other => panic!("{other:?}"),
    }
}

/// Paths of the properties below a schema that nobody has described. A variant with one property may say it for both.
fn undescribed(path: &str, schema: &Value, found: &mut Vec<String>) {
    let described = |schema: &Value| schema.get("description").is_some() || schema.get("const").is_some();
    let properties = schema["properties"].as_object();
    for (name, property) in properties.into_iter().flatten() {
        let path = format!("{path}.{name}");
        let only = properties.is_some_and(|all| all.len() == 1);
        let told_by_all = only && described(schema);
        if !described(property) && !told_by_all {
            found.push(path.clone());
        }
        undescribed(&path, property, found);
    }
    for variant in ["oneOf", "anyOf", "allOf"].into_iter().flat_map(|key| schema[key].as_array().into_iter().flatten()) {
        let name = variant["properties"]["type"]["const"].as_str().unwrap_or("…");
        undescribed(&format!("{path}/{name}"), variant, found);
    }
}

#[test]
fn the_schema_describes_every_field() {
    let document = crate::api::schema::document();
    let mut found = Vec::new();
    let definitions = document["$defs"].as_object().unwrap();
    definitions.iter().for_each(|(name, schema)| undescribed(name, schema, &mut found));
    assert!(found.is_empty(), "{found:#?}");
}
