//! Bodies: known texts, hostile ones, and any at all.

use super::*;
use bridge::id::PictureId;
use bridge::model::{Picture, PicturePlace, PictureState};
use proptest::prelude::*;

const LIMIT: usize = 64 << 10;

fn parse(html: &str) -> Vec<Span> {
    spans(html, LIMIT)
}

fn flat(html: &str) -> String {
    text(&parse(html))
}

#[test]
fn styles_nest_and_end() {
    let expected = vec![
        Span { text: "a".into(), ..Span::default() },
        Span { text: "b".into(), bold: true, ..Span::default() },
        Span { text: "c".into(), bold: true, italic: true, ..Span::default() },
        Span { text: "d".into(), ..Span::default() },
    ];
    assert_eq!(parse("a<b>b<i>c</b>d"), expected);
    let one = |html: &str| parse(html).pop().unwrap();
    assert!(one("<u>x</u>").underline && one("<s>x</s>").strike && one("<tt>x").code && one("<blockquote>x</blockquote>").quote);
    assert_eq!(one("<font color='#F00'>x</font>").color.as_deref(), Some("#ff0000"));
    assert_eq!(one("<span style='color: rgb(1, 2, 255); font-weight: bold'>x</span>").color.as_deref(), Some("#0102ff"));
    assert!(one("<span style='text-decoration: underline line-through'>x</span>").strike);
    for bad in ["url(x)", "red;background:url(x)", "#12", "#ggg", "expression(1)", "éé"] {
        assert_eq!(one(&format!("<font color=\"{bad}\">x</font>")).color, None, "{bad}");
    }
}

