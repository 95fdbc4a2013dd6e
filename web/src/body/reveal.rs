//! Links whose text names another place than the one they lead to: their address stands beside the text; no address is looked up.

use super::links::turns_text;
use crate::wire::Span;

/// Addresses that are added to one body. A link beyond them that hides its target is text.
const MOST: usize = 8;
/// Longest address that is shown whole, in bytes.
const LONGEST: usize = 120;
/// Names of hosts and people that are looked at in one word.
const MOST_NAMES: usize = 8;
/// Schemes whose addresses name somebody at a host.
const OF_PEOPLE: &[&str] = &["mailto", "xmpp", "sip", "sips", "tel"];
/// Letters that look like those of Latin.
const LOOKALIKES: &str = "аАсСеЕоОрРхХуУіІјЈѕЅһԁԛԝӏҮВКМНТвкмнтгьαΑΒεΕΖηΗιΙκΚΜνΝοΟρΡτΤυΥχΧωγ";

/// Adds the address of each link that hides it. A word goes on from one span to the next: `https://bank` and `.test` are one address.
pub(super) fn reveal(mut spans: Vec<Span>) -> Vec<Span> {
    if spans.iter().all(|span| span.link.is_none()) {
        return spans;
    }
    for span in spans.iter_mut().filter(|span| span.link.is_some()) {
        span.text.retain(|c| !turns_text(c));
    }
    spans.retain(|span| !span.text.is_empty());
    let places = hidden(&mut spans);
    let mut places = places.into_iter().peekable();
    let mut out = Vec::with_capacity(spans.len() + MOST * 2);
    let mut start = 0;
    for span in spans {
        let end = start + span.text.len();
        let mut from = start;
        while let Some((at, beside)) = places.next_if(|(at, _)| *at <= end) {
            let text = span.text.get(from - start..at - start).unwrap_or_default();
            if !text.is_empty() {
                out.push(Span { text: text.to_owned(), ..span.clone() });
            }
            out.push(beside);
            from = at;
        }
        if from == start {
            out.push(span);
        } else if from < end {
            out.push(Span { text: span.text.get(from - start..).unwrap_or_default().to_owned(), ..span });
        }
        start = end;
    }
    out
}

/// Where in the text which address is to stand.
fn hidden(spans: &mut [Span]) -> Vec<(usize, Span)> {
    let mut places: Vec<(usize, Span)> = Vec::new();
    let mut tell = |at: usize, link: &str, target: &Target| {
        let told = places.len() < MOST;
        if told {
            places.push((at, Span { text: format!(" ({})", target.shown), link: Some(link.to_owned()), ..Span::default() }));
        }
        told
    };
    let text = super::text(spans);
    let mut end = 0;
    for span in spans.iter_mut() {
        end += span.text.len();
        // A picture may show any text.
        if let (Some(link), true) = (&span.link, span.is_picture()) {
            span.link = tell(end, link, &Target::of(link)).then(|| link.clone());
        }
    }
    let is_gap = |c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"');
    let (mut start, mut first, mut first_start) = (0, 0, 0);
    for part in text.split_inclusive(is_gap) {
        let word = part.trim_end_matches(is_gap);
        let end = start + word.len();
        // Before the marks that end a sentence, as far as they are no part of the link.
        let plain_end = start + word.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '}']).len();
        // On to the first span that the word has a part of.
        while let Some(span) = spans.get(first).filter(|span| first_start + span.text.len() <= start) {
            first_start += span.text.len();
            first += 1;
        }
        start += part.len();
        let mut claims = None;
        // Neighbours are mostly parts of the same link.
        let mut judged: Option<(String, bool)> = None;
        let (mut at, mut at_start) = (first, first_start);
        while let Some(span) = spans.get_mut(at).filter(|_| at_start < end) {
            at += 1;
            at_start += span.text.len();
            let place = plain_end.max(at_start.min(end));
            let Some(link) = span.link.as_ref().filter(|_| !span.is_picture()) else { continue };
            // A mailbox that says what it is; `+` in it would divide it into two names.
            if link.strip_prefix("mailto:") == Some(&span.text) {
                continue;
            }
            let known = judged.as_ref().filter(|(known, _)| known == link).map(|(_, may_stay)| *may_stay);
            let may_stay = known.unwrap_or_else(|| {
                let target = Target::of(link);
                !target.is_hidden_by(claims.get_or_insert_with(|| claims_of(word))) || tell(place, link, &target)
            });
            judged = Some((link.clone(), may_stay));
            if !may_stay {
                span.link = None;
            }
        }
    }
    places.sort_by_key(|(at, _)| *at);
    places
}

/// Where a link leads.
struct Target {
    /// As certificates have it; `None` when the address has none that can be read.
    host: Option<String>,
    /// Of an address of somebody: the part before the `@`.
    person: Option<String>,
    shown: String,
}

