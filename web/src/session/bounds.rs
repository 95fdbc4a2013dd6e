//! How much of what a network peer sends stands in a session: texts and lists are cut, and say so; decides nothing else.

use crate::wire;
use bridge::model::{Authorization, Buddy, Choice, Conversation, Field, FieldType, Member, Request, Value};
use std::collections::HashSet;

/// What stands at the end of a text that was cut.
const CUT: char = '…';
/// A name, a label, a cell of a table: bytes.
const SHORT: usize = 1 << 10;
/// A question, or a text that a form begins with: bytes.
const LONG: usize = 16 << 10;
/// The label of an entry of a profile, and its value: bytes.
pub(super) const A_LABEL: usize = SHORT;
pub(super) const A_VALUE: usize = 8 * SHORT;
/// Buttons of a question or notice, columns of a table.
const MOST_BUTTONS: usize = 50;
/// Fields of a form.
const MOST_FIELDS: usize = 300;
/// Choices of one field.
const MOST_CHOICES: usize = 1000;
/// Texts of all fields and choices of one question: bytes.
const FORM: usize = 256 << 10;
/// Texts of all rows of one search: bytes.
const TABLE: usize = 256 << 10;
/// Rows of one search.
pub(super) const MOST_ROWS: usize = 5000;

/// What all buddies of a user take: bytes. libpurple's side tells 25 000 of an account at most.
pub(super) const MOST_BUDDY_BYTES: usize = 32 << 20;
/// Groups of a user, those that are only remembered included.
pub(super) const MOST_GROUPS: usize = 2000;
/// What the members of all rooms of a user take: bytes.
pub(super) const MOST_MEMBER_BYTES: usize = 8 << 20;

/// What a buddy takes.
pub(super) fn buddy_bytes(buddy: &Buddy) -> usize {
    let optional = [&buddy.server_alias, &buddy.status_message, &buddy.icon].into_iter().flatten().map(String::len).sum::<usize>();
    let texts = buddy.name.len() + buddy.alias.len() + buddy.group.len() + buddy.contact.len();
    size_of::<Buddy>() + texts + optional + list_bytes(&buddy.features)
}

/// What a member of a room takes.
pub(super) fn member_bytes(member: &Member) -> usize {
    size_of::<Member>() + member.name.len() + member.alias.as_ref().map_or(0, String::len) + list_bytes(&member.flags)
}

fn list_bytes(list: &[String]) -> usize {
    list.iter().map(|text| size_of::<String>() + text.len()).sum()
}

/// Cuts a text to so many bytes, with a mark.
pub(super) fn clip(text: &mut String, most: usize) {
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most.saturating_sub(CUT.len_utf8())));
        text.push(CUT);
        text.shrink_to_fit();
    }
}

/// Cuts a name or a label.
pub(super) fn clip_short(text: &mut String) {
    clip(text, SHORT);
}

/// Cuts what a person wrote about something: a topic, the words of a status.
pub(super) fn clip_words(text: &mut String) {
    clip(text, 4 * SHORT);
}

/// Cuts what a buddy says of themselves. Names by which the network knows them stay.
pub(super) fn clip_buddy(buddy: &mut Buddy) {
    buddy.server_alias.iter_mut().for_each(clip_short);
    buddy.status_message.iter_mut().for_each(clip_words);
}

/// Cuts what others made of a conversation.
pub(super) fn clip_conversation(conversation: &mut Conversation) {
    clip_short(&mut conversation.title);
    conversation.topic.iter_mut().for_each(clip_words);
    conversation.members.iter_mut().flatten().for_each(clip_member);
}

/// Cuts what someone in a room is called beside their nick.
pub(super) fn clip_member(member: &mut Member) {
    member.alias.iter_mut().for_each(clip_short);
}

/// Bytes of all texts of a question.
pub(super) fn request_bytes(request: &Request) -> usize {
    let buttons: usize = request.buttons.iter().map(|button| button.id.len() + button.label.len()).sum();
    let fields: usize = request.fields.iter().map(field_bytes).sum();
    request.title.len() + request.primary.len() + request.secondary.len() + buttons + fields
}

/// Bytes of all texts of a notice.
pub(super) fn notice_bytes(notice: &wire::Notice) -> usize {
    let body: usize = notice.body.iter().map(span_bytes).sum();
    let profile: usize = notice.profile.iter().flat_map(|profile| &profile.entries).map(entry_bytes).sum();
    notice.title.len() + body + profile + notice.rows.iter().map(row_bytes).sum::<usize>()
}

/// Bytes of a span.
pub(super) fn span_bytes(span: &wire::Span) -> usize {
    span.text.len() + span.link.as_ref().map_or(0, String::len)
}

fn entry_bytes(entry: &wire::ProfileEntry) -> usize {
    size_of::<wire::ProfileEntry>() + entry.label.len() + entry.value.iter().map(span_bytes).sum::<usize>()
}

