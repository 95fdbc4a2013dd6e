//! Pictures in XMPP's formatted messages (XEP-0071) by content id (XEP-0231), which are in the same stanza or are asked for. Writes no message.
//!
//! This stands in place of libjabber's own way, which is switched off (`account.rs`): it keeps every picture that any contact sends until the process
//! ends, in 1 table of all users, where a contact finds those of other users by an id of its own choice; and it answers into conversations that are
//! closed meanwhile.

use super::super::ffi::{borrowed, guard_on, in_process, owned};
use super::super::iq::{self, Answer};
use super::super::token::OnPurple;
use super::super::{accounts, signals};
use super::{LARGEST, TOGETHER, awaited, offer};
use crate::id::{AccountId, PictureId, UserId};
use crate::model::{PICTURES, Picture, PicturePlace, PictureState};
use glib_sys::gboolean;
use purple_sys::{PurpleConnection, XMLNodeType, xmlnode};
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_void};

/// XEP-0231.
const BITS: &CStr = c"urn:xmpp:bob";
/// XEP-0071.
const FORMATTED: &CStr = c"http://jabber.org/protocol/xhtml-im";
/// The beginning of the `src` of a picture that the message has.
const SOURCE: &str = "picture:";
/// The beginning of the id of a question for a picture.
pub(in crate::purple) const QUESTION: &str = "picture-";
/// Pictures that are asked for because of one message.
const ASKED: usize = 5;
/// Bytes of a content id.
const LONGEST: usize = 256;

/// Pictures of the stanza that is being handled, in the order of their numbers.
struct Handled {
    account: AccountId,
    pictures: Vec<PictureState>,
}

/// A picture that was asked for.
struct Question {
    account: AccountId,
    whom: String,
    cid: String,
}

thread_local! {
    static HANDLED: RefCell<Option<Handled>> = const { RefCell::new(None) };
    static QUESTIONS: RefCell<HashMap<PictureId, Question>> = RefCell::default();
}

/// Listens to XMPP's plugin, where there is one.
pub(super) fn listen(token: OnPurple) {
    signals::jabber::receiving_message(token, on_message);
}

/// The handling is over.
pub(super) fn over() {
    HANDLED.set(None);
}

/// The pictures of the stanza that is being handled, as far as this text names them.
pub(super) fn take(account: AccountId, html: &str) -> Vec<Picture> {
    if !html.contains(SOURCE) {
        return Vec::new();
    }
    let handled = HANDLED.take().filter(|handled| handled.account == account);
    let pictures = handled.map(|handled| handled.pictures).unwrap_or_default();
    let numbered = pictures.into_iter().enumerate();
    numbered.map(|(number, state)| Picture { place: PicturePlace::Source(format!("{SOURCE}{number}")), state }).collect()
}

unsafe extern "C" fn on_message(
    gc: *mut PurpleConnection,
    kind: *const c_char,
    _: *const c_char,
    from: *const c_char,
    _: *const c_char,
    message: *mut xmlnode,
    _: *mut c_void,
) -> gboolean {
    // SAFETY: the plugin gives a live connection of a live account, C strings or NULL, and a live stanza.
    unsafe { receive(gc, kind, from, message) };
    // Others are to have the message, too.
    glib_sys::GFALSE
}

/// # Safety
/// A live connection of a live account, C strings or NULL, and a live stanza.
pub(super) unsafe fn receive(gc: *mut PurpleConnection, kind: *const c_char, from: *const c_char, message: *mut xmlnode) {
    guard_on("jabber-receiving-message", (), |token| {
        over();
        // SAFETY: the caller's promise.
        unsafe {
            let (kind, from) = (borrowed(kind), borrowed(from));
            let formatted = purple_sys::xmlnode_get_child_with_namespace(message, c"html".as_ptr(), FORMATTED.as_ptr());
            let Some((user, account)) = accounts::owner(token, (*gc).account).filter(|_| !formatted.is_null()) else { return };
            let mut images = Vec::new();
            collect(formatted, &mut images);
            if images.is_empty() {
                return;
            }
            let is_room = kind.as_deref() == Some("groupchat");
            let whom = from.filter(|from| is_room || is_buddy((*gc).account, from));
            let stanza = Stanza { token, gc, user, account, message, whom };
            let pictures = stanza.place(&images);
            HANDLED.set(Some(Handled { account, pictures }));
        }
    });
}

