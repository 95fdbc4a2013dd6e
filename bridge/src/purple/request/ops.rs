//! PurpleRequestUiOps: libpurple's questions, copied into ours; each body copies, opens and leaves, and calls nobody back.

use super::super::ffi::{borrowed, guard_on, without_mnemonic};
use super::super::token::OnPurple;
use super::super::{accounts, icon, owner};
use super::{CANCEL, OK, Open, Reply, Words, button, form, open, take};
use crate::id::{AccountId, RequestId, UserId};
use crate::model::{Choice, Field, FieldType, Value};
use glib_sys::{GFALSE, gboolean};
use purple_sys::{
    BellflowerButton, BellflowerRequest, BellflowerRequestOps, GCallback, PurpleAccount, PurpleConnection, PurpleConversation,
    PurpleRequestFields, PurpleRequestType, PurpleRequestUiOps,
};
use std::ffi::{c_char, c_void};
use std::ptr;

/// Registers with libpurple.
pub(in super::super) fn install(_: OnPurple) {
    let mut ops = PurpleRequestUiOps {
        request_input: Some(on_input),
        request_fields: Some(on_fields),
        request_file: Some(on_file),
        request_folder: Some(on_folder),
        close_request: Some(on_close),
        ..Default::default()
    };
    let variable = BellflowerRequestOps { choice: Some(on_choice), action: Some(on_action) };
    // SAFETY: the shim fills the members whose arguments vary and copies the two callbacks; libpurple keeps the box, which is never freed.
    unsafe {
        purple_sys::bellflower_request_ops_install(&raw mut ops, &raw const variable);
        purple_sys::purple_request_set_ui_ops(Box::leak(Box::new(ops)));
    }
}

/// # Safety
/// Each is NULL or a C string.
unsafe fn words(title: *const c_char, primary: *const c_char, secondary: *const c_char) -> Words {
    // SAFETY: passed on.
    let [title, primary, secondary] = [title, primary, secondary].map(|text| unsafe { borrowed(text) }.unwrap_or_default());
    Words { title, primary, secondary }
}

/// Whose it is: the account's, else the conversation's, else the one whose callback runs. With the connection it is asked under.
///
/// # Safety
/// Each is NULL or live.
unsafe fn whose(
    token: OnPurple,
    account: *mut PurpleAccount,
    conversation: *mut PurpleConversation,
) -> (Option<(UserId, AccountId)>, *mut PurpleConnection) {
    // SAFETY: passed on.
    let given = unsafe { accounts::owner(token, account) };
    // SAFETY: passed on.
    let talking = || unsafe { conversation.as_ref().and_then(|conversation| accounts::owner(token, conversation.account)) };
    let current = || owner::current().and_then(|id| Some((accounts::user(token, id)?, id)));
    let whose = given.or_else(talking).or_else(current);
    let purple = whose.and_then(|(user, id)| accounts::pointer(token, user, id).ok());
    // SAFETY: an account in our table is live.
    let connection = purple.map_or(ptr::null_mut(), |purple| unsafe { (*purple).gc });
    (whose, connection)
}

/// # Safety
/// NULL or C strings.
unsafe fn yes_no(ok: *const c_char, cancel: *const c_char) -> Vec<crate::model::Button> {
    // SAFETY: passed on.
    let (ok, cancel) = unsafe { (borrowed(ok), borrowed(cancel)) };
    vec![button(OK, ok.as_deref().unwrap_or("OK"), true), button(CANCEL, cancel.as_deref().unwrap_or("Cancel"), false)]
}

fn handle(id: RequestId) -> *mut c_void {
    id.0 as *mut c_void
}

