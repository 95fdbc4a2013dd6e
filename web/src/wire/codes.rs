//! Every error code of the interface, spelled once, with what it means; the schema publishes this list. It decides nothing.

/// Code and meaning, sorted by code. An account's own errors are another list: [`bridge::model::AccountError`].
pub const ERROR_CODES: &[(&str, &str)] = &[
    ("already_there", "what is to be added is there already"),
    ("bad_account", "the account cannot be changed like that"),
    ("bad_body", "the body of the request broke off"),
    ("bad_credentials", "nobody has this name with this password"),
    ("bad_cursor", "`after` is in the future of the log"),
    ("bad_field", "a field of the wrong form; `field` says which"),
    ("bad_group", "no name for a group"),
    ("bad_header", "a header that cannot be read"),
    ("bad_invite", "the invite is missing, unknown or used up"),
    ("bad_json", "the body is not the JSON that it has to be"),
    ("bad_name", "the network takes no such name"),
    ("bad_nick", "the network takes no such nick"),
    ("bad_option", "a setting of the account with a value it cannot have"),
    ("bad_picture", "no picture of a kind that is taken, or too large a one"),
    ("bad_query", "the query of the address cannot be read"),
    ("bad_request", "no request as RFC 9112 has it; the message says what is wrong"),
    ("bad_username", "the network takes no such user name"),
    ("being_fetched", "the incoming file is on its way to another browser"),
    ("broken_picture", "a damaged picture, out of which place and device cannot be taken"),
    ("busy", "no room for it at the moment; `retry_ms`"),
    ("cannot_receive", "the other side takes no files"),
    ("command_failed", "the protocol's slash command did not work"),
    ("cross_origin", "the request comes from a foreign page"),
    ("empty", "an upload without bytes"),
    ("full", "as many users as may be are signed in"),
    ("guests_have_no_account", "only users of this site have that; a guest registers first"),
    ("guests_off", "this site takes no guests"),
    ("internal", "a fault of the server's own"),
    ("join_failed", "the network did not let the user into the room"),
    ("limit", "as many of them as may be are there"),
    ("method_not_allowed", "the address is right, the method is not"),
    ("missing_field", "a field that has to be there is not; `field` says which"),
    ("missing_header", "a header that has to be there is not"),
    ("name_taken", "another user of this site has the name"),
    ("no_data_dir", "this server keeps no files to be sent"),
    ("no_site_key", "the site's key does not open what is stored for the user"),
    ("no_such_account", "not an account of this user"),
    ("no_such_action", "the menu has changed meanwhile"),
    ("no_such_authorization", "not an open one of this user"),
    ("no_such_bookmark", "not one of this user"),
    ("no_such_browser", "this browser is not signed in (any more)"),
    ("no_such_buddy", "not on this user's list"),
    ("no_such_button", "the question or notice has no such button"),
    ("no_such_client", "attach first"),
    ("no_such_command", "no command of this `type`"),
    ("no_such_conversation", "not an open one of this user"),
    ("no_such_field", "the network's rooms have no such field"),
    ("no_such_group", "none of this user's buddies is in it"),
    ("no_such_list", "the room list has ended, or never was"),
    ("no_such_member", "nobody in the room has the nick"),
    ("no_such_message", "there is no such message (any more)"),
    ("no_such_notice", "not an open one of this user"),
    ("no_such_option", "the protocol declares no such setting"),
    ("no_such_person", "not in the room (any more)"),
    ("no_such_protocol", "not offered by this site"),
    ("no_such_request", "not an open one of this user"),
    ("no_such_row", "the search has no such row"),
    ("no_such_search", "not one of this user, or closed already"),
    ("no_such_slash_command", "nobody knows the slash command, or not in this conversation; `//` says the text"),
    ("no_such_transfer", "not one of this user"),
    ("no_such_upload", "not one of this user, or forgotten since"),
    ("no_users", "this site keeps no users"),
    ("no_words", "a search needs a word with a letter or a digit"),
    ("not_a_room", "this works only in rooms"),
    ("not_accepted", "the incoming file has to be accepted first"),
    ("not_connected", "the account is not signed on"),
    ("not_found", "no such address"),
    ("not_in_room", "the user is not in this room"),
    ("not_json", "the body has to come with `Content-Type: application/json`"),
    ("not_offered", "the file is not offered (any more)"),
    ("not_sent", "the network did not take the message"),
    ("not_signed_in", "there is no session"),
    ("not_supported", "the network, or this server, cannot do that"),
    ("protocol_disabled", "an administrator switched the protocol off"),
    ("quota", "no room for another file; `field` says whose limit"),
    ("rate_limited", "too much at once; `retry_ms`"),
    ("refused", "the room or its server does not allow it; the message has its words"),
    ("registration_closed", "this site takes no new users"),
    ("restarting", "the daemon is going down; `retry_ms`"),
    ("session_ended", "the session is over"),
    ("store_unavailable", "the database does not answer; `retry_ms`"),
    ("timeout", "the network did not answer"),
    ("too_large", "more bytes than are taken"),
    ("too_late", "the message is on its way, or was sent"),
    ("too_long", "a text with more bytes than are taken"),
    ("too_many_commands", "more commands in one request than are taken"),
    ("too_many_connections", "no seat for another connection; `retry_ms`"),
    ("too_many_rooms", "the network has too many rooms to be asked for all of them"),
    ("too_many_strangers", "a guest has been the first to write to as many people as may be within an hour; `retry_ms`"),
    ("too_many_words", "more words in a search than are taken"),
    ("too_short", "the beginning of a word in a search has at least two letters"),
    ("too_slow", "the body of the request did not come in time"),
    ("transfer_failed", "the incoming file did not come"),
    ("unavailable", "the network side is down"),
    ("unknown_fate", "nobody knows whether it was done"),
    ("user_disabled", "the user may not sign in"),
    ("wrong_arguments", "the slash command needs other words after it"),
    ("wrong_host", "not a host at which this site answers (`hosts`)"),
    ("yourself", "the name is the user's own"),
];