/// Whether somebody is on the account's list. A question tells whoever is asked that somebody is there: strangers are asked nothing.
///
/// # Safety
/// A live account.
unsafe fn is_buddy(account: *mut purple_sys::PurpleAccount, name: &str) -> bool {
    let name = in_process(name);
    // SAFETY: the caller's promise, and a C string.
    unsafe { !purple_sys::purple_find_buddy(account, name.as_ptr()).is_null() }
}

/// The `<img src="cid:…">` below an element, some of them. How deep elements stand in each other has a bound (`stanza.rs`).
///
/// # Safety
/// A live node.
unsafe fn collect(node: *const xmlnode, images: &mut Vec<(*mut xmlnode, String)>) {
    // SAFETY: the caller's promise; what is found in it lives as long, and an element has a name.
    unsafe {
        let mut child = (*node).child;
        while !child.is_null() && images.len() < 4 * PICTURES {
            if (*child).type_ == XMLNodeType::XMLNODE_TYPE_TAG {
                let source = attribute(child, c"src").filter(|_| !(*child).name.is_null() && CStr::from_ptr((*child).name) == c"img");
                match source.as_deref().and_then(|source| source.strip_prefix("cid:")) {
                    Some(cid) if cid.len() <= LONGEST => images.push((child, cid.to_owned())),
                    _ => collect(child, images),
                }
            }
            child = (*child).next;
        }
    }
}

/// A message that is being handled.
struct Stanza {
    token: OnPurple,
    gc: *mut PurpleConnection,
    user: UserId,
    account: AccountId,
    message: *mut xmlnode,
    /// May be asked for pictures that are not in the stanza.
    whom: Option<String>,
}

impl Stanza {
    /// Has each of the images name a picture by its number. One that there is no picture for stays as it is: libjabber puts its words in its place.
    ///
    /// # Safety
    /// Images of the message, which is live, as is the connection.
    unsafe fn place(&self, images: &[(*mut xmlnode, String)]) -> Vec<PictureState> {
        let (mut pictures, mut numbers, mut asked, mut room) = (Vec::new(), HashMap::new(), 0, TOGETHER);
        for (image, cid) in images {
            let number = *numbers.entry(cid.as_str()).or_insert_with(|| {
                if pictures.len() >= PICTURES {
                    return None;
                }
                // SAFETY: the caller's promise.
                let state = match unsafe { self.bits(cid) } {
                    Some(bytes) => fits(cid, &bytes).then(|| offer(self.token, self.user, &bytes, &mut room)).flatten(),
                    None if asked < ASKED => {
                        asked += 1;
                        // SAFETY: the caller's promise.
                        self.whom.as_ref().and_then(|whom| unsafe { self.ask(whom, cid) }).map(PictureState::Awaited)
                    }
                    None => None,
                }?;
                pictures.push(state);
                Some(pictures.len() - 1)
            });
            if let Some(number) = number {
                let source = in_process(&format!("{SOURCE}{number}"));
                // SAFETY: a live node; the text is copied.
                unsafe { purple_sys::xmlnode_set_attrib(*image, c"src".as_ptr(), source.as_ptr()) };
            }
        }
        pictures
    }

    /// The bytes of this id in the stanza itself.
    ///
    /// # Safety
    /// As [`Self::place`].
    unsafe fn bits(&self, cid: &str) -> Option<Vec<u8>> {
        // SAFETY: a live stanza; what is found in it lives as long.
        unsafe {
            let mut node = purple_sys::xmlnode_get_child_with_namespace(self.message, c"data".as_ptr(), BITS.as_ptr());
            while !node.is_null() {
                if attribute(node, c"cid").as_deref() == Some(cid) {
                    return decoded(node);
                }
                node = purple_sys::xmlnode_get_next_twin(node);
            }
        }
        None
    }

