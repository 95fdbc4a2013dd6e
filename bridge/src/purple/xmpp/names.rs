//! Characters that cannot stand in the name of an XMPP address, and the form in which they do (XEP-0106). Asks nobody.

/// Characters that are escaped when somebody types them. `@` and `/` divide an address, and are not escaped.
const TYPED: [(char, &str); 7] = [(' ', "\\20"), ('"', "\\22"), ('&', "\\26"), ('\'', "\\27"), (':', "\\3a"), ('<', "\\3c"), ('>', "\\3e")];
/// Further characters that other programs escape: they are shown, and never made.
const OTHERS: [(char, &str); 3] = [('/', "\\2f"), ('@', "\\40"), ('\\', "\\5c")];

/// An address as it is shown: without escapes in its name.
pub(in crate::purple) fn shown(address: &str) -> Option<String> {
    let (name, server) = address.split_once('@')?;
    if !name.contains('\\') {
        return None;
    }
    let mut plain = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        plain.push_str(before);
        let known = TYPED.iter().chain(&OTHERS).find(|(_, code)| escape.get(..3).is_some_and(|one| one.eq_ignore_ascii_case(code)));
        let length = if known.is_some() { 3 } else { 1 };
        plain.push(known.map_or('\\', |(character, _)| *character));
        rest = escape.get(length..).unwrap_or_default();
    }
    plain.push_str(rest);
    // XEP-0106, 4.2: no blank begins or ends a name.
    let strange = plain.starts_with(' ') || plain.ends_with(' ') || plain.chars().any(char::is_control);
    (plain != name && !strange).then(|| format!("{plain}@{server}"))
}

/// An address as somebody typed it, with escapes for what cannot stand in its name.
pub(in crate::purple) fn typed(address: &str) -> Option<String> {
    let bare = address.split('/').next().unwrap_or_default();
    let at = bare.rfind('@')?;
    let (name, rest) = address.split_at(at);
    if !name.contains(|character| TYPED.iter().any(|(known, _)| *known == character)) || name.contains('@') {
        return None;
    }
    let mut escaped = String::with_capacity(name.len() + 8);
    for character in name.chars() {
        match TYPED.iter().find(|(known, _)| *known == character) {
            Some((_, code)) => escaped.push_str(code),
            None => escaped.push(character),
        }
    }
    Some(escaped + rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_and_shown() {
        for (address, plain) in [
            ("d\\27artagnan@localhost", Some("d'artagnan@localhost")),
            ("miles\\20o\\27brien@x.org/a\\20b", Some("miles o'brien@x.org/a\\20b")),
            ("a\\40b\\2Fc@x.org", Some("a@b/c@x.org")),
            ("c\\5c27@x.org", Some("c\\27@x.org")),
            ("a\\99b@x.org", None),
            ("a\\2@x.org", None),
            ("\\20a@x.org", None),
            ("bob@x.org", None),
            ("x.org", None),
        ] {
            assert_eq!(shown(address).as_deref(), plain, "{address}");
        }
        for (address, escaped) in [
            ("d'artagnan@localhost", Some("d\\27artagnan@localhost")),
            ("miles o'brien@x.org/de sk", Some("miles\\20o\\27brien@x.org/de sk")),
            ("bob@x.org/it's", None),
            ("bob@x.org", None),
            ("it's", None),
        ] {
            assert_eq!(typed(address).as_deref(), escaped, "{address}");
        }
    }
}
