//! Which system calls a worker may not make, by seccomp: a list of what no protocol plugin needs and some harm can be done with; it opens no file.
//!
//! A list of the forbidden, not of the allowed: plugins are anyone's, some bring the run-time of another language, and one that ends in the
//! middle of a sign-on for want of a harmless call is of no use. It goes by what Docker and systemd (`@system-service`) refuse to services,
//! and adds what one process could do to others of the same user, as workers and the web process are. A refused call answers EPERM; where the
//! worker has a judge (`fleet/judge.rs`), the judge answers so, and tells.

use bridge::config::BridgeConfig;
use bridge::frame::Confine;
use seccompiler::SeccompCmpArgLen::{Dword, Qword};
use seccompiler::SeccompCmpOp::{Eq, MaskedEq, Ne};
use seccompiler::{
    BpfProgram, Error, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, sock_filter,
};
use std::collections::BTreeMap;
use std::os::fd::OwnedFd;

type Call = libc::c_long;

/// Calls from 424 on have the same number everywhere; these are too new for the C library's list.
const MEMFD_SECRET: Call = 447;
const PROCESS_MRELEASE: Call = 448;
const FCHMODAT2: Call = 452;
const STATMOUNT: Call = 457;
const LISTMOUNT: Call = 458;
const SETXATTRAT: Call = 463;
const REMOVEXATTRAT: Call = 466;
const OPEN_TREE_ATTR: Call = 467;
const FILE_SETATTR: Call = 469;

/// Never, whatever the arguments.
const NEVER: &[Call] = &[
    // Other processes' memory and descriptors.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    PROCESS_MRELEASE,
    libc::SYS_kcmp,
    libc::SYS_pidfd_getfd,
    libc::SYS_move_pages,
    libc::SYS_migrate_pages,
    libc::SYS_perf_event_open,
    // File systems and namespaces.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    OPEN_TREE_ATTR,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    STATMOUNT,
    LISTMOUNT,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_setns,
    libc::SYS_unshare,
    // Past the path by which Landlock judges a file.
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    libc::SYS_fanotify_init,
    libc::SYS_fanotify_mark,
    // What Landlock does not see, of files that belong to the same user: the web process's database, for one. By descriptor it is allowed,
    // since only files that may be opened have one.
    libc::SYS_fchmodat,
    FCHMODAT2,
    libc::SYS_fchownat,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    SETXATTRAT,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    REMOVEXATTRAT,
    FILE_SETATTR,
    libc::SYS_truncate,
    // The kernel itself: parts of it that are new, large, or for administrators. io_uring and old asynchronous input and output would connect
    // and open where this list does not look.
    libc::SYS_bpf,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_setup,
    libc::SYS_io_submit,
    MEMFD_SECRET,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_nfsservctl,
    libc::SYS_lookup_dcookie,
    libc::SYS_syslog,
    libc::SYS_vhangup,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_personality,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_settimeofday,
    libc::SYS_adjtimex,
    // Shared memory, semaphores and queues that outlive the process.
    libc::SYS_shmget,
    libc::SYS_shmat,
    libc::SYS_shmctl,
    libc::SYS_semget,
    libc::SYS_semctl,
    libc::SYS_semop,
    libc::SYS_semtimedop,
    libc::SYS_msgget,
    libc::SYS_msgsnd,
    libc::SYS_msgrcv,
    libc::SYS_msgctl,
    libc::SYS_mq_open,
    libc::SYS_mq_unlink,
    // Signals to whatever has the number by now.
    libc::SYS_tkill,
    libc::SYS_pidfd_send_signal,
];

/// The older forms that only this processor has.
#[cfg(target_arch = "x86_64")]
const NEVER_HERE: &[Call] = &[
    libc::SYS_chmod,
    libc::SYS_chown,
    libc::SYS_lchown,
    libc::SYS_utime,
    libc::SYS_utimes,
    libc::SYS_futimesat,
    libc::SYS_iopl,
    libc::SYS_ioperm,
    libc::SYS_modify_ldt,
    libc::SYS_uselib,
    libc::SYS_ustat,
    libc::SYS_sysfs,
    libc::SYS__sysctl,
];
#[cfg(not(target_arch = "x86_64"))]
const NEVER_HERE: &[Call] = &[];

