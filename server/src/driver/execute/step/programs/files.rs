//! The rules on files for programs of steps: what is not in these tables cannot be opened.

use std::path::PathBuf;

use landlock::{ABI, Access as _, AccessFs, BitFlags, Ruleset, RulesetAttr as _, RulesetError, Scope, make_bitflags};

use super::super::super::script::sandbox::files::{NEWEST, allow, put_on};
use super::order::{Order, Work};

/// The system's programs and libraries, to read and to execute: interpreters of scripts are among them.
const PROGRAMS: [&str; 7] = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];

/// What programs and libraries read of the system's settings: how to load libraries, certificates of authorities, the time zone, how to
/// find the address of a name, names of users, protocols and file types.
const SETTINGS: [&str; 22] = [
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/ld.so.preload",
    "/etc/alternatives",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/ssl/cert.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/certs",
    "/etc/pki/ca-trust/extracted",
    "/etc/localtime",
    "/etc/timezone",
    "/etc/hosts",
    "/etc/resolv.conf",
    "/etc/nsswitch.conf",
    "/etc/gai.conf",
    "/etc/services",
    "/etc/protocols",
    "/etc/passwd",
    "/etc/group",
    "/etc/os-release",
];

/// What the kernel tells about processes and the machine. Memory, environment and files of other processes stay closed: they ask for the
/// right to trace a process, which nobody has outside of his own layers.
const KERNEL: [&str; 3] = ["/proc", "/sys/devices/system/cpu", "/sys/fs/cgroup"];

/// Devices that give random numbers.
const RANDOM: [&str; 2] = ["/dev/random", "/dev/urandom"];

/// Devices that programs write to.
const DEVICES: [&str; 3] = ["/dev/null", "/dev/zero", "/dev/full"];

/// Everything but devices.
const ALL: BitFlags<AccessFs> = make_bitflags!(AccessFs::{
    Execute | WriteFile | ReadFile | ReadDir | RemoveDir | RemoveFile | MakeDir | MakeReg | MakeSock | MakeFifo | MakeSym | Refer |
    Truncate
});

/// Closes everything but what the process of a step needs. Returns the version of the kernel's interface, 0 where it has none.
pub(super) fn close(order: &Order) -> Result<u32, RulesetError> {
    let rules = Ruleset::default()
        .handle_access(AccessFs::from_all(NEWEST))?
        .scope(Scope::AbstractUnixSocket | Scope::Signal)?
        .create()?;
    let paths = |paths: &[&str]| paths.iter().map(PathBuf::from).collect::<Vec<_>>();
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let (run, folders) = match &order.work {
        Work::Program { .. } => (read | AccessFs::Execute, ALL),
        Work::Sql(_) => (read, ALL & !BitFlags::from(AccessFs::Execute)),
    };
    let mut rules = allow(rules, run, paths(&PROGRAMS))?;
    if let Work::Program { home: Some(home), .. } = &order.work {
        rules = allow(rules, run, [home.clone()])?;
    }
    rules = allow(rules, read, [paths(&SETTINGS), paths(&KERNEL), paths(&RANDOM)].concat())?;
    rules = allow(rules, AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::Truncate, paths(&DEVICES))?;
    rules = allow(rules, folders, order.folders.clone())?;
    // What is made there is data: a program comes from a folder that the operator has allowed.
    rules = allow(rules, ALL & !BitFlags::from(AccessFs::Execute), [order.temporary.clone()])?;
    if matches!(order.work, Work::Sql(_)) {
        // A database may listen on a socket anywhere. Older kernels do not ask.
        let connect = AccessFs::from_all(NEWEST) & !AccessFs::from_all(ABI::V8);
        rules = allow(rules, connect, [PathBuf::from("/")])?;
    }
    put_on(rules)
}
