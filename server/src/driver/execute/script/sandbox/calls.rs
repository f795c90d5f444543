//! The second layer: seccomp. Which system calls a script's process may make.
//!
//! Two programs, of which the kernel obeys the strictest answer. The first says "not permitted" to what is dangerous with certain
//! arguments. The second looks at numbers alone: it knows all calls that are allowed, says "not permitted" to what always is dangerous, and
//! "there is no such call" to all others and to `clone3`, whose flags cannot be looked at.
//!
//! They are the same for all runs, so the server compiles them one time. The helper gets them over its
//! socket before the script's process talks there, and puts its own number where a program must know it.

use std::collections::BTreeMap;
use std::io;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, apply_filter, sock_filter,
};

use super::numbers::by_number;
use super::tables::{ALLOWED, ALLOWED_FCNTLS, ALLOWED_IOCTLS, FORBIDDEN, FORBIDDEN_PRCTLS};
use super::{Layers, Network};

/// Stands for the number of the process until the helper knows it. No process can have it.
const OWN_PID: u32 = 0x7ead_be75;

/// The size of an instruction on its way to the helper.
const INSTRUCTION: usize = 8;

/// Marks the end of a program on the way: no instruction looks so.
const END: [u8; INSTRUCTION] = [0xff; INSTRUCTION];

/// The bit of `socket`'s type argument below which the kind of a socket is.
const KIND_OF_SOCKET: u64 = 0xf;

/// The programs for a server, as bytes for its helpers. Nothing when the layer is left out.
pub(in super::super) fn compile(network: Network, layers: Layers) -> Result<Vec<u8>, seccompiler::Error> {
    if !layers.seccomp {
        return Ok(Vec::new());
    }
    let known = ALLOWED.iter().chain(FORBIDDEN).chain(&CONDITIONAL);
    let programs = programs(known, forbidden(network)?, layers.kill_unknown_calls)?;
    let mut bytes = Vec::new();
    for program in programs {
        for one in program {
            bytes.extend_from_slice(&one.code.to_ne_bytes());
            bytes.extend_from_slice(&[one.jt, one.jf]);
            bytes.extend_from_slice(&one.k.to_ne_bytes());
        }
        bytes.extend_from_slice(&END);
    }
    Ok(bytes)
}

/// Puts the programs of [`compile`] on this thread, for good. False where there are none, or where the kernel, or whatever
/// surrounds this process, does not take even the first.
pub(in super::super) fn restrict(bytes: &[u8], own_pid: u32) -> io::Result<bool> {
    let mut restricted = false;
    let mut program = BpfProgram::new();
    for one in bytes.chunks(INSTRUCTION) {
        match *one {
            [c0, c1, jt, jf, k0, k1, k2, k3] if *one != END => {
                let k = u32::from_ne_bytes([k0, k1, k2, k3]);
                let k = if k == OWN_PID { own_pid } else { k };
                program.push(sock_filter { code: u16::from_ne_bytes([c0, c1]), jt, jf, k });
            }
            _ if put_on(&std::mem::take(&mut program), restricted)? => restricted = true,
            _ => return Ok(false),
        }
    }
    Ok(restricted)
}

/// Puts one program on this thread, for good. False where the kernel, or whatever surrounds this process, does not take even the
/// first; `restricted` says that it has taken one.
pub(in crate::driver::execute) fn put_on(program: &BpfProgram, restricted: bool) -> io::Result<bool> {
    match apply_filter(program) {
        Ok(()) => Ok(true),
        Err(_) if !restricted => Ok(false),
        Err(error) => Err(io::Error::other(error)),
    }
}

/// Calls that are forbidden with certain arguments only.
const CONDITIONAL: [i64; 12] = [
    libc::SYS_clone,
    libc::SYS_kill,
    libc::SYS_tgkill,
    libc::SYS_prlimit64,
    libc::SYS_sched_setaffinity,
    libc::SYS_prctl,
    libc::SYS_fcntl,
    libc::SYS_ioctl,
    libc::SYS_socket,
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_sendmmsg,
];