#[test]
fn lines_entities_and_blocks() {
    for (html, text) in [
        ("a &lt;b&gt; &amp;amp; &#x263A;", "a <b> &amp; ☺"),
        ("one<br>two<BR/>three", "one\ntwo\nthree"),
        ("one<br>\ntwo", "one\ntwo"),
        ("one\ntwo", "one\ntwo"),
        ("<p>one</p><p>two</p>", "one\ntwo"),
        ("<div>one</div>\n<div>two</div>", "one\ntwo"),
        ("<ul><li>one</li><li>two</li></ul>", "• one\n• two"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a\tb\nc"),
        ("a\u{0}b\u{1b}[31mc\td", "ab[31mc\td"),
        ("x < y and y > z", "x < y and y > z"),
        ("", ""),
    ] {
        assert_eq!(flat(html), text, "{html:?}");
    }
}

#[test]
fn addresses_become_links() {
    let links = |html: &str| parse(html).into_iter().filter_map(|span| span.link.map(|link| (span.text, link))).collect::<Vec<_>>();
    let same = |text: &str| vec![(text.to_owned(), text.to_owned())];
    assert_eq!(links("see https://example.org/a_(b)?c=d#e."), same("https://example.org/a_(b)?c=d#e"));
    assert_eq!(links("(http://example.org/)"), same("http://example.org/"));
    assert_eq!(links("www.example.org, ok"), [("www.example.org".to_owned(), "http://www.example.org".to_owned())]);
    assert_eq!(links("<b>irc://irc.example.org/room</b>!"), same("irc://irc.example.org/room"));
    assert_eq!(links("<a href='HTTPS://example.org/x'>here</a>"), [("here".to_owned(), "https://example.org/x".to_owned())]);
    let mailbox = |text: &str, address: &str| assert_eq!(links(text), [(address.to_owned(), format!("mailto:{address}"))], "{text}");
    mailbox("write to bob.b+x@mail.example.org.", "bob.b+x@mail.example.org");
    mailbox("<i>bob@example.org</i>", "bob@example.org");
    mailbox("@ida a@b ida@example.c0m \"bob@example.org\"", "bob@example.org");
    // What stands before the `@` is no part of the place.
    let shown = [("http://bob@example.org/x", "http://bob@example.org/x"), (" (http://example.org/x)", "http://bob@example.org/x")];
    assert_eq!(links("http://bob@example.org/x"), shown.map(|(text, link)| (text.to_owned(), link.to_owned())));
    assert_eq!(links("eva@example.org http://a.example ida@example.org").len(), 3);
    for none in [
        "bob@",
        "@example.org",
        "bob@example",
        "a@b@example.org",
        "bob@example.org@c",
        "bob@.org",
        &format!("{}@example.org", "a".repeat(70)),
        "xhttp://a",
        "http://",
        "www.",
        "mailto:",
        "<code>http://example.org</code>",
        "javascript:alert(1)",
    ] {
        assert_eq!(links(none), [], "{none}");
    }
    for bad in [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java\nscript:alert(1)",
        " data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "//evil",
        "x",
    ] {
        assert_eq!(links(&format!("<a href=\"{bad}\">x</a>")), [], "{bad}");
    }
}

#[test]
fn addresses_end_before_the_marks_of_every_script() {
    for (text, address) in [
        ("看 https://a.test/x。", "https://a.test/x"),
        ("（https://a.test/y）", "https://a.test/y"),
        ("https://a.test/z，然后", "https://a.test/z"),
        ("「https://a.test/q?r=1」と", "https://a.test/q?r=1"),
        ("见https://a.test/！对", "https://a.test/"),
        ("‘https://a.test/b’", "https://a.test/b"),
        ("【www.a.test】", "www.a.test"),
        ("https://a.test/c؟ نعم", "https://a.test/c"),
        ("https://a.test/d।", "https://a.test/d"),
        ("https://a.test/e\u{200b}f", "https://a.test/e"),
        ("https://a.test/日本", "https://a.test/日本"),
    ] {
        let found: Vec<_> = parse(text).into_iter().filter(|span| span.link.is_some()).map(|span| span.text).collect();
        assert_eq!(found, [address], "{text}");
        assert_eq!(flat(text), text);
    }
}

/// The text of an HTML whose links without an address lead to `https://evil.test/`.
fn beside(html: &str) -> String {
    flat(&html.replace("<a>", "<a href='https://evil.test/'>"))
}

#[test]
fn a_link_that_looks_like_another_says_where_it_leads() {
    const EVIL: &str = " (https://evil.test/)";
    for (html, before, after) in [
        ("<a>https://bank.test</a>", "https://bank.test", ""),
        ("<a>bank.test/login</a>", "bank.test/login", ""),
        ("<a>WWW.BANK.TEST</a>!", "WWW.BANK.TEST", "!"),
        ("<a>see bank.test, now</a>", "see bank.test,", " now"),
        ("<a>https://bank.test@evil.test/</a>", "https://bank.test@evil.test/", ""),
        ("<a>anna@bank.test</a>", "anna@bank.test", ""),
        ("<a>mailto:anna@bank.test</a>", "mailto:anna@bank.test", ""),
        ("<a>192.0.2.1</a>", "192.0.2.1", ""),
        ("<a>https://localhost/</a>", "https://localhost/", ""),
        // Not to be seen, or not what it looks like.
        ("<a>https://b\u{200b}ank\u{200c}.test</a>", "https://bank\u{200c}.test", ""),
        ("<a>\u{202e}bank.test</a>", "bank.test", ""),
        ("<a>https：／／bank。test</a>", "https：／／bank。test", ""),
        ("<a>еvil.test</a>", "еvil.test", ""),
        ("<a>evil.test.bank.test</a>", "evil.test.bank.test", ""),
        // In parts.
        ("<a>https://<b>bank</b>.te<i>st</i></a> x", "https://bank.test", " x"),
        ("<a>https://bank</a><a>.test</a>", "https://bank.test", ""),
        ("<a>https://bank</a>.test/x", "https://bank.test/x", ""),
        ("<a>(bank</a>.test)", "(bank.test", ")"),
    ] {
        assert_eq!(beside(html), format!("{before}{EVIL}{after}"), "{html}");
    }
    let two = beside("<a>https://bank</a><a href='https://worse.test'>.test</a>");
    assert_eq!(two, "https://bank.test (https://evil.test/) (https://worse.test)");
    assert_eq!(beside("https://bank<a>.test/x</a>"), "https://bank.test/x (https://bank) (https://evil.test/)");
    let added: Vec<_> =
        parse("<a href='https://evil.test/'><b>bank.test</b></a>").into_iter().map(|span| (span.text, span.link, span.bold)).collect();
    let evil = Some("https://evil.test/".to_owned());
    assert_eq!(added, [("bank.test".to_owned(), evil.clone(), true), (EVIL.to_owned(), evil, false)]);
    for state in [PictureState::Here("0123456789abcdef".repeat(4)), PictureState::Awaited(PictureId(7))] {
        let picture = "<a href='https://evil.test/'><img src='picture:0' alt='to the bank'></a>";
        let shown = spans_with(picture, LIMIT, &[Picture { place: PicturePlace::Source("picture:0".to_owned()), state }]);
        assert_eq!(text(&shown), format!("to the bank{EVIL}"));
    }
}

#[test]
fn the_address_beside_a_link_is_the_one_that_browsers_take() {
    for (address, shown) in [
        ("https://bank.test@evil.test/", "https://evil.test/"),
        ("https://bank.test\\@bank.test/", "https://bank.test\\@bank.test/"),
        ("https:evil.test", "https://evil.test"),
        ("http:\\\\evil.test\\x", "http://evil.test\\x"),
        ("https://еvil.test/ä", "https://xn--vil-qdd.test/%C3%A4"),
        ("HTTPS://EVIL.test:8443/", "https://evil.test:8443/"),
        ("mailto:anna@bänk.test?subject=x", "mailto:anna@xn--bnk-qla.test?subject=x"),
        ("irc://irc.evil.test/room", "irc://irc.evil.test/room"),
        ("tel:+123", "tel:+123"),
    ] {
        let text = flat(&format!("<a href='{address}'>https://other.test</a>"));
        assert_eq!(text, format!("https://other.test ({shown})"), "{address}");
    }
    let long = flat(&format!("<a href='https://evil.test/{}'>bank.test</a>", "x".repeat(1000)));
    assert!(long.starts_with("bank.test (https://evil.test/xxx") && long.ends_with("x…)") && long.len() < 200, "{long}");
    // Beyond some of them a link that hides its target is none.
    let many = parse(&"<a href='https://evil.test/'>bank.test</a> <a href='https://evil.test/'>here</a> ".repeat(20));
    let linked = |word: &str| many.iter().filter(|span| span.text == word && span.link.is_some()).count();
    assert_eq!((linked("bank.test"), linked("here")), (8, 20));
}

#[test]
fn a_link_that_says_where_it_leads_stands_alone() {
    for html in [
        "<a>here</a>",
        "<a>evil.test</a>",
        "<a>www.evil.test/x</a>",
        "<a>HTTP://EVIL.TEST./</a>",
        "<a>https://evil.test:443/bank.test</a>",
        "<a>evil.test/?to=bank.test</a>",
        "<a>Version 1.2.3, e.g. 3.14</a>",
        "bank.test <a>here</a>, bank.test",
        "<a href='mailto:Anna@bank.test?subject=x'>anna@bank.test</a>",
        "<a href='xmpp:garden@rooms.test?join'>garden@rooms.test</a>",
        "<a href='https://münchen.test/'>münchen.test</a>",
        "<a href='https://xn--mnchen-3ya.test/'>https://münchen.test/</a>",
        "<a href='https://пример.рф/'>пример.рф</a>",
        "<a href='https://例え.test/'>例え.test</a>",
        "https://example.org/a_(b)?c=bank.test anna@bank.test xmpp:anna@bank.test",
    ] {
        let text: String = html.split('<').flat_map(|part| part.split_once('>').map_or(Some(part), |(_, text)| Some(text))).collect();
        assert_eq!(beside(html), text, "{html}");
    }
    // What is typed may look like another address all by itself.
    assert_eq!(flat("https://bank.test@evil.test/x"), "https://bank.test@evil.test/x (https://evil.test/x)");
    assert_eq!(flat("https://bаnk.test/"), "https://bаnk.test/ (https://xn--bnk-6cd.test/)");
}

/// The spans of a body with 3 pictures: by number, by source and by text.
fn with_pictures(html: &str) -> Vec<(String, Option<String>, Option<PictureId>)> {
    let pictures = [
        Picture { place: PicturePlace::Id(7), state: PictureState::Here("0123456789abcdef".repeat(4)) },
        Picture { place: PicturePlace::Source("picture:0".to_owned()), state: PictureState::Awaited(PictureId(3)) },
        Picture { place: PicturePlace::Text(":cat:".to_owned()), state: PictureState::Here("fedcba9876543210".repeat(4)) },
        Picture { place: PicturePlace::Id(8), state: PictureState::TooLarge((6 << 20) + 1) },
        Picture { place: PicturePlace::Id(9), state: PictureState::Here("../../etc".to_owned()) },
    ];
    spans_with(html, LIMIT, &pictures).into_iter().map(|span| (span.text, span.image, span.awaited)).collect()
}

#[test]
fn pictures_are_those_that_came_with_the_message() {
    let plain = |text: &str| (text.to_owned(), None, None);
    let here = |text: &str| (text.to_owned(), Some("0123456789abcdef".repeat(4)), None);
    let cat = || (":cat:".to_owned(), Some("fedcba9876543210".repeat(4)), None);
    assert_eq!(with_pictures("a <b>b <IMG ID=\"7\" alt=\"x\"></b>"), [plain("a "), plain("b "), here("x")]);
    assert_eq!(with_pictures("<img id=7><img id='7'>"), [here("[image]"), here("[image]")]);
    assert_eq!(with_pictures("<img alt=' ' src='picture:0'>"), [("[image]".to_owned(), None, Some(PictureId(3)))]);
    assert_eq!(
        with_pictures("<img id=8>, <img id=8 alt='cat'>"),
        [plain("[picture of 6.1 MB: too large to be shown], [cat of 6.1 MB: too large to be shown]")]
    );
    // Texts that stand for pictures, wherever they are; no part of a link, and none that only looks like one.
    assert_eq!(with_pictures("a:cat::cat: &amp; :cat"), [plain("a"), cat(), cat(), plain(" & :cat")]);
    assert_eq!(with_pictures("https://b.org/:cat:x <a href='https://b.org/'>:cat:</a>").iter().filter(|span| span.1.is_some()).count(), 0);
    // What the sender names by themselves is shown by its words, whatever it is.
    let hash = "0123456789abcdef".repeat(4);
    for source in ["http://tracker.example/x.png", &format!("media:{hash}"), &hash, "picture:1", "7", "data:image/png;base64,AAAA"] {
        assert_eq!(with_pictures(&format!("<img src='{source}' alt='smile'>")), [plain("smile")], "{source}");
        assert_eq!(with_pictures(&format!("<img src='{source}'>")), [plain("[image]")], "{source}");
        assert_eq!(with_pictures(&format!("a<img src='{source}'>")), [plain("a")], "{source}");
    }
    assert_eq!(with_pictures("<img id=9 alt='x'><img id=6 alt='y'>"), [plain("xy")]);
}

#[test]
fn what_is_not_text_is_not_shown() {
    for html in [
        "a<script>alert('<b>')</script>b",
        "a<style>b{}</style>b",
        "a<!-- <b>x</b> -->b",
        "a<iframe src=x>inner</iframe>b",
        "a<svg onload=alert(1)>b",
        "a<title>x</title>b",
        "a<textarea></b></textarea>b",
    ] {
        assert_eq!(flat(html), "ab", "{html}");
    }
    assert_eq!(flat("<script>never closed <b>x"), "");
}

#[test]
fn too_long_is_cut_at_a_character_with_a_mark() {
    let cut = spans(&"ö".repeat(100), 21);
    assert_eq!(text(&cut), format!("{}\n[…]", "ö".repeat(10)));
    assert_eq!(text(&spans("12345", 5)), "12345");
    assert!(text(&spans(&"<b></b>".repeat(100), 5)).ends_with("[…]"));
}

#[test]
fn hostile_sizes_are_quick() {
    let begun = std::time::Instant::now();
    parse(&"<b>".repeat(20_000));
    parse(&"<b>x<i>y".repeat(8_000));
    parse(&"http://".repeat(9_000));
    parse(&"(http://a".repeat(7_000));
    parse(&format!("http://a{}", ")".repeat(60_000)));
    parse(&"<a href=x ".repeat(6_000));
    parse(&"<a href='https://a.test/'>b.test<b>c".repeat(6_000));
    parse(&format!("<a href='https://a.test/'>{}", "b.test,".repeat(9_000)));
    parse(&format!("<a href='https://a.test/'>{}", "b.test ".repeat(9_000)));
    assert!(parse(&"<b>x</b>y".repeat(60_000)).len() <= 5000);
    assert!(begun.elapsed().as_secs() < 10, "a message can hold the hub up");
}

/// How much of this thread's own time the best of some attempts takes: others use the machine as well.
fn cost(html: &str) -> std::time::Duration {
    let time = || std::time::Duration::try_from(rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime)).unwrap();
    let once = |_| {
        let begun = time();
        std::hint::black_box(parse(html));
        time() - begun
    };
    (0..5).map(once).min().unwrap()
}

