//! System calls that no protocol needs, each by its number.

use crate::plugin::{NOT_PERMITTED, OK, Plugin};

/// Calls that the sandbox refuses with EPERM, and that without it give anything else. `parent` is the web process.
fn refused(parent: u32) -> Vec<(&'static str, String)> {
    let call = |name, number: i64, arguments: &str| (name, format!("call {number} {arguments}"));
    let own = |name, number: i64, rest: &str| (name, format!("call {number} {parent} {rest}"));
    vec![
        call("io_uring_setup", libc::SYS_io_uring_setup, "1 0"),
        call("io_setup", libc::SYS_io_setup, "1 0"),
        call("keyctl", libc::SYS_keyctl, "0 -1 0"),
        call("personality", libc::SYS_personality, "0xffffffff"),
        call("unshare", libc::SYS_unshare, "0"),
        call("setns", libc::SYS_setns, "-1 0"),
        call("name_to_handle_at", libc::SYS_name_to_handle_at, "-100 0 0 0 0"),
        call("shmget", libc::SYS_shmget, "0x1234567 1 0"),
        call("msgget", libc::SYS_msgget, "0x1234567 0"),
        call("mq_open", libc::SYS_mq_open, "0 0 0 0"),
        call("memfd_create", libc::SYS_memfd_create, "0 0"),
        call("execve", libc::SYS_execve, "0 0 0"),
        call("execveat", libc::SYS_execveat, "-1 0 0 0 0"),
        call("truncate", libc::SYS_truncate, "0 0"),
        call("fchmodat", libc::SYS_fchmodat, "-100 0 0"),
        call("fchownat", libc::SYS_fchownat, "-100 0 0 0 0"),
        call("setxattr", libc::SYS_setxattr, "0 0 0 0 0"),
        call("utimensat", libc::SYS_utimensat, "-100 1 0 0"),
        call("not to end with its parent", libc::SYS_prctl, "1 0"),
        call("to be traced", libc::SYS_prctl, "4 0"),
        call("TIOCSTI", libc::SYS_ioctl, "0 0x5412 0"),
        call("a local socket", libc::SYS_socket, "1 1 0"),
        call("a raw socket", libc::SYS_socket, "2 3 1"),
        call("a ping socket", libc::SYS_socket, "2 2 1"),
        call("an SCTP socket", libc::SYS_socket, "2 1 132"),
        call("a packet socket", libc::SYS_socket, "17 2 0"),
        call("a crypto socket", libc::SYS_socket, "38 5 0"),
        call("a virtual machine socket", libc::SYS_socket, "40 1 0"),
        call("an audit socket", libc::SYS_socket, "16 3 9"),
        call("local datagrams", libc::SYS_socketpair, "1 2 0 0"),
        own("process_vm_readv", libc::SYS_process_vm_readv, "0 0 0 0 0"),
        own("prlimit", libc::SYS_prlimit64, "0 0 0"),
        own("sched_setscheduler", libc::SYS_sched_setscheduler, "0 0"),
        own("tgkill", libc::SYS_tgkill, &format!("{parent} 0")),
        own("tkill", libc::SYS_tkill, "0"),
        own("rt_sigqueueinfo", libc::SYS_rt_sigqueueinfo, "0 0"),
        call("signals by descriptor", libc::SYS_fcntl, &format!("0 8 {parent}")),
    ]
}

/// What takes a privilege, which no worker has.
const PRIVILEGED: &[&str] = &["a raw socket", "a packet socket"];

#[test]
fn system_calls_that_no_plugin_needs_are_refused() {
    let mut plugin = Plugin::start("");
    for (name, command) in refused(plugin.daemon.id()) {
        assert_eq!(plugin.does(&command), NOT_PERMITTED, "{name}");
    }
    plugin.must(&format!("call {} 0 0", libc::SYS_clone3), "Function not implemented");
    // x32's getpid.
    #[cfg(target_arch = "x86_64")]
    plugin.must("call 0x40000027", NOT_PERMITTED);
    for allowed in ["2 1 0", "2 2 0", "10 1 6", "10 2 17", "16 3 0", "2 0x80801 0"] {
        plugin.must(&format!("call {} {allowed}", libc::SYS_socket), OK);
    }
    plugin.must(&format!("call {} 1 1 0 0", libc::SYS_socketpair), "Bad address");
    plugin.must(&format!("call {} 0 0 0 0", libc::SYS_prlimit64), OK);
}

#[test]
fn system_calls_are_not_refused_without_the_sandbox() {
    let mut plugin = Plugin::start("sandbox = false");
    for (name, command) in refused(plugin.daemon.id()).into_iter().filter(|(name, _)| !PRIVILEGED.contains(name)) {
        assert_ne!(plugin.does(&command), NOT_PERMITTED, "{name}");
    }
}
