//! A form's fields, read into ours and written back; a user sees no account but their own in it (hazard 6).

use super::super::ffi::{borrowed, in_process, list, without_mnemonic};
use super::super::outgoing::Prose;
use super::super::token::OnPurple;
use super::super::{accounts, icon};
use crate::error::CommandError;
use crate::id::{AccountId, UserId};
use crate::model::{Choice, Field, FieldType, Value};
use glib_sys::{GFALSE, gboolean};
use purple_sys::{PurpleAccount, PurpleRequestField, PurpleRequestFieldGroup, PurpleRequestFieldType, PurpleRequestFields};
use std::collections::BTreeMap;
use std::ffi::{c_char, c_int};

/// The id of the only field of an input or a choice.
pub(super) const VALUE: &str = "value";
/// Longest text, in bytes.
const LONGEST: usize = 64 * 1024;

/// A field that can be filled in: its id, libpurple's field, and how it is written.
pub(super) struct Slot {
    id: String,
    field: *mut PurpleRequestField,
    kind: PurpleRequestFieldType,
}

/// Reads a form. Account fields that hold an account of somebody else are given one of the owner's, shown or not.
///
/// # Safety
/// A live form.
pub(super) unsafe fn read(
    token: OnPurple,
    whose: Option<(UserId, AccountId)>,
    fields: *mut PurpleRequestFields,
) -> (Vec<Field>, Vec<Slot>) {
    let (mut shown, mut slots) = (Vec::new(), Vec::<Slot>::new());
    // SAFETY: libpurple's own lists of live groups and fields.
    unsafe {
        let groups = list::<PurpleRequestFieldGroup>(purple_sys::purple_request_fields_get_groups(fields));
        for group in &groups {
            if let Some(title) = borrowed(purple_sys::purple_request_field_group_get_title(*group)).filter(|title| !title.is_empty()) {
                shown.push(Field { label: without_mnemonic(&title), ..blank(format!("group{}", shown.len()), FieldType::Label) });
            }
            for field in list::<PurpleRequestField>(purple_sys::purple_request_field_group_get_fields(*group)) {
                let kind = purple_sys::purple_request_field_get_type(field);
                if kind == PurpleRequestFieldType::PURPLE_REQUEST_FIELD_ACCOUNT {
                    keep_own(token, whose, field);
                }
                if purple_sys::purple_request_field_is_visible(field) == GFALSE {
                    continue;
                }
                // A server's form may have two fields of one name.
                let name = borrowed(purple_sys::purple_request_field_get_id(field)).filter(|name| !name.is_empty());
                let id = name.filter(|name| slots.iter().all(|slot| slot.id != *name)).unwrap_or_else(|| format!("field{}", slots.len()));
                let Some(read) = read_field(token, whose, &id, field, kind) else { continue };
                slots.push(Slot { id, field, kind });
                shown.push(read);
            }
        }
    }
    (shown, slots)
}

fn blank(id: String, kind: FieldType) -> Field {
    Field {
        id,
        label: String::new(),
        kind,
        value: None,
        choices: Vec::new(),
        required: false,
        masked: false,
        multiline: false,
        image: None,
    }
}

/// # Safety
/// A live account field.
unsafe fn keep_own(token: OnPurple, whose: Option<(UserId, AccountId)>, field: *mut PurpleRequestField) {
    // SAFETY: a live account field; what it holds is NULL or live.
    unsafe {
        let held = accounts::owner(token, purple_sys::purple_request_field_account_get_value(field));
        if held.is_none() || held.map(|(user, _)| user) != whose.map(|(user, _)| user) {
            let own = whose.and_then(|(user, id)| accounts::pointer(token, user, id).ok()).unwrap_or(std::ptr::null_mut());
            purple_sys::purple_request_field_account_set_default_value(field, own);
            purple_sys::purple_request_field_account_set_value(field, own);
        }
    }
}

/// The owner's accounts that an account field takes.
///
/// # Safety
/// A live account field.
unsafe fn own_accounts(token: OnPurple, user: UserId, field: *mut PurpleRequestField) -> Vec<Choice> {
    // SAFETY: a live account field, and live accounts of our table; the filter is the asker's.
    unsafe {
        let every = purple_sys::purple_request_field_account_get_show_all(field) != GFALSE;
        let filter = purple_sys::purple_request_field_account_get_filter(field);
        accounts::of_user(token, user)
            .into_iter()
            .filter(|id| {
                let Ok(purple) = accounts::pointer(token, user, *id) else { return false };
                (every || purple_sys::purple_account_is_connected(purple) != GFALSE) && filter.is_none_or(|filter| filter(purple) != GFALSE)
            })
            .map(|id| Choice {
                value: id.to_string(),
                label: accounts::read(token, id, |entry| entry.username.clone()).unwrap_or_default(),
            })
            .collect()
    }
}