fn field(id: &str, kind: FieldType) -> Field {
    Field {
        id: id.to_owned(),
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

// In all of these libpurple promises live objects or NULL, and C strings or NULL, for the time of the call.

unsafe extern "C" fn on_input(
    title: *const c_char,
    primary: *const c_char,
    secondary: *const c_char,
    preset: *const c_char,
    multiline: gboolean,
    masked: gboolean,
    _hint: *mut c_char,
    ok_text: *const c_char,
    ok: GCallback,
    cancel_text: *const c_char,
    cancel: GCallback,
    account: *mut PurpleAccount,
    _who: *const c_char,
    conversation: *mut PurpleConversation,
    data: *mut c_void,
) -> *mut c_void {
    // SAFETY: see above.
    guard_on("request_input", ptr::null_mut(), |token| unsafe {
        let (whose, connection) = whose(token, account, conversation);
        let field = Field {
            value: borrowed(preset).map(Value::Text),
            masked: masked != GFALSE,
            multiline: multiline != GFALSE,
            ..field(form::VALUE, FieldType::String)
        };
        let reply = Reply::Input { ok, cancel, data };
        let asked = Open { whose, connection, buttons: yes_no(ok_text, cancel_text), fields: vec![field], reply };
        handle(open(token, words(title, primary, secondary), None, asked))
    })
}

/// The buttons of a question with variable arguments.
///
/// # Safety
/// From the shim.
unsafe fn listed(request: &BellflowerRequest) -> &[BellflowerButton] {
    if request.buttons.is_null() {
        return &[];
    }
    // SAFETY: the shim gives that many.
    unsafe { std::slice::from_raw_parts(request.buttons, request.n_buttons) }
}

unsafe extern "C" fn on_choice(request: *const BellflowerRequest) -> *mut c_void {
    // SAFETY: see above; the shim's struct is valid during the call.
    guard_on("request_choice", ptr::null_mut(), |token| unsafe {
        let request = &*request;
        let (whose, connection) = whose(token, request.account, request.conversation);
        let listed = listed(request);
        let choices: Vec<Choice> = listed
            .iter()
            .map(|choice| Choice { value: choice.value.to_string(), label: without_mnemonic(&borrowed(choice.label).unwrap_or_default()) })
            .collect();
        let field = Field { value: Some(Value::Text(request.default_value.to_string())), choices, ..field(form::VALUE, FieldType::Choice) };
        let values = listed.iter().map(|choice| choice.value).collect();
        let reply =
            Reply::Choice { ok: request.ok, cancel: request.cancel, data: request.user_data, values, preset: request.default_value };
        let asked = Open { whose, connection, buttons: yes_no(request.ok_label, request.cancel_label), fields: vec![field], reply };
        handle(open(token, words(request.title, request.primary, request.secondary), None, asked))
    })
}

unsafe extern "C" fn on_action(request: *const BellflowerRequest) -> *mut c_void {
    // SAFETY: see above; the shim's struct is valid during the call.
    guard_on("request_action", ptr::null_mut(), |token| unsafe {
        let request = &*request;
        let (whose, connection) = whose(token, request.account, request.conversation);
        let listed = listed(request);
        let buttons = listed
            .iter()
            .enumerate()
            .map(|(index, action)| {
                let default = usize::try_from(request.default_value).is_ok_and(|preset| preset == index);
                button(&index.to_string(), &borrowed(action.label).unwrap_or_default(), default)
            })
            .collect();
        let mut fields = Vec::new();
        if let (Some((user, _)), false) = (whose, request.icon.is_null() || request.icon_size == 0) {
            let bytes = std::slice::from_raw_parts(request.icon.cast::<u8>(), request.icon_size);
            fields.push(Field { image: Some(icon::store(token, user, bytes)), ..field("icon", FieldType::Image) });
        }
        let reply = Reply::Action { callbacks: listed.iter().map(|action| action.callback).collect(), data: request.user_data };
        handle(open(
            token,
            words(request.title, request.primary, request.secondary),
            None,
            Open { whose, connection, buttons, fields, reply },
        ))
    })
}

unsafe extern "C" fn on_fields(
    title: *const c_char,
    primary: *const c_char,
    secondary: *const c_char,
    fields: *mut PurpleRequestFields,
    ok_text: *const c_char,
    ok: GCallback,
    cancel_text: *const c_char,
    cancel: GCallback,
    account: *mut PurpleAccount,
    _who: *const c_char,
    conversation: *mut PurpleConversation,
    data: *mut c_void,
) -> *mut c_void {
    // SAFETY: see above; the fields are handed over to the front end.
    guard_on("request_fields", ptr::null_mut(), |token| unsafe {
        let (whose, connection) = whose(token, account, conversation);
        let (shown, slots) = form::read(token, whose, fields);
        let reply = Reply::Fields { ok, cancel, data, fields, slots };
        let asked = Open { whose, connection, buttons: yes_no(ok_text, cancel_text), fields: shown, reply };
        handle(open(token, words(title, primary, secondary), None, asked))
    })
}

unsafe extern "C" fn on_file(
    title: *const c_char,
    filename: *const c_char,
    _save: gboolean,
    _ok: GCallback,
    cancel: GCallback,
    account: *mut PurpleAccount,
    _who: *const c_char,
    conversation: *mut PurpleConversation,
    data: *mut c_void,
) -> *mut c_void {
    // SAFETY: see above.
    guard_on("request_file", ptr::null_mut(), |token| unsafe {
        let (whose, connection) = whose(token, account, conversation);
        let reply = Reply::File { cancel, data, folder: false };
        let words = words(title, filename, ptr::null());
        handle(open(token, words, None, Open { whose, connection, buttons: Vec::new(), fields: Vec::new(), reply }))
    })
}

unsafe extern "C" fn on_folder(
    title: *const c_char,
    folder: *const c_char,
    _ok: GCallback,
    cancel: GCallback,
    account: *mut PurpleAccount,
    _who: *const c_char,
    conversation: *mut PurpleConversation,
    data: *mut c_void,
) -> *mut c_void {
    // SAFETY: see above.
    guard_on("request_folder", ptr::null_mut(), |token| unsafe {
        let (whose, connection) = whose(token, account, conversation);
        let reply = Reply::File { cancel, data, folder: true };
        let words = words(title, folder, ptr::null());
        handle(open(token, words, None, Open { whose, connection, buttons: Vec::new(), fields: Vec::new(), reply }))
    })
}

/// libpurple took it back: its callbacks are dead (hazard 7).
unsafe extern "C" fn on_close(_: PurpleRequestType, ui_handle: *mut c_void) {
    guard_on("close_request", (), |token| {
        if let Some(Open { reply: Reply::Fields { fields, .. }, .. }) = take(token, RequestId(ui_handle as u64)) {
            // SAFETY: ours, and out of the table nobody else finds them.
            unsafe { purple_sys::purple_request_fields_destroy(fields) };
        }
    });
}
