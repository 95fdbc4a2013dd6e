//! Pictures of messages: what a page gets of them, those that come later, and how long they are stored.

use super::people::{Home, PASSWORD, from, secret};
use super::*;
use crate::store::Store;
use bridge::event::Media;
use std::sync::atomic::{AtomicU32, Ordering};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n and so on";
const TALK: ConversationId = ConversationId(1);

fn media(bytes: &[u8]) -> Media {
    Media { hash: hash(bytes), bytes: bytes.to_vec() }
}

/// A message with a picture, each another one of the server's.
fn shows(state: PictureState) -> EventKind {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let server_id = Some(format!("id-{}", NUMBER.fetch_add(1, Ordering::Relaxed)));
    let pictures = vec![Picture { place: PicturePlace::Id(7), state }];
    let html = "see <img id=\"7\" alt=\"a cat\">";
    let message = Message { pictures, server_id, ..message(MessageKind::Received, html) };
    EventKind::MessageAdded { conversation: TALK, message }
}

/// The same with these bytes.
fn shows_bytes(bytes: &[u8]) -> Vec<EventKind> {
    let media = media(bytes);
    let said = shows(PictureState::Here(media.hash.clone()));
    vec![EventKind::MediaStored(media), said]
}

fn came(picture: u64, bytes: &[u8]) -> Vec<EventKind> {
    let media = media(bytes);
    let came = EventKind::PictureCame { picture: PictureId(picture), hash: Some(media.hash.clone()) };
    vec![EventKind::MediaStored(media), came]
}

/// The words and pictures of the kept messages.
fn kept(session: &Session) -> Vec<Vec<(String, Option<String>)>> {
    let state = session.lock();
    let lines = state.conversations.get(&TALK).unwrap().kept.lines();
    lines.map(|line| line.message().spans.into_iter().map(|span| (span.text, span.image)).collect()).collect()
}

fn with(picture: Option<&[u8]>) -> Vec<(String, Option<String>)> {
    vec![("see ".to_owned(), None), ("a cat".to_owned(), picture.map(hash))]
}

#[test]
fn a_page_gets_pictures_that_its_user_was_sent_and_no_other_bytes() {
    let site = Site::new();
    // Said to be there by a worker that sends nothing; no picture; a picture.
    site.tell([opened(1), shows(PictureState::Here(hash(PNG)))]);
    site.tell(shows_bytes(b"<svg xmlns='http://www.w3.org/2000/svg'/>"));
    site.tell(shows_bytes(b"GIF89a..."));
    assert_eq!(kept(&site.session), [with(None), with(None), with(Some(b"GIF89a..."))]);
}

#[tokio::test]
async fn a_picture_that_comes_later_takes_the_place_of_its_words() {
    let site = Site::new();
    site.tell([opened(1)]);
    let seq = site.attach("c")["seq"].as_u64().unwrap();
    site.tell([shows(PictureState::Awaited(PictureId(5))), said(1, "more")]);
    site.tell(came(6, PNG));
    site.tell(came(5, b"<svg/>"));
    assert_eq!(kept(&site.session)[0], with(None), "another's, and none");
    site.tell([shows(PictureState::Awaited(PictureId(7)))]);
    site.tell(came(7, PNG));
    assert_eq!((kept(&site.session)[0].clone(), kept(&site.session)[2].clone()), (with(None), with(Some(PNG))));
    let told = site.poll("c", seq).await;
    assert_eq!(types(&told), ["message.received", "message.received", "message.received", "message.updated"]);
    let [before, after] = [2, 3].map(|at| told["events"][at]["message"].clone());
    assert_eq!((&before["id"], before["spans"][1].get("image")), (&after["id"], None));
    assert_eq!(after["spans"][1]["image"], hash(PNG));
    assert!(site.session.lock().seldom.as_ref().unwrap().awaited.is_empty(), "it comes once");
}

#[test]
fn what_is_awaited_has_a_bound() {
    let site = Site::new();
    site.tell([opened(1)]);
    site.tell((1..1000).map(|picture| shows(PictureState::Awaited(PictureId(picture)))));
    assert_eq!(site.session.lock().seldom.as_ref().unwrap().awaited.len(), 200);
    let pictures = (0..50).map(|id| Picture { place: PicturePlace::Id(id), state: PictureState::Awaited(PictureId(id as u64 + 1)) });
    let message = Message { pictures: pictures.collect(), ..message(MessageKind::Received, &"<img id=30>".repeat(2)) };
    site.tell([EventKind::MessageAdded { conversation: TALK, message }]);
    assert_eq!(kept(&site.session).last().unwrap().as_slice(), [("[image]".to_owned(), None)], "more than a message has");
}

/// The stored spans of the conversation's messages, and their servers' ids.
async fn stored(home: &Home) -> Vec<(String, Option<String>)> {
    home.commits().await;
    let page = home.store.page(home.session.id(), TALK, Place::Newest, 9).await.unwrap();
    page.messages.into_iter().map(|message| (message.spans.unwrap_or_default(), message.server_id)).collect()
}