/// What makes programs out of files; not where `worker.exec` is set.
const PROGRAMS: &[Call] = &[libc::SYS_execve, libc::SYS_execveat, libc::SYS_memfd_create];
#[cfg(target_arch = "x86_64")]
const PROGRAMS_HERE: &[Call] = &[libc::SYS_fork, libc::SYS_vfork];
#[cfg(not(target_arch = "x86_64"))]
const PROGRAMS_HERE: &[Call] = &[];

const NAMESPACES: &[libc::c_int] = &[
    libc::CLONE_NEWNS,
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
];

/// Of a process: who is told when its parent ends, whether it may be traced and leaves a core file, where its memory lies.
const SELF: &[libc::c_int] = &[libc::PR_SET_PDEATHSIG, libc::PR_SET_DUMPABLE, libc::PR_SET_PTRACER, libc::PR_SET_MM, libc::PR_SCHED_CORE];

const F_SETOWN_EX: libc::c_int = 15;
const SOCK_PACKET: libc::c_int = 10;

/// Keystrokes into the administrator's terminal; signals to others by way of a descriptor.
const TERMINAL: &[u64] = &[libc::TIOCSTI, libc::TIOCLINUX, 0x8901, 0x8902];

/// Kinds of sockets besides streams and datagrams.
const KINDS: &[libc::c_int] = &[libc::SOCK_RAW, libc::SOCK_RDM, libc::SOCK_SEQPACKET, libc::SOCK_DCCP, SOCK_PACKET];

/// The lower bits of a socket's type; the others are flags.
const KIND: u64 = 0xf;

#[derive(Default)]
struct Rules(BTreeMap<Call, Vec<SeccompRule>>);

impl Rules {
    fn never(&mut self, calls: &[Call]) {
        for call in calls {
            self.0.insert(*call, Vec::new());
        }
    }

    /// When all of these hold; each such line of a call stands for itself.
    fn when(&mut self, call: Call, conditions: &[(u8, SeccompCmpArgLen, SeccompCmpOp, u64)]) -> Result<(), Error> {
        let conditions =
            conditions.iter().map(|(index, length, op, value)| SeccompCondition::new(*index, length.clone(), op.clone(), *value));
        let rule = SeccompRule::new(conditions.collect::<Result<_, _>>()?)?;
        self.0.entry(call).or_default().push(rule);
        Ok(())
    }

    fn program(self, action: SeccompAction) -> Result<BpfProgram, Error> {
        let arch = std::env::consts::ARCH.try_into()?;
        Ok(SeccompFilter::new(self.0, SeccompAction::Allow, action, arch)?.try_into()?)
    }
}

fn bits(value: libc::c_int) -> u64 {
    // Arguments of 32 bits are compared as such.
    u64::from(value.cast_unsigned())
}

fn rules(config: &BridgeConfig, confine: &Confine) -> Result<Rules, Error> {
    let mut rules = Rules::default();
    rules.never(NEVER);
    rules.never(NEVER_HERE);
    if !config.listen {
        rules.never(&[libc::SYS_listen]);
    }
    processes(&mut rules, confine)?;
    sockets(&mut rules, config)?;
    for request in TERMINAL {
        rules.when(libc::SYS_ioctl, &[(1, Dword, Eq, *request)])?;
    }
    for command in [libc::F_SETOWN, F_SETOWN_EX] {
        rules.when(libc::SYS_fcntl, &[(1, Dword, Eq, bits(command))])?;
    }
    // A connection without connect().
    for (call, flags) in [(libc::SYS_sendto, 3), (libc::SYS_sendmsg, 2), (libc::SYS_sendmmsg, 3)] {
        rules.when(call, &[(flags, Dword, MaskedEq(bits(libc::MSG_FASTOPEN)), bits(libc::MSG_FASTOPEN))])?;
    }
    // The times of an open file may be set, those of a path not.
    rules.when(libc::SYS_utimensat, &[(1, Qword, Ne, 0)])?;
    Ok(rules)
}

