use super::*;

pub(crate) fn settings() -> AccountSettings {
    AccountSettings {
        person: None,
        visitor: None,
        protocol: "prpl-a".to_owned(),
        username: Username::Whole("somebody".to_owned()),
        password: None,
        options: BTreeMap::new(),
        stored: BTreeMap::new(),
        pins: Vec::new(),
        alias: String::new(),
        enabled: true,
        status: Status::default(),
        before: Before::default(),
    }
}

#[test]
fn who_is_on_a_server_are_people_and_not_accounts() {
    let mut ledger = Ledger::default();
    let here = server::of(None, &settings()).key;
    for (account, person) in [(1, Some(7)), (2, Some(7)), (3, None)] {
        let settings = AccountSettings { person: person.map(PersonId), ..settings() };
        assert!(ledger.add(UserId(account), AccountId(account), Box::new(settings), None, Group::Core, Instant::now()));
    }
    assert_eq!(ledger.people_on(here), 2);
    let one = ledger.culprit(AccountId(3)).expect("an account");
    assert_eq!((one.person, one.server, &*one.protocol), (PersonId(3), here, "prpl-a"), "whoever is no guest is themselves");
    assert_eq!(ledger.restoring(AccountId(1), Before::default()).len(), 1);
    let [CommandKind::AddAccount { settings, .. }] = &ledger.restoring(AccountId(1), Before::default())[..] else { panic!() };
    assert_eq!(settings.person, None, "no worker learns of it");
}