#[tokio::test]
async fn a_users_pictures_are_stored_and_go_with_what_shows_them() {
    let home = Home::new().await;
    home.talks().await;
    let id = home.session.id();
    home.tell(shows_bytes(PNG));
    home.tell(vec![shows(PictureState::Awaited(PictureId(5)))]);
    home.tell(came(5, b"GIF89a..."));
    let messages = stored(&home).await;
    assert!(messages[1].0.contains(&hash(PNG)) && messages[2].0.contains(&hash(b"GIF89a...")), "{messages:?}");
    assert!(messages[2].1.is_some(), "by it the message is known when it comes again");
    // As after a restart: the session has nothing of it.
    home.session.lock().shelf = Default::default();
    for bytes in [PNG, b"GIF89a..."] {
        let blob = home.hub.picture(&home.session, &hash(bytes)).await.unwrap();
        assert!(blob.bytes == bytes && blob.kind.is_some());
    }
    home.command(json!({ "id": "1", "type": "history.delete", "conversation": TALK }));
    home.commits().await;
    assert_eq!(home.store.blob(id, &hash(PNG)).await.unwrap(), None);
    // One that comes after that belongs to no message any more.
    home.tell(came(5, PNG));
    home.commits().await;
    assert_eq!(home.store.blob(id, &hash(PNG)).await.unwrap(), None);
}

#[tokio::test]
async fn what_a_deleted_history_showed_is_fetched_no_more() {
    let home = Home::new().await;
    home.talks().await;
    let [gone, elsewhere, face] = [b"GIF89a gone".as_slice(), b"GIF89a elsewhere", b"GIF89a face"];
    let other = |mut told: Vec<EventKind>| {
        if let Some(EventKind::MessageAdded { conversation, .. }) = told.last_mut() {
            *conversation = ConversationId(2);
        }
        told
    };
    home.tell(vec![opened(2)]);
    for bytes in [gone, elsewhere] {
        home.tell(shows_bytes(bytes));
    }
    home.tell(other(shows_bytes(elsewhere)));
    let icon = Some(hash(face));
    home.tell(vec![EventKind::MediaStored(media(face)), EventKind::BuddiesAdded(vec![Buddy { icon, ..buddy(9, "Friends") }])]);
    home.commits().await;
    home.command(json!({ "id": "1", "type": "history.delete", "conversation": TALK }));
    home.commits().await;
    assert!(home.hub.picture(&home.session, &hash(gone)).await.is_none(), "the session still has it");
    for bytes in [elsewhere, face] {
        assert!(home.session.media(&hash(bytes)).is_some());
    }
}

#[tokio::test]
async fn the_export_for_people_has_each_picture_once() {
    let home = Home::new().await;
    home.talks().await;
    for _ in 0..2 {
        home.tell(shows_bytes(PNG));
    }
    home.tell(vec![shows(PictureState::Awaited(PictureId(5)))]);
    home.commits().await;
    let mut export = home.hub.export(&home.session, Form::Html).await.unwrap();
    let mut text = String::new();
    while let Some(part) = export.next().await {
        text.push_str(std::str::from_utf8(&part).unwrap());
    }
    let name = hash(PNG);
    let data = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, PNG);
    let lines: Vec<&str> = text.lines().filter(|line| line.contains("see ")).collect();
    let image = format!("see <img id=\"{name}\" alt=\"a cat\" src=\"data:image/png;base64,{data}\"></p>");
    let link = format!("see <a href=\"#{name}\">a cat</a></p>");
    assert!(lines[0].ends_with(&image) && lines[1].ends_with(&link) && lines[2].ends_with("see a cat</p>"), "{lines:?}");
}

#[tokio::test]
async fn a_picture_beyond_the_quota_is_shown_and_not_stored() {
    let home = Home::new().await;
    home.talks().await;
    home.tell(vec![shows(PictureState::Awaited(PictureId(5)))]);
    let large = [PNG, &[0; 5000]].concat();
    if let Some(keep) = &mut home.session.lock().keep {
        keep.quota = keep.usage + 3000;
    }
    home.tell(came(5, &large));
    home.tell(shows_bytes(&large));
    assert_eq!(kept(&home.session)[1..], [with(Some(&large)), with(Some(&large))]);
    assert_eq!(stored(&home).await.len(), 2, "the words of the first, and nothing of the other");
    assert_eq!(home.store.blob(home.session.id(), &hash(&large)).await.unwrap(), None);
}

#[tokio::test]
async fn a_guest_who_becomes_a_user_keeps_the_pictures() {
    let home = Home::new().await;
    let guest = home.hub.open_guest(network(), PersonId(1)).unwrap();
    let session = home.hub.authenticate(&guest.token).unwrap();
    let user = session.id();
    session.lock().accounts.iter_mut().for_each(|known| known.id = AccountId(1));
    let told = [opened(1)].into_iter().chain(shows_bytes(PNG));
    home.hub.take_batch(told.map(|kind| BridgeEvent { user, origin: None, kind }).collect());
    assert_eq!(home.store.blob(user, &hash(PNG)).await.unwrap(), None);
    home.hub.register("Bob", &secret(PASSWORD), None, Some(session), &from()).await.unwrap();
    home.commits().await;
    assert_eq!(home.store.blob(user, &hash(PNG)).await.unwrap().as_deref(), Some(PNG));
}
