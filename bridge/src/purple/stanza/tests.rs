//! Streams as servers send them, as attackers do, and cut anywhere.

use super::*;
use proptest::prelude::*;

fn read(stream: &str) -> Result<(), Excess> {
    Scanner::new().feed(stream.as_bytes())
}

fn stanzas(stanzas: &str) -> Result<(), Excess> {
    read(&format!("<?xml version='1.0'?><stream:stream xmlns='jabber:client' to='a'>{stanzas}"))
}

#[test]
fn what_servers_send_passes() {
    let room = "<message from='r@c/n'><body>a &lt; b > c</body><html xmlns='x'><body><p>\"'</p></body></html></message>";
    let data = "<message><body><![CDATA[</body> <a b='1' <b>]] ]>]]></body></message>";
    assert_eq!(stanzas(&format!("{room}{data} \n<r xmlns='urn:xmpp:sm:3'/>").repeat(20_000)), Ok(()));
    for first in ["", "\u{feff}", "<?xml version=\"1.0\" encoding=\"utf-8\" standalone='yes'?>", "\n"] {
        assert_eq!(read(&format!("{first}<stream:stream><presence/></stream:stream>")), Ok(()), "{first}");
    }
    // A stanza after a long stream of others begins at nothing.
    assert_eq!(stanzas(&format!("<message><body>{}</body></message>", "x".repeat(BYTES - 100)).repeat(5)), Ok(()));
    // Quotes, comments and instructions hide what looks like markup.
    let hidden = "<a b='<<<<>>>>' c=\"'/>\" ><!-- <x> - > --><?pi <x> ? > ?></a >";
    assert_eq!(stanzas(&hidden.repeat(3 * DEPTH as usize)), Ok(()));
}

#[test]
fn each_bound_is_one() {
    let attributes = |count: u32| (0..count).map(|n| format!(" a{n}='{n}'")).collect::<String>();
    let most = ATTRIBUTES;
    assert_eq!(stanzas(&format!("<message{}/>", attributes(most)).repeat(3)), Ok(()));
    assert_eq!(stanzas(&format!("<message><x{}/>", attributes(most + 1))), Err(Excess::Attributes));
    assert_eq!(read(&format!("<stream:stream{}>", attributes(most + 1))), Err(Excess::Attributes));
    let deep = |depth: u32| "<a>".repeat(depth as usize);
    assert_eq!(stanzas(&format!("{}{}", deep(DEPTH), "</a>".repeat(DEPTH as usize)).repeat(3)), Ok(()));
    assert_eq!(stanzas(&deep(DEPTH + 1)), Err(Excess::Depth));
    assert_eq!(stanzas(&format!("<message>{}</message>", "<a/>".repeat(ELEMENTS as usize - 1)).repeat(3)), Ok(()));
    assert_eq!(stanzas(&format!("<message>{}", "<a/>".repeat(ELEMENTS as usize))), Err(Excess::Elements(ELEMENTS)));
    for long in ["<message><body>", "<message a='", "<message><!--", "<message><![CDATA[", "<message><?a ", "<message", "</message "] {
        assert_eq!(stanzas(&format!("{long}{}", "x".repeat(BYTES + 1))), Err(Excess::Bytes(BYTES)), "{long}");
    }
}

#[test]
fn a_list_of_ones_own_may_be_long() {
    let items = |from: &str, space: &str| {
        let items = "<item/>".repeat(ELEMENTS as usize);
        stanzas(&format!("<iq type='result'{from}><query xmlns='{space}'>{items}</query></iq><message/>"))
    };
    let refused = Err(Excess::Elements(ELEMENTS));
    assert_eq!(items("", "jabber:iq:roster"), Ok(()));
    assert_eq!(items(" from='me@here'", "jabber:iq:roster"), Ok(()));
    assert_eq!(items(" from='rooms.here'", "http://jabber.org/protocol/disco#items"), Ok(()));
    assert_eq!(items(" from='stranger@there/laptop'", "jabber:iq:roster"), refused);
    assert_eq!(items("", "jabber:x:data"), refused);
    // The kind is the first child's, and of a stanza that is an iq.
    let later = format!("<iq><x/><y xmlns='jabber:iq:search'>{}", "<a/>".repeat(ELEMENTS as usize));
    assert_eq!(stanzas(&later), refused);
    let message = format!("<message><query xmlns='jabber:iq:roster'>{}", "<a/>".repeat(ELEMENTS as usize));
    assert_eq!(stanzas(&message), refused);
    let photo = format!("<iq><vCard xmlns='vcard-temp'><PHOTO><BINVAL>{}</BINVAL></PHOTO></vCard></iq>", "A".repeat(BYTES * 2));
    assert_eq!(stanzas(&photo), Ok(()));
    let much = format!("<iq><query xmlns='jabber:iq:roster'>{}", "<item/>".repeat(ELEMENTS_OF_A_LIST as usize));
    assert_eq!(stanzas(&much), Err(Excess::Elements(ELEMENTS_OF_A_LIST)));
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

proptest! {
    #[test]
    fn cuts_change_nothing(stream in any_stream(), cuts in prop::collection::vec(1_usize..30, 1..20)) {
        let whole = read(&stream);
        let mut scanner = Scanner::new();
        let (mut rest, mut cuts, mut outcome) = (stream.as_bytes(), cuts.iter().cycle(), Ok(()));
        while !rest.is_empty() {
            let (piece, more) = rest.split_at((*cuts.next().unwrap()).min(rest.len()));
            outcome = outcome.and(scanner.feed(piece));
            rest = more;
        }
        prop_assert_eq!(outcome, whole);
    }
}
