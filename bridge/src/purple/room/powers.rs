//! Lists what somebody in a room may do to another, by the standing of both (RFC 2811, 4.1; XEP-0045, 5). Does not ask the network, which
//! has the last word (see `ask.rs`).

use crate::model::MenuItem;

/// XMPP's long-term standing, lowest first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Affiliation {
    #[default]
    None,
    Member,
    Admin,
    Owner,
}

impl Affiliation {
    /// The affiliation of this name in XMPP; an outcast is in no room.
    pub(super) fn named(name: &str) -> Self {
        match name {
            "member" => Self::Member,
            "admin" => Self::Admin,
            "owner" => Self::Owner,
            _ => Self::None,
        }
    }
}

/// Somebody's standing in a room.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) affiliation: Affiliation,
    /// IRC's operator or founder, XMPP's moderator.
    pub(super) operator: bool,
    /// IRC's half-operator.
    pub(super) half: bool,
    pub(super) voice: bool,
}

/// The network's rules for operators of rooms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rules {
    Irc,
    Xmpp,
    /// Rules of any other plugin, which is known by its slash commands alone.
    Other,
}

/// Ids of the actions that `own` may take on somebody else. `known`: XMPP, the room tells their real address.
pub(super) fn over(rules: Rules, own: Standing, other: Standing, known: bool) -> Vec<&'static str> {
    let all: &[(bool, &'static str)] = match rules {
        Rules::Irc => {
            let (op, some) = (own.operator, own.operator || own.half);
            // A half-operator can neither remove nor ban an operator.
            let below = op || !other.operator;
            &[
                (some && !other.voice, "voice"),
                (some && other.voice, "devoice"),
                (op && !other.operator, "op"),
                (op && other.operator, "deop"),
                (some && below, "kick"),
                (some && below, "ban"),
            ]
        }
        Rules::Xmpp => {
            use Affiliation as A;
            let rules_over = own.affiliation >= A::Admin && (own.affiliation == A::Owner || other.affiliation < A::Admin);
            // Roles of owners and administrators are nobody's to change, and moderators are made by administrators.
            let over_role = own.operator && other.affiliation < A::Admin;
            let (plain, admin, owner) = (!other.operator, own.affiliation >= A::Admin, own.affiliation == A::Owner);
            let ranks = rules_over && known;
            let over_whole = own.operator && (other.affiliation < A::Admin || rules_over);
            &[
                (over_role && plain && !other.voice, "voice"),
                (over_role && plain && other.voice, "devoice"),
                (over_role && admin && plain, "op"),
                (over_role && admin && !plain, "deop"),
                (ranks && other.affiliation == A::None, "member"),
                (ranks && owner && other.affiliation < A::Admin, "admin"),
                (ranks && owner && other.affiliation < A::Owner, "owner"),
                (ranks && other.affiliation > A::None, "unaffiliate"),
                (over_whole && (plain || admin), "kick"),
                (ranks, "ban"),
            ]
        }
        Rules::Other => &[
            (own.operator && !other.operator, "op"),
            (own.operator && other.operator, "deop"),
            (own.operator || own.half, "kick"),
            (own.operator || own.half, "ban"),
        ],
    };
    all.iter().filter(|(may, _)| *may).map(|(_, id)| *id).collect()
}

/// Ids of the actions that `own` may take on the room itself.
pub(super) fn over_room(rules: Rules, own: Standing) -> Vec<&'static str> {
    let all: &[(bool, &'static str)] = match rules {
        Rules::Irc => &[(own.operator || own.half, "bans")],
        Rules::Xmpp => {
            let (admin, owner) = (own.affiliation >= Affiliation::Admin, own.affiliation == Affiliation::Owner);
            &[(admin, "bans"), (owner, "configure")]
        }
        Rules::Other => &[],
    };
    all.iter().filter(|(may, _)| *may).map(|(_, id)| *id).collect()
}

