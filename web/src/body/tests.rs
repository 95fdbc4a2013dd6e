//! Bodies: known texts, hostile ones, and any at all.

use super::*;
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
    assert_eq!(links("http://bob@example.org/x"), same("http://bob@example.org/x"));
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
fn pictures_only_by_hash() {
    let hash = "0123456789abcdef".repeat(4);
    let span = parse(&format!("<img src=\"media:{hash}\" alt=\":)\">")).pop().unwrap();
    assert_eq!((span.text.as_str(), span.image), (":)", Some(hash)));
    assert_eq!(parse("<img src='http://tracker.example/x.png' alt='smile'>"), vec![Span { text: "smile".into(), ..Span::default() }]);
    assert_eq!(parse("<img src='media:../../etc'>"), []);
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
    assert!(whole.len() <= limit + "\n[…]".len());
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
        prop_assert_eq!(spans(&plain, limit), super::parse::tokenized(&plain, limit));
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
