//! Which system calls the processes of steps may make: more than a script, because they are programs of all kinds.
//!
//! As with scripts, what no list knows is answered as a call that the kernel does not have.

use std::io;

use seccompiler::{SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompRule};

use super::super::super::script::sandbox::calls::{Rules, add, programs, put_on};
use super::super::super::script::sandbox::tables::{ALLOWED, FORBIDDEN, calls};
use super::order::{Order, Work};

/// Forbidden to scripts and allowed to programs: to start processes and to send them signals, to listen, and to make what the rules on
/// files keep inside of the allowed folders. Changes of rights and owners are among them where a program has opened the file.
const LOOSENED: &[i64] = calls! {
    SYS_pidfd_open SYS_pidfd_send_signal SYS_rt_sigqueueinfo SYS_rt_tgsigqueueinfo SYS_tkill SYS_setsid SYS_setpgid
    SYS_memfd_create SYS_mbind SYS_set_mempolicy SYS_setuid SYS_setgid SYS_setreuid SYS_setregid SYS_setresuid
    SYS_setresgid SYS_setgroups SYS_setfsuid SYS_setfsgid SYS_capset SYS_fchmod SYS_fchown SYS_truncate SYS_fsetxattr
    SYS_fremovexattr SYS_mknodat SYS_bind SYS_listen SYS_accept SYS_accept4 SYS_fallocate SYS_tee;
    x86_64:
    SYS_fork SYS_vfork SYS_mknod
};

/// Allowed with all arguments beyond what scripts may call.
const MORE: &[i64] = calls! {
    SYS_capget SYS_execveat SYS_flistxattr SYS_futex_waitv SYS_get_mempolicy SYS_getpriority SYS_ioprio_get
    SYS_landlock_add_rule SYS_landlock_create_ruleset SYS_landlock_restrict_self SYS_listxattr SYS_llistxattr
    SYS_mlock2 SYS_mlockall SYS_msync SYS_munlockall SYS_pkey_alloc SYS_pkey_free SYS_pkey_mprotect SYS_readahead
    SYS_sched_get_priority_max SYS_sched_get_priority_min SYS_sched_getattr SYS_sched_getparam SYS_sched_getscheduler
    SYS_sched_rr_get_interval SYS_signalfd4 SYS_sync SYS_syncfs SYS_timer_getoverrun SYS_timerfd_gettime SYS_vmsplice
    SYS_kill SYS_tgkill SYS_fcntl SYS_sendto SYS_sendmsg SYS_sendmmsg;
    x86_64:
    SYS_alarm SYS_creat SYS_eventfd SYS_signalfd SYS_get_thread_area SYS_set_thread_area
};

/// Forbidden with certain arguments only.
const CONDITIONAL: [i64; 9] = [
    libc::SYS_clone,
    libc::SYS_prlimit64,
    libc::SYS_setpriority,
    libc::SYS_sched_setaffinity,
    libc::SYS_prctl,
    libc::SYS_ioctl,
    libc::SYS_socket,
    libc::SYS_socketpair,
    libc::SYS_utimensat,
];

/// The calls by which a process becomes another program, or starts one.
const STARTS: &[i64] = calls! {
    SYS_execve SYS_execveat;
    x86_64:
    SYS_fork SYS_vfork
};

/// New name spaces, in which a process would seem to have rights.
const NAME_SPACES: [i32; 7] = [
    libc::CLONE_NEWNS,
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
];

/// Operations of `prctl` that open a process to others, or change where its memory is said to be.
const PRCTLS: [u64; 2] = [
    35,          // PR_SET_MM
    0x5961_6d61, // PR_SET_PTRACER
];

/// Operations of `ioctl` that put words into terminals.
const TERMINALS: [u64; 2] = [
    0x5412, // TIOCSTI
    0x541c, // TIOCLINUX
];

/// Puts the rules on this process, for good. False where the layer is left out, or where the kernel has none.
pub(super) fn restrict(order: &Order) -> io::Result<bool> {
    if !order.layers.seccomp {
        return Ok(false);
    }
    let known = ALLOWED.iter().chain(FORBIDDEN).chain(MORE).chain(&CONDITIONAL);
    let programs = forbidden(&order.work).and_then(|rules| programs(known, rules, order.layers.kill_unknown_calls));
    let mut restricted = false;
    for program in programs.map_err(io::Error::other)? {
        if !put_on(&program, restricted)? {
            return Ok(false);
        }
        restricted = true;
    }
    Ok(restricted)
}