/// The schema of a code: a text, with the list as its description. Clients meet new codes by their HTTP status or their `message`.
pub(super) fn schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let list: String = ERROR_CODES.iter().map(|(code, meaning)| format!("\n- `{code}`: {meaning}")).collect();
    let codes: Vec<&str> = ERROR_CODES.iter().map(|(code, _)| *code).collect();
    schemars::json_schema!({
        "type": "string",
        "description": format!("One of these; others may be added.\n{list}"),
        "examples": codes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    /// What comes before a code in the sources.
    const MAKERS: [&str; 6] = ["CommandError::new(", "bad_request(", "ApiError::new(", "Err(error(", "Err(at(", "later("];

    fn sources(below: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(below).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && name != "tests" {
                sources(&path, found);
            } else if name.ends_with(".rs") && !name.contains("tests") && name != "codes.rs" {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push(text.split("#[cfg(test)]\nmod ").next().unwrap_or_default().to_owned());
            }
        }
    }

    /// The first text literal of what follows, when only a status comes before it.
    fn literal(rest: &str) -> Option<&str> {
        let rest = rest.trim_start();
        let rest = if rest.starts_with("StatusCode::") { rest.split_once(',')?.1.trim_start() } else { rest };
        let text = rest.strip_prefix('"')?.split('"').next()?;
        let snake = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        snake.then_some(text)
    }

    #[test]
    fn every_code_in_the_sources_is_listed_and_every_listed_one_is_used() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut texts = Vec::new();
        sources(&root.join("src"), &mut texts);
        sources(&root.join("../bridge/src"), &mut texts);
        let listed: BTreeSet<&str> = ERROR_CODES.iter().map(|(code, _)| *code).collect();
        assert!(ERROR_CODES.is_sorted() && listed.len() == ERROR_CODES.len());
        let mut strange = BTreeSet::new();
        for (text, maker) in texts.iter().flat_map(|text| MAKERS.map(|maker| (text, maker))) {
            let made = text.match_indices(maker).filter_map(|(at, _)| literal(&text[at + maker.len()..]));
            strange.extend(made.filter(|code| !listed.contains(code)));
        }
        assert!(strange.is_empty(), "not in ERROR_CODES: {strange:?}");
        let all = texts.concat();
        // `no_such_…` are put together from what is missing.
        let told = |code: &str| {
            all.contains(&format!("\"{code}\""))
                || code.strip_prefix("no_such_").is_some_and(|what| all.contains(&format!("unknown(\"{what}\")")))
        };
        let unused: Vec<&&str> = listed.iter().filter(|code| !told(code)).collect();
        assert!(unused.is_empty(), "nobody answers {unused:?}");
    }
}
