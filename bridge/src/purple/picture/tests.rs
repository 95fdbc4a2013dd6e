//! A plugin that shows pictures in every way, and users who are strangers to each other.

use super::super::testing::{Core, with_mischief};
use super::super::{conversation, ffi, teardown};
use super::{LARGEST, bob, numbers};
use crate::event::EventKind;
use crate::id::{AccountId, ConversationId, PictureId, UserId};
use crate::model::{Message, Picture, PicturePlace, PictureState};
use std::ffi::CStr;

const ONE: UserId = UserId(1);
const TWO: UserId = UserId(2);
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n and so on";

/// What a user was told: hashes of bytes, messages from others, and pictures that came.
#[derive(Default, Debug)]
struct Told {
    stored: Vec<String>,
    messages: Vec<Message>,
    came: Vec<(PictureId, Option<String>)>,
    conversations: Vec<ConversationId>,
}

fn told(events: Vec<(UserId, EventKind)>, whose: UserId) -> Told {
    let mut told = Told::default();
    for (user, kind) in events {
        assert_eq!(user, whose, "{kind:?}");
        match kind {
            EventKind::MediaStored(media) => told.stored.push(media.hash),
            EventKind::MessageAdded { message, conversation } if !message.from.own => {
                told.messages.push(message);
                told.conversations.push(conversation);
            }
            EventKind::PictureCame { picture, hash } => told.came.push((picture, hash)),
            _ => {}
        }
    }
    told
}

/// Has the plugin do something for a user, whose account is ten times the number. Gives the message that came of it, with all that was told.
fn order(core: &mut Core, user: UserId, what: &str) -> (Message, Told) {
    let mut told = told(core.order(user.0, 10 * user.0, what), user);
    assert_eq!(told.messages.len(), 1, "{what}: {told:?}");
    (told.messages.remove(0), told)
}

/// The number in the HTML that the plugin wrote.
fn number(message: &Message) -> i32 {
    let digits = message.html.split("ID=\"").nth(1).and_then(|rest| rest.split('"').next());
    digits.unwrap_or_else(|| panic!("{message:?}")).parse().unwrap()
}

fn is_in_store(id: i32) -> bool {
    // SAFETY: libpurple's own table.
    unsafe { !purple_sys::purple_imgstore_find_by_id(id).is_null() }
}

#[test]
fn a_number_is_shown_to_whose_account_has_the_picture_and_to_nobody_else() {
    with_mischief("purple::picture::tests::a_number_is_shown_to_whose_account_has_the_picture_and_to_nobody_else", |core| {
        core.online(1, 10);
        core.online(2, 20);
        let (message, shown) = order(core, ONE, "picture 0");
        let id = number(&message);
        let [hash] = shown.stored.as_slice() else { panic!("{shown:?}") };
        let wanted = Picture { place: PicturePlace::Id(id), state: PictureState::Here(hash.clone()) };
        assert_eq!(message.pictures, std::slice::from_ref(&wanted));
        // Another user's contact writes the number.
        let (message, shown) = order(core, TWO, &format!("show-number {id}"));
        assert_eq!((number(&message), message.pictures.as_slice(), shown.stored.as_slice()), (id, [].as_slice(), [].as_slice()));
        // The own one's may, as long as the picture is there.
        assert_eq!(order(core, ONE, &format!("show-number {id}")).0.pictures, [wanted]);
        // The plugin does not say that it wrote a number.
        let (message, shown) = order(core, ONE, "unsaid-picture 1");
        assert!(message.pictures.is_empty() && shown.stored.is_empty(), "{message:?}");
    });
}

#[test]
fn what_is_no_picture_or_too_large_is_not_sent() {
    with_mischief("purple::picture::tests::what_is_no_picture_or_too_large_is_not_sent", |core| {
        core.online(1, 10);
        let (message, shown) = order(core, ONE, "no-picture");
        assert!(message.pictures.is_empty() && shown.stored.is_empty(), "{message:?}");
        let (message, shown) = order(core, ONE, &format!("picture {LARGEST}"));
        assert!(matches!(message.pictures.as_slice(), [Picture { state: PictureState::TooLarge(bytes), .. }] if *bytes > LARGEST as u64));
        assert!(shown.stored.is_empty());
        let (message, shown) = order(core, ONE, &format!("picture {}", LARGEST - 200));
        assert!(matches!(message.pictures.as_slice(), [Picture { state: PictureState::Here(_), .. }]) && shown.stored.len() == 1);
    });
}