/// What gets the answer "not permitted".
fn forbidden(work: &Work) -> Result<Rules, seccompiler::Error> {
    let kept = FORBIDDEN.iter().filter(|call| !LOOSENED.contains(call) && !CONDITIONAL.contains(call));
    let mut rules: Rules = kept.map(|call| (*call, Vec::new())).collect();
    let (ne, eq) = (SeccompCmpOp::Ne, SeccompCmpOp::Eq);
    let flag = |bits: i32| u64::from(bits.unsigned_abs());
    for name_space in NAME_SPACES.map(flag) {
        add(&mut rules, libc::SYS_clone, &[(0, SeccompCmpOp::MaskedEq(name_space), name_space)])?;
    }
    // Limits, priorities and processors of other processes, the server's for example.
    add(&mut rules, libc::SYS_prlimit64, &[(0, ne.clone(), 0)])?;
    add(&mut rules, libc::SYS_setpriority, &[(0, ne.clone(), 0)])?;
    add(&mut rules, libc::SYS_setpriority, &[(1, ne.clone(), 0)])?;
    add(&mut rules, libc::SYS_sched_setaffinity, &[(0, ne.clone(), 0)])?;
    for operation in PRCTLS {
        add(&mut rules, libc::SYS_prctl, &[(0, eq.clone(), operation)])?;
    }
    for operation in TERMINALS {
        add(&mut rules, libc::SYS_ioctl, &[(1, eq.clone(), operation)])?;
    }
    // Times of a file by its name; those of a file that the program has opened are its own business.
    let named = SeccompCondition::new(1, SeccompCmpArgLen::Qword, ne.clone(), 0)?;
    rules.insert(libc::SYS_utimensat, vec![SeccompRule::new(vec![named])?]);
    // The network, and what the kernel tells about it. Behind a Unix socket may be a service that trusts the server's user.
    let mut families = vec![libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];
    if let Work::Sql(_) = work {
        families.push(libc::AF_UNIX);
        for call in STARTS {
            rules.insert(*call, Vec::new());
        }
        let thread = flag(libc::CLONE_THREAD);
        add(&mut rules, libc::SYS_clone, &[(0, SeccompCmpOp::MaskedEq(thread), 0)])?;
    }
    let others: Vec<_> = families.iter().map(|family| (0, ne.clone(), flag(*family))).collect();
    add(&mut rules, libc::SYS_socket, &others)?;
    add(&mut rules, libc::SYS_socket, &[(0, eq.clone(), flag(libc::AF_NETLINK)), (2, ne.clone(), 0)])?;
    // One of a pair of datagram sockets sends to any Unix socket that has a path; the others are connected for good.
    let kind = SeccompCmpOp::MaskedEq(0xf);
    add(&mut rules, libc::SYS_socketpair, &[(1, kind, flag(libc::SOCK_DGRAM))])?;
    Ok(rules)
}

#[cfg(test)]
mod tests {
    use seccompiler::SeccompAction;

    use super::super::super::super::script::sandbox::numbers::answer;
    use super::*;

    #[test]
    fn what_is_loosened_was_forbidden_and_no_call_is_in_two_lists() {
        for call in LOOSENED {
            assert!(FORBIDDEN.contains(call), "{call}");
        }
        let mut calls: Vec<i64> = ALLOWED.iter().chain(FORBIDDEN).chain(MORE).copied().collect();
        calls.extend(CONDITIONAL.iter().filter(|call| !FORBIDDEN.contains(call)));
        let all = calls.len();
        calls.sort_unstable();
        calls.dedup();
        assert_eq!(calls.len(), all);
    }

    #[test]
    fn each_number_gets_the_answer_of_its_list() {
        let errno = |number: i32| u32::from(SeccompAction::Errno(number.unsigned_abs()));
        let work = Work::Program { program: "/bin/true".into(), arguments: Vec::new(), home: None };
        let known = || ALLOWED.iter().chain(FORBIDDEN).chain(MORE).chain(&CONDITIONAL);
        let [_, numbers] = programs(known(), forbidden(&work).unwrap(), true).unwrap();
        for number in (0..700).chain([0x4000_0000, 0x4000_0039, u32::MAX]) {
            let call = i64::from(number);
            let is_loosened = LOOSENED.contains(&call) || CONDITIONAL.contains(&call);
            let expected = if call == libc::SYS_clone3 {
                errno(libc::ENOSYS)
            } else if FORBIDDEN.contains(&call) && !is_loosened {
                errno(libc::EPERM)
            } else if known().any(|known| *known == call) {
                SeccompAction::Allow.into()
            } else {
                SeccompAction::KillProcess.into()
            };
            assert_eq!(answer(&numbers, number), expected, "{number}");
        }
    }
}