/// What was the square of its length, or more, is what its length is: ten times as much costs less than forty times as much, where the square would
/// be a hundred.
#[test]
fn ten_times_as_much_costs_about_ten_times_as_much() {
    for (name, pattern) in [("links", "http://a.b/c "), ("mailboxes", "a@b.org "), ("no mailboxes", "a@"), ("attributes", "x")] {
        let of = |count: usize| match name {
            "attributes" => format!("text<p {}>end", (0..count).map(|n| format!("a{n}=1 ")).collect::<String>()),
            _ => pattern.repeat(count),
        };
        let (few, many) = (cost(&of(400)), cost(&of(4000)));
        assert!(many < few * 40 + std::time::Duration::from_millis(2), "{name}: {few:?}, {many:?}");
    }
}

#[test]
fn markup_that_is_too_much_is_cut_with_a_mark_and_what_stands_before_it_is_kept() {
    let attributes: String = (0..20_000).map(|n| format!(" a{n}='{n}'")).collect();
    assert_eq!(flat(&format!("hello <b>you</b><p{attributes}>there</p>")), "hello you\n[…]");
    assert_eq!(flat(&format!("hello{}", "<b>".repeat(50_000))), "hello\n[…]");
    let links = parse(&"http://a.example ".repeat(3800));
    assert!(links.iter().filter(|span| span.link.is_some()).count() < 2100 && text(&links) == "http://a.example ".repeat(3800));
}

