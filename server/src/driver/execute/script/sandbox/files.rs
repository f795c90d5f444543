//! The first layer: Landlock. What is not in these tables cannot be opened.

use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, LandlockStatus, PathBeneath, PathFd, Ruleset, RulesetAttr as _,
    RulesetCreated, RulesetCreatedAttr as _, RulesetError, Scope, make_bitflags,
};

use super::Network;

/// The newest rules that this program knows; an older kernel gets those that it knows.
pub(in crate::driver::execute) const NEWEST: ABI = ABI::V10;

/// The programs that load a dynamically linked interpreter.
const LOADERS: [&str; 5] = [
    "/lib64/ld-linux-x86-64.so.2",
    "/lib/ld-linux-x86-64.so.2",
    "/lib/ld-linux-aarch64.so.1",
    "/lib/ld-musl-x86_64.so.1",
    "/lib/ld-musl-aarch64.so.1",
];

/// Where the libraries of such an interpreter are.
const LIBRARY_FOLDERS: [&str; 6] = [
    "/lib/x86_64-linux-gnu",
    "/usr/lib/x86_64-linux-gnu",
    "/lib/aarch64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/lib64",
    "/usr/lib64",
];

/// The libraries.
const LIBRARIES: [&str; 3] = ["libc.so.6", "libpthread.so.0", "libresolv.so.2"];

/// Files that scripts may read: certificates of authorities, where systems keep them, and the local time zone.
const READABLE: [&str; 7] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/etc/localtime",
    "/dev/null",
];

/// Files that scripts may read as well where they may dial: how to find the address of a name.
const RESOLVER: [&str; 4] = ["/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/gai.conf"];

/// Folders that scripts may read: time zones.
const READABLE_FOLDERS: [&str; 2] = ["/usr/share/zoneinfo", "/usr/lib/zoneinfo"];

/// What a script may do in its own folder for files: everything that makes no way out, so no links to elsewhere, no
/// sockets, pipes or devices, and no programs.
const WRITABLE: BitFlags<AccessFs> = make_bitflags!(AccessFs::{
    ReadFile | ReadDir | WriteFile | Truncate | MakeReg | MakeDir | RemoveFile | RemoveDir | Refer
});

/// What a run may use beyond the tables.
#[derive(Debug)]
pub(in super::super) struct Own<'a> {
    /// The interpreter.
    pub(in super::super) program: &'a Path,
    /// The folder of the run, to read.
    pub(in super::super) folder: &'a Path,
    /// The folder inside it, to write.
    pub(in super::super) writable: &'a Path,
    pub(in super::super) network: Network,
}

/// Closes everything but what a run needs. Returns the version of the kernel's interface, 0 where it has none.
pub(in super::super) fn close(own: &Own<'_>) -> Result<u32, RulesetError> {
    let mut ruleset = Ruleset::default()
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::BindTcp)?
        .scope(Scope::AbstractUnixSocket | Scope::Signal)?;
    if own.network != Network::All {
        ruleset = ruleset.handle_access(AccessNet::ConnectTcp)?;
    }
    let read = BitFlags::from(AccessFs::ReadFile);
    let execute = read | AccessFs::Execute;
    let list = read | AccessFs::ReadDir;
    let mut rules = ruleset.create()?;
    rules = allow(rules, execute, LOADERS.iter().map(PathBuf::from).chain([own.program.to_owned()]))?;
    let libraries = LIBRARY_FOLDERS.iter().flat_map(|folder| LIBRARIES.iter().map(|name| Path::new(folder).join(name)));
    rules = allow(rules, read, libraries.chain(READABLE.iter().map(PathBuf::from)))?;
    if own.network == Network::All {
        rules = allow(rules, read, RESOLVER.iter().map(PathBuf::from))?;
    }
    rules = allow(rules, AccessFs::WriteFile | AccessFs::Truncate, [PathBuf::from("/dev/null")])?;
    rules = allow(rules, list, READABLE_FOLDERS.iter().map(PathBuf::from).chain([own.folder.to_owned()]))?;
    rules = allow(rules, WRITABLE, [own.writable.to_owned()])?;
    put_on(rules)
}

/// Puts the rules on this thread, for good. Returns the version of the kernel's interface, 0 where it has none.
pub(in crate::driver::execute) fn put_on(rules: RulesetCreated) -> Result<u32, RulesetError> {
    Ok(match rules.restrict_self()?.landlock {
        LandlockStatus::Available { effective_abi, .. } => effective_abi as u32,
        LandlockStatus::NotEnabled | LandlockStatus::NotImplemented => 0,
    })
}

/// Adds a rule for each path that exists. Links are followed now; later they are not.
pub(in crate::driver::execute) fn allow(
    rules: RulesetCreated,
    access: BitFlags<AccessFs>,
    paths: impl IntoIterator<Item = PathBuf>,
) -> Result<RulesetCreated, RulesetError> {
    paths
        .into_iter()
        .filter_map(|path| PathFd::new(path).ok())
        .try_fold(rules, |rules, path| rules.add_rule(PathBeneath::new(path, access)))
}
