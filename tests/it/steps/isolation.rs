//! What a program may reach, and what is on record of it.

use std::fs;
use std::io::Read as _;
use std::net::TcpListener;
use std::process::Command;

use justiam_server::driver::execute::script::{Demand, Layers};
use justiam_server::driver::execute::step::programs::{Job, Outcome};

use super::support::{Lab, why};

/// As on a kernel without one of them.
const NO_LANDLOCK: Layers = Layers { landlock: false, seccomp: true, kill_unknown_calls: false };
const NO_SECCOMP: Layers = Layers { landlock: true, seccomp: false, kill_unknown_calls: false };

#[tokio::test]
async fn what_was_achieved_is_on_record() {
    for (layers, expected) in [
        (Layers::default(), "sandbox: landlock "),
        (NO_LANDLOCK, "partial: no landlock, seccomp, no capabilities, allowed folders, network all"),
        (NO_SECCOMP, "partial: landlock "),
    ] {
        let lab = Lab::with(|settings| settings.layers = layers).await;
        let end = lab.sh("true").await;
        assert_eq!(end.outcome, Outcome::Success);
        let isolation = end.isolation.unwrap();
        assert!(isolation.starts_with(expected) && isolation.ends_with("allowed folders, network all"), "{isolation}");
    }
}

#[tokio::test]
async fn a_server_that_demands_a_sandbox_runs_no_program_without_one() {
    for (layers, missing) in [(NO_LANDLOCK, "Landlock"), (NO_SECCOMP, "seccomp")] {
        let lab = Lab::with(|settings| (settings.layers, settings.demand) = (layers, Demand::Sandbox)).await;
        let expected = format!(
            "programs are not run on this server: it demands a sandbox (--script-isolation sandbox), and its kernel gives no {missing}"
        );
        assert_eq!(why(&lab.sh("echo ran").await), expected);
    }
    let lab = Lab::with(|settings| settings.demand = Demand::Sandbox).await;
    assert_eq!(lab.printed("echo ran").await, "ran\n");
}

#[tokio::test]
async fn a_program_reads_and_writes_the_allowed_folders_and_nothing_of_the_server() {
    let lab = Lab::new().await;
    let outside = lab.path().join("outside");
    fs::write(&outside, "").unwrap();
    let data = lab.path().join("data");
    let tried = lab
        .printed(&format!(
            r#"try() {{ if "$@" >/dev/null 2>&1; then echo "yes $*"; else echo "no $*"; fi; }}
            try mkdir -p inner/folder
            try sh -c 'echo x > inner/file && cat inner/file && ln -s file inner/link && mv inner/link inner/folder/ && rm -r inner'
            try sh -c 'cp /bin/true tool; ./tool'
            try sh -c 'echo x > "$TMPDIR/file" && cat "$TMPDIR/file"'
            try sh -c 'cp /bin/true "$TMPDIR/true"; "$TMPDIR/true"'
            try cat {outside}
            try sh -c 'echo x > {outside}'
            try sh -c 'echo x > {outside}.new'
            try rm {outside}
            try chmod 777 {outside}
            try touch -d yesterday {outside}
            try ls {data}
            try cat {data}/justiam.db
            try ln {data}/justiam.db stolen
            try ls /root
            try cat /etc/shadow
            try sh -c 'echo x > /tmp/justiam-step-test'
            try cat /proc/{server}/environ
            try readlink /proc/{server}/fd/0
            try kill -0 {server}
            try kill -0 $PPID
            try renice -n 19 -p {server}"#,
            outside = outside.display(),
            data = data.display(),
            server = std::process::id(),
        ))
        .await;
    let answers: Vec<(&str, &str)> = tried
        .lines()
        .filter_map(|line| line.split_once(' '))
        .filter(|(answer, _)| matches!(*answer, "yes" | "no"))
        .collect();
    let denied: Vec<&str> = answers.iter().filter(|(answer, _)| *answer == "no").map(|(_, what)| *what).collect();
    let allowed: Vec<&str> = answers.iter().filter(|(answer, _)| *answer == "yes").map(|(_, what)| *what).collect();
    assert_eq!((allowed.len(), denied.len()), (4, 18), "{tried}");
    assert_eq!(fs::metadata(&outside).unwrap().len(), 0);
}

