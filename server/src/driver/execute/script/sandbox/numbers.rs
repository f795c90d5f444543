//! Programs for seccomp that look at the number of a call and at nothing else.
//!
//! Calls with the same answer have numbers side by side mostly, so such a program asks for the bounds between them, as one searches a
//! sorted list. The kernel tries a program with every number there is when it takes it: with a comparison for each call, that took a
//! millisecond of each run.

use std::collections::BTreeMap;

use seccompiler::{BackendError, BpfProgram, Error, SeccompAction, sock_filter};

use super::calls::{Rules, program};

/// `BPF_LD | BPF_W | BPF_ABS`: looks at the word of the call at `k`. The first one is its number.
const LOOK: u16 = 0x20;
/// `BPF_JMP | BPF_JGE | BPF_K`: leaves out the next `jt` instructions where the word is `k` or more, else `jf`.
const FROM: u16 = 0x35;
/// `BPF_RET | BPF_K`: the answer is `k`.
const ANSWER: u16 = 0x06;

/// A program with an answer for some calls, and another one for all others.
pub(super) fn by_number(answers: &BTreeMap<i64, SeccompAction>, other: SeccompAction) -> Result<BpfProgram, Error> {
    // The library's check of the architecture, in front of the only answer of a program without rules.
    let unused = if other == SeccompAction::Allow { SeccompAction::KillProcess } else { SeccompAction::Allow };
    let mut whole = program(Rules::new(), other.clone(), unused)?;
    whole.pop();
    whole.push(sock_filter { code: LOOK, jt: 0, jf: 0, k: 0 });
    search(&bounds(answers, other), &mut whole)?;
    Ok(whole)
}

/// The first number of each row of calls with the same answer, and that answer.
fn bounds(answers: &BTreeMap<i64, SeccompAction>, other: SeccompAction) -> Vec<(u32, u32)> {
    let other = u32::from(other);
    let answers = answers.iter().filter_map(|(call, answer)| Some((u32::try_from(*call).ok()?, answer.clone().into())));
    let mut bounds = vec![(0, other)];
    for (call, answer) in answers {
        // What was begun behind the call before may end where it begins.
        bounds.pop_if(|(from, _)| *from == call);
        if bounds.last().is_none_or(|(_, before)| *before != answer) {
            bounds.push((call, answer));
        }
        bounds.push((call + 1, other));
    }
    bounds.dedup_by_key(|(_, answer)| *answer);
    bounds
}

/// Appends the search among some bounds: it takes two instructions for each, less one.
fn search(bounds: &[(u32, u32)], program: &mut BpfProgram) -> Result<(), Error> {
    if let [(_, answer)] = bounds {
        program.push(sock_filter { code: ANSWER, jt: 0, jf: 0, k: *answer });
        return Ok(());
    }
    let (lower, upper) = bounds.split_at(bounds.len() / 2);
    let left_out = u8::try_from(2 * lower.len() - 1);
    let jt = left_out.map_err(|_| Error::Backend(BackendError::FilterTooLarge(2 * bounds.len())))?;
    program.push(sock_filter { code: FROM, jt, jf: 0, k: upper[0].0 });
    search(lower, program)?;
    search(upper, program)
}

/// What a program answers on the right architecture. Panics where it does more than it should need.
#[cfg(test)]
pub(in crate::driver::execute) fn answer(program: &[sock_filter], number: u32) -> u32 {
    // Behind the library's check.
    let mut at = 3;
    for _ in 0..20 {
        let one = &program[at];
        at += 1;
        match one.code {
            LOOK => assert_eq!(one.k, 0),
            FROM => at += usize::from(if number >= one.k { one.jt } else { one.jf }),
            ANSWER => return one.k,
            other => panic!("{other:#x}"),
        }
    }
    panic!("no answer for {number}");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_call_gets_its_answer(
            answers in proptest::collection::btree_map(0..500_i64, 0..3_u32, 0..100),
            other in 0..3_u32,
        ) {
            let action = |number: u32| if number == 0 { SeccompAction::Allow } else { SeccompAction::Errno(number) };
            let wanted = answers.iter().map(|(call, number)| (*call, action(*number))).collect();
            let program = by_number(&wanted, action(other)).unwrap();
            for call in (0..600).chain([0x3fff_ffff, 0x4000_0000, 0x4000_0001, u32::MAX]) {
                let expected = answers.get(&i64::from(call)).unwrap_or(&other);
                prop_assert_eq!(answer(&program, call), u32::from(action(*expected)));
            }
        }
    }

    #[test]
    fn a_program_begins_with_the_check_of_the_architecture() {
        let none = by_number(&BTreeMap::new(), SeccompAction::KillProcess).unwrap();
        let of_library = program(Rules::new(), SeccompAction::KillProcess, SeccompAction::Allow).unwrap();
        assert_eq!((of_library.len(), &none[..3]), (4, &of_library[..3]));
        assert_eq!(of_library[3].code, ANSWER);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let every_other = (0..600).map(|number| (number * 2, SeccompAction::Allow)).collect();
        by_number(&every_other, SeccompAction::KillProcess).unwrap_err();
    }
}
