//! Programs that do not want to end, or that do too much.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use justiam_server::driver::execute::step::programs::Outcome;
use justiam_tests::programs::program;
use rustix::process::Resource;

use super::support::{Lab, executable, is_alive, until, why};

/// Starts a process that leaves its session, its parent and its folder, and tells its number in a file.
const DAEMON: &str = "(setsid sh -c 'trap \"\" TERM HUP; cd /; echo $$ > \"$0\"; exec 0</dev/null 1>&0 2>&0; while :; do sleep 1; done' \
                      \"$PWD/daemon\" &) & while ! [ -s daemon ]; do sleep 0.05; done";

#[tokio::test]
async fn what_a_program_leaves_behind_ends_with_it() {
    let lab = Lab::new().await;
    lab.printed(DAEMON).await;
    assert!(!is_alive(&lab.told("daemon").await));
}

#[tokio::test]
async fn a_program_that_is_stopped_may_end_in_good_order() {
    let lab = Lab::new().await;
    let path = lab.shell("program", "trap 'echo bye; exit 0' TERM; echo > started; while :; do sleep 0.05; done");
    let end = lab.run_until(executable(&path), async { _ = lab.told("started").await }).await;
    assert_eq!((end.outcome, end.exit_code), (Outcome::Stopped, Some(0)));
    // The shell may tell that the program which it waited for was ended as well.
    assert!(end.output.unwrap().ends_with("bye\n"));
}

#[tokio::test]
async fn a_program_that_ignores_the_request_to_end_is_killed_with_all_that_it_has_started() {
    let lab = Lab::new().await;
    let text = format!(
        "trap '' TERM; {DAEMON}; sleep 1000 & sleep 1000 & sh -c 'sleep 1000; :' & echo > started; while :; do sleep 1; done"
    );
    let path = lab.shell("program", &text);
    let mut stopped = None;
    let stop = async {
        lab.told("started").await;
        stopped = Some(Instant::now());
    };
    let end = lab.run_until(executable(&path), stop).await;
    assert_eq!((end.outcome, end.exit_code), (Outcome::Stopped, Some(137)));
    let took = stopped.unwrap().elapsed();
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert!(!is_alive(&lab.told("daemon").await));
}

#[tokio::test]
async fn a_step_that_nobody_waits_for_any_more_ends() {
    let lab = Lab::new().await;
    let path = lab.shell("program", &format!("{DAEMON}; echo $$ > started; exec sleep 1000"));
    tokio::select! {
        end = lab.programs.run(executable(&path), std::future::pending()) => panic!("{end:?}"),
        _ = lab.told("started") => {}
    }
    let (daemon, main) = (lab.told("daemon").await, lab.told("started").await);
    until("the program to end", || !is_alive(&daemon) && !is_alive(&main)).await;
    lab.assert_clean();
}

#[tokio::test]
async fn nothing_outlives_a_server_that_is_killed() {
    let lab = Lab::new().await;
    let path = lab.shell(
        "program",
        &format!("trap '' TERM; {DAEMON}; echo $$ > started; sleep 1000 & while :; do sleep 1; done"),
    );
    let mut server = Command::new(program("one-step"))
        .args([lab.path().to_str().unwrap(), program("justiam-server").to_str().unwrap(), &path])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (daemon, main) = (lab.told("daemon").await, lab.told("started").await);
    assert!(is_alive(&daemon) && is_alive(&main));
    server.kill().unwrap();
    server.wait().unwrap();
    until("all processes to end", || !is_alive(&daemon) && !is_alive(&main)).await;
    // What a killed server leaves of folders goes when the next one starts.
    assert_eq!(fs::read_dir(lab.path().join("data/steps")).unwrap().count(), 1);
    fs::remove_dir_all(lab.path().join("data/steps")).unwrap();
}

#[tokio::test]
async fn a_program_that_fills_the_machine_with_processes_is_stopped() {
    let lab = Lab::new().await;
    let begun = Instant::now();
    let end = lab.sh("f() { f | f & }; f; sleep 1000").await;
    assert_eq!(why(&end), "it had more than 256 processes or 4096 threads at a time and was stopped");
    assert_eq!(end.exit_code, Some(137));
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn whoever_counts_processes_is_served_before_those_who_start_them() {
    let lab = Lab::new().await;
    let told = lab
        .printed(
            "cut -d' ' -f19 /proc/$PPID/stat; cut -d' ' -f19 /proc/$$/stat; ulimit -p; cat /proc/$PPID/autogroup || :",
        )
        .await;
    let mut lines = told.lines();
    let mut niceness = || lines.next().unwrap().parse::<i32>().unwrap();
    let own = rustix::process::getpriority_process(None).unwrap();
    let first = has_capability(CAP_SYS_NICE);
    assert_eq!([niceness(), niceness()], [if first { -20 } else { own }, own.max(5)]);
    let limit = rustix::process::getrlimit(Resource::Nproc).maximum;
    let most = lines.next().unwrap().parse::<u64>().unwrap();
    assert!(limit == Some(most) || (8192..limit.unwrap_or(u64::MAX)).contains(&most), "{most} {limit:?}");
    // Where the kernel has such groups. Without the second capability it takes such a wish every 100 ms at the most.
    let sure = first && has_capability(CAP_SYS_ADMIN);
    assert!(lines.all(|line| !sure || !line.starts_with("/autogroup") || line.ends_with("nice -20")), "{told}");
}

#[tokio::test]
async fn a_crowd_of_threads_is_ended_as_well() {
    let lab = Lab::new().await;
    let path = lab.job("threads");
    fs::copy(program("many-threads"), &path).unwrap();
    let end = lab.run(executable(&path)).await;
    assert_eq!(why(&end), "it had more than 256 processes or 4096 threads at a time and was stopped");
}

#[tokio::test]
async fn a_crowd_that_only_waits_is_ended_as_well() {
    let lab = Lab::new().await;
    let end = lab.sh("for one in $(seq 400); do sleep 1000 & done; wait").await;
    assert_eq!(why(&end), "it had more than 256 processes or 4096 threads at a time and was stopped");
}

#[tokio::test]
async fn a_flood_of_output_takes_no_memory() {
    let lab = Lab::new().await;
    let before = resident();
    let end = lab.sh("yes 'a line of a flood' | head -c 600000000; echo last").await;
    assert_eq!(end.outcome, Outcome::Success, "{end:?}");
    assert!(end.output.unwrap().ends_with("last\n"));
    assert!(resident().saturating_sub(before) < 300 << 20, "{before} → {}", resident());
}

#[tokio::test]
async fn an_endless_flood_of_output_is_stopped_in_time() {
    let lab = Lab::new().await;
    let path = lab.shell("program", "echo > started; exec yes 'a line of a flood'");
    let mut stopped = None;
    let stop = async {
        lab.told("started").await;
        stopped = Some(Instant::now());
    };
    assert_eq!(lab.run_until(executable(&path), stop).await.outcome, Outcome::Stopped);
    assert!(stopped.unwrap().elapsed() < Duration::from_secs(2));
}

/// Numbers of capabilities.
const CAP_SYS_ADMIN: u32 = 21;
const CAP_SYS_NICE: u32 = 23;

/// Tells whether this process has a capability.
fn has_capability(number: u32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:")).unwrap();
    u64::from_str_radix(effective.trim(), 16).unwrap() >> number & 1 == 1
}

/// The memory of this process in bytes.
fn resident() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    statm.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 4096
}
