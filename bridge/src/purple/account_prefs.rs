//! Settings that a plugin stores with an account (tokens, resume points): told, so that they are kept; nothing is written to libpurple's accounts.xml.

use super::ffi::{borrowed, guard_on};
use super::token::OnPurple;
use super::{accounts, outbox};
use crate::event::EventKind;
use crate::model::Value;
use glib_sys::{GFALSE, gboolean};
use purple_sys::{PurpleAccount, PurpleAccountPrefsUiOps};
use std::cell::Cell;
use std::ffi::{c_char, c_int};

/// Longest value that is kept, in bytes: tokens and keys, not databases.
const LONGEST: usize = 64 * 1024;
/// Longest key that is kept, in bytes.
const LONGEST_KEY: usize = 256;

thread_local! {
    static OURS: Cell<bool> = const { Cell::new(false) };
}

/// Registers with libpurple. That all three of load, save and schedule_save are there switches accounts.xml off (hazard 12); so it comes before
/// `purple_core_init`.
pub(super) fn install(_: OnPurple) {
    let ops = PurpleAccountPrefsUiOps {
        set_int: Some(on_set_int),
        set_string: Some(on_set_string),
        set_bool: Some(on_set_bool),
        load: Some(on_nothing),
        save: Some(on_nothing),
        schedule_save: Some(on_nothing),
        ..Default::default()
    };
    // SAFETY: libpurple keeps the pointer for ever, and the box is never freed.
    unsafe { purple_sys::purple_account_prefs_set_ui_ops(Box::leak(Box::new(ops))) };
}

/// Runs `body`, whose settings are the user's own or stored already: they are not told back.
pub(super) fn quietly<T>(body: impl FnOnce() -> T) -> T {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            OURS.set(self.0);
        }
    }
    let _restore = Restore(OURS.replace(true));
    body()
}

/// What libpurple's own parts store: it speaks of files that there are not.
fn is_cores(key: &str) -> bool {
    key.starts_with("buddy_icon") || key == "use-global-buddyicon"
}

/// # Safety
/// A live account, and NULL or a C string.
unsafe fn stored(token: OnPurple, account: *mut PurpleAccount, name: *const c_char, value: Option<Value>) {
    if OURS.get() {
        return;
    }
    // SAFETY: passed on.
    let (owner, key) = unsafe { (accounts::owner(token, account), borrowed(name)) };
    let (Some((user, account)), Some(key)) = (owner, key.filter(|key| !is_cores(key))) else { return };
    let long = key.len() > LONGEST_KEY || matches!(&value, Some(Value::Text(text)) if text.len() > LONGEST);
    if long {
        log::warn!(target: "bridge", "a setting of {account} is too long to be kept");
        return;
    }
    outbox::emit(token, user, EventKind::AccountSettingStored { account, key, value });
}

// In all of these libpurple promises a live account and C strings or NULL.

unsafe extern "C" fn on_set_int(account: *mut PurpleAccount, name: *const c_char, value: c_int) {
    // SAFETY: see above.
    guard_on("account prefs set_int", (), |token| unsafe { stored(token, account, name, Some(Value::Int(i64::from(value)))) });
}

unsafe extern "C" fn on_set_string(account: *mut PurpleAccount, name: *const c_char, value: *const c_char) {
    // SAFETY: see above.
    guard_on("account prefs set_string", (), |token| unsafe { stored(token, account, name, borrowed(value).map(Value::Text)) });
}

unsafe extern "C" fn on_set_bool(account: *mut PurpleAccount, name: *const c_char, value: gboolean) {
    // SAFETY: see above.
    guard_on("account prefs set_bool", (), |token| unsafe { stored(token, account, name, Some(Value::Bool(value != GFALSE))) });
}

unsafe extern "C" fn on_nothing() {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{AccountId, UserId};
    use crate::purple::testing::with_core;
    use std::ptr;

    #[test]
    fn what_a_plugin_stores_is_told_to_the_owner_and_nothing_else() {
        with_core("purple::account_prefs::tests::what_a_plugin_stores_is_told_to_the_owner_and_nothing_else", |core| {
            let account = core.account(1, 10);
            core.account(2, 20);
            // SAFETY: a live account and C strings.
            let store = || unsafe {
                use purple_sys as p;
                p::purple_account_set_string(account, c"token".as_ptr(), c"secret".as_ptr());
                p::purple_account_set_string(account, c"token".as_ptr(), ptr::null());
                p::purple_account_set_int(account, c"since".as_ptr(), -5);
                p::purple_account_set_bool(account, c"seen".as_ptr(), 1);
                p::purple_account_set_string(account, c"buddy_icon".as_ptr(), c"file".as_ptr());
            };
            store();
            let event =
                |key: &str, value| (UserId(1), EventKind::AccountSettingStored { account: AccountId(10), key: key.to_owned(), value });
            let wanted = [
                event("token", Some(Value::Text("secret".to_owned()))),
                event("token", None),
                event("since", Some(Value::Int(-5))),
                event("seen", Some(Value::Bool(true))),
            ];
            assert_eq!(core.events(), wanted);
            quietly(store);
            assert!(core.events().is_empty());
        });
    }
}
