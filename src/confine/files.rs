//! Which files a worker reaches, by Landlock: libraries, certificates and the like to read, its own directory to write; it knows no plugin.

use bridge::config::BridgeConfig;
use bridge::frame::Confine;
use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, LandlockStatus, NetPort, Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr,
    RulesetError, Scope, path_beneath_rules,
};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What this was tested with. An older kernel leaves out what it does not know, a newer one adds nothing untested.
const TESTED: ABI = ABI::V6;

/// Libraries with their modules, and what they read of the system: character sets, languages, time zones, trusted certificates.
const LIBRARIES: &[&str] = &[
    "/lib",
    "/lib32",
    "/lib64",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/share",
    "/usr/local/lib",
    "/usr/local/lib64",
    "/usr/local/share",
];

/// Of `/etc` what libraries read to work. Nothing that could hold a secret: `/etc/ssl/private` and our own settings are not here.
const SETTINGS: &[&str] = &[
    "/etc/ca-certificates",
    "/etc/crypto-policies",
    "/etc/gai.conf",
    "/etc/gcrypt",
    "/etc/gnutls",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/ld.so.preload",
    "/etc/localtime",
    "/etc/nsswitch.conf",
    // GLib asks for the name of the user that it runs as.
    "/etc/passwd",
    "/etc/pki/ca-trust",
    "/etc/pki/nss-legacy",
    "/etc/pki/tls/cert.pem",
    "/etc/pki/tls/certs",
    "/etc/pki/tls/openssl.cnf",
    "/etc/protocols",
    "/etc/resolv.conf",
    "/etc/sasl2",
    "/etc/services",
    "/etc/ssl/cert.pem",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/timezone",
    "/var/lib/ca-certificates",
];

/// What the C library, GLib and the run-times of other languages read of the kernel.
const KERNEL: &[&str] = &[
    "/dev/random",
    "/dev/urandom",
    "/dev/zero",
    "/proc/cpuinfo",
    "/proc/filesystems",
    "/proc/meminfo",
    "/proc/sys/kernel",
    "/proc/sys/vm/overcommit_memory",
    "/sys/devices/system/cpu",
    "/sys/kernel/mm/transparent_hugepage",
];

/// What they read of this process. Not its whole directory: in it, and in those of its threads, lies `net`, with everybody's connections.
const OWN: &[&str] = &[
    "/proc/self/auxv",
    "/proc/self/cgroup",
    "/proc/self/cmdline",
    "/proc/self/comm",
    "/proc/self/fd",
    "/proc/self/limits",
    "/proc/self/maps",
    "/proc/self/mountinfo",
    "/proc/self/stat",
    "/proc/self/statm",
    "/proc/self/status",
];

/// Programs, where they may be started.
const PROGRAMS: &[&str] = &["/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/libexec", "/usr/local/bin", "/usr/local/sbin"];

/// Replaced by new files when they change, in directories of their own where a service writes them.
const REPLACED: &[&str] = &["/etc/resolv.conf", "/etc/hosts", "/etc/localtime"];

/// Restricts the calling thread, and all that it starts. Says what came of it: the kernel's Landlock version, or that it has none.
///
/// # Errors
/// The kernel has Landlock and refuses it to us.
pub(super) fn restrict(config: &BridgeConfig, confine: &Confine) -> Result<Option<i32>, RulesetError> {
    // This process has its number for good; what lies below `/proc/self` is its own.
    let mut ruleset = Ruleset::default().handle_access(AccessFs::from_all(TESTED))?.scope(Scope::from_all(TESTED))?;
    if !config.listen {
        ruleset = ruleset.handle_access(AccessNet::BindTcp)?;
    }
    let status = add_rules(ruleset.create()?, config, confine)?.restrict_self()?;
    Ok(match status.landlock {
        LandlockStatus::Available { effective_abi, kernel_abi } => Some(kernel_abi.unwrap_or(effective_abi as i32)),
        LandlockStatus::NotEnabled | LandlockStatus::NotImplemented => None,
    })
}

fn add_rules(ruleset: RulesetCreated, config: &BridgeConfig, confine: &Confine) -> Result<RulesetCreated, RulesetError> {
    let run = if confine.exec { AccessFs::Execute.into() } else { BitFlags::EMPTY };
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let write = read
        | AccessFs::WriteFile
        | AccessFs::Truncate
        | AccessFs::RemoveFile
        | AccessFs::RemoveDir
        | AccessFs::MakeReg
        | AccessFs::MakeDir
        | AccessFs::MakeSym
        | AccessFs::Refer;
    let fixed = LIBRARIES.iter().chain(SETTINGS).chain(KERNEL).chain(OWN);
    let programs = if confine.exec { PROGRAMS } else { &[] };
    let named = confine.read.iter().chain(&config.plugin_paths).chain(&config.extra_roots).chain(&config.names);
    // Connections come from addresses that are named: bound to no port, which is not listening.
    let unbound = (!config.listen && !config.egress_source.is_empty()).then(|| NetPort::new(0, AccessNet::BindTcp));
    missing("worker.read", &confine.read);
    missing("worker.write", &confine.write);
    ruleset
        .add_rules(path_beneath_rules(fixed.chain(programs), read | run))?
        .add_rules(path_beneath_rules(found(), read | run))?
        .add_rules(path_beneath_rules(named, read | run))?
        .add_rules(path_beneath_rules(["/dev/null"], AccessFs::ReadFile | AccessFs::WriteFile))?
        // What can be written cannot be run.
        .add_rules(path_beneath_rules(&config.private_dir, write))?
        .add_rules(path_beneath_rules(&confine.write, write))?
        .add_rules(unbound.into_iter().map(Ok::<_, RulesetError>))
}

/// What was asked for and is not there is worth a line: a rule cannot be made for it.
fn missing(key: &str, paths: &[PathBuf]) {
    for path in paths {
        if let Err(error) = std::fs::metadata(path) {
            log::warn!("{key}: {}: {error}", path.display());
        }
    }
}

/// Further places that depend on this system: where the libraries of this process come from, what its variables name.
fn found() -> BTreeSet<PathBuf> {
    let mut paths = BTreeSet::from([PathBuf::from(bridge::PLUGIN_DIR)]);
    for name in ["LD_LIBRARY_PATH", "SSL_CERT_DIR", "SSL_CERT_FILE", "TZDIR"] {
        let value = std::env::var_os(name).unwrap_or_default();
        paths.extend(std::env::split_paths(&value).filter(|path| path.is_absolute()));
    }
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let mapped = maps.lines().filter_map(|line| line.find('/').and_then(|at| line.get(at..))).map(Path::new);
    // This program itself is no library, and what lies beside it no business of plugins.
    let program = std::env::current_exe().ok();
    let libraries = mapped.filter(|file| program.as_deref() != Some(file)).filter_map(Path::parent);
    paths.extend(libraries.filter(|directory| is_further(directory)).map(Path::to_owned));
    // Backtraces read it.
    paths.extend(program);
    let replaced = REPLACED.iter().filter_map(|file| std::fs::canonicalize(file).ok());
    paths.extend(replaced.filter_map(|file| file.parent().map(Path::to_owned)).filter(|directory| is_further(directory)));
    paths
}

/// Whether it is not among the fixed places, and not a place that holds more than what is meant.
fn is_further(directory: &Path) -> bool {
    let within = |fixed: &&str| directory.starts_with(fixed);
    !LIBRARIES.iter().any(within)
        && !["/", "/etc", "/run", "/dev", "/dev/shm", "/tmp", "/var", "/home"].iter().any(|path| Path::new(path) == directory)
}
