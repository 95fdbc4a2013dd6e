//! Streams as servers send them, as attackers do, and cut anywhere.

use super::*;
use proptest::prelude::*;

const HEAD: &str = "<?xml version='1.0'?><stream:stream xmlns='jabber:client' to='a'>";

/// What is passed on of a stream, and why it is not all.
fn read(stream: &str) -> Result<(String, Option<Excess>), Excess> {
    let passed = Scanner::new().feed(stream.as_bytes())?;
    Ok((String::from_utf8_lossy(&passed.bytes).into_owned(), passed.left_out))
}

fn stanzas(stanzas: &str) -> Result<(String, Option<Excess>), Excess> {
    let (passed, left_out) = read(&format!("{HEAD}{stanzas}"))?;
    Ok((passed.strip_prefix(HEAD).expect("the head").to_owned(), left_out))
}

fn passes(stream: &str) {
    assert_eq!(stanzas(stream), Ok((stream.to_owned(), None)));
}

#[test]
fn what_servers_send_passes() {
    let room = "<message from='r@c/n'><body>a &lt; b > c</body><html xmlns='x'><body><p>\"'</p></body></html></message>";
    let data = "<message><body><![CDATA[</body> <a b='1' <b>]] ]>]]></body></message>";
    passes(&format!("{room}{data} \n<r xmlns='urn:xmpp:sm:3'/>").repeat(20_000));
    for first in ["", "\u{feff}", "<?xml version=\"1.0\" encoding=\"utf-8\" standalone='yes'?>", "\n"] {
        let stream = format!("{first}<stream:stream><presence/></stream:stream>");
        assert_eq!(read(&stream), Ok((stream.clone(), None)));
    }
    // A stanza after a long stream of others begins at nothing.
    passes(&format!("<message><body>{}</body></message>", "x".repeat(BYTES - 100)).repeat(5));
    // Quotes, comments and instructions hide what looks like markup.
    let hidden = "<a b='<<<<>>>>' c=\"'/>\" ><!-- <x> - > --><?pi <x> ? > ?></a >";
    passes(&hidden.repeat(3 * DEPTH as usize));
}

#[test]
fn an_element_with_too_many_attributes_is_left_out_whole() {
    let attributes = |count: u32| (0..count).map(|n| format!(" a{n}='{n}>/'")).collect::<String>();
    passes(&format!("<message{}/>", attributes(ATTRIBUTES)).repeat(3));
    for end in ["/>", " />", "></x>", " >text<b/></x>"] {
        for more in [ATTRIBUTES + 1, 10_000] {
            let (passed, left_out) = stanzas(&format!("<message><x{}{end}<y/></message><presence/>", attributes(more))).unwrap();
            assert_eq!((passed.as_str(), left_out), ("<message><y/></message><presence/>", Some(Excess::Attributes)));
        }
    }
    // What the server says of its sender may stand behind all others.
    let forged = format!("<iq type='set'{} from='eve@there/x'><query xmlns='jabber:iq:roster'/></iq><presence/>", attributes(ATTRIBUTES));
    assert_eq!(stanzas(&forged).unwrap(), ("<presence/>".to_owned(), Some(Excess::Attributes)));
    let long = format!("<message><x a='{}'/><y/></message>", "b".repeat(TAG));
    assert_eq!(stanzas(&long).unwrap(), ("<message><y/></message>".to_owned(), Some(Excess::Bytes(TAG))));
    // The document's own element is nobody's but the server's.
    assert_eq!(read(&format!("<stream:stream{}>", attributes(ATTRIBUTES + 1))), Err(Excess::Attributes));
}

