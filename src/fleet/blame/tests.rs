use super::*;

const MINUTE: Duration = Duration::from_secs(60);
const PERSON: PersonId = PersonId(1);

fn culprit(account: u64, person: u64, server: u64) -> Culprit {
    Culprit { account: AccountId(account), person: PersonId(person), guest: false, server: ServerKey(server), protocol: "prpl-a".into() }
}

fn server(number: u64) -> Server {
    Server { key: ServerKey(number), name: format!("s{number}.example:5222"), chosen: true }
}

struct Site(Crashes, Instant);

impl Site {
    fn new(most: usize) -> Self {
        Self(Crashes::new(most, 10 * MINUTE), Instant::now())
    }

    fn blame(&mut self, account: u64, person: u64, at: u64) -> Option<String> {
        self.0.blame(self.1, &culprit(account, person, at), server(at), 1)
    }

    fn refused(&self, account: u64, person: u64, at: u64) -> bool {
        self.0.refusal(self.1, &culprit(account, person, at), false).is_some()
    }

    fn kinds(&self) -> Vec<&'static str> {
        self.0.aside(self.1).iter().map(|aside| aside.kind).collect()
    }
}

#[test]
fn three_crashes_in_ten_minutes_set_an_account_aside() {
    let (mut crashes, start) = (Crashes::new(3, 10 * MINUTE), Instant::now());
    let mut blame = |minutes: u32, account| crashes.blame(start + minutes * MINUTE, &culprit(account, 1, 1), server(1), 1);
    assert_eq!(blame(0, 1), None);
    assert_eq!(blame(4, 1), None);
    assert_eq!(blame(11, 1), None, "the first is forgotten");
    let words = blame(12, 1).expect("three");
    assert!(words.starts_with("This account is set aside") && words.contains("3 times"), "{words}");
    assert!(crashes.is_suspect(start + 13 * MINUTE, AccountId(1)));
    assert!(!crashes.is_suspect(start + 23 * MINUTE, AccountId(1)));
    let told = crashes.aside(start + 13 * MINUTE);
    assert_eq!((told[0].kind, told[0].name.as_str(), told[0].seconds), ("account", "a1", 540));
    assert!(told[0].why.contains("3 times") && crashes.aside(start + 23 * MINUTE).is_empty());
}

#[test]
fn one_person_takes_nothing_from_others_with_however_many_accounts_and_servers() {
    let mut site = Site::new(3);
    for number in 1..=50 {
        assert_eq!(site.blame(number, 1, number), None);
        assert_eq!(site.blame(100 + number, 1, 7), None);
    }
    assert!(site.kinds().is_empty());
    assert!(!site.refused(1000, 2, 7) && !site.refused(1000, 2, 1000));
}

#[test]
fn three_people_on_one_server_set_the_server_aside_and_no_other() {
    let mut site = Site::new(3);
    assert_eq!((site.blame(1, 1, 1), site.blame(2, 2, 1)), (None, None));
    let words = site.blame(3, 3, 1).expect("three people");
    assert!(words.starts_with("The server s1.example:5222 is set aside"), "{words}");
    assert!(site.refused(9, 9, 1) && site.refused(3, 3, 2), "the account as well");
    assert!(!site.refused(9, 9, 2), "the protocol goes on");
    assert_eq!(site.kinds(), ["account", "server"]);
    assert!(!site.refused(1, 1, 2), "who crashed once before is not set aside");
}

#[test]
fn a_few_of_many_do_not_take_a_server_from_the_others() {
    let (mut crashes, now) = (Crashes::new(3, 10 * MINUTE), Instant::now());
    for person in 1..=3 {
        assert_eq!(crashes.blame(now, &culprit(person, person, 1), server(1), 7), None);
    }
    assert!(crashes.blame(now, &culprit(4, 4, 1), server(1), 7).is_some(), "four of seven");
}