/// No processes unless configured, no namespaces; and nothing done to other processes of the same user.
fn processes(rules: &mut Rules, confine: &Confine) -> Result<(), Error> {
    let own = u64::from(std::process::id());
    if !confine.exec {
        rules.never(PROGRAMS);
        rules.never(PROGRAMS_HERE);
        rules.when(libc::SYS_clone, &[(0, Qword, MaskedEq(bits(libc::CLONE_THREAD)), 0)])?;
        // Programs that were started send such to themselves and each other; then it is Landlock's alone to say to whom.
        rules.when(libc::SYS_kill, &[(0, Dword, Ne, 0), (0, Dword, Ne, own)])?;
        for call in [libc::SYS_tgkill, libc::SYS_rt_sigqueueinfo, libc::SYS_rt_tgsigqueueinfo] {
            rules.when(call, &[(0, Dword, Ne, own)])?;
        }
    }
    for flag in NAMESPACES {
        rules.when(libc::SYS_clone, &[(0, Qword, MaskedEq(bits(*flag)), bits(*flag))])?;
    }
    for option in SELF {
        rules.when(libc::SYS_prctl, &[(0, Dword, Eq, bits(*option))])?;
    }
    // Limits, priority and processors of another process: as good as a signal.
    for call in
        [libc::SYS_prlimit64, libc::SYS_sched_setaffinity, libc::SYS_sched_setscheduler, libc::SYS_sched_setparam, libc::SYS_sched_setattr]
    {
        rules.when(call, &[(0, Dword, Ne, 0), (0, Dword, Ne, own)])?;
    }
    const IOPRIO_WHO_PROCESS: u64 = 1;
    for (call, process) in [(libc::SYS_setpriority, u64::from(libc::PRIO_PROCESS)), (libc::SYS_ioprio_set, IOPRIO_WHO_PROCESS)] {
        rules.when(call, &[(0, Dword, Ne, process)])?;
        rules.when(call, &[(1, Dword, Ne, 0), (1, Dword, Ne, own)])?;
    }
    Ok(())
}

/// TCP and UDP to the networks, and the kernel's own word on routes; local sockets as pairs only, since a path leads to other services. Where some
/// are named, streams, whose connects are judged: datagrams name their receiver past `connect`.
fn sockets(rules: &mut Rules, config: &BridgeConfig) -> Result<(), Error> {
    let (inet, inet6, netlink, unix) = (bits(libc::AF_INET), bits(libc::AF_INET6), bits(libc::AF_NETLINK), bits(libc::AF_UNIX));
    let known = [(0, Dword, Ne, inet), (0, Dword, Ne, inet6), (0, Dword, Ne, netlink), (0, Dword, Ne, unix)];
    let has_local = config.sockets.as_ref().is_none_or(|named| !named.is_empty());
    rules.when(libc::SYS_socket, if has_local { &known } else { &known[..3] })?;
    if has_local {
        rules.when(libc::SYS_socket, &[(0, Dword, Eq, unix), (1, Dword, MaskedEq(KIND), bits(libc::SOCK_DGRAM))])?;
    }
    rules.when(libc::SYS_socket, &[(0, Dword, Eq, netlink), (2, Dword, Ne, bits(libc::NETLINK_ROUTE))])?;
    for kind in KINDS {
        rules.when(libc::SYS_socket, &[(0, Dword, Ne, netlink), (1, Dword, MaskedEq(KIND), bits(*kind))])?;
    }
    let (tcp, udp) = (bits(libc::IPPROTO_TCP), bits(libc::IPPROTO_UDP));
    rules.when(libc::SYS_socket, &[(0, Dword, Ne, netlink), (2, Dword, Ne, 0), (2, Dword, Ne, tcp), (2, Dword, Ne, udp)])?;
    rules.when(libc::SYS_socketpair, &[(0, Dword, Ne, unix)])?;
    // One of such a pair could be pointed at a path later.
    rules.when(libc::SYS_socketpair, &[(1, Dword, MaskedEq(KIND), bits(libc::SOCK_DGRAM))])
}

/// A line of a filter that returns what stands in it.
const RETURN: u16 = 0x06;

/// Calls by the numbers of x86-64's 32-bit pointers (x32), which would be others than those compared above.
#[cfg(target_arch = "x86_64")]
fn foreign() -> BpfProgram {
    const X32: u32 = 0x4000_0000;
    by_number(libc::BPF_JGE, X32, libc::SECCOMP_RET_ERRNO | libc::EPERM.cast_unsigned())
}
#[cfg(not(target_arch = "x86_64"))]
fn foreign() -> BpfProgram {
    Vec::new()
}