#[test]
fn attributes_of_all_elements_together_are_bounded() {
    let tag = format!("<x{}/>", (0..ATTRIBUTES).map(|n| format!(" a{n}=''")).collect::<String>());
    let most = ELEMENTS * ATTRIBUTES_AN_ELEMENT;
    let fits = (most / ATTRIBUTES + 1) as usize;
    let (passed, left_out) = stanzas(&format!("<message>{}</message>", tag.repeat(fits + 1000))).unwrap();
    assert_eq!((passed, left_out), (format!("<message>{}</message>", tag.repeat(fits)), Some(Excess::AllAttributes(most))));
    // Each stanza anew; and a list has as many as its elements may have.
    passes(&format!("<message>{}</message>", tag.repeat(fits)).repeat(5));
    let item = "<item jid='a@b' name='c' subscription='both' ask='subscribe'/>";
    passes(&format!("<iq type='result'><query xmlns='jabber:iq:roster'>{}</query></iq>", item.repeat(ELEMENTS_OF_A_LIST as usize - 2)));
}

#[test]
fn elements_beyond_the_bounds_are_left_out() {
    let nested = |depth: u32| format!("{}x{}", "<a>".repeat(depth as usize), "</a>".repeat(depth as usize));
    passes(&nested(DEPTH).repeat(3));
    for more in [1, 2, 5_000 - DEPTH] {
        let (passed, left_out) = stanzas(&format!("{}<presence/>", nested(DEPTH + more))).unwrap();
        assert_eq!((passed, left_out), (format!("{}<presence/>", nested(DEPTH).replace('x', "")), Some(Excess::Depth)));
    }
    let many = |count: u32| format!("<message>{}</message>", "<a>b</a>".repeat(count as usize - 1));
    passes(&many(ELEMENTS).repeat(3));
    for more in [1, 2, 50_000] {
        let (passed, left_out) = stanzas(&format!("{}<presence/>", many(ELEMENTS + more))).unwrap();
        assert_eq!((passed, left_out), (format!("{}<presence/>", many(ELEMENTS)), Some(Excess::Elements(ELEMENTS))));
    }
    // What stands in an element that is left out ends none of those around it.
    let inside = "<b c='</a></a>'/><!-- </a> --><![CDATA[</a>]]><?p </a>?>";
    let (passed, _) = stanzas(&nested(DEPTH + 1).replace('x', inside)).unwrap();
    assert_eq!(passed, nested(DEPTH).replace('x', ""));
}

#[test]
fn a_text_without_end_is_cut_and_what_has_no_end_of_its_own_ends_the_stream() {
    for (piece, rest) in [("x", ""), ("grün ", "x&amp;"), ("&#x10FFFF;", ""), ("&apos;", "a"), ("\u{1f514}", "")] {
        let text = format!("{}{rest}", piece.repeat(2 * BYTES / piece.len()));
        let (passed, left_out) = stanzas(&format!("<message><body>{text}</body><x/></message><presence/>")).unwrap();
        let cut = passed.strip_suffix("</body></message><presence/>").and_then(|cut| cut.strip_prefix("<message><body>")).unwrap();
        assert!(text.starts_with(cut) && cut.len() <= BYTES, "{} bytes", cut.len());
        assert_eq!((cut.matches('&').count(), left_out), (cut.matches(';').count(), Some(Excess::Bytes(BYTES))));
    }
    // In pieces, as they come.
    let text = "it&apos;s grün ".repeat(BYTES / 8);
    let mut scanner = Scanner::new();
    let mut passed = Vec::new();
    for piece in format!("{HEAD}<message><body>{text}</body></message><presence/>").as_bytes().chunks(4096) {
        passed.extend_from_slice(&scanner.feed(piece).unwrap().bytes);
    }
    let passed = String::from_utf8(passed).unwrap();
    let cut = passed.strip_suffix("</body></message><presence/>").unwrap();
    assert!((BYTES - 5000..BYTES + 5000).contains(&cut.len()) && cut.matches('&').count() == cut.matches(';').count());
    for long in ["<message><!--", "<message><![CDATA[", "<message><?a ", "<message></message "] {
        assert_eq!(stanzas(&format!("{long}{}", "x".repeat(BYTES + 1))), Err(Excess::Bytes(BYTES)), "{long}");
    }
}

