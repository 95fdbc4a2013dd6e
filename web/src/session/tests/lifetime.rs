//! Time: who counts as gone, as idle, and whose session ends; who may come back.

use super::*;

fn removed(site: &Site) -> bool {
    site.bridge.take().iter().any(|command| command.kind == CommandKind::RemoveUser)
}

fn idle(site: &Site) -> Option<Option<Timestamp>> {
    site.bridge.take().into_iter().rev().find_map(|command| match command.kind {
        CommandKind::SetIdle { since } => Some(since),
        _ => None,
    })
}

/// Advances in steps as the hub's own seconds do.
fn pass(site: &Site, ms: u64) {
    site.clock.advance(ms);
    site.hub.tick();
}

fn config() -> SessionConfig {
    SessionConfig::default()
}

#[test]
fn a_guest_who_does_not_poll_is_idle_after_hold_and_grace_and_ends_after_the_linger() {
    let site = Site::with(config());
    site.attach("c");
    pass(&site, 44_999);
    assert_eq!(idle(&site), None);
    pass(&site, 1);
    assert_eq!(idle(&site), Some(Some(Timestamp(1_795_377_600_000))), "since the last sign of life");
    pass(&site, 10 * 60_000 - 1);
    assert!(!removed(&site));
    pass(&site, 1);
    assert!(removed(&site));
    assert!(site.hub.authenticate(&site.login.token).is_none());
    assert_eq!(site.hub.refusal(Some(site.login.token.as_str())).code, "session_ended");
    assert_eq!(site.hub.refusal(Some("other")).code, "not_signed_in");
    assert_eq!(site.hub.users(), 0);
}

#[test]
fn coming_back_ends_the_idleness() {
    let site = Site::with(config());
    site.attach("c");
    pass(&site, 60_000);
    assert!(matches!(idle(&site), Some(Some(_))));
    site.attach("c");
    assert_eq!(idle(&site), Some(None));
    pass(&site, 44_999);
    assert_eq!(idle(&site), None);
}

#[test]
fn a_hidden_tab_has_more_time() {
    let site = Site::with(config());
    site.attach("c");
    site.accept("c", "1", json!({ "type": "client.state", "hidden": true }));
    pass(&site, 114_999);
    assert_eq!(idle(&site), None);
    pass(&site, 1);
    assert!(matches!(idle(&site), Some(Some(_))));
}

#[tokio::test]
async fn a_parked_poll_is_a_sign_of_life_for_as_long_as_its_connection_is() {
    let site = Site::with(config());
    site.attach("c");
    let poll = site.park("c", 0, None).await;
    for _ in 0..20 {
        pass(&site, 60_000);
    }
    assert_eq!((idle(&site), removed(&site)), (None, false));
    poll.abort();
    assert!(poll.await.unwrap_err().is_cancelled());
    pass(&site, 45_000);
    assert!(matches!(idle(&site), Some(Some(_))), "the orphaned end is noticed");
}

#[test]
fn a_guest_whose_only_account_failed_for_good_ends_early() {
    let site = Site::with(config());
    site.attach("c");
    let stands = |fatal| {
        let error = AccountError { code: "wrong_password".into(), message: "Wrong password.".into(), fatal };
        let state = if fatal { AccountState::Error } else { AccountState::Waiting };
        let standing = AccountStanding { error: Some(error), ..AccountStanding::plain(state) };
        EventKind::AccountState { account: site.login.account, standing }
    };
    site.tell([stands(false)]);
    pass(&site, 60_000);
    assert!(!removed(&site), "it may still come right");
    site.tell([stands(true)]);
    pass(&site, 59_999);
    assert!(!removed(&site));
    pass(&site, 1);
    assert!(removed(&site));
}

#[test]
fn saying_good_bye_shortens_the_wait_to_the_grace() {
    let site = Site::with(config());
    site.clock.advance(30_000);
    site.attach("c");
    site.hub.detach(&site.session, "c");
    pass(&site, 19_999);
    assert_eq!(idle(&site), None);
    pass(&site, 1);
    assert!(matches!(idle(&site), Some(Some(_))));
}

#[test]
fn idle_in_all_tabs_is_idle() {
    let site = Site::with(config());
    site.clock.advance(1_000_000);
    site.attach("one");
    site.attach("two");
    let report = |client: &str, id: &str, seconds: u64| {
        let body = json!([{ "id": id, "type": "client.state", "hidden": false, "idle_seconds": seconds }]);
        assert_eq!(site.post(client, body).0, 202);
    };
    report("one", "1", 900);
    assert_eq!(idle(&site), None, "the other is not");
    report("two", "1", 600);
    assert_eq!(idle(&site), Some(Some(Timestamp(1_795_377_600_000 + 400_000))), "since the later of the two");
    report("two", "2", 0);
    assert_eq!(idle(&site), Some(None));
}