/// One comparison of the call's number, and what comes of it; everything else is allowed.
fn by_number(compare: u32, with: u32, then: u32) -> BpfProgram {
    let line = |what: u32, jt: u8, jf: u8, k: u32| sock_filter { code: u16::try_from(what).unwrap_or_default(), jt, jf, k };
    vec![
        // The first word of what a filter sees is the call's number.
        line(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
        line(libc::BPF_JMP | compare | libc::BPF_K, 0, 1, with),
        line(libc::BPF_RET | libc::BPF_K, 0, 0, then),
        line(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ALLOW),
    ]
}

/// Has whoever holds the descriptor asked about every connect, however it is made, and about all that [`restrict`] refuses: the holder answers in
/// the refusal's stead, and knows what was refused. For a process of one thread, before [`restrict`].
///
/// # Errors
/// The kernel's error. Nothing is restricted then.
pub(super) fn ask(config: &BridgeConfig, confine: &Confine) -> std::io::Result<OwnedFd> {
    let mut rules = rules(config, confine).map_err(std::io::Error::other)?;
    rules.never(&[libc::SYS_connect]);
    // This library has no word for asking: its word for a tracer stands in, and is replaced.
    let program = rules.program(SeccompAction::Trace(0)).map_err(std::io::Error::other)?;
    let asks = |line: &sock_filter| line.code == RETURN && line.k == libc::SECCOMP_RET_TRACE;
    let line = |line: &sock_filter| {
        let k = if asks(line) { libc::SECCOMP_RET_USER_NOTIF } else { line.k };
        libc::sock_filter { code: line.code, jt: line.jt, jf: line.jf, k }
    };
    if !program.iter().any(asks) {
        return Err(std::io::Error::other("no call is asked about"));
    }
    bridge::seccomp::ask_about(&program.iter().map(line).collect::<Vec<_>>())
}

/// Restricts the calling thread and what it starts, or with `all` every thread of this process. Returns how many calls are restricted. `asked`:
/// somebody else answers for most of them ([`ask`]).
///
/// # Errors
/// This kernel or processor has no such filter.
pub(super) fn restrict(config: &BridgeConfig, confine: &Confine, all: bool, asked: bool) -> Result<usize, Error> {
    // Named local sockets need somebody who judges each connect: without, no local socket is made.
    let closed = (!asked && config.sockets.is_some()).then(|| BridgeConfig { sockets: Some(Vec::new()), ..config.clone() });
    let rules = rules(closed.as_ref().unwrap_or(config), confine)?;
    let count = rules.0.len() + 1;
    let mut without = Rules::default();
    // Its flags lie in memory, where no filter can look. Without it the C library takes `clone`, as with older kernels.
    without.never(&[libc::SYS_clone3]);
    let mut programs = vec![without.program(SeccompAction::Errno(libc::ENOSYS.cast_unsigned()))?, foreign()];
    if !asked {
        // The kernel takes a refusal over a question.
        programs.push(rules.program(SeccompAction::Errno(libc::EPERM.cast_unsigned()))?);
    }
    for program in programs.iter().filter(|program| !program.is_empty()) {
        if all { seccompiler::apply_filter_all_threads(program)? } else { seccompiler::apply_filter(program)? }
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_undoes_another() {
        let plain = rules(&BridgeConfig::default(), &Confine::default()).unwrap().0;
        for call in NEVER.iter().chain(NEVER_HERE).chain(PROGRAMS).chain(PROGRAMS_HERE).chain(&[libc::SYS_listen]) {
            assert_eq!(plain[call], Vec::new(), "{call} has conditions");
        }
        let generous =
            rules(&BridgeConfig { listen: true, ..Default::default() }, &Confine { exec: true, ..Default::default() }).unwrap().0;
        for call in PROGRAMS.iter().chain(PROGRAMS_HERE).chain(&[libc::SYS_listen, libc::SYS_kill]) {
            assert!(!generous.contains_key(call), "{call}");
        }
    }

    #[test]
    fn every_call_is_named_once() {
        // One that is there twice is a slip of the pen.
        let all: Vec<_> = NEVER.iter().chain(NEVER_HERE).chain(PROGRAMS).chain(PROGRAMS_HERE).collect();
        let mut once = all.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(all.len(), once.len());
    }
}