#[test]
fn a_picture_is_known_as_long_as_it_is_in_the_store_and_its_account_is_there() {
    with_mischief("purple::picture::tests::a_picture_is_known_as_long_as_it_is_in_the_store_and_its_account_is_there", |core| {
        core.online(1, 10);
        core.online(2, 20);
        let (message, _) = order(core, ONE, "brief-picture 1");
        assert_eq!(message.pictures.len(), 1);
        assert_eq!((numbers::known(), is_in_store(number(&message))), (0, false));
        let own = number(&order(core, ONE, "picture 2").0);
        let others = number(&order(core, TWO, "picture 3").0);
        assert_eq!(numbers::known(), 2);
        teardown::remove(core.token, ONE, AccountId(10)).unwrap();
        assert_eq!((numbers::known(), is_in_store(own), is_in_store(others)), (1, false, true));
    });
}

#[test]
fn a_smiley_stands_in_the_next_message_and_may_come_later() {
    with_mischief("purple::picture::tests::a_smiley_stands_in_the_next_message_and_may_come_later", |core| {
        core.online(1, 10);
        let place = PicturePlace::Text(":cat:".to_owned());
        let (message, shown) = order(core, ONE, "smiley");
        assert_eq!(message.pictures, [Picture { place: place.clone(), state: PictureState::Here(shown.stored[0].clone()) }]);
        assert!(order(core, ONE, "a :cat: of somebody else's").0.pictures.is_empty());
        let (message, shown) = order(core, ONE, "late-smiley");
        let [Picture { state: PictureState::Awaited(picture), .. }] = message.pictures.as_slice() else { panic!("{message:?}") };
        assert!(shown.stored.is_empty());
        // The same one is under way: both messages get it.
        let (again, _) = order(core, ONE, "late-smiley");
        assert_eq!(again.pictures, message.pictures);
        let came = told(core.order(1, 10, "give-smiley"), ONE);
        assert_eq!(came.came, [(*picture, Some(came.stored[0].clone()))]);
        assert_eq!(told(core.order(1, 10, "give-smiley"), ONE).came, []);
    });
}

#[test]
fn a_smiley_that_comes_late_meets_no_conversation_that_is_gone_and_none_of_others() {
    with_mischief("purple::picture::tests::a_smiley_that_comes_late_meets_no_conversation_that_is_gone_and_none_of_others", |core| {
        core.online(1, 10);
        core.online(2, 20);
        let (message, shown) = order(core, ONE, "late-smiley");
        let [Picture { state: PictureState::Awaited(picture), .. }] = message.pictures.as_slice() else { panic!("{message:?}") };
        // In another user's callback it is not the first user's.
        let others = told(core.order(2, 20, "give-smiley"), TWO);
        assert!(others.came.is_empty() && others.stored.is_empty());
        conversation::close(core.token, ONE, shown.conversations[0]).unwrap();
        assert_eq!(told(core.events(), ONE).came, [(*picture, None)]);
        // libpurple itself would look into memory that is freed.
        let late = told(core.order(1, 10, "give-smiley"), ONE);
        assert!(late.came.is_empty() && late.stored.is_empty(), "{late:?}");
    });
}

/// Has XMPP's plugin receive a message, as far as pictures are concerned. Gives the formatted text as it is then, and its pictures.
fn receive(core: &mut Core, account: *mut purple_sys::PurpleAccount, id: u64, stanza: &str) -> (String, Vec<Picture>) {
    let text = ffi::in_process(stanza);
    // SAFETY: a connection that only names its account; the tree is ours, and freed; strings are copied.
    let html = unsafe {
        let mut gc = purple_sys::PurpleConnection { account, ..std::mem::zeroed() };
        let node = purple_sys::xmlnode_from_str(text.as_ptr(), -1);
        let (kind, from) = (c"chat".as_ptr(), c"bob@b.org/x".as_ptr());
        bob::receive(&raw mut gc, kind, from, node);
        let html = purple_sys::xmlnode_get_child(node, c"html".as_ptr());
        let shown = ffi::owned(purple_sys::xmlnode_to_str(html, std::ptr::null_mut())).unwrap();
        purple_sys::xmlnode_free(node);
        shown
    };
    core.events();
    let pictures = bob::take(AccountId(id), &html);
    (html, pictures)
}

