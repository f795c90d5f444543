//! Which index each step has.
//!
//! A configuration gives the index of every step, or of none. In the second case the order of the list and the execution modes
//! give it: it counts from 0, and a step that runs in parallel with the one before it has that one's index.

use justiam_sdk::api::schedules::ExecutionMode;
use justiam_sdk::api::values::Words as _;
use tfplugin::Attr;

use super::Step;

/// The position of a step, and what is wrong with its index.
pub(super) type Misplaced = (usize, String);

/// The index of each step.
///
/// An index that is not known yet passes; a step whose own index is not known, or follows from such a one, has `None`.
pub(super) fn indexes(steps: &[&Step]) -> Result<Vec<Option<i64>>, Misplaced> {
    let given: Vec<Attr<i64>> = steps.iter().map(|step| step.step_index).collect();
    if given.iter().all(Attr::is_null) {
        let modes = steps.iter().map(|step| step.execution_mode.as_str());
        return Ok(by_mode(modes));
    }
    if let Some(position) = given.iter().position(Attr::is_null) {
        let message = "It has no `step_index`, and other steps have one.\n\nhint: set `step_index` in all steps, or in none: then \
                       their order and `execution_mode` give it";
        return Err((position, message.to_owned()));
    }
    let mut highest = 0;
    for (position, index) in given.iter().enumerate() {
        let Some(index) = index.as_known() else { continue };
        if *index < highest {
            let message = format!(
                "`step_index` is {index}, and a step before it has {highest}. Steps stand in the order in which they run.\n\n\
                 hint: move the step up in the list, or leave `step_index` out of all steps"
            );
            return Err((position, message));
        }
        highest = *index;
    }
    Ok(given.into_iter().map(Attr::into_known).collect())
}

/// What the order and the execution modes say. A mode that is not known leaves open all that comes after it.
pub(super) fn by_mode<'a>(modes: impl IntoIterator<Item = Option<&'a str>>) -> Vec<Option<i64>> {
    let mut last = Some(-1);
    let modes = modes.into_iter().map(|mode| {
        last = match mode {
            // Before the first step there is none that it could share an index with.
            Some(mode) if mode == ExecutionMode::ParallelWithPrevious.as_str() => last.map(|last| last.max(0)),
            Some(_) => last.map(|last| last + 1),
            None => None,
        };
        last
    });
    modes.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(index: Attr<i64>, mode: &str) -> Step {
        Step { step_index: index, execution_mode: Attr::known(mode), ..Step::default() }
    }

    fn read(steps: &[(Attr<i64>, &str)]) -> Result<Vec<Option<i64>>, usize> {
        let steps: Vec<Step> = steps.iter().map(|(index, mode)| step(*index, mode)).collect();
        indexes(&steps.iter().collect::<Vec<_>>()).map_err(|(position, _)| position)
    }

    const AFTER: &str = "Sequential";
    const BESIDE: &str = "ParallelWithPrevious";

    #[test]
    fn order_and_modes_give_the_index() {
        let modes = |modes: &[&str]| read(&modes.iter().map(|mode| (Attr::Null, *mode)).collect::<Vec<_>>()).unwrap();
        assert_eq!(modes(&[]), []);
        assert_eq!(modes(&[AFTER, BESIDE, AFTER, AFTER, BESIDE]), [0, 0, 1, 2, 2].map(Some));
        assert_eq!(modes(&[BESIDE, BESIDE, AFTER]), [0, 0, 1].map(Some));
        assert_eq!(by_mode([Some(AFTER), None, Some(AFTER)]), [Some(0), None, None]);
    }

    #[test]
    fn an_index_that_is_given_counts() {
        let known =
            |indexes: &[i64]| read(&indexes.iter().map(|index| (Attr::Known(*index), BESIDE)).collect::<Vec<_>>());
        assert_eq!(known(&[0, 0, 5, 1000]), Ok(vec![Some(0), Some(0), Some(5), Some(1000)]));
        assert_eq!(known(&[3, 4, 2]), Err(2));
        assert_eq!(read(&[(Attr::Known(0), AFTER), (Attr::Null, AFTER)]), Err(1));
        assert_eq!(read(&[(Attr::Null, AFTER), (Attr::Unknown, AFTER)]), Err(0));
        assert_eq!(read(&[(Attr::Known(3), AFTER), (Attr::Unknown, AFTER), (Attr::Known(2), AFTER)]), Err(2));
        assert_eq!(read(&[(Attr::Known(3), AFTER), (Attr::Unknown, AFTER)]), Ok(vec![Some(3), None]));
    }
}