/// # Safety
/// A live field of that kind.
unsafe fn read_field(
    token: OnPurple,
    whose: Option<(UserId, AccountId)>,
    id: &str,
    field: *mut PurpleRequestField,
    kind: PurpleRequestFieldType,
) -> Option<Field> {
    use PurpleRequestFieldType as T;
    use purple_sys as p;
    // SAFETY: a live field, asked for what its kind has; texts are copied.
    unsafe {
        let mut read = Field {
            label: without_mnemonic(&borrowed(p::purple_request_field_get_label(field)).unwrap_or_default()),
            required: p::purple_request_field_is_required(field) != GFALSE,
            ..blank(id.to_owned(), FieldType::Label)
        };
        match kind {
            T::PURPLE_REQUEST_FIELD_STRING => {
                read.value = borrowed(p::purple_request_field_string_get_value(field)).map(Value::Text);
                if p::purple_request_field_string_is_editable(field) != GFALSE {
                    read.kind = FieldType::String;
                    read.masked = p::purple_request_field_string_is_masked(field) != GFALSE;
                    read.multiline = p::purple_request_field_string_is_multiline(field) != GFALSE;
                } else {
                    read.required = false;
                }
            }
            T::PURPLE_REQUEST_FIELD_INTEGER => {
                read.kind = FieldType::Int;
                read.value = Some(Value::Int(i64::from(p::purple_request_field_int_get_value(field))));
            }
            T::PURPLE_REQUEST_FIELD_BOOLEAN => {
                read.kind = FieldType::Bool;
                read.value = Some(Value::Bool(p::purple_request_field_bool_get_value(field) != GFALSE));
            }
            T::PURPLE_REQUEST_FIELD_CHOICE => {
                read.kind = FieldType::Choice;
                read.value = Some(Value::Text(p::purple_request_field_choice_get_value(field).to_string()));
                let labels = list::<c_char>(p::purple_request_field_choice_get_labels(field));
                read.choices = labels
                    .into_iter()
                    .enumerate()
                    .map(|(index, label)| Choice {
                        value: index.to_string(),
                        label: without_mnemonic(&borrowed(label).unwrap_or_default()),
                    })
                    .collect();
            }
            T::PURPLE_REQUEST_FIELD_LIST => {
                let names = |items: Vec<*mut c_char>| items.into_iter().filter_map(|item| borrowed(item)).collect::<Vec<_>>();
                let taken = names(list(p::purple_request_field_list_get_selected(field)));
                read.choices = names(list(p::purple_request_field_list_get_items(field)))
                    .into_iter()
                    .map(|name| Choice { label: name.clone(), value: name })
                    .collect();
                if p::purple_request_field_list_get_multi_select(field) == GFALSE {
                    read.kind = FieldType::Choice;
                    read.value = taken.into_iter().next().map(Value::Text);
                } else {
                    read.kind = FieldType::List;
                    read.value = Some(Value::List(taken));
                }
            }
            T::PURPLE_REQUEST_FIELD_LABEL => read.required = false,
            T::PURPLE_REQUEST_FIELD_IMAGE => {
                let (bytes, size) = (p::purple_request_field_image_get_buffer(field), p::purple_request_field_image_get_size(field));
                let (user, _) = whose?;
                if bytes.is_null() || size == 0 {
                    return None;
                }
                read.kind = FieldType::Image;
                read.required = false;
                read.image = Some(icon::store(token, user, std::slice::from_raw_parts(bytes.cast::<u8>(), size)));
            }
            T::PURPLE_REQUEST_FIELD_ACCOUNT => {
                let (user, _) = whose?;
                read.kind = FieldType::Account;
                read.choices = own_accounts(token, user, field);
                let held = accounts::id(token, p::purple_request_field_account_get_value(field)).map(|id| id.to_string());
                read.value = held.filter(|held| read.choices.iter().any(|choice| choice.value == *held)).map(Value::Text);
            }
            _ => return None,
        }
        Some(read)
    }
}