#[test]
fn a_presence_is_short() {
    let (passed, left_out) = stanzas(&format!("<presence><status>{}</status></presence><message/>", "x".repeat(BYTES / 2))).unwrap();
    let text = passed.strip_prefix("<presence><status>").unwrap().strip_suffix("</status></presence><message/>").unwrap();
    assert_eq!((text.len() / 1000, left_out), (BYTES_OF_A_PRESENCE / 1000, Some(Excess::Bytes(BYTES_OF_A_PRESENCE))));
    passes(&format!("<presence><status>{}</status></presence>", "x".repeat(BYTES_OF_A_PRESENCE - 100)).repeat(5));
}

#[test]
fn a_list_of_ones_own_may_be_long() {
    let items = |from: &str, space: &str| {
        let items = "<item/>".repeat(ELEMENTS as usize);
        stanzas(&format!("<iq type='result'{from}><query xmlns='{space}'>{items}</query></iq><message/>")).unwrap().1
    };
    let cut = Some(Excess::Elements(ELEMENTS));
    assert_eq!(items("", "jabber:iq:roster"), None);
    assert_eq!(items(" from='me@here'", "jabber:iq:roster"), None);
    assert_eq!(items(" from='rooms.here'", "http://jabber.org/protocol/disco#items"), None);
    assert_eq!(items(" from='stranger@there/laptop'", "jabber:iq:roster"), cut);
    assert_eq!(items("", "jabber:x:data"), cut);
    // The kind is the first child's, and of a stanza that is an iq.
    let later = format!("<iq><x/><y xmlns='jabber:iq:search'>{}", "<a/>".repeat(ELEMENTS as usize));
    assert_eq!(stanzas(&later).unwrap().1, cut);
    let message = format!("<message><query xmlns='jabber:iq:roster'>{}", "<a/>".repeat(ELEMENTS as usize));
    assert_eq!(stanzas(&message).unwrap().1, cut);
    passes(&format!("<iq><vCard xmlns='vcard-temp'><PHOTO><BINVAL>{}</BINVAL></PHOTO></vCard></iq>", "A".repeat(BYTES * 2)));
    let much = format!("<iq><query xmlns='jabber:iq:roster'>{}", "<item/>".repeat(ELEMENTS_OF_A_LIST as usize));
    assert_eq!(stanzas(&much).unwrap().1, Some(Excess::Elements(ELEMENTS_OF_A_LIST)));
}

#[test]
fn what_rfc_6120_forbids_is_refused() {
    for bad in ["<!DOCTYPE a [<!ENTITY b 'c'>]><a/>", "<a><!ENTITY b 'c'>", "<!-DOCTYPE a>", "<![INCLUDE[", "<!>"] {
        assert_eq!(read(bad), Err(Excess::DocumentType), "{bad}");
    }
    let utf16: Vec<u8> = "<a/>".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for bad in [&utf16[..], b"\xff\xfe<\0", b"\xfe\xff\0<", b"\0<\0a", b"\x4c\x6f\xa7\x94", b"<?xml version='1.0' encoding='UTF-7'?><a/>"] {
        assert_eq!(Scanner::new().feed(bad), Err(Excess::Encoding), "{bad:?}");
    }
    assert_eq!(read(&format!("<?xml {}", " ".repeat(DECLARATION))), Err(Excess::Encoding));
}

#[test]
fn nothing_is_read_after_an_excess() {
    let mut scanner = Scanner::new();
    assert_eq!(scanner.feed(b"<!DOCTYPE a>"), Err(Excess::DocumentType));
    assert!(scanner.has_stopped());
    assert_eq!(scanner.feed(b"<a/>"), Err(Excess::DocumentType));
}