    /// Asks the sender for a picture.
    ///
    /// # Safety
    /// As [`Self::place`].
    unsafe fn ask(&self, whom: &str, cid: &str) -> Option<PictureId> {
        let picture = awaited::begin(self.token, self.user, self.account)?;
        let (text, iq) = (in_process(cid), iq::new(self.token, c"get", &format!("{QUESTION}{:x}", picture.0), whom));
        // SAFETY: nodes of our own; as `place` wants; a live C string, which is copied.
        unsafe {
            let data = purple_sys::xmlnode_new_child(iq, c"data".as_ptr());
            purple_sys::xmlnode_set_namespace(data, BITS.as_ptr());
            purple_sys::xmlnode_set_attrib(data, c"cid".as_ptr(), text.as_ptr());
            iq::send(self.gc, iq);
        }
        let asked = Question { account: self.account, whom: whom.to_owned(), cid: cid.to_owned() };
        QUESTIONS.with_borrow_mut(|questions| {
            // Those that were given up have no number any more.
            questions.retain(|picture, asked| awaited::is_of(self.token, *picture, asked.account));
            questions.insert(picture, asked);
        });
        Some(picture)
    }
}

/// The sender of a picture has answered. False: nobody has asked.
///
/// # Safety
/// A live stanza.
pub(in crate::purple) unsafe fn heard(token: OnPurple, answer: &Answer) -> bool {
    let number = answer.id.strip_prefix(QUESTION).and_then(|number| u64::from_str_radix(number, 16).ok());
    let Some(picture) = number.map(PictureId) else { return false };
    let is_answer = |asked: &Question| asked.account == answer.account && asked.whom == answer.from;
    let asked = QUESTIONS.with_borrow_mut(
        |questions| {
            if questions.get(&picture).is_some_and(is_answer) { questions.remove(&picture) } else { None }
        },
    );
    let Some(asked) = asked else { return false };
    // SAFETY: the caller's promise; what is found in the stanza lives as long.
    let bytes = unsafe {
        let data = purple_sys::xmlnode_get_child_with_namespace(answer.iq, c"data".as_ptr(), BITS.as_ptr());
        if data.is_null() { None } else { decoded(data) }
    };
    awaited::came(token, picture, bytes.filter(|bytes| fits(&asked.cid, bytes)).as_deref());
    true
}

/// The bytes of a `<data>`; none of one that is too large.
///
/// # Safety
/// A live node.
unsafe fn decoded(data: *mut xmlnode) -> Option<Vec<u8>> {
    // SAFETY: the caller's promise; text and bytes are ours to free, and copied.
    unsafe {
        let text =
            in_process(&owned(purple_sys::xmlnode_get_data(data)).filter(|text| !text.is_empty() && text.len() / 4 * 3 <= 2 * LARGEST)?);
        let mut size = 0;
        let bytes = purple_sys::purple_base64_decode(text.as_ptr(), &raw mut size);
        if bytes.is_null() {
            return None;
        }
        let copy = std::slice::from_raw_parts(bytes, size).to_vec();
        glib_sys::g_free(bytes.cast());
        Some(copy)
    }
}

/// Whether bytes are those that their id names: `sha1+…@bob.xmpp.org` says so by a hash. Other ids name nothing.
fn fits(cid: &str, bytes: &[u8]) -> bool {
    let Some((algorithm, wanted)) = cid.strip_suffix("@bob.xmpp.org").and_then(|name| name.split_once('+')) else { return true };
    let algorithm = match algorithm {
        "sha1" | "sha-1" => glib_sys::G_CHECKSUM_SHA1,
        "sha256" | "sha-256" => glib_sys::G_CHECKSUM_SHA256,
        _ => return true,
    };
    // SAFETY: the bytes live through the call; the text is ours to free.
    let hash = unsafe { owned(glib_sys::g_compute_checksum_for_data(algorithm, bytes.as_ptr(), bytes.len())) };
    hash.is_some_and(|hash| hash.eq_ignore_ascii_case(wanted))
}

/// # Safety
/// A live node.
unsafe fn attribute(node: *mut xmlnode, name: &CStr) -> Option<String> {
    // SAFETY: the caller's promise; copied.
    unsafe { borrowed(purple_sys::xmlnode_get_attrib(node, name.as_ptr())) }
}