#[allow(clippy::ptr_arg)] // for iterators over rows
fn row_bytes(row: &Vec<String>) -> usize {
    row.iter().map(String::len).sum()
}

fn choice_bytes(choice: &Choice) -> usize {
    choice.value.len() + choice.label.len()
}

fn field_bytes(field: &Field) -> usize {
    let value = match &field.value {
        Some(Value::Text(text)) => text.len(),
        Some(Value::List(list)) => list.iter().map(String::len).sum(),
        _ => 0,
    };
    field.id.len() + field.label.len() + value + field.choices.iter().map(choice_bytes).sum::<usize>()
}

/// A line in a form that says what is not there.
fn said(id: String, label: String) -> Field {
    Field::plain(id, label, FieldType::Label)
}

/// Cuts a question. What a field gives back (ids, values of choices) is never cut, only left out.
pub(super) fn clip_request(request: &mut Request) {
    clip(&mut request.title, SHORT);
    clip(&mut request.primary, LONG);
    clip(&mut request.secondary, LONG);
    // The last button is the cancelling one.
    if request.buttons.len() > MOST_BUTTONS {
        let _ = request.buttons.drain(MOST_BUTTONS - 1..request.buttons.len() - 1);
    }
    request.buttons.iter_mut().for_each(|button| clip(&mut button.label, SHORT));
    let (mut room, mut left_out) = (FORM, 0);
    let mut fields = Vec::with_capacity(request.fields.len().min(MOST_FIELDS));
    for (at, mut field) in std::mem::take(&mut request.fields).into_iter().enumerate() {
        let choices_left_out = clip_field(&mut field, room);
        let bytes = field_bytes(&field);
        if at >= MOST_FIELDS || bytes > room || field.id.len() > SHORT {
            left_out += 1;
            continue;
        }
        room -= bytes;
        let id = format!("{}…", field.id);
        fields.push(field);
        if choices_left_out > 0 {
            fields.push(said(id, format!("[… {choices_left_out} more choices are not shown]")));
        }
    }
    if left_out > 0 {
        fields.push(said("…".to_owned(), format!("[… {left_out} more fields are not shown]")));
    }
    request.fields = fields;
}

/// Cuts a field to about so many bytes. Returns how many choices it lost; those it starts with stay.
fn clip_field(field: &mut Field, room: usize) -> usize {
    clip(&mut field.label, if field.kind == FieldType::Label { LONG } else { SHORT });
    let taken = match &mut field.value {
        Some(Value::Text(text)) if matches!(field.kind, FieldType::String | FieldType::Label) => {
            clip(text, LONG);
            HashSet::new()
        }
        Some(Value::Text(text)) => HashSet::from([text.clone()]),
        Some(Value::List(list)) => list.iter().cloned().collect(),
        _ => HashSet::new(),
    };
    let before = field.choices.len();
    let (mut count, mut bytes) = (0, 0);
    field.choices.retain_mut(|choice| {
        clip(&mut choice.label, SHORT);
        let more = choice_bytes(choice);
        let fits = choice.value.len() <= SHORT && (taken.contains(&choice.value) || (count < MOST_CHOICES && bytes + more <= room / 2));
        count += usize::from(fits);
        bytes += if fits { more } else { 0 };
        fits
    });
    if let Some(Value::List(list)) = &mut field.value {
        let there: HashSet<&str> = field.choices.iter().map(|choice| choice.value.as_str()).collect();
        list.retain(|value| there.contains(value.as_str()));
    }
    before - field.choices.len()
}

/// Cuts who asks, and their words.
pub(super) fn clip_authorization(authorization: &mut Authorization) {
    clip_short(&mut authorization.from);
    authorization.alias.iter_mut().for_each(clip_short);
    authorization.message.iter_mut().for_each(clip_words);
}

/// Cuts a notice whose body is cut already.
pub(super) fn clip_notice(notice: &mut wire::Notice) {
    clip(&mut notice.title, SHORT);
    notice.columns.truncate(MOST_BUTTONS);
    notice.columns.iter_mut().for_each(clip_short);
    notice.buttons.truncate(MOST_BUTTONS);
    notice.buttons.iter_mut().for_each(|button| clip(&mut button.label, SHORT));
    let rows = std::mem::take(&mut notice.rows);
    notice.cut = add_rows(&mut notice.rows, rows) > 0;
}

/// Adds rows to a table while there is room, their cells cut. Returns how many found none.
pub(super) fn add_rows(table: &mut Vec<Vec<String>>, rows: Vec<Vec<String>>) -> usize {
    let mut room = TABLE.saturating_sub(table.iter().map(row_bytes).sum());
    let mut rows = rows.into_iter();
    let mut left_out = 0;
    for mut row in rows.by_ref() {
        row.truncate(MOST_BUTTONS);
        row.iter_mut().for_each(clip_short);
        let bytes = row_bytes(&row);
        if table.len() >= MOST_ROWS || bytes > room {
            left_out = 1;
            break;
        }
        room -= bytes;
        table.push(row);
    }
    left_out + rows.len()
}