fn any_stream() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("<a>".to_owned()),
        Just("</a>".to_owned()),
        Just("<iq from='x/y'>".to_owned()),
        Just("<query xmlns='jabber:iq:roster'>".to_owned()),
        Just("<!--".to_owned()),
        Just("-->".to_owned()),
        Just("<![CDATA[".to_owned()),
        Just("]]>".to_owned()),
        Just("<?x".to_owned()),
        Just("?>".to_owned()),
        "[ -~]{0,6}",
        (60_u32..70).prop_map(|count| format!("<b{}>", (0..count).map(|n| format!(" c{n}=\"'\"")).collect::<String>())),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| format!("<?xml version='1.0'?><s>{}", pieces.concat()))
}

/// Well-formed, and beyond the bounds here and there.
fn any_element() -> impl Strategy<Value = String> {
    let attributes = (60_u32..70).prop_map(|count| (0..count).map(|n| format!(" c{n}=\"'>\"")).collect::<String>());
    let leaf = prop_oneof![
        "[ -%'-;=?-~]{0,6}",
        Just("<![CDATA[</a>]]><!-- <b> --><?p </c>?>".to_owned()),
        attributes.clone().prop_map(|attributes| format!("<b{attributes}/>")),
        (5_000_usize..5_100).prop_map(|count| "<e/>".repeat(count)),
        (90_usize..120).prop_map(|depth| format!("{}<f/>{}", "<d>".repeat(depth), "</d>".repeat(depth))),
    ];
    let element = leaf.prop_recursive(4, 24, 4, move |inner| {
        (prop::option::of(attributes.clone()), prop::collection::vec(inner, 0..4))
            .prop_map(|(attributes, inside)| format!("<a{}>{}</a>", attributes.unwrap_or_default(), inside.concat()))
    });
    prop::collection::vec(element, 0..4).prop_map(|all| all.iter().map(|one| format!("<message>{one}</message>")).collect())
}

/// Whether each end tag is that of the last element that is open.
fn is_well_formed(text: &str) -> bool {
    let (mut open, mut rest) = (Vec::new(), text);
    while let Some(at) = rest.find('<') {
        rest = &rest[at..];
        let sections = [("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>")];
        if let Some((_, end)) = sections.iter().find(|(start, _)| rest.starts_with(start)) {
            let Some(end) = rest.find(end) else { return false };
            rest = &rest[end..];
            continue;
        }
        let mut quote = None;
        let Some(end) = rest.find(|c| match quote {
            Some(open) => {
                quote = quote.filter(|_| c != open);
                false
            }
            None if c == '"' || c == '\'' => {
                quote = Some(c);
                false
            }
            None => c == '>',
        }) else {
            return false;
        };
        let tag = &rest[1..end];
        rest = &rest[end..];
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop() != Some(name) {
                return false;
            }
        } else if !tag.ends_with('/') {
            open.push(tag.split(' ').next().unwrap_or_default());
        }
    }
    open.is_empty()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn what_is_well_formed_stays_so_and_within_the_bounds(stream in any_element()) {
        let (passed, _) = stanzas(&stream).unwrap();
        prop_assert!(is_well_formed(&passed), "{passed}");
        prop_assert_eq!(stanzas(&passed), Ok((passed, None)));
    }
}

proptest! {
    #[test]
    fn cuts_change_nothing(stream in any_stream(), cuts in prop::collection::vec(1_usize..30, 1..20)) {
        let whole = read(&stream);
        let mut scanner = Scanner::new();
        let (mut rest, mut cuts, mut outcome) = (stream.as_bytes(), cuts.iter().cycle(), Ok((String::new(), None)));
        while !rest.is_empty() {
            let (piece, more) = rest.split_at((*cuts.next().unwrap()).min(rest.len()));
            outcome = outcome.and_then(|(mut text, left_out): (String, Option<Excess>)| {
                let passed = scanner.feed(piece)?;
                text.push_str(std::str::from_utf8(&passed.bytes).unwrap());
                Ok((text, left_out.or(passed.left_out)))
            });
            rest = more;
        }
        prop_assert_eq!(outcome, whole);
    }
}