/// An entry of the menu by its id.
pub(super) fn item(rules: Rules, id: &str) -> MenuItem {
    let label = match (id, rules) {
        ("op", Rules::Xmpp) => "Make moderator",
        ("deop", Rules::Xmpp) => "No longer moderator",
        ("op", _) => "Make operator",
        ("deop", _) => "No longer operator",
        ("voice", _) => "Give voice",
        ("devoice", _) => "Take voice away",
        ("member", _) => "Make member",
        ("admin", _) => "Make administrator",
        ("owner", _) => "Make owner",
        ("unaffiliate", _) => "Take rank away",
        ("kick", _) => "Remove from the room",
        ("ban", _) => "Ban from the room",
        ("configure", _) => "Configure the room…",
        ("bans", _) => "Who is banned…",
        (other, _) => other,
    };
    let hard = matches!(id, "kick" | "ban");
    let reason = hard || (rules == Rules::Xmpp && matches!(id, "devoice" | "deop" | "unaffiliate"));
    MenuItem { id: Some(id.to_owned()), label: label.to_owned(), reason, danger: hard || id == "owner", ..MenuItem::default() }
}

/// The mask of a ban on IRC: everybody from the person's host. Without a known host, the nick.
pub(super) fn mask(nick: &str, userhost: Option<&str>) -> String {
    let host = userhost.and_then(|known| known.rsplit_once('@')).map(|(_, host)| host.trim());
    match host
        .filter(|host| !host.is_empty() && !host.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, ',' | '!' | '*' | '?')))
    {
        Some(host) => format!("*!*@{host}"),
        None => format!("{nick}!*@*"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Standing = Standing { affiliation: Affiliation::None, operator: false, half: false, voice: false };

    fn xmpp(affiliation: Affiliation, operator: bool) -> Standing {
        Standing { affiliation, operator, voice: !operator, ..PLAIN }
    }

    #[test]
    fn on_irc_operators_rule_and_half_ones_not_over_whole_ones() {
        let op = Standing { operator: true, ..PLAIN };
        let half = Standing { half: true, ..PLAIN };
        let voiced = Standing { voice: true, ..PLAIN };
        let over = |own, other| over(Rules::Irc, own, other, false);
        assert_eq!(over(op, PLAIN), ["voice", "op", "kick", "ban"]);
        assert_eq!(over(op, Standing { voice: true, ..op }), ["devoice", "deop", "kick", "ban"]);
        assert_eq!(over(half, voiced), ["devoice", "kick", "ban"]);
        assert_eq!(over(half, op), ["voice"]);
        assert!(over(voiced, PLAIN).is_empty() && over(PLAIN, PLAIN).is_empty());
    }

    #[test]
    fn on_xmpp_roles_are_the_moderators_and_ranks_those_of_whoever_is_above() {
        use Affiliation as A;
        let over = |own, other, known| over(Rules::Xmpp, own, other, known);
        let guest = xmpp(A::None, false);
        assert_eq!(over(xmpp(A::Owner, true), guest, true), ["devoice", "op", "member", "admin", "owner", "kick", "ban"]);
        // Without an address there is nobody to give a rank to.
        assert_eq!(over(xmpp(A::Owner, true), guest, false), ["devoice", "op", "kick"]);
        assert_eq!(over(xmpp(A::Owner, true), xmpp(A::Admin, true), true), ["owner", "unaffiliate", "kick", "ban"]);
        assert_eq!(over(xmpp(A::Admin, true), xmpp(A::Member, false), true), ["devoice", "op", "unaffiliate", "kick", "ban"]);
        assert_eq!(over(xmpp(A::Admin, true), xmpp(A::Admin, true), true), [""; 0]);
        assert_eq!(over(xmpp(A::None, true), guest, true), ["devoice", "kick"]);
        assert_eq!(over(xmpp(A::None, true), xmpp(A::None, true), true), [""; 0]);
        assert_eq!(over(xmpp(A::None, true), PLAIN, true), ["voice", "kick"]);
        assert!(over(guest, guest, true).is_empty() && over(xmpp(A::Member, false), guest, true).is_empty());
    }

    #[test]
    fn a_ban_is_of_the_host_and_of_nothing_that_is_none() {
        assert_eq!(mask("bob", Some("~bob@cloak.example.org")), "*!*@cloak.example.org");
        for odd in [None, Some("nobody"), Some("a@"), Some("a@b c"), Some("a@*"), Some("a@b\rQUIT"), Some("a@x,y")] {
            assert_eq!(mask("bob", odd), "bob!*@*", "{odd:?}");
        }
    }
}