#[test]
fn three_people_on_three_servers_set_the_protocol_aside_where_servers_are_unknown() {
    let mut site = Site::new(3);
    assert_eq!((site.blame(1, 1, 1), site.blame(2, 2, 2)), (None, None));
    assert_eq!(site.blame(3, 1, 3), None, "a third server of the first person");
    assert_eq!(site.blame(4, 3, 2), None, "a third person on the second server");
    assert!(site.blame(5, 3, 5).expect("three and three").starts_with("This network is set aside"));
    assert!(site.refused(9, 9, 9));
    let other = Culprit { protocol: "prpl-b".into(), ..culprit(9, 9, 9) };
    assert_eq!(site.0.refusal(site.1, &other, false), None);
    assert_eq!(site.0.refusal(site.1, &culprit(9, 9, 9), true), None, "known servers go on");
    assert_eq!(site.kinds(), ["account", "protocol"]);
    assert!(site.0.refusal(site.1 + 10 * MINUTE, &culprit(9, 9, 9), false).is_none());
}

#[test]
fn who_may_have_done_it_is_kept_apart_and_nothing_is_held_against_it() {
    let mut site = Site::new(3);
    for _ in 0..5 {
        site.0.suspect(site.1, &culprit(1, 1, 1));
    }
    assert!(site.0.is_suspect(site.1, AccountId(1)));
    assert_eq!(site.blame(1, 1, 1), None);
    assert!(!site.0.is_suspect(site.1 + 10 * MINUTE, AccountId(1)));
}

#[test]
fn a_crash_makes_its_server_and_its_person_doubted_for_a_while() {
    let mut site = Site::new(3);
    site.blame(1, 1, 1);
    let doubted = |site: &Site, person, server, known| site.0.is_doubted(site.1, PersonId(person), ServerKey(server), known);
    assert!(doubted(&site, 1, 9, false) && doubted(&site, 9, 1, false), "the person elsewhere, others there");
    assert!(!doubted(&site, 9, 9, false));
    assert!(!doubted(&site, 1, 9, true) && !doubted(&site, 9, 1, true), "one account is not enough where the server is known");
    site.blame(1, 1, 1);
    assert!(!doubted(&site, 1, 9, true), "still one account");
    site.blame(2, 1, 2);
    assert!(doubted(&site, 1, 9, true), "two are");
    let later = site.1 + 10 * MINUTE;
    assert!(!site.0.is_doubted(later, PERSON, ServerKey(1), false) && site.0.may_vouch(later, PERSON, ServerKey(1)));
    assert!(!site.0.may_vouch(site.1, PERSON, ServerKey(9)) && !site.0.may_vouch(site.1, PersonId(9), ServerKey(1)));
}

#[test]
fn zero_sets_nobody_aside_and_what_is_remembered_is_bounded() {
    let mut site = Site::new(0);
    for number in 0..1000 {
        assert_eq!(site.blame(number, number, number), None);
    }
    assert_eq!(site.0.recent.len(), MOST);
    let mut site = Site::new(1);
    for number in 0..1000 {
        site.blame(number, 1, number);
    }
    assert!(site.0.aside.len() <= MOST);
}

#[test]
fn a_heavy_account_is_kept_apart_and_nobody_else_is() {
    let mut site = Site::new(3);
    for account in 0..1000 {
        site.0.note_heavy(site.1, AccountId(account));
        site.0.note_heavy(site.1, AccountId(999));
    }
    assert!(site.0.is_suspect(site.1, AccountId(999)) && !site.0.is_suspect(site.1 + 10 * MINUTE, AccountId(999)));
    assert!(site.0.heavy.len() <= MOST && site.0.recent.is_empty());
    assert!(!site.0.is_doubted(site.1, PERSON, ServerKey(1), false) && site.0.may_vouch(site.1, PERSON, ServerKey(1)));
}

#[test]
fn guests_take_no_protocol_and_no_server_that_is_everybodys() {
    let mut site = Site::new(3);
    for number in 1..=9 {
        site.0.blame(site.1, &Culprit { guest: true, ..culprit(number, number, number) }, server(number), 1);
    }
    let only = Server { chosen: false, ..server(50) };
    for number in 21..=29 {
        site.0.blame(site.1, &Culprit { guest: true, ..culprit(number, number, 50) }, only.clone(), 1);
    }
    assert!(site.kinds().is_empty(), "{:?}", site.kinds());
    for number in 31..=33 {
        site.0.blame(site.1, &culprit(number, number, 50), only.clone(), 1);
    }
    assert_eq!(site.kinds(), ["account", "server"]);
}
