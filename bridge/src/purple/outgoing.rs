//! The one way of people's texts to libpurple: a type for each thing that a text can be, made by its check alone. Does not send anything.
//!
//! [`Name`] and [`Password`] refuse what cannot stand in them. [`Line`], [`Prose`] and [`Html`] leave it out, so that the rest still goes. What stays
//! in this process (a path, a key, a look-up) goes by [`super::ffi::in_process`].

use super::accounts;
use super::ffi::in_process;
use super::token::OnPurple;
use crate::command::Secret;
use crate::error::CommandError;
use crate::id::AccountId;
use crate::text;
use std::ffi::{CStr, CString, c_char};

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        pub(crate) struct $name(CString);

        impl $name {
            pub(crate) fn as_ptr(&self) -> *const c_char {
                self.0.as_ptr()
            }
        }
    )*};
}

texts! {
    /// Who or what somebody or something is, on its network: one line, and what the protocol's names can hold.
    Name
    /// What proves who somebody is: one line.
    Password
    /// Prose on one line.
    Line
    /// Name of a file: one line without directories, nor quotation marks, which end it for IRC.
    FileName
    /// Prose of several lines.
    Prose
    /// Prose of several lines as HTML, without tags of pictures.
    Html
}

impl Name {
    /// Checks a name for an account's network.
    ///
    /// # Errors
    /// `code`, blamed on `field`.
    pub(crate) fn on(token: OnPurple, account: AccountId, name: &str, code: &str, field: &str) -> Result<Self, CommandError> {
        let name = name.trim();
        if name.is_empty() {
            return Err(CommandError::new(code, "Enter a name.").at(field));
        }
        if !text::is_one_line(name) {
            return Err(CommandError::new(code, "A name is one line without control characters.").at(field));
        }
        if is_irc(token, account) && !irc_takes(name) {
            return Err(CommandError::new(code, "On IRC a name has no blank and no comma, and does not begin with a colon.").at(field));
        }
        Ok(Self(in_process(name)))
    }

    /// A group's name. Groups are no network's own, and every look-up walks them.
    ///
    /// # Errors
    /// `bad_group`, blamed on `group`.
    pub(crate) fn of_group(name: &str) -> Result<Self, CommandError> {
        let name = name.trim();
        if name.is_empty() || name.len() > 256 || !text::is_one_line(name) {
            return Err(CommandError::new("bad_group", "Name the group in at most 256 bytes, on one line.").at("group"));
        }
        Ok(Self(in_process(name)))
    }

    /// A whole user name, which `protocols::join_username` has put together and checked.
    ///
    /// # Errors
    /// `bad_username`, blamed on `username`.
    pub(crate) fn of_account(name: &str) -> Result<Self, CommandError> {
        if !text::is_one_line(name) {
            return Err(CommandError::new("bad_username", "A user name is one line without control characters.").at("username"));
        }
        Ok(Self(in_process(name)))
    }
}

impl Password {
    /// Checks a password. Some networks take it as a line (IRC), others as XML.
    ///
    /// # Errors
    /// `bad_field`, blamed on `field`.
    pub(crate) fn new(secret: &Secret, field: &str) -> Result<Self, CommandError> {
        if !text::is_one_line(secret.expose()) {
            return Err(CommandError::new("bad_field", "A password is one line without control characters.").at(field));
        }
        Ok(Self(in_process(secret.expose())))
    }
}

impl FileName {
    pub(crate) fn of(name: &str) -> Self {
        let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
        let clean = text::line(last);
        let mut plain: String = clean.trim().chars().filter(|c| !c.is_control() && *c != '"').collect();
        plain.truncate(plain.floor_char_boundary(200));
        if plain.trim_matches('.').is_empty() {
            "file".clone_into(&mut plain);
        }
        Self(in_process(&plain))
    }
}

impl Line {
    pub(crate) fn as_c_str(&self) -> &CStr {
        &self.0
    }

