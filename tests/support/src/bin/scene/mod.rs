//! People, rooms and what is said in them, for pictures of the page: real servers, real people at the other end. Takes no pictures.

use support::{Contact, IrcPeer, Ngircd, Page, Prosody, Scheme, XmppPeer, conversation, quoted};

/// User, name, group, presence, status text; nobody is there without a presence.
pub(crate) const PEOPLE: [(&str, &str, &str, Option<&str>, &str); 18] = [
    ("noor", "Noor Karimi", "Friends", Some(""), "planting out the beans"),
    ("tomas", "Tomás Beltrán", "Friends", Some("away"), "back at three"),
    ("freya", "Freya Moe", "Friends", Some(""), "on the ferry, patchy"),
    ("amara", "Amara Okafor", "Friends", Some(""), ""),
    ("ruth", "Ruth Adler", "Friends", None, ""),
    ("samir", "Samir Haddad", "Friends", Some(""), ""),
    ("yael", "יעל כהן", "Friends", Some(""), "בדרך הביתה"),
    ("otto", "Otto Lund", "Friends", Some("xa"), ""),
    ("liwei", "Li Wei", "Work", Some("dnd"), "in a meeting until two"),
    ("jonas", "Jonas Lindqvist", "Work", Some(""), "reading drafts"),
    ("mei", "Mei Tanaka", "Work", Some("xa"), "on holiday, finally"),
    ("priya", "Priya Raman", "Work", None, ""),
    ("hana", "Hana Dvořák", "Work", Some(""), "deploying, back soon"),
    ("giulia", "Giulia Penna", "Work", Some("away"), "lunch"),
    ("desk2", "Desk 2", "Work", Some(""), ""),
    ("desk10", "Desk 10", "Work", Some(""), ""),
    ("marta", "Marta Sousa", "Choir", Some(""), "learning the alto part"),
    ("wren", "Wren Abbott", "Choir", None, ""),
];

/// A talk in a room: who says what. Lines of "ines" are the user's own.
pub(crate) const GARDEN: [(&str, &str); 7] = [
    ("freya", "Frost on Thursday, says the forecast."),
    ("tomas", "Then I cover the tomatoes tonight. All forty of them."),
    ("ines", "I have two fleeces to spare. Take them!"),
    ("liwei", "The key of the shed is back on its hook."),
    ("tomas", "You are an angel. Both of you."),
    ("noor", "Has anybody seen these by the gate? https://plants.example/bluebell"),
    ("noor", "Not sown by me!"),
];

/// A talk with Noor; true: the user's own line.
pub(crate) const NOOR: [(bool, &str); 12] = [
    (true, "Good morning! Is there still room in bed seven?"),
    (false, "For you, always."),
    (false, "What is it this time?"),
    (true, "Sunflowers. Only three."),
    (true, "Five."),
    (
        false,
        "Five it is, along the fence. But not where the beans are, they have only just come up and I would like to see one of them this year.",
    ),
    (false, "Did you see the bluebells by the gate? https://plants.example/bluebell"),
    (true, "Not yet! I am coming round at four."),
    (false, "Bring the small trowel, please."),
    (false, "And cake."),
    (true, "Lemon or poppy seed?"),
    (false, "Yes."),
];

pub(crate) fn contact(user: &str, name: &str, group: &str) -> Contact {
    Contact { jid: format!("{user}@localhost"), name: name.to_owned(), group: group.to_owned() }
}

/// A server on which Ines and all of [`PEOPLE`] know each other.
pub(crate) fn server() -> Prosody {
    let mut builder = Prosody::builder().users(["ines"]).users(PEOPLE.map(|person| person.0));
    for (user, name, group, ..) in PEOPLE {
        builder = builder.contact("ines", contact(user, name, group));
    }
    let prosody = builder.start();
    for (user, ..) in PEOPLE {
        prosody.set_roster(user, &[contact("ines", "Ines", "Friends")]);
    }
    prosody
}