/// Checks what was filled in, before anything is written.
pub(super) fn check(fields: &[Field], values: &BTreeMap<String, Value>) -> Result<(), CommandError> {
    let bad = |message: &str, key: &str| CommandError::new("bad_field", message).at(key);
    for (key, value) in values {
        let Some(field) = fields.iter().find(|field| field.id == *key) else {
            return Err(bad("This question has no such field.", key));
        };
        let among = |text: &String| field.choices.iter().any(|choice| choice.value == *text);
        match (field.kind, value) {
            (FieldType::String, Value::Text(text)) => {
                // What came back as it was shown is the asker's own. Prose is cleaned where it is written.
                if !field.multiline && !crate::text::is_one_line(text) && field.value.as_ref() != Some(value) {
                    return Err(bad("Write this on one line, without control characters.", key));
                }
                if text.len() > LONGEST {
                    return Err(bad("This is too long.", key));
                }
            }
            (FieldType::Int, Value::Int(number)) if c_int::try_from(*number).is_ok() => {}
            (FieldType::Bool, Value::Bool(_)) => {}
            (FieldType::Choice | FieldType::Account, Value::Text(text)) if among(text) => {}
            (FieldType::List, Value::List(texts)) if texts.iter().all(among) => {}
            // Nothing to fill in: what came back is what was shown.
            (FieldType::Label | FieldType::Image, _) => {}
            (FieldType::Int, _) => return Err(bad("Give a whole number.", key)),
            (FieldType::Choice | FieldType::Account | FieldType::List, _) => return Err(bad("Take one of the choices.", key)),
            _ => return Err(bad("This cannot be used here.", key)),
        }
    }
    for field in fields.iter().filter(|field| field.required) {
        let empty = match values.get(&field.id).or(field.value.as_ref()) {
            None => true,
            Some(Value::Text(text)) => text.is_empty(),
            Some(Value::List(texts)) => texts.is_empty(),
            Some(_) => false,
        };
        if empty {
            return Err(CommandError::new("missing_field", "Fill this in.").at(&field.id));
        }
    }
    Ok(())
}

/// Writes checked values into the form; fields without one keep what they have.
pub(super) fn write(token: OnPurple, user: UserId, slots: &[Slot], values: &BTreeMap<String, Value>) {
    for slot in slots {
        if let Some(value) = values.get(&slot.id) {
            // SAFETY: the form is live while its question is open.
            unsafe { write_field(token, user, slot, value) };
        }
    }
}

/// # Safety
/// A live field.
unsafe fn write_field(token: OnPurple, user: UserId, slot: &Slot, value: &Value) {
    use PurpleRequestFieldType as T;
    use purple_sys as p;
    let field = slot.field;
    // SAFETY: a live field, given what its kind takes; libpurple copies texts.
    unsafe {
        match (slot.kind, value) {
            (T::PURPLE_REQUEST_FIELD_STRING, Value::Text(text)) if p::purple_request_field_string_is_editable(field) != GFALSE => {
                let text = Prose::of(text);
                // Askers look for NULL where nothing was written.
                let given = if text.is_empty() { std::ptr::null() } else { text.as_ptr() };
                p::purple_request_field_string_set_value(field, given);
            }
            (T::PURPLE_REQUEST_FIELD_INTEGER, Value::Int(number)) => {
                p::purple_request_field_int_set_value(field, c_int::try_from(*number).unwrap_or_default());
            }
            (T::PURPLE_REQUEST_FIELD_BOOLEAN, Value::Bool(on)) => p::purple_request_field_bool_set_value(field, gboolean::from(*on)),
            (T::PURPLE_REQUEST_FIELD_CHOICE, Value::Text(text)) => {
                if let Ok(index) = text.parse() {
                    p::purple_request_field_choice_set_value(field, index);
                }
            }
            (T::PURPLE_REQUEST_FIELD_LIST, Value::Text(text)) => {
                p::purple_request_field_list_clear_selected(field);
                p::purple_request_field_list_add_selected(field, in_process(text).as_ptr());
            }
            (T::PURPLE_REQUEST_FIELD_LIST, Value::List(texts)) => {
                p::purple_request_field_list_clear_selected(field);
                for text in texts {
                    p::purple_request_field_list_add_selected(field, in_process(text).as_ptr());
                }
            }
            (T::PURPLE_REQUEST_FIELD_ACCOUNT, Value::Text(text)) => {
                let chosen: Option<*mut PurpleAccount> = text.parse().ok().and_then(|id| accounts::pointer(token, user, id).ok());
                if let Some(purple) = chosen {
                    p::purple_request_field_account_set_value(field, purple);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_a_form_is_refused_and_prose_is_not() {
        let plain = Field::plain("room".to_owned(), "Room".to_owned(), FieldType::String);
        let multiline = Field { multiline: true, ..plain.clone() };
        let given = |text: &str| BTreeMap::from([("room".to_owned(), Value::Text(text.to_owned()))]);
        for bad in ["a\nb", "a\rb", "a\u{b}b", "a\u{fffe}b", "a\u{2028}b", "a\0b"] {
            let error = check(std::slice::from_ref(&plain), &given(bad)).unwrap_err();
            assert_eq!((error.code.as_str(), error.field.as_deref()), ("bad_field", Some("room")), "{bad:?}");
            assert_eq!(check(std::slice::from_ref(&multiline), &given(bad)), Ok(()), "{bad:?}");
            let preset = Field { value: Some(Value::Text(bad.to_owned())), ..plain.clone() };
            assert_eq!(check(&[preset], &given(bad)), Ok(()), "{bad:?} was asked with");
        }
    }
}
