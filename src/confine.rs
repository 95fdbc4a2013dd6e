//! What a worker process takes from itself before it loads a plugin; where the kernel lacks the means, a line in the log says so.

mod calls;
mod files;

use bridge::config::BridgeConfig;
use bridge::frame::Confine;
use rustix::fs::{FileType, Mode};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};
use rustix::process::{DumpableBehavior, Resource, Rlimit};
use rustix::thread::{CapabilitySet, CapabilitySets};
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

/// Bytes of the largest file that a worker writes, which is none: libpurple keeps nothing, plugins have little.
const LARGEST_FILE: u64 = 16 << 20;

/// Applies it to the whole process, which has one thread yet. At the other end of `judge` is who makes its connections (see
/// [`crate::fleet::judge`]), if this system lets it.
///
/// # Errors
/// What every kernel can do failed, or Landlock is there and refuses.
pub(crate) fn apply(config: &BridgeConfig, confine: &Confine, judge: Option<UnixStream>) -> io::Result<()> {
    let judge = judge.filter(|_| confine.sandbox);
    // As many descriptors as the system lets it have: each account is one or more.
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        log::warn!("cannot raise the limit of descriptors: {error}");
    }
    limit(confine, judge.is_some())?;
    drop_privileges()?;
    if !confine.sandbox {
        log::info!("not confined: worker.sandbox is off");
        return Ok(());
    }
    let (sandbox, judged) = Sandbox::apply(config, confine, true, judge)?;
    let words = if matches!(judged, Some(Ok(()))) { ", connections judged" } else { "" };
    log::info!("confined: {}{words}", sandbox.words(config, confine));
    if let Some(Err(error)) = judged {
        log::warn!("connections that are made past libpurple are not judged: {error}");
    }
    for lack in sandbox.lacks() {
        log::warn!("{lack}");
    }
    Ok(())
}

