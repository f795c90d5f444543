//! In which order the steps of an execution go, and how it ends.
//!
//! Steps with the same index are a *group* and run in parallel. Groups run one after the other, in ascending order of their
//! indexes, which may have gaps.

/// What comes after a group whose steps have all ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum After {
    /// The group with this index.
    Next(i64),
    /// Nothing: the steps at these places among the group's outcomes have failed, and the execution does not go on past that.
    Failed(Vec<usize>),
    /// Nothing: this was the last group.
    Completed,
}

/// The index of the group that runs first. `None` where there are no steps.
pub fn first_group(indexes: &[i64]) -> Option<i64> {
    indexes.iter().min().copied()
}

/// Decides when the last step of a group has ended. `indexes` are those of all steps of the execution, in any order; `reached`
/// is the group's; `outcomes` tells of each of its steps whether it has failed, and whether the execution goes on all the same.
pub fn after_group(indexes: &[i64], reached: i64, outcomes: &[(bool, bool)]) -> After {
    let stops =
        outcomes.iter().enumerate().filter(|(_, (failed, continue_on_failure))| *failed && !continue_on_failure);
    let stops: Vec<usize> = stops.map(|(place, _)| place).collect();
    if !stops.is_empty() {
        return After::Failed(stops);
    }
    let later = indexes.iter().filter(|index| **index > reached).min();
    later.map_or(After::Completed, |index| After::Next(*index))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WELL: (bool, bool) = (false, false);
    const FAILED: (bool, bool) = (true, false);
    const FAILED_ON: (bool, bool) = (true, true);

    #[test]
    fn groups_ascend_over_gaps_and_in_whatever_order_the_steps_come() {
        assert_eq!(first_group(&[]), None);
        assert_eq!(first_group(&[7, 1000, 7, 3]), Some(3));
        for (reached, expected) in [(3, After::Next(7)), (7, After::Next(1000)), (1000, After::Completed)] {
            assert_eq!(after_group(&[7, 1000, 7, 3], reached, &[WELL]), expected);
        }
    }

    #[test]
    fn a_failure_ends_the_execution_unless_its_step_says_otherwise() {
        let cases: [(&[(bool, bool)], After); 6] = [
            (&[WELL, WELL], After::Next(1)),
            (&[FAILED], After::Failed(vec![0])),
            (&[FAILED_ON], After::Next(1)),
            (&[WELL, FAILED, FAILED_ON, FAILED], After::Failed(vec![1, 3])),
            (&[FAILED_ON, FAILED], After::Failed(vec![1])),
            (&[(false, true), FAILED_ON], After::Next(1)),
        ];
        for (outcomes, expected) in cases {
            assert_eq!(after_group(&[0, 1], 0, outcomes), expected, "{outcomes:?}");
        }
        // The last group is no different.
        assert_eq!(after_group(&[0], 0, &[FAILED]), After::Failed(vec![0]));
        assert_eq!(after_group(&[0], 0, &[FAILED_ON]), After::Completed);
    }

    proptest! {
        /// Any steps with any outcomes: a walk to the end meets each group once, in order, up to the first that fails.
        #[test]
        fn an_execution_ends_and_no_group_runs_twice(
            steps in prop::collection::vec((0..=20_i64, any::<bool>(), any::<bool>()), 1..30),
        ) {
            let indexes: Vec<i64> = steps.iter().map(|(index, ..)| *index).collect();
            let mut groups = indexes.clone();
            groups.sort_unstable();
            groups.dedup();
            let outcomes = |group: i64| -> Vec<(bool, bool)> {
                steps.iter().filter(|step| step.0 == group).map(|step| (step.1, step.2)).collect()
            };
            let fatal = groups.iter().position(|group| outcomes(*group).contains(&FAILED));
            let mut met = Vec::new();
            let mut next = first_group(&indexes);
            let mut end = None;
            while let Some(reached) = next {
                met.push(reached);
                prop_assert!(met.len() <= groups.len(), "{:?}", met);
                let after = after_group(&indexes, reached, &outcomes(reached));
                next = if let After::Next(index) = after { Some(index) } else { None };
                end = Some(after);
            }
            prop_assert_eq!(&met, &groups[..=fatal.unwrap_or(groups.len() - 1)]);
            match (end, fatal) {
                (Some(After::Completed), None) => {}
                (Some(After::Failed(places)), Some(at)) => {
                    prop_assert!(!places.is_empty());
                    prop_assert!(places.iter().all(|place| outcomes(groups[at])[*place] == FAILED));
                }
                (end, fatal) => prop_assert!(false, "{:?} with a failure in {:?}", end, fatal),
            }
        }
    }
}
