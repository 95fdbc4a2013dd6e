//! Profiles that networks tell: entries as data, bounded, and nothing in them that acts.

use super::*;
use bridge::model::{Notice, NoticeKind, Profile, ProfileEntry, ProfileKind};

fn entry(kind: ProfileKind, label: &str, html: &str) -> ProfileEntry {
    ProfileEntry { kind, label: label.into(), html: html.into() }
}

fn profile(entries: Vec<ProfileEntry>, picture: Option<&str>) -> EventKind {
    EventKind::NoticeOpened(Notice {
        id: bridge::id::NoticeId(1),
        account: Some(AccountId(1)),
        kind: NoticeKind::Userinfo,
        title: "joe".into(),
        html: String::new(),
        columns: Vec::new(),
        rows: Vec::new(),
        buttons: Vec::new(),
        url: None,
        profile: Some(Profile { name: "joe@example.org".into(), entries, picture: picture.map(str::to_owned) }),
    })
}

fn shown(site: &Site) -> serde_json::Value {
    site.snapshot()["notices"][0]["profile"].clone()
}

#[test]
fn entries_are_labels_and_spans_and_what_acts_is_left_out() {
    let site = Site::new();
    site.attach("c");
    let hash = "0".repeat(64);
    let entries = vec![
        entry(ProfileKind::Pair, "<b>Town:</b>", "Jaca &amp; more"),
        entry(ProfileKind::Break, "", ""),
        entry(ProfileKind::Heading, "Work", ""),
        entry(
            ProfileKind::Pair,
            "Site",
            "<a href='https://example.org/'>here</a> <a href='javascript:alert(1)'>there</a><script>x</script>",
        ),
        entry(ProfileKind::Pair, "Photo", "<img id='7'>"),
        entry(ProfileKind::Pair, "", "  "),
    ];
    site.tell([profile(entries, Some(&hash))]);
    let site_of = json!([{ "text": "here", "link": "https://example.org/" }, { "text": " there" }]);
    let expected = json!({
        "name": "joe@example.org",
        "picture": hash,
        "entries": [
            { "kind": "pair", "label": "Town", "value": [{ "text": "Jaca & more" }] },
            { "kind": "break" },
            { "kind": "heading", "label": "Work" },
            { "kind": "pair", "label": "Site", "value": site_of },
        ],
    });
    assert_eq!(shown(&site), expected);
}

#[test]
fn a_profile_without_end_is_cut_and_says_so() {
    let site = Site::new();
    site.attach("c");
    let long = "x".repeat(1 << 20);
    let few = vec![entry(ProfileKind::Pair, &long, &long); 5];
    let many = vec![entry(ProfileKind::Pair, "a", "b"); 5000];
    let other = Some("not a hash, and longer than one: ".repeat(10));
    for (entries, cut) in [(few, false), (many, false), (vec![entry(ProfileKind::Pair, "a", &long); 300], true)] {
        site.tell([profile(entries, other.as_deref())]);
        let shown = shown(&site);
        assert!(shown.to_string().len() < 128 << 10, "{}", shown.to_string().len());
        assert_eq!((shown.get("cut").is_some(), shown.get("picture")), (cut, None));
        assert!(shown["entries"].as_array().unwrap().len() <= 300);
    }
}