/// Those who are there.
pub(crate) struct People(Vec<(&'static str, XmppPeer)>);

impl People {
    /// Signs on everybody with a presence. `each` gets number, peer, presence and status text of each.
    pub(crate) fn arrive(prosody: &Prosody, mut each: impl FnMut(usize, &mut XmppPeer, &str, &str)) -> Self {
        let mut there = Vec::new();
        for (number, (user, _, _, show, status)) in PEOPLE.into_iter().enumerate() {
            let Some(show) = show else { continue };
            let mut peer = XmppPeer::connect(prosody, user);
            peer.show(show, status);
            each(number, &mut peer, show, status);
            there.push((user, peer));
        }
        Self(there)
    }

    pub(crate) fn of(&mut self, user: &str) -> &mut XmppPeer {
        self.0.iter_mut().find(|(name, _)| *name == user).map(|(_, peer)| peer).expect("somebody who is there")
    }

    /// The gardeners are in their room, which has a topic.
    pub(crate) fn gather(&mut self, prosody: &Prosody) -> String {
        let room = prosody.room("gardeners");
        for (user, nick) in
            [("freya", "Freya"), ("tomas", "Tomás"), ("noor", "Noor"), ("liwei", "Li Wei"), ("jonas", "Jonas"), ("marta", "marta")]
        {
            self.of(user).join(&room, nick);
        }
        self.of("freya").topic(&room, "What grows where, and why not");
        room
    }

    /// Says a line in a room, and waits until the page shows it.
    pub(crate) async fn say_in(&mut self, page: &Page, talk: &str, room: &str, user: &str, text: &str) {
        if user == "ines" {
            page.say(talk, text).await;
            page.sent(talk, text).await;
        } else {
            self.of(user).say_in(room, text);
            // An action is shown with its actor.
            match text.strip_prefix("/me ") {
                Some(action) => {
                    page.wait(&format!(
                        "[...document.querySelectorAll('[data-testid=message-text]')].some(e => e.textContent.endsWith({}))",
                        quoted(action)
                    ))
                    .await
                }
                None => page.hears(talk, text).await,
            };
        }
    }

    /// The talk with Noor, in the window that it opens.
    pub(crate) async fn with_noor(&mut self, page: &Page) -> String {
        let talk = page.open_buddy("noor@localhost").await;
        for (own, text) in NOOR {
            if own {
                page.say(&talk, text).await;
                page.sent(&talk, text).await;
            } else {
                self.of("noor").say("ines@localhost", text);
                page.hears(&talk, text).await;
            }
        }
        talk
    }
}

/// Adds an account on an ngircd of ours, without TLS.
pub(crate) async fn add_irc(page: &Page, server: &Ngircd) {
    page.add_irc(server, "ines").await;
    page.wait("document.querySelectorAll('[data-testid=account][data-state=online]').length === 2").await;
}

/// Joins a room by the form of the account whose name begins so.
pub(crate) async fn join(page: &Page, account: &str, fields: &[(&str, &str)], name: &str) -> String {
    page.click(&format!("[data-testid=account][data-username^='{account}']")).await;
    page.click("[data-testid=menu-account-join]").await;
    for (key, value) in fields {
        page.fill(&format!("room-{key}"), value).await;
    }
    page.click("[data-testid=join-ok]").await;
    page.see_no("[data-testid=join-dialog]").await;
    let talk = conversation(name);
    page.see(&talk).await;
    talk
}

pub(crate) async fn join_xmpp(page: &Page, room: &str, name: &str) -> String {
    join(page, "ines@localhost", &[("room", room), ("server", "rooms.localhost"), ("handle", "Ines")], name).await
}

/// Joins a channel, and hears two people talk there.
pub(crate) async fn on_irc(page: &Page, channel: &str, nadia: &mut IrcPeer, oskar: &mut IrcPeer) -> String {
    for peer in [&mut *nadia, &mut *oskar] {
        peer.join(channel);
    }
    let talk = join(page, "ines@127", &[("channel", channel)], channel).await;
    page.see(&format!("{talk} [data-testid=member][data-name=oskar]")).await;
    for (first, text) in [
        (true, "why is my future not Send?"),
        (false, "you hold a MutexGuard over an await, I bet"),
        (true, "… I do. Thank you!"),
        (false, "happens to all of us, every spring"),
    ] {
        if first {
            nadia.say(channel, text)
        } else {
            oskar.say(channel, text)
        }
        page.hears(&talk, text).await;
    }
    talk
}

/// Gives `take` the page in light and in dark, each plain or with more contrast as `contrasts` lists it, as a PNG, once nothing moves any more; plain and
/// light again afterwards.
pub(crate) async fn themes(page: &Page, contrasts: &[bool], mut take: impl FnMut(&str, &[u8])) {
    for &contrast in contrasts {
        for (scheme, theme) in [(Scheme::Light, "light"), (Scheme::Dark, "dark")] {
            page.browser().looks(scheme, contrast).await;
            let there = format!("dataset.theme === '{theme}' && 'contrast' in document.documentElement.dataset === {contrast}");
            page.wait(&format!("document.documentElement.{there}")).await;
            page.at_rest().await;
            let name = if contrast { format!("{theme}-contrast") } else { theme.to_owned() };
            take(&name, &page.browser().page().screenshot().await.expect("a picture"));
        }
    }
    page.browser().looks(Scheme::Light, false).await;
}