#[test]
fn typed_text_is_escaped() {
    assert_eq!(html_of_text("<b>\"x\" & 'y'\n</b>"), "&lt;b&gt;&quot;x&quot; &amp; 'y'<br>&lt;/b&gt;");
}

fn any_html() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<String>(),
        "[a-z &;<>/\"'=\n]{0,20}",
        Just("<a href=\"javascript:alert(1)\">".to_owned()),
        "<(a|b|i|font|span|div|p|li|img|script|svg|title|td|blockquote)( (href|src|style|color|alt|onclick)=\"[ -~]{0,20}\"){0,2}/?>",
        "</(a|b|i|font|span|div|p|li|script|title)>",
        Just("http://example.org/x".to_owned()),
        Just("&#106;avascript&colon;x".to_owned()),
        Just("ö🙂\u{202e}".to_owned()),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

fn check(spans: &[Span], limit: usize) {
    let whole = text(spans);
    // Eight addresses may stand beside links, each of a host at most that long.
    assert!(whole.len() <= limit + "\n[…]".len() + 8 * 2200);
    assert!(!whole.chars().any(|c| c.is_control() && c != '\n' && c != '\t'));
    for span in spans {
        assert!(!span.text.is_empty(), "an empty span says nothing");
        if let Some(link) = &span.link {
            let scheme = link.split(':').next().unwrap();
            assert!(["http", "https", "mailto", "ftp", "ftps", "xmpp", "irc", "ircs", "sip", "sips", "tel"].contains(&scheme), "{link}");
            assert!(!link.chars().any(|c| c.is_control() || c.is_whitespace()));
        }
        if let Some(color) = &span.color {
            assert!(color.len() == 7 && color.starts_with('#') && color[1..].bytes().all(|byte| byte.is_ascii_hexdigit()), "{color}");
        }
        if let Some(image) = &span.image {
            assert_eq!(image.len(), 64);
        }
    }
}