#[test]
fn the_bridge_is_told_what_the_user_looks_at() {
    let site = Site::with(config());
    site.attach("c");
    site.tell([opened(1)]);
    let look = |id: &str, hidden: bool, focused: Json| {
        site.accept("c", id, json!({ "type": "client.state", "hidden": hidden, "focused": focused }))
    };
    let focus = |id: Option<u64>| Some(CommandKind::SetFocus { conversation: id.map(ConversationId) });
    assert_eq!(look("1", false, json!("c1")), focus(Some(1)));
    assert_eq!(look("2", false, json!("c1")), None, "no news");
    assert_eq!(look("3", true, json!("c1")), focus(None));
    assert_eq!(look("4", false, json!("c99")), None, "what is not there cannot be looked at");
}

#[test]
fn a_client_is_known_for_the_resume_time_and_sixteen_at_most() {
    let site = Site::with(SessionConfig { resume_ms: 50_000, attaches_per_minute: 0, ..config() });
    site.attach("c");
    pass(&site, 45_000);
    assert_eq!(site.session.lock().clients.len(), 1);
    site.attach("other");
    pass(&site, 45_000);
    let ids = |site: &Site| site.session.lock().clients.iter().map(|client| client.id.to_string()).collect::<Vec<_>>();
    assert_eq!(ids(&site), ["other"]);
    for number in 0..20 {
        site.clock.advance(1);
        site.attach(&format!("tab{number}"));
    }
    assert_eq!(ids(&site).len(), 16);
    assert!(
        !ids(&site).contains(&"other".to_owned()) && !ids(&site).contains(&"tab3".to_owned()) && ids(&site).contains(&"tab4".to_owned())
    );
}

#[test]
fn attaches_are_limited_and_client_ids_checked() {
    let site = Site::with(config());
    let mut refused = None;
    for _ in 0..21 {
        refused = site.hub.attach(&site.session, "c").err();
    }
    let refused = refused.unwrap();
    assert_eq!((refused.status.as_u16(), &*refused.code), (429, "rate_limited"));
    site.clock.advance(refused.retry_ms.unwrap());
    site.attach("c");
    for bad in ["", "a b", "ü", &"x".repeat(65)] {
        assert_eq!(site.hub.attach(&site.session, bad).unwrap_err().field.as_deref(), Some("client"));
    }
}

#[test]
fn a_removal_that_the_bridge_had_no_room_for_is_told_again() {
    let site = Site::with_room(config(), 1);
    site.attach("c");
    site.tell([opened(1)]);
    assert_eq!(site.post("c", json!([{ "id": "1", "type": "attention.send", "conversation": "c1" }])).0, 202);
    site.logout(&site.login.token);
    assert!(!removed(&site));
    site.hub.tick();
    assert!(removed(&site));
}

/// Notices of these ids, told to a user whose network takes nothing.
fn flood(site: &Site, user: UserId, ids: std::ops::Range<u64>) {
    let told = |id| {
        EventKind::NoticeOpened(Notice {
            id: NoticeId(id),
            account: Some(AccountId(1)),
            kind: NoticeKind::Message,
            title: "flood".into(),
            html: String::new(),
            columns: Vec::new(),
            rows: Vec::new(),
            buttons: Vec::new(),
            url: None,
            profile: None,
        })
    };
    site.hub.take_batch(ids.map(|id| BridgeEvent { user, origin: None, kind: told(id) }).collect());
}