pub(in crate::driver::execute) type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// What gets the answer "not permitted".
fn forbidden(network: Network) -> Result<Rules, seccompiler::Error> {
    let mut rules: Rules = FORBIDDEN.iter().map(|call| (*call, Vec::new())).collect();
    let own = u64::from(OWN_PID);
    let ne = SeccompCmpOp::Ne;
    let eq = SeccompCmpOp::Eq;
    let has = |bits: u64| SeccompCmpOp::MaskedEq(bits);
    let flag = |bits: i32| u64::from(bits.unsigned_abs());
    // A new thread is fine, a new process is not.
    add(&mut rules, libc::SYS_clone, &[(0, has(flag(libc::CLONE_THREAD)), 0)])?;
    // Go's scheduler sends signals to its own threads all the time.
    add(&mut rules, libc::SYS_kill, &[(0, ne.clone(), own)])?;
    add(&mut rules, libc::SYS_tgkill, &[(0, ne.clone(), own)])?;
    add(&mut rules, libc::SYS_prlimit64, &[(0, ne.clone(), 0), (0, ne.clone(), own)])?;
    add(&mut rules, libc::SYS_sched_setaffinity, &[(0, ne.clone(), 0)])?;
    for option in FORBIDDEN_PRCTLS {
        add(&mut rules, libc::SYS_prctl, &[(0, eq.clone(), *option)])?;
    }
    for (call, operations) in [(libc::SYS_fcntl, ALLOWED_FCNTLS), (libc::SYS_ioctl, ALLOWED_IOCTLS)] {
        let none_of_them: Vec<_> = operations.iter().map(|operation| (1, ne.clone(), *operation)).collect();
        add(&mut rules, call, &none_of_them)?;
    }
    if network == Network::All {
        // Plain TCP and UDP: no Unix sockets, raw ones or protocols that escape rules on ports.
        let (inet, inet6) = (flag(libc::AF_INET), flag(libc::AF_INET6));
        add(&mut rules, libc::SYS_socket, &[(0, ne.clone(), inet), (0, ne.clone(), inet6)])?;
        add(&mut rules, libc::SYS_socket, &[(1, has(KIND_OF_SOCKET), flag(libc::SOCK_RAW))])?;
        let protocols = [0, flag(libc::IPPROTO_TCP), flag(libc::IPPROTO_UDP)];
        add(&mut rules, libc::SYS_socket, &protocols.map(|protocol| (2, ne.clone(), protocol)))?;
    } else {
        rules.insert(libc::SYS_socket, Vec::new());
    }
    // Opens a connection without `connect`.
    let fast_open = flag(libc::MSG_FASTOPEN);
    add(&mut rules, libc::SYS_sendto, &[(3, has(fast_open), fast_open)])?;
    add(&mut rules, libc::SYS_sendmsg, &[(2, has(fast_open), fast_open)])?;
    add(&mut rules, libc::SYS_sendmmsg, &[(3, has(fast_open), fast_open)])?;
    Ok(rules)
}

/// Forbids a call where all conditions hold: the number of an argument, how to compare, and with what.
pub(in crate::driver::execute) fn add(
    rules: &mut Rules,
    call: i64,
    conditions: &[(u8, SeccompCmpOp, u64)],
) -> Result<(), seccompiler::Error> {
    let conditions = conditions.iter().map(|(argument, compare, value)| {
        // The kernel looks at the lower half of these arguments only.
        SeccompCondition::new(*argument, SeccompCmpArgLen::Dword, compare.clone(), *value)
    });
    let rule = SeccompRule::new(conditions.collect::<Result<_, _>>()?)?;
    rules.entry(call).or_default().push(rule);
    Ok(())
}