proptest! {
    #[test]
    fn any_input_gives_harmless_spans(html in any_html(), limit in prop_oneof![Just(LIMIT), 0_usize..40]) {
        check(&spans(&html, limit), limit);
    }

    #[test]
    fn plain_text_needs_no_tokenizer(plain in "([^<&\r\u{0}]|&(lt|gt|amp|quot|apos|#39);){0,40}(&lt|&ampx)?", limit in prop_oneof![Just(LIMIT), 0_usize..40]) {
        prop_assert_eq!(spans(&plain, limit), super::parse::tokenized(&plain, limit, &[]));
    }

    #[test]
    fn typed_text_comes_back_as_it_was(typed in "[^\u{0}-\u{8}\u{b}-\u{1f}\u{7f}-\u{9f}]{0,60}") {
        prop_assert_eq!(flat(&html_of_text(&typed)), typed.trim_end_matches('\n').to_owned() + &"\n".repeat(trailing(&typed)));
    }

    #[test]
    fn styled_text_comes_back_as_it_was(texts in prop::collection::vec(("[a-z<>&\" ]{1,8}", any::<[bool; 5]>()), 0..6)) {
        let typed: Vec<Span> = texts.into_iter().map(|(text, [bold, italic, underline, strike, code])| {
            Span { text, bold, italic, underline, strike, code, ..Span::default() }
        }).collect();
        let back = parse(&html_of_spans(&typed));
        prop_assert_eq!(text(&back), text(&typed));
        let styles = |spans: &[Span]| -> Vec<(char, bool, bool, bool, bool, bool)> {
            spans.iter().flat_map(|s| s.text.chars().map(move |c| (c, s.bold, s.italic, s.underline, s.strike, s.code))).collect()
        };
        prop_assert_eq!(styles(&back), styles(&typed));
    }
}

/// The last line break of a text is taken for layout.
fn trailing(typed: &str) -> usize {
    let breaks = typed.len() - typed.trim_end_matches('\n').len();
    breaks.saturating_sub(1)
}