impl Target {
    fn of(link: &str) -> Self {
        let (scheme, rest) = link.split_once(':').unwrap_or_default();
        let people = OF_PEOPLE.contains(&scheme);
        // As browsers take it apart.
        let rest = rest.trim_start_matches(['/', '\\']);
        let authority = rest.get(..rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len())).unwrap_or_default();
        let path = rest.get(authority.len()..).unwrap_or_default();
        let (person, place) = authority.rsplit_once('@').map_or((None, authority), |(person, place)| (Some(person), place));
        let (name, port) = place.rsplit_once(':').filter(|(_, port)| port.bytes().all(|c| c.is_ascii_digit())).unwrap_or((place, ""));
        let host = ascii(name);
        let mut shown = if people { format!("{scheme}:") } else { format!("{scheme}://") };
        if let (true, Some(person)) = (people, person) {
            shown.push_str(person);
            shown.push('@');
        }
        shown.push_str(host.as_deref().unwrap_or(name));
        if !port.is_empty() {
            shown.push(':');
            shown.push_str(port);
        }
        let mut shown = escaped(&shown);
        let most = shown.len().max(LONGEST);
        shown.push_str(&escaped(path));
        if shown.len() > most {
            shown.truncate(most);
            shown.push('…');
        }
        Self { host, person: people.then(|| person.map(str::to_lowercase)).flatten(), shown }
    }

    fn is_hidden_by(&self, claims: &Claims) -> bool {
        claims.too_many
            || claims.names.iter().any(|claim| match claim {
                Claim::Host(Some(host)) => self.host.as_deref().map(bare) != Some(bare(host)),
                Claim::Person(person, Some(host)) => self.person.as_ref() != Some(person) || self.host.as_ref() != Some(host),
                Claim::Host(None) | Claim::Person(_, None) | Claim::Lookalike => true,
            })
    }
}

/// `www.` says nothing of its own.
fn bare(host: &str) -> &str {
    host.strip_prefix("www.").unwrap_or(host)
}

/// As browsers send it: ASCII only.
fn escaped(address: &str) -> String {
    address.bytes().map(|byte| if byte.is_ascii_graphic() { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

fn ascii(host: &str) -> Option<String> {
    idna::domain_to_ascii(host.trim_end_matches('.')).ok().filter(|host| !host.is_empty())
}

/// What a word names, as its reader takes it.
enum Claim {
    Host(Option<String>),
    Person(String, Option<String>),
    /// Letters of another script that look like Latin ones.
    Lookalike,
}

struct Claims {
    names: Vec<Claim>,
    too_many: bool,
}

fn claims_of(word: &str) -> Claims {
    let word: String = word.chars().filter_map(seen).collect();
    let mut claims = Claims { names: Vec::new(), too_many: false };
    let mut person: Option<&str> = None;
    let mut rest = word.as_str();
    let mut slashes = false;
    while let Some(start) = rest.find(in_host) {
        slashes |= rest.get(..start).unwrap_or_default().contains("//");
        let from = rest.get(start..).unwrap_or_default();
        let length = from.find(|c| !in_host(c)).unwrap_or(from.len());
        let (name, after) = from.split_at(length);
        rest = after;
        let name = name.trim_matches(['.', '-', '_']);
        if name.is_empty() {
            continue;
        }
        let next = after.chars().next();
        if let Some(person) = person.take() {
            claims.names.push(Claim::Person(person.to_lowercase(), ascii(name)));
        } else if next == Some('@') && !slashes {
            person = Some(name);
        } else if slashes || is_host(name) {
            claims.names.push(Claim::Host(ascii(name)));
        } else {
            continue;
        }
        if is_lookalike(name) {
            claims.names.push(Claim::Lookalike);
        }
        if let Some(port) = rest.strip_prefix(':') {
            rest = port.trim_start_matches(|c: char| c.is_ascii_digit());
        }
        // What follows a host is a path, where names mean nothing.
        if person.is_none() && rest.starts_with(['/', '\\', '?', '#']) {
            break;
        }
        if claims.names.len() > MOST_NAMES {
            claims.too_many = true;
            break;
        }
    }
    claims
}

/// A character as it looks: none for those that cannot be seen.
fn seen(c: char) -> Option<char> {
    let looks = match c {
        c if turns_text(c) => return None,
        '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200c}' | '\u{200d}' => return None,
        '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}' => return None,
        '。' | '｡' | '․' | '﹒' => '.',
        '⁄' | '∕' | '⧸' | '╱' | '⟋' => '/',
        '∶' | '꞉' | 'ː' | '︓' | '﹕' | '։' => ':',
        '﹫' => '@',
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        _ => c,
    };
    Some(looks)
}

fn in_host(c: char) -> bool {
    c.is_alphanumeric()
        || matches!(c, '.' | '-' | '_')
        || (!c.is_ascii() && !matches!(c, '\u{80}'..='\u{bf}' | '\u{2000}'..='\u{206f}' | '\u{3000}'..='\u{303f}'))
}

/// Whether it reads like a host without anything before it: `bank.test`, `192.0.2.1`.
fn is_host(name: &str) -> bool {
    let labels: Vec<&str> = name.split('.').collect();
    let Some((last, others)) = labels.split_last() else { return false };
    let number = |label: &&str| !label.is_empty() && label.bytes().all(|c| c.is_ascii_digit());
    let top = last.starts_with("xn--") || (last.chars().count() > 1 && last.chars().all(char::is_alphabetic));
    (top && !others.is_empty() && labels.iter().all(|label| !label.is_empty())) || (labels.len() == 4 && labels.iter().all(number))
}

/// Whether a part of the name is Latin mixed with another alphabet, or nothing but letters that look like Latin ones.
fn is_lookalike(name: &str) -> bool {
    let latin = |c: char| c.is_ascii_alphabetic();
    let other = |c: char| matches!(c, '\u{370}'..='\u{58f}' | '\u{10a0}'..='\u{10ff}' | '\u{13a0}'..='\u{13ff}' | '\u{1f00}'..='\u{1fff}');
    let foreign_top = name.rsplit('.').next().is_some_and(|top| top.chars().any(other));
    name.split('.').any(|label| {
        let mut letters = label.chars().filter(|c| c.is_alphabetic()).peekable();
        (label.contains(latin) && label.contains(other))
            || (!foreign_top && letters.peek().is_some() && letters.all(|c| LOOKALIKES.contains(c)))
    })
}