/// The programs that let a process make the known calls, but for those that are forbidden, and no others. They are put on in this order,
/// for the second one may forbid the call that does so. Where a forbidden call has no rules, its arguments do not matter.
pub(in crate::driver::execute) fn programs<'a>(
    known: impl Iterator<Item = &'a i64>,
    forbidden: Rules,
    kill_unknown_calls: bool,
) -> Result<[BpfProgram; 2], seccompiler::Error> {
    let errno = |number: i32| SeccompAction::Errno(number.unsigned_abs());
    let unknown = if kill_unknown_calls { SeccompAction::KillProcess } else { errno(libc::ENOSYS) };
    let (always, at_times): (Rules, Rules) = forbidden.into_iter().partition(|(_, rules)| rules.is_empty());
    let mut answers: BTreeMap<i64, SeccompAction> = known.map(|call| (*call, SeccompAction::Allow)).collect();
    answers.extend(always.into_keys().map(|call| (call, errno(libc::EPERM))));
    // Libraries go on to `clone`.
    answers.insert(libc::SYS_clone3, errno(libc::ENOSYS));
    Ok([program(at_times, SeccompAction::Allow, errno(libc::EPERM))?, by_number(&answers, unknown)?])
}

pub(super) fn program(
    rules: Rules,
    other: SeccompAction,
    these: SeccompAction,
) -> Result<BpfProgram, seccompiler::Error> {
    let arch: TargetArch = std::env::consts::ARCH.try_into()?;
    Ok(SeccompFilter::new(rules, other, these, arch)?.try_into()?)
}

#[cfg(test)]
mod tests {
    use super::super::numbers::answer;
    use super::*;

    #[test]
    fn the_programs_fit_into_a_socket_and_name_the_process_where_they_must() {
        for network in [Network::All, Network::Fetch, Network::None] {
            let bytes = compile(network, Layers::default()).unwrap();
            assert!(bytes.len() < 5_000, "{}", bytes.len());
            assert_eq!(bytes.len() % INSTRUCTION, 0);
            let chunks: Vec<&[u8]> = bytes.chunks(INSTRUCTION).collect();
            assert_eq!(chunks.iter().filter(|one| **one == END).count(), 2);
            // kill, tgkill, prlimit64.
            assert_eq!(chunks.iter().filter(|one| one.ends_with(&OWN_PID.to_ne_bytes())).count(), 3);
        }
        let none = Layers { seccomp: false, ..Layers::default() };
        assert!(compile(Network::All, none).unwrap().is_empty());
    }

    #[test]
    fn no_call_is_in_two_lists() {
        let mut calls: Vec<i64> = ALLOWED.iter().chain(FORBIDDEN).chain(&CONDITIONAL).copied().collect();
        let all = calls.len();
        calls.sort_unstable();
        calls.dedup();
        assert_eq!(calls.len(), all);
    }

    #[test]
    fn each_number_gets_the_answer_of_its_list() {
        let errno = |number: i32| u32::from(SeccompAction::Errno(number.unsigned_abs()));
        for network in [Network::All, Network::Fetch, Network::None] {
            let known = ALLOWED.iter().chain(FORBIDDEN).chain(&CONDITIONAL);
            let [at_times, numbers] = programs(known, forbidden(network).unwrap(), false).unwrap();
            assert!(at_times.len() > CONDITIONAL.len());
            for number in (0..700).chain([0x4000_0000, 0x4000_0039, u32::MAX]) {
                let call = i64::from(number);
                let expected = if call == libc::SYS_clone3 {
                    errno(libc::ENOSYS)
                } else if FORBIDDEN.contains(&call) || (call == libc::SYS_socket && network != Network::All) {
                    errno(libc::EPERM)
                } else if ALLOWED.contains(&call) || CONDITIONAL.contains(&call) {
                    SeccompAction::Allow.into()
                } else {
                    errno(libc::ENOSYS)
                };
                assert_eq!(answer(&numbers, number), expected, "{network:?} {number}");
            }
        }
    }
}