    pub(crate) fn of(words: &str) -> Self {
        Self(in_process(&text::without_references(&text::line(words))))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Prose {
    pub(crate) fn of(words: &str) -> Self {
        Self(in_process(&text::without_references(&text::prose(words))))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Html {
    /// Takes HTML. Plugins look pictures up by the number in their tag, in a store that all users of a libpurple share: no tag gets that far.
    pub(crate) fn of(html: &str) -> Self {
        Self(in_process(&without_pictures(&text::without_references(&text::prose(html)))))
    }

    /// Plain prose, where a protocol takes HTML.
    pub(crate) fn of_prose(words: &str) -> Self {
        let clean = text::prose(words);
        Self(in_process(&clean.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")))
    }

    pub(crate) fn text(&self) -> &str {
        // Made of a `str`.
        self.0.to_str().unwrap_or_default()
    }
}

/// IRC ends a parameter at a blank, takes a comma for the end of one name of several, and a colon in front for the last parameter.
pub(crate) fn irc_takes(name: &str) -> bool {
    !name.contains([' ', ',']) && !name.starts_with(':')
}

/// Whether an account speaks IRC, where a text is made of the protocol's own lines.
pub(crate) fn is_irc(token: OnPurple, account: AccountId) -> bool {
    accounts::read(token, account, |entry| entry.protocol == "prpl-irc").unwrap_or(false)
}

/// Cleaned HTML has no NUL, which would end a tag for C and not for us.
fn without_pictures(html: &str) -> String {
    let begins = |at: usize| html.get(at + 1..at + 4).is_some_and(|name| name.eq_ignore_ascii_case("img"));
    let mut rest = 0;
    let mut plain = String::with_capacity(html.len());
    for (at, _) in html.match_indices('<').filter(|(at, _)| begins(*at)) {
        plain.push_str(html.get(rest..at).unwrap_or_default());
        plain.push_str("&lt;");
        rest = at + 1;
    }
    plain.push_str(html.get(rest..).unwrap_or_default());
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::purple::testing::{settings, with_core};
    use std::path::Path;

    #[test]
    fn names_are_refused_and_prose_is_cleaned() {
        with_core("purple::outgoing::tests::names_are_refused_and_prose_is_cleaned", |core| {
            let token = core.token;
            core.account(1, 10);
            core.add(1, 11, settings("prpl-irc", "ines@irc.example.org"));
            let name = |account: u64, name: &str| Name::on(token, AccountId(account), name, "bad_name", "name").map(|name| name.0);
            assert_eq!(name(10, " Ines de la Rosa "), Ok(c"Ines de la Rosa".to_owned()));
            for bad in ["", " ", "a\nb", "a\rb", "a\tb", "a\0b", "a\u{b}b", "a\u{fffe}b", "a\u{2028}b", "a\u{85}b", "a\u{7f}b"] {
                let error = name(10, bad).unwrap_err();
                assert_eq!((error.code.as_str(), error.field.as_deref()), ("bad_name", Some("name")), "{bad:?}");
                assert!(bad.trim().is_empty() || Password::new(&Secret::new(bad.to_owned()), "password").is_err(), "{bad:?}");
            }
            assert_eq!(name(11, "#garden"), Ok(c"#garden".to_owned()));
            for bad in ["#a #b", "#a,0", ":bob"] {
                assert!(name(11, bad).is_err() && name(10, bad).is_ok(), "{bad:?}");
            }
        });
        for (name, clean) in
            [("../../a b.txt", c"a b.txt"), ("a\"\u{1}\r\nQUIT\".txt", c"a QUIT.txt"), ("..", c"file"), ("C:\\x\\y.png", c"y.png")]
        {
            assert_eq!(FileName::of(name).0.as_c_str(), clean);
        }
        assert_eq!(Line::of("one\r\nQUIT\u{b} :two\0").0, c"one QUIT :two".to_owned());
        assert_eq!(Prose::of("one\rtwo\u{fffe}").0, c"one\ntwo".to_owned());
        assert_eq!(Html::of("a<IMG id=1>\u{b}<\0img id=2>").0, c"a&lt;IMG id=1>&lt;img id=2>".to_owned());
        assert_eq!(Html::of_prose("1 < 2 &#11;\u{b}").0, c"1 &lt; 2 &amp;#11;".to_owned());
    }

    /// Files with C strings that are not checked here, and why those texts do not leave.
    const LOCAL: [(&str, &str); 37] = [
        ("ffi.rs", "makes them"),
        ("outgoing.rs", "checks them"),
        ("account.rs", "protocols, options' keys, and what a plugin stored itself"),
        ("account/port.rs", "options' keys"),
        ("alone.rs", "paths"),
        ("bare.rs", "the floor of the figures"),
        ("blist.rs", "a look-up"),
        ("blist/groups.rs", "a look-up"),
        ("blist/tell.rs", "what came from a network"),
        ("connection/told.rs", "our own words"),
        ("conversation/names.rs", "a look-up"),
        ("conversation/sent.rs", "look-ups, and what a plugin wrote"),
        ("dns.rs", "our own words"),
        ("dns/lists.rs", "what came from a name server"),
        ("interpose/names.rs", "names that came from a network"),
        ("interpose/plugins.rs", "paths and plugins' ids"),
        ("interpose/plugins/why.rs", "paths"),
        ("iq.rs", "ids of our own; addresses that came from a network, put into a stanza by libpurple's own writer of XML"),
        ("irc.rs", "what came from a network"),
        ("irc/opening.rs", "lines that the plugin made itself, and an address of ours"),
        ("picture/bob.rs", "what came from a network, put into a stanza by libpurple's own writer of XML"),
        ("prefs.rs", "keys"),
        ("privacy.rs", "a look-up"),
        ("protocols/read.rs", "protocols"),
        ("request/form.rs", "choices that the asker gave"),
        ("room/act.rs", "look-ups, by names that came from a network"),
        ("room/affiliation.rs", "a look-up, by a name that came from a network"),
        ("room/ask.rs", "ids of our own; names and addresses that came from a network, put into a stanza by libpurple's own writer of XML"),
        ("room/form.rs", "keys that the protocol declares"),
        ("status.rs", "keys that the protocol declares"),
        ("thread.rs", "paths"),
        ("transfer/incoming.rs", "a name that came from a network"),
        (
            "transfer/upload.rs",
            "ids, addresses and numbers of our own, and what a service answered, put into stanzas by libpurple's own writer of XML",
        ),
        ("xmpp/avatars.rs", "what came from a network, for a look-up and a setting"),
        ("xmpp/mend.rs", "what came from a network, into a line of the room and the name of the user there"),
        ("xmpp/receipts.rs", "an id that came from a network, put into a stanza by libpurple's own writer of XML"),
        ("xmpp/node.rs", "what came from a network, put into a stanza by libpurple's own writer of XML"),
    ];

    fn files(below: &Path, inside: &str, found: &mut Vec<(String, String)>) {
        for entry in std::fs::read_dir(below).unwrap() {
            let path = entry.unwrap().path();
            let name = format!("{inside}{}", path.file_name().unwrap().to_string_lossy());
            if path.is_dir() {
                files(&path, &format!("{name}/"), found);
            } else if !name.contains("test") && name != "strangers.rs" {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((name, text.split("#[cfg(test)]\nmod ").next().unwrap_or_default().to_owned()));
            }
        }
    }

    #[test]
    fn whoever_hands_libpurple_an_unchecked_text_is_known() {
        let mut all = Vec::new();
        files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/purple"), "", &mut all);
        let mut makers: Vec<&str> = all
            .iter()
            .filter(|(_, text)| text.contains("in_process(") || text.contains("CString::new("))
            .map(|(name, _)| name.as_str())
            .collect();
        makers.sort_unstable();
        let mut known: Vec<&str> = LOCAL.iter().map(|(name, _)| *name).collect();
        known.sort_unstable();
        assert_eq!(makers, known, "what a person wrote goes by a type of outgoing.rs");
    }
}
