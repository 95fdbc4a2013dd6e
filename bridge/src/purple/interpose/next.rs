//! What an interposed symbol would have been: the next definition behind the executable's, looked up once; it decides nothing.

use std::ffi::{CStr, c_void};
use std::marker::PhantomData;
use std::mem::size_of;
use std::sync::atomic::{AtomicPtr, Ordering};

/// The real function of type `F` behind an interposed name.
pub(super) struct Next<F> {
    name: &'static CStr,
    found: AtomicPtr<c_void>,
    function: PhantomData<fn() -> F>,
}

impl<F: Copy> Next<F> {
    /// For a `static` beside the interposed function.
    ///
    /// # Safety
    /// `F` is the function pointer type of the C function `name`.
    pub(super) const unsafe fn new(name: &'static CStr) -> Self {
        const { assert!(size_of::<F>() == size_of::<*mut c_void>()) };
        Self { name, found: AtomicPtr::new(std::ptr::null_mut()), function: PhantomData }
    }

    /// The function; `None` when no library behind the executable has it. Any thread.
    pub(super) fn get(&self) -> Option<F> {
        let mut found = self.found.load(Ordering::Relaxed);
        if found.is_null() {
            // SAFETY: a C string; RTLD_NEXT looks behind the object that this code is in, the executable.
            found = unsafe { libc::dlsym(libc::RTLD_NEXT, self.name.as_ptr()) };
            if found.is_null() {
                return None;
            }
            self.found.store(found, Ordering::Relaxed);
        }
        // SAFETY: `new` was promised that F is this function's pointer type; the size is asserted there.
        Some(unsafe { std::mem::transmute_copy::<*mut c_void, F>(&found) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_library_behind_the_executable() {
        // SAFETY: the type of libc's function.
        static PID: Next<unsafe extern "C" fn() -> i32> = unsafe { Next::new(c"getpid") };
        // SAFETY: no arguments, no failure.
        let pid = unsafe { PID.get().unwrap()() };
        assert_eq!(u32::try_from(pid).unwrap(), std::process::id());
        // SAFETY: never called.
        static NOBODY: Next<unsafe extern "C" fn()> = unsafe { Next::new(c"no_such_function_anywhere") };
        assert!(NOBODY.get().is_none());
    }
}
