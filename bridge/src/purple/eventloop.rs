//! Stand-in, soon replaced by the real room: in a conflict take the other side whole.
use super::token::OnPurple;
use crate::error::StartError;
use glib_sys::{GIOChannel, GIOCondition, gboolean, gpointer};
use purple_sys::{PurpleEventLoopUiOps, PurpleInputCondition, PurpleInputFunction};

struct Closure { function: PurpleInputFunction, data: gpointer, account: Option<crate::id::AccountId> }

unsafe extern "C" fn invoke(source: *mut GIOChannel, condition: GIOCondition, data: gpointer) -> gboolean {
    // SAFETY: ours.
    unsafe {
        let closure = &*data.cast::<Closure>();
        let mut c = 0;
        if condition & (glib_sys::G_IO_IN | glib_sys::G_IO_HUP | glib_sys::G_IO_ERR) != 0 { c |= 1; }
        if condition & (glib_sys::G_IO_OUT | glib_sys::G_IO_HUP | glib_sys::G_IO_ERR | glib_sys::G_IO_NVAL) != 0 { c |= 2; }
        let (function, user, account) = (closure.function, closure.data, closure.account);
        let fd = glib_sys::g_io_channel_unix_get_fd(source);
        super::owner::with(account, || if let Some(f) = function { f(user, fd, PurpleInputCondition(c)) });
    }
    1
}
unsafe extern "C" fn free(data: gpointer) {
    // SAFETY: ours.
    drop(unsafe { Box::from_raw(data.cast::<Closure>()) });
}
unsafe extern "C" fn input_add(fd: i32, condition: PurpleInputCondition, function: PurpleInputFunction, data: gpointer) -> u32 {
    let closure = Box::into_raw(Box::new(Closure { function, data, account: super::owner::current() }));
    let mut cond = 0;
    if condition.0 & 1 != 0 { cond |= glib_sys::G_IO_IN | glib_sys::G_IO_HUP | glib_sys::G_IO_ERR; }
    if condition.0 & 2 != 0 { cond |= glib_sys::G_IO_OUT | glib_sys::G_IO_HUP | glib_sys::G_IO_ERR | glib_sys::G_IO_NVAL; }
    // SAFETY: glib.
    unsafe {
        let channel = glib_sys::g_io_channel_unix_new(fd);
        let id = glib_sys::g_io_add_watch_full(channel, 0, cond, Some(invoke), closure.cast(), Some(free));
        glib_sys::g_io_channel_unref(channel);
        id
    }
}
pub(super) fn install(_: OnPurple) -> Result<(), StartError> {
    static OPS: super::Ops<PurpleEventLoopUiOps> = super::Ops(PurpleEventLoopUiOps {
        timeout_add: Some(glib_sys::g_timeout_add), timeout_remove: Some(glib_sys::g_source_remove),
        input_add: Some(input_add), input_remove: Some(glib_sys::g_source_remove), input_get_error: None,
        timeout_add_seconds: Some(glib_sys::g_timeout_add_seconds), _purple_reserved2: None, _purple_reserved3: None, _purple_reserved4: None,
    });
    // SAFETY: static.
    unsafe { purple_sys::purple_eventloop_set_ui_ops(OPS.pointer()) };
    Ok(())
}
pub(super) fn uninstall(_: OnPurple) {}