/// Hands every connect over to the judge, and all calls that are refused.
fn submit(config: &BridgeConfig, confine: &Confine, judge: &UnixStream) -> io::Result<()> {
    let listener = calls::ask(config, confine)?;
    let descriptors = [listener.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    control.push(SendAncillaryMessage::ScmRights(&descriptors));
    rustix::net::sendmsg(judge, &[IoSlice::new(b"j")], &mut control, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Tries the sandbox on a thread that ends with that, and says what it came to on this machine: one or two lines.
pub(crate) fn try_out(config: &BridgeConfig, confine: &Confine) -> String {
    if !confine.sandbox {
        return "Workers are not confined: worker.sandbox is off.".to_owned();
    }
    let tried = std::thread::scope(|scope| scope.spawn(|| Sandbox::apply(config, confine, false, None)).join());
    match tried {
        Ok(Ok((sandbox, _))) => {
            let words = format!("Workers are confined: {}.", sandbox.words(config, confine));
            std::iter::once(words).chain(sandbox.lacks()).collect::<Vec<_>>().join("\n")
        }
        Ok(Err(error)) => format!("Workers cannot be started confined: {error}"),
        Err(_) => "Workers cannot be started confined; the lines above say why.".to_owned(),
    }
}

/// What this kernel did.
struct Sandbox {
    /// Its Landlock version.
    landlock: Option<i32>,
    /// How many calls are refused, or why none.
    seccomp: Result<usize, String>,
}

impl Sandbox {
    /// Also says whether the judge took it into its charge, where there is one.
    fn apply(config: &BridgeConfig, confine: &Confine, all: bool, judge: Option<UnixStream>) -> io::Result<(Self, Option<io::Result<()>>)> {
        // Either needs it, and sets it; without them it is of use all the same.
        rustix::thread::set_no_new_privs(true)?;
        let refused = |error| io::Error::other(format!("Landlock: {error}; `worker.sandbox = false` does without"));
        let landlock = files::restrict(config, confine).map_err(refused)?;
        let judged = judge.map(|judge| submit(config, confine, &judge));
        let asked = matches!(judged, Some(Ok(())));
        let seccomp = calls::restrict(config, confine, all, asked).map_err(|error| error.to_string());
        Ok((Self { landlock, seccomp }, judged))
    }

    fn words(&self, config: &BridgeConfig, confine: &Confine) -> String {
        let landlock = self.landlock.map_or_else(|| "no Landlock".to_owned(), |version| format!("Landlock ABI {version}"));
        let seccomp = self.seccomp.as_ref().map_or_else(|_| "no seccomp".to_owned(), |calls| format!("seccomp {calls} calls"));
        let exec = if confine.exec { "may start programs" } else { "no programs" };
        let listen = if config.listen { "may listen" } else { "no listening" };
        format!("{landlock}, {seccomp}, {exec}, {listen}")
    }

    /// What is missing, for the administrator. Of Landlock alone nothing is worth a line: what its earlier versions do not know (truncation,
    /// TCP, signals) the list of calls refuses, too.
    fn lacks(&self) -> Vec<String> {
        let files = "no Landlock here (it needs Linux 5.13, `landlock` among the kernel's security modules, and a service manager or \
                     container that lets its calls through): workers can read and write what the daemon's user can";
        let calls = |error| format!("workers cannot limit their system calls: {error}");
        let files = self.landlock.is_none().then(|| files.to_owned());
        files.into_iter().chain(self.seccomp.as_ref().err().map(calls)).collect()
    }
}

/// No core file and no tracing of this process by its neighbours, unless asked for; address space as asked; what it writes is its own.
fn limit(confine: &Confine, judged: bool) -> io::Result<()> {
    let at_most = |most: u64| Rlimit { current: Some(most), maximum: Some(most) };
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
    if !confine.core {
        // Its judge has to look at what it asks for, which takes what a debugger has. Its neighbours may not trace it all the same: they are
        // confined as it is. Of a limit of 1 the kernel makes no core file, nor does it call a program to take one.
        if !judged {
            rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
        }
        let most = rustix::process::getrlimit(Resource::Core).maximum.unwrap_or(u64::MAX).min(u64::from(judged));
        rustix::process::setrlimit(Resource::Core, at_most(most))?;
    } else if let Err(error) = let_cores(confine) {
        log::warn!("worker.core: {error}");
    }
    if confine.address_space > 0 {
        // Less than that may be allowed to the whole service.
        let most = rustix::process::getrlimit(Resource::As).maximum.unwrap_or(u64::MAX).min(confine.address_space);
        rustix::process::setrlimit(Resource::As, at_most(most))?;
    }
    rustix::process::setrlimit(Resource::Msgqueue, at_most(0))?;
    // A log that is a file is longer than that one day, and a core file at once.
    let logs_to_file = rustix::fs::fstat(rustix::stdio::stderr()).is_ok_and(|about| FileType::from_raw_mode(about.st_mode).is_file());
    if !confine.core && confine.write.is_empty() && !logs_to_file {
        let most = rustix::process::getrlimit(Resource::Fsize).maximum.unwrap_or(u64::MAX).min(LARGEST_FILE);
        rustix::process::setrlimit(Resource::Fsize, at_most(most))?;
    }
    Ok(())
}

/// Raises the limit of core files as far as it goes, which a service manager often leaves to the process; and since most kernels that write them
/// by themselves do it where the process stands, stands where it may write.
///
/// # Errors
/// What the system says, or that there is no place for them.
fn let_cores(confine: &Confine) -> io::Result<()> {
    let hard = rustix::process::getrlimit(Resource::Core).maximum;
    rustix::process::setrlimit(Resource::Core, Rlimit { current: hard, maximum: hard })?;
    let pattern = std::fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap_or_default();
    if pattern.starts_with('|') {
        return Ok(());
    }
    match confine.write.iter().find(|path| path.is_dir()) {
        Some(directory) => std::env::set_current_dir(directory),
        None => Err(io::Error::other("this kernel writes core files by itself, and worker.write names no directory for them")),
    }
}

/// Gives up what a daemon that was started as root has above others; it stays root's own user, no more.
fn drop_privileges() -> io::Result<()> {
    let none = CapabilitySet::empty();
    // A service manager that has taken them already may not let us ask.
    if rustix::thread::capabilities(None).is_ok_and(|has| (has.permitted | has.effective | has.inheritable).is_empty()) {
        return Ok(());
    }
    // Not known to kernels before 4.3.
    let _ = rustix::thread::clear_ambient_capability_set();
    Ok(rustix::thread::set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })?)
}