#[tokio::test]
async fn a_program_reaches_the_network() {
    let lab = Lab::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let path = lab.shell("program", "");
    fs::write(&path, format!("#!/bin/bash\necho hello > /dev/tcp/127.0.0.1/{port}\n")).unwrap();
    let heard = std::thread::spawn(move || {
        let mut text = String::new();
        listener.accept().unwrap().0.read_to_string(&mut text).unwrap();
        text
    });
    let end = lab.run(super::support::executable(&path)).await;
    assert_eq!(end.outcome, Outcome::Success, "{end:?}");
    assert_eq!(heard.join().unwrap(), "hello\n");
}

/// A name, the number of a call, its arguments. Nothing happens where a call is not stopped.
const FORBIDDEN: &[(&str, i64, &str)] = &[
    ("ptrace", libc::SYS_ptrace, "0 0 0 0"),
    ("process_vm_readv", libc::SYS_process_vm_readv, "1 memory 0 memory 0 0"),
    ("unshare", libc::SYS_unshare, "0"),
    ("setns", libc::SYS_setns, "-1 0"),
    ("clone-newuser", libc::SYS_clone, "0x10000011 0 0 0 0"),
    ("clone-newpid", libc::SYS_clone, "0x20000011 0 0 0 0"),
    ("mount", libc::SYS_mount, "memory memory memory 0 0"),
    ("chroot", libc::SYS_chroot, "memory"),
    ("bpf", libc::SYS_bpf, "0 memory 0"),
    ("perf_event_open", libc::SYS_perf_event_open, "memory 0 0 -1 0"),
    ("add_key", libc::SYS_add_key, "memory memory memory 0 0"),
    ("keyctl", libc::SYS_keyctl, "0 0 0 0"),
    ("io_uring_setup", libc::SYS_io_uring_setup, "0 memory"),
    ("userfaultfd", libc::SYS_userfaultfd, "0"),
    ("init_module", libc::SYS_init_module, "memory 0 memory"),
    ("finit_module", libc::SYS_finit_module, "-1 memory 0"),
    ("kexec_load", libc::SYS_kexec_load, "0 0 0 0"),
    ("open_by_handle_at", libc::SYS_open_by_handle_at, "-1 memory 0"),
    ("prlimit-parent", libc::SYS_prlimit64, "parent 7 0 0"),
    ("setpriority-parent", libc::SYS_setpriority, "0 parent 0"),
    ("setpriority-user", libc::SYS_setpriority, "2 0 0"),
    ("chmod", libc::SYS_fchmodat, "-1 memory 0"),
    ("chown", libc::SYS_fchownat, "-1 memory 0 0 0"),
    ("utimensat-name", libc::SYS_utimensat, "-1 path 0 0"),
    ("setxattr", libc::SYS_setxattr, "memory memory memory 0 0"),
    ("socket-unix", libc::SYS_socket, "1 1 0"),
    ("socket-unix-datagram", libc::SYS_socket, "1 2 0"),
    ("socket-packet", libc::SYS_socket, "17 3 0"),
    ("socket-vsock", libc::SYS_socket, "40 1 0"),
    ("socket-netlink-audit", libc::SYS_socket, "16 3 9"),
    ("socket-raw", libc::SYS_socket, "2 3 1"),
    ("socketpair-datagram", libc::SYS_socketpair, "1 2 0 memory"),
    ("ioctl-tiocsti", libc::SYS_ioctl, "0 0x5412 memory"),
    ("prctl-ptracer", libc::SYS_prctl, "0x59616d61 -1 0 0 0"),
    ("inotify_add_watch", libc::SYS_inotify_add_watch, "-1 path 0"),
    ("shmget", libc::SYS_shmget, "0 0 0"),
    ("reboot", libc::SYS_reboot, "0 0 0 0"),
];