fn data(cid: &str, bytes: &[u8]) -> String {
    // SAFETY: bytes that live through the call; the text is ours to free.
    let text = unsafe { ffi::owned(purple_sys::purple_base64_encode(bytes.as_ptr(), bytes.len())) }.unwrap();
    format!("<data xmlns='urn:xmpp:bob' cid='{cid}' type='image/png'>{text}</data>")
}

fn formatted(body: &str, more: &str) -> String {
    let html = format!("<html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'>{body}</body></html>");
    format!("<message xmlns='jabber:client' from='bob@b.org/x' type='chat'><body>x</body>{html}{more}</message>")
}

fn sha1(bytes: &[u8]) -> String {
    // SAFETY: bytes that live through the call; the text is ours to free.
    unsafe { ffi::owned(glib_sys::g_compute_checksum_for_data(glib_sys::G_CHECKSUM_SHA1, bytes.as_ptr(), bytes.len())) }.unwrap()
}

#[test]
fn an_xmpp_message_brings_its_pictures_itself() {
    with_mischief("purple::picture::tests::an_xmpp_message_brings_its_pictures_itself", |core| {
        let (one, two) = (core.account(1, 10), core.account(2, 20));
        let cid = format!("sha1+{}@bob.xmpp.org", sha1(PNG));
        let image = format!("see <p><img alt='a cat' src='cid:{cid}'/></p>");
        let (html, pictures) = receive(core, one, 10, &formatted(&image, &data(&cid, PNG)));
        assert!(html.contains("src='picture:0'") && html.contains("alt='a cat'"), "{html}");
        assert!(
            matches!(pictures.as_slice(), [Picture { place: PicturePlace::Source(of), state: PictureState::Here(_) }] if of == "picture:0")
        );
        // Nothing is kept: neither another message nor another user gets it by its id, and a stranger is not asked.
        for (account, id) in [(one, 10), (two, 20)] {
            let (html, pictures) = receive(core, account, id, &formatted(&image, ""));
            assert!(html.contains(&format!("src='cid:{cid}'")) && pictures.is_empty(), "{html}");
        }
        // Not what the id names; no picture; a source of the sender's own.
        let other = format!("sha1+{}@bob.xmpp.org", sha1(b"another"));
        for (cid, bytes) in [(other.as_str(), PNG), ("1@b.org", b"<svg xmlns='http://www.w3.org/2000/svg'/>".as_slice())] {
            let (_, pictures) = receive(core, one, 10, &formatted(&format!("<img alt='x' src='cid:{cid}'/>"), &data(cid, bytes)));
            assert_eq!(pictures, [], "{cid}");
        }
        let (html, pictures) = receive(core, one, 10, &formatted("<img alt='x' src='picture:0'/>", &data(&cid, PNG)));
        assert!(html.contains("picture:0") && pictures.is_empty());
    });
}

#[test]
fn numbers_are_found_however_they_are_written() {
    for (html, found) in [
        ("<img id=\"7\">", vec![7]),
        ("a<IMG\nSRC=x ID = '8' >b<img alt=\"x\"id=9/>", vec![8, 9]),
        ("<img id=7><img id=7>", vec![7]),
        ("<img grid=7 src='?id=5'>", vec![]),
        ("<b id=7><imgid=8>", vec![]),
        ("<img id=99999999999><img id=-1><img id=>", vec![]),
        ("", vec![]),
    ] {
        assert_eq!(numbers::named(html), found, "{html}");
    }
    let many: String = (1..100).map(|id| format!("<img id={id}>")).collect();
    assert_eq!(numbers::named(&many).len(), crate::model::PICTURES);
}

#[test]
fn libjabber_keeps_no_pictures_of_messages() {
    with_mischief("purple::picture::tests::libjabber_keeps_no_pictures_of_messages", |core| {
        const KEY: &CStr = c"custom_smileys";
        let purple = core.account(1, 10);
        // SAFETY: a live account and a C string. What libjabber asks, and what it falls back to.
        assert_eq!(unsafe { purple_sys::purple_account_get_bool(purple, KEY.as_ptr(), 1) }, 0);
    });
}
