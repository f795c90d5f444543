//! System calls that no package for scripts makes: the kernel must stop them all the same, because the interpreter is no
//! boundary. A small program takes the interpreter's place.
//!
//! Arguments are such that nothing happens where a call is not stopped: descriptors that are not open, signal 0, questions.

use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use justiam_server::driver::execute::script::{End, Network};
use tempfile::TempDir;

use super::support::Lab;

/// The program, in a folder that lasts as long as the test's process.
static PROGRAM: LazyLock<(PathBuf, TempDir)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("raw");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/it/scripts/raw.c");
    let compiled = Command::new("cc").args(["-o", program.to_str().unwrap(), source]).status().unwrap();
    assert!(compiled.success());
    (program, folder)
});

fn lab(network: Network) -> Lab {
    Lab::with(|settings| {
        settings.yaegi.clone_from(&PROGRAM.0);
        settings.network = network;
    })
}

/// A name, the number of a call, its arguments.
type Call<'a> = (&'a str, i64, &'a str);

/// Has calls made, and says what came of each.
async fn make(network: Network, calls: &[Call<'_>]) -> Vec<String> {
    let mut source = String::from("package task\n");
    for (name, call, rest) in calls {
        source.extend(["//: ", name, " ", &call.to_string(), " ", rest, "\n"]);
    }
    match lab(network).run(&source).await.end {
        End::Success { output } => output.lines().map(String::from).collect(),
        end => panic!("{end:?}"),
    }
}

/// All calls must come to the same.
async fn assert_all(network: Network, calls: &[Call<'_>], expected: &str) {
    let expected: Vec<String> = calls.iter().map(|(name, ..)| format!("{name}: {expected}")).collect();
    assert_eq!(make(network, calls).await, expected, "{network:?}");
}

const FORBIDDEN: &[Call<'_>] = &[
    // By a datagram socket of whatever origin one reaches every Unix socket that has a path: the machine's log, systemd.
    ("socketpair-datagram", libc::SYS_socketpair, "1 2 0 memory"),
    ("socketpair-stream", libc::SYS_socketpair, "1 1 0 memory"),
    ("socket-unix", libc::SYS_socket, "1 2 0"),
    ("socket-netlink", libc::SYS_socket, "16 3 0"),
    ("socket-packet", libc::SYS_socket, "17 3 0"),
    ("socket-raw", libc::SYS_socket, "2 3 1"),
    // Whose connections the rules on ports do not see.
    ("socket-mptcp", libc::SYS_socket, "2 1 262"),
    ("sendto-fastopen", libc::SYS_sendto, "-1 memory 0 0x20000000 0 0"),
    ("sendmsg-fastopen", libc::SYS_sendmsg, "-1 memory 0x20000000"),
    ("sendmmsg-fastopen", libc::SYS_sendmmsg, "-1 memory 0 0x20000000"),
    ("bind", libc::SYS_bind, "-1 memory 0"),
    ("listen", libc::SYS_listen, "-1 1"),
    // Have the kernel send a signal, of any number, to any process of the user.
    ("fcntl-setown", libc::SYS_fcntl, "-1 8 parent"),
    ("fcntl-setsig", libc::SYS_fcntl, "-1 10 9"),
    ("fcntl-setown-ex", libc::SYS_fcntl, "-1 15 memory"),
    ("fcntl-setlease", libc::SYS_fcntl, "-1 1024 0"),
    ("fcntl-notify", libc::SYS_fcntl, "-1 1026 1"),
    ("fcntl-setpipe-size", libc::SYS_fcntl, "-1 1031 1048576"),
    ("fcntl-unknown", libc::SYS_fcntl, "-1 4242 0"),
    ("ioctl-fiosetown", libc::SYS_ioctl, "-1 0x8901 memory"),
    ("ioctl-siocspgrp", libc::SYS_ioctl, "-1 0x8902 memory"),
    ("ioctl-tiocsti", libc::SYS_ioctl, "-1 0x5412 memory"),
    // Another way to take space.
    ("ioctl-resvsp", libc::SYS_ioctl, "-1 0x40305828 memory"),
    ("fallocate-keep-size", libc::SYS_fallocate, "-1 1 0 1"),
    ("tee", libc::SYS_tee, "-1 -1 1 0"),
    ("kill-parent", libc::SYS_kill, "parent 0"),
    ("kill-all", libc::SYS_kill, "-1 0"),
    ("tgkill-parent", libc::SYS_tgkill, "parent parent 0"),
    ("tkill-parent", libc::SYS_tkill, "parent 0"),
    ("rt-sigqueueinfo", libc::SYS_rt_sigqueueinfo, "parent 0 memory"),
    ("pidfd-open", libc::SYS_pidfd_open, "parent 0"),
    ("prlimit-parent", libc::SYS_prlimit64, "parent 7 0 memory"),
    ("setaffinity-parent", libc::SYS_sched_setaffinity, "parent 0 memory"),
    ("setpriority", libc::SYS_setpriority, "0 0 19"),
    ("ptrace", libc::SYS_ptrace, "2 parent memory 0"),
    ("process-vm-readv", libc::SYS_process_vm_readv, "parent memory 0 memory 0 0"),
    // A process: without CLONE_THREAD, whatever else it is given.
    ("clone", libc::SYS_clone, "17 0 0 0 0"),
    ("clone-vm", libc::SYS_clone, "0x4111 0 0 0 0"),
    ("unshare", libc::SYS_unshare, "0x10000000"),
    ("setns", libc::SYS_setns, "-1 0"),
    ("fchmod", libc::SYS_fchmod, "-1 0"),
    ("fchown", libc::SYS_fchown, "-1 0 0"),
    ("fchmodat", libc::SYS_fchmodat, "-1 memory 0"),
    ("utimensat", libc::SYS_utimensat, "-1 memory 0 0"),
    ("truncate", libc::SYS_truncate, "memory 0"),
    ("setxattr", libc::SYS_setxattr, "memory memory memory 0 0"),
    ("prctl-dumpable", libc::SYS_prctl, "4 1"),
    ("prctl-pdeathsig", libc::SYS_prctl, "1 9"),
    ("memfd-create", libc::SYS_memfd_create, "memory 0"),
    ("shmget", libc::SYS_shmget, "0 0 0"),
    ("mq-open", libc::SYS_mq_open, "memory 0"),
    ("bpf", libc::SYS_bpf, "-1 memory 0"),
    ("perf-event-open", libc::SYS_perf_event_open, "memory 0 -1 -1 0"),
    ("userfaultfd", libc::SYS_userfaultfd, "-1"),
    ("io-uring-setup", libc::SYS_io_uring_setup, "0 memory"),
    ("keyctl", libc::SYS_keyctl, "-1"),
    ("mount", libc::SYS_mount, "0 0 0 0 0"),
    ("setuid", libc::SYS_setuid, "0"),
];

const UNKNOWN: &[Call<'_>] = &[
    // The flags of this one cannot be looked at; libraries go back to `clone`.
    ("clone3", libc::SYS_clone3, "memory 0"),
    ("vmsplice", libc::SYS_vmsplice, "-1 memory 0 0"),
    ("of-the-future", 4242, ""),
    #[cfg(target_arch = "x86_64")]
    ("getpid-of-x32", 0x4000_0000 + libc::SYS_getpid, ""),
    #[cfg(target_arch = "x86_64")]
    ("socketpair-of-x32", 0x4000_0000 + libc::SYS_socketpair, "1 2 0 memory"),
];

/// What the interpreter needs, or a library might.
const ALLOWED: &[Call<'_>] = &[
    ("getpid", libc::SYS_getpid, ""),
    ("kill-self", libc::SYS_kill, "self 0"),
    ("tgkill-self", libc::SYS_tgkill, "self self 0"),
    ("prlimit-self", libc::SYS_prlimit64, "0 7 0 memory"),
    ("fcntl-getfl", libc::SYS_fcntl, "1 3 0"),
    ("ioctl-fionread", libc::SYS_ioctl, "1 0x541b memory"),
];

#[tokio::test]
async fn no_call_reaches_another_process_or_escapes_a_limit() {
    for network in [Network::All, Network::Fetch, Network::None] {
        assert_all(network, FORBIDDEN, "Operation not permitted").await;
        assert_all(network, UNKNOWN, "Function not implemented").await;
        assert_all(network, ALLOWED, "Success").await;
    }
}

#[tokio::test]
async fn a_socket_is_made_only_where_scripts_may_dial() {
    let socket = [("tcp", libc::SYS_socket, "2 1 0"), ("udp", libc::SYS_socket, "10 2 17")];
    for (network, expected) in [
        (Network::All, "Success"),
        (Network::Fetch, "Operation not permitted"),
        (Network::None, "Operation not permitted"),
    ] {
        assert_all(network, &socket, expected).await;
    }
}

#[tokio::test]
async fn files_that_are_written_through_memory_count_as_written() {
    let message = lab(Network::None).message("package task\n//: fill 10\n").await;
    assert_eq!(message, "the script wrote more than 512 MiB and was stopped; write less to files");
}
