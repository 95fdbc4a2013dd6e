//! Answers in the shape that libpurple takes them over: lists from GLib's allocator; nothing else is made or freed here.

use super::resolver::Service;
use glib_sys::{GList, GSList};
use purple_sys::{PurpleSrvResponse, PurpleTxtResponse};
use std::ffi::{c_char, c_void};
use std::mem::size_of;
use std::net::SocketAddr;

/// Pairs of a length (as a pointer) and a `struct sockaddr` of that length, as `PurpleDnsQueryConnectFunction` wants them. The caller owns it all.
pub(super) fn hosts(addresses: &[SocketAddr]) -> *mut GSList {
    let mut list = std::ptr::null_mut();
    for address in addresses.iter().rev() {
        let (copy, length) = match address {
            SocketAddr::V4(four) => {
                // SAFETY: a plain C struct, for which zeroes are a value.
                let mut raw: libc::sockaddr_in = unsafe { std::mem::zeroed() };
                raw.sin_family = libc::AF_INET as libc::sa_family_t;
                raw.sin_port = four.port().to_be();
                raw.sin_addr.s_addr = u32::from_ne_bytes(four.ip().octets());
                (given_away(&raw), size_of::<libc::sockaddr_in>())
            }
            SocketAddr::V6(six) => {
                // SAFETY: as above.
                let mut raw: libc::sockaddr_in6 = unsafe { std::mem::zeroed() };
                raw.sin6_family = libc::AF_INET6 as libc::sa_family_t;
                raw.sin6_port = six.port().to_be();
                raw.sin6_addr.s6_addr = six.ip().octets();
                raw.sin6_scope_id = six.scope_id();
                (given_away(&raw), size_of::<libc::sockaddr_in6>())
            }
        };
        // SAFETY: a list of ours; GLib takes any pointer as data.
        list = unsafe { glib_sys::g_slist_prepend(list, copy) };
        // SAFETY: as above; libpurple wants the number itself (GSIZE_TO_POINTER).
        list = unsafe { glib_sys::g_slist_prepend(list, std::ptr::without_provenance_mut::<c_void>(length)) };
    }
    list
}

/// A copy that `g_free` frees.
fn given_away<T: Copy>(value: &T) -> *mut c_void {
    // SAFETY: GLib ends the program rather than return NULL.
    let place = unsafe { glib_sys::g_malloc0(size_of::<T>()) };
    // SAFETY: fresh, that large, and aligned for anything.
    unsafe { place.cast::<T>().write(*value) };
    place
}

/// `PurpleSrvResponse`s, each to be freed with `g_free`, as `PurpleSrvTxtQueryResolvedCallback` wants them. libpurple sorts them itself.
pub(super) fn services(services: &[Service]) -> *mut GList {
    let mut list = std::ptr::null_mut();
    for service in services.iter().rev() {
        let mut response = PurpleSrvResponse {
            hostname: [0; 256],
            port: i32::from(service.port),
            weight: i32::from(service.weight),
            pref: i32::from(service.priority),
        };
        // The last place stays 0; a name of the DNS is shorter anyway.
        for (place, byte) in response.hostname.iter_mut().take(255).zip(service.host.bytes()) {
            *place = byte as c_char;
        }
        // SAFETY: a list of ours; GLib takes any pointer as data.
        list = unsafe { glib_sys::g_list_prepend(list, given_away(&response)) };
    }
    list
}

/// `PurpleTxtResponse`s, each to be freed with `purple_txt_response_destroy`. What is not UTF-8 is replaced, what follows a NUL is kept.
pub(super) fn texts(texts: &[Vec<u8>]) -> *mut GList {
    let mut list = std::ptr::null_mut();
    for text in texts.iter().rev() {
        let text = super::super::ffi::in_process(&String::from_utf8_lossy(text));
        // SAFETY: a live C string.
        let response = PurpleTxtResponse { content: unsafe { glib_sys::g_strdup(text.as_ptr()) } };
        // SAFETY: a list of ours; GLib takes any pointer as data.
        list = unsafe { glib_sys::g_list_prepend(list, given_away(&response)) };
    }
    list
}

#[cfg(test)]
mod tests {
    use super::super::super::ffi;
    use super::*;

    #[test]
    fn hosts_are_pairs_of_length_and_address() {
        let list = hosts(&["1.2.3.4:5222".parse().unwrap(), "[2606::7]:443".parse().unwrap()]);
        // SAFETY: the list that was just made.
        let items: Vec<*mut c_void> = unsafe { ffi::slist(list) };
        assert_eq!(items.iter().step_by(2).map(|length| length.addr()).collect::<Vec<_>>(), [16, 28]);
        // SAFETY: of this type, as its length says.
        let four = unsafe { *items[1].cast::<libc::sockaddr_in>() };
        assert_eq!(
            (i32::from(four.sin_family), four.sin_port, four.sin_addr.s_addr.to_ne_bytes()),
            (libc::AF_INET, 5222_u16.to_be(), [1, 2, 3, 4])
        );
        // SAFETY: likewise.
        let six = unsafe { *items[3].cast::<libc::sockaddr_in6>() };
        assert_eq!((i32::from(six.sin6_family), six.sin6_port, six.sin6_addr.s6_addr[15]), (libc::AF_INET6, 443_u16.to_be(), 7));
        // SAFETY: made by GLib, and nobody else has them.
        unsafe {
            glib_sys::g_free(items[1]);
            glib_sys::g_free(items[3]);
            glib_sys::g_slist_free(list);
        }
    }

    #[test]
    fn services_and_texts_are_whole() {
        let long = "x".repeat(300);
        let list = services(&[
            Service { host: "one.example".to_owned(), port: 5222, priority: 5, weight: 7 },
            Service { host: long, port: 65535, priority: 0, weight: 0 },
        ]);
        // SAFETY: the list that was just made.
        let items: Vec<*mut PurpleSrvResponse> = unsafe { ffi::list(list) };
        // SAFETY: live responses.
        let (one, two) = unsafe { (&*items[0], &*items[1]) };
        // SAFETY: C strings inside them.
        assert_eq!(unsafe { ffi::borrowed(one.hostname.as_ptr()) }.as_deref(), Some("one.example"));
        assert_eq!((one.port, one.pref, one.weight), (5222, 5, 7));
        // SAFETY: as above.
        assert_eq!(unsafe { ffi::borrowed(two.hostname.as_ptr()) }.unwrap().len(), 255);
        // SAFETY: made by GLib, and nobody else has them.
        unsafe { glib_sys::g_list_free_full(list, Some(glib_sys::g_free)) };

        let list = texts(&[b"_xmpp-client-xbosh=https://x.example".to_vec(), b"\xff".to_vec()]);
        let expected = ["_xmpp-client-xbosh=https://x.example", "\u{fffd}"];
        // SAFETY: the list that was just made.
        let responses: Vec<*mut PurpleTxtResponse> = unsafe { ffi::list(list) };
        for (response, text) in responses.into_iter().zip(expected) {
            // SAFETY: a live response.
            assert_eq!(unsafe { ffi::borrowed((*response).content) }.as_deref(), Some(text));
            // SAFETY: nobody else has it.
            unsafe { purple_sys::purple_txt_response_destroy(response) };
        }
        // SAFETY: likewise.
        unsafe { glib_sys::g_list_free(list) };
    }
}