const ALLOWED: &[(&str, i64, &str)] = &[
    ("socketpair-stream", libc::SYS_socketpair, "1 1 0 memory"),
    ("socket-inet", libc::SYS_socket, "2 1 0"),
    ("socket-netlink-route", libc::SYS_socket, "16 3 0"),
    ("memfd_create", libc::SYS_memfd_create, "memory 0"),
    ("setpriority-own", libc::SYS_setpriority, "0 0 6"),
    ("prlimit-own", libc::SYS_prlimit64, "0 7 0 memory"),
    ("getpriority", libc::SYS_getpriority, "0 0"),
];

#[tokio::test]
async fn calls_that_a_program_has_no_business_with_are_not_permitted() {
    let lab = Lab::new().await;
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/it/steps/raw.c");
    let compiled = Command::new("cc").args(["-o", &lab.job("raw"), source]).status().unwrap();
    assert!(compiled.success());
    for (calls, expected) in [(FORBIDDEN, "Operation not permitted"), (ALLOWED, "ok")] {
        let arguments: Vec<String> = calls.iter().map(|(name, call, rest)| format!("'{name} {call} {rest}'")).collect();
        let job =
            Job::Executable { path: lab.job("raw"), arguments: Some(arguments.join(" ")), working_directory: None };
        let expected = calls.iter().map(|(name, ..)| format!("{name}: {expected}\n")).collect::<Vec<_>>().concat();
        assert_eq!(lab.run(job).await.output.unwrap(), expected);
    }
    // What no list knows is a call that the kernel does not have.
    let job = Job::Executable { path: lab.job("raw"), arguments: Some("'new 4242'".into()), working_directory: None };
    assert_eq!(lab.run(job).await.output.unwrap(), "new: Function not implemented\n");
}

/// A bit of everything that programs do.
const BROAD: &str = r#"set -e
ls -la / >/dev/null 2>&1 || true
df . >/dev/null; date >/dev/null; id >/dev/null; uname -a >/dev/null; nproc >/dev/null; ps >/dev/null 2>&1 || true
seq 1 1000 | sort -r | awk '{s+=$1} END {print s}' | tee sum | sha256sum >/dev/null
test "$(cat sum)" = 500500
find /usr/share -maxdepth 1 | xargs -n 5 echo | wc -l >/dev/null
mkfifo pipe; (echo x > pipe &) ; read x < pipe; rm pipe
dd if=/dev/urandom of=random bs=1k count=100 2>/dev/null; gzip -k random; gunzip -c random.gz | cmp - random
cp random copy; mv copy moved; ln moved linked; touch moved; truncate -s 10 moved; rm moved linked random random.gz
tar cf all.tar sum; tar xf all.tar -O >/dev/null; rm all.tar
sleep 0.1 & wait
timeout 5 true; nice -n 1 true; env -i /bin/true
bash -c 'diff <(echo a) <(echo a); trap : EXIT; ulimit -n >/dev/null; exec 3<>/dev/null; cat <<< here >/dev/null'
perl -e 'use POSIX; use Socket; socketpair(my $a, my $b, AF_UNIX, SOCK_STREAM, 0) or die; my $p = fork; exit 0 unless $p; waitpid $p, 0;'
getent hosts localhost >/dev/null
echo whole"#;

#[tokio::test]
async fn what_programs_do_every_day_meets_no_call_that_no_list_knows() {
    let layers = Layers { kill_unknown_calls: true, ..Layers::default() };
    let lab = Lab::with(|settings| settings.layers = layers).await;
    let end = lab.sh(BROAD).await;
    assert_eq!((&end.outcome, end.output.as_deref()), (&Outcome::Success, Some("whole\n")), "{end:?}");
}