#[test]
fn what_waits_for_a_network_that_takes_nothing_is_bounded_for_each_user_and_the_user_is_told() {
    let site = Site::with_room(config(), 1);
    let (one, other) =
        (site.session.id(), site.hub.authenticate(&site.hub.open_guest(network(), bridge::id::PersonId(1)).unwrap().token).unwrap().id());
    site.bridge.take();
    site.attach("c");
    // Of each user 200 notices stand; what comes in the place of the oldest is to be told to the network.
    site.hub.tell(one, CommandKind::SetFocus { conversation: None });
    let own = |snapshot: &Json| {
        let all = snapshot["notices"].as_array().unwrap();
        all.iter()
            .filter(|notice| notice["title"] == "One of your networks does not answer")
            .map(|notice| notice["id"].clone())
            .collect::<Vec<_>>()
    };
    flood(&site, one, 0..456);
    assert_eq!(own(&site.snapshot()), Vec::<Json>::new(), "all of it fits");
    flood(&site, one, 456..2000);
    assert_eq!(site.hub.counters().chores_left_out.get(), 2000 - 456);
    let notices = own(&site.snapshot());
    assert_eq!(notices.len(), 1, "once, and it stays");
    // Another user has as much room.
    flood(&site, other, 0..300);
    assert_eq!(site.hub.counters().chores_left_out.get(), 2000 - 456);
    // What waits comes in its order when there is room.
    let mut told = Vec::new();
    for _ in 0..2000 {
        let commands = site.bridge.take();
        told.extend(commands.into_iter().filter_map(|command| match command.kind {
            CommandKind::CloseNotice(id) => Some((command.user, id.0)),
            _ => None,
        }));
        site.hub.tick();
    }
    let of = |user| told.iter().filter(|(whose, _)| *whose == user).map(|(_, id)| *id).collect::<Vec<_>>();
    assert_eq!((of(one), of(other)), ((0..256).collect::<Vec<_>>(), (0..100).collect::<Vec<_>>()));
    // The user has read it.
    assert_eq!(site.accept("c", "1", json!({ "type": "notice.close", "notice": notices[0] })), None);
    assert_eq!(own(&site.snapshot()), Vec::<Json>::new());
}

#[test]
fn what_a_log_in_refuses() {
    let site = Site::with(SessionConfig { users: 2, ..config() });
    let code = |change: Json| {
        let mut network = serde_json::to_value(network()).unwrap();
        network.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let error = site.hub.open_guest(serde_json::from_value(network).unwrap(), bridge::id::PersonId(1)).unwrap_err();
        (error.status.as_u16(), error.code.to_string(), error.field)
    };
    assert_eq!(code(json!({ "protocol": "prpl-x" })), (400, "no_such_protocol".into(), Some("protocol".into())));
    assert_eq!(code(json!({ "options": { "x": 1 } })), (400, "no_such_option".into(), Some("options.x".into())));
    assert_eq!(code(json!({ "username": "" })), (400, "missing_field".into(), Some("username".into())));
    assert_eq!(code(json!({ "password": null })), (400, "missing_field".into(), Some("password".into())));
    assert_eq!(code(json!({ "register": true })), (400, "not_supported".into(), Some("register".into())));
    site.hub.open_guest(network(), bridge::id::PersonId(1)).unwrap();
    assert_eq!(code(json!({})), (503, "full".into(), None));
    site.hub.drain();
    assert_eq!(code(json!({})).1, "restarting");
    let splits = json!({ "protocol": "prpl-jabber", "splits": { "user": "ines", "parts": [] }, "password": "p" });
    let other = Site::with(config());
    let login = other.hub.open_guest(serde_json::from_value(splits).unwrap(), bridge::id::PersonId(1)).unwrap();
    assert_eq!(login.user.name, "ines@example.org");
    assert!(login.user.guest);
}

#[test]
fn a_guest_without_an_account_has_it_made_first() {
    let mut catalogue = catalogue();
    catalogue.protocols[0].features = ["register"].into_iter().collect();
    let (handle, bridge) = BridgeHandle::detached(2, catalogue);
    let hub = Hub::new(Arc::new(handle), config(), Arc::new(ManualClock::default()));
    let login = hub.open_guest(Network { register: true, ..network() }, bridge::id::PersonId(1)).unwrap();
    let sent = bridge.take();
    let [BridgeCommand { kind: CommandKind::AddAccount { account, settings }, .. }, BridgeCommand { kind: made, .. }] = &sent[..] else {
        panic!("{sent:?}")
    };
    assert_eq!((*account, settings.enabled), (login.account, false));
    assert!(matches!(made, CommandKind::RegisterAccount(account) if *account == login.account), "{made:?}");
    let session = hub.authenticate(&login.token).unwrap();
    let shown = session.lock().accounts[0].clone();
    assert_eq!((shown.enabled, shown.standing.state), (false, AccountState::Offline));
}

#[test]
fn a_site_without_room_in_the_bridge_opens_no_session() {
    let (handle, bridge) = BridgeHandle::detached(1, catalogue());
    let hub = Hub::new(Arc::new(handle.clone()), config(), Arc::new(ManualClock::default()));
    hub.open_guest(network(), bridge::id::PersonId(1)).unwrap();
    assert_eq!(hub.open_guest(network(), bridge::id::PersonId(1)).unwrap_err().code, "busy");
    assert_eq!(hub.users(), 1);
    bridge.take();
    bridge::Networks::quit(&handle);
    assert_eq!(hub.open_guest(network(), bridge::id::PersonId(1)).unwrap_err().code, "unavailable");
    assert_eq!(hub.users(), 1);
}
