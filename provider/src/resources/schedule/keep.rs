//! Which steps of a new list are steps of the old one.
//!
//! Terraform compares lists by position, and a step has no name that it must have. So a step is looked for by what it says: one
//! that an insert has merely moved keeps its id on the server, and one that was edited keeps it too. Of connection strings that a
//! state does not have, what the server shows of them is compared.

use super::Step;

/// A step, and what a server shows of its connection string.
pub(super) type Shown<'a> = (&'a Step, Option<String>);

/// For each new step, the position of the old step that it is; `None` for one that is new.
pub(super) fn kept(old: &[Shown<'_>], new: &[Shown<'_>]) -> Vec<Option<usize>> {
    let mut pairs = Pairs { of_new: vec![None; new.len()], taken: vec![false; old.len()] };
    let ends = new.len().min(old.len());
    let front = (0..ends).take_while(|at| same(&old[*at], &new[*at])).count();
    (0..front).for_each(|at| pairs.join(at, at));
    let back = (1..=ends - front).take_while(|at| same(&old[old.len() - at], &new[new.len() - at])).count();
    (1..=back).for_each(|at| pairs.join(old.len() - at, new.len() - at));
    for alike in [same, named_alike, does_the_same_there, does_the_same] {
        for (at, step) in new.iter().enumerate() {
            if pairs.of_new[at].is_none()
                && let Some(found) = (0..old.len()).find(|was| !pairs.taken[*was] && alike(&old[*was], step))
            {
                pairs.join(found, at);
            }
        }
    }
    for (at, step) in new.iter().enumerate() {
        if pairs.of_new[at].is_none()
            && let Some(found) =
                pairs.between(at).find(|was| !pairs.taken[*was] && old[*was].0.step_type == step.0.step_type)
        {
            pairs.join(found, at);
        }
    }
    pairs.of_new
}

struct Pairs {
    of_new: Vec<Option<usize>>,
    taken: Vec<bool>,
}

impl Pairs {
    fn join(&mut self, old: usize, new: usize) {
        self.of_new[new] = Some(old);
        self.taken[old] = true;
    }

    /// Where an edited step may have been: between the old places of the steps around it.
    fn between(&self, new: usize) -> std::ops::Range<usize> {
        let before = self.of_new[..new].iter().rev().find_map(|pair| *pair).map_or(0, |old| old + 1);
        let after = self.of_new[new..].iter().find_map(|pair| *pair).unwrap_or(self.taken.len());
        before..after
    }
}

/// Whether nothing but the place in the order differs.
fn same(old: &Shown<'_>, new: &Shown<'_>) -> bool {
    if !does_the_same_there(old, new) {
        return false;
    }
    let ((old, _), (new, _)) = (old, new);
    old.name == new.name
        && old.continue_on_failure == new.continue_on_failure
        && old.timeout_seconds == new.timeout_seconds
        && old.arguments == new.arguments
        && old.working_directory == new.working_directory
        && old.sql_connection_string == new.sql_connection_string
        && old.sql_connection_string_wo_version == new.sql_connection_string_wo_version
}

fn named_alike((old, _): &Shown<'_>, (new, _): &Shown<'_>) -> bool {
    old.step_type == new.step_type && old.name.is_known() && old.name == new.name
}

/// Whether both run the same thing on the same database.
fn does_the_same_there(old: &Shown<'_>, new: &Shown<'_>) -> bool {
    does_the_same(old, new) && old.1 == new.1
}

/// Whether both run the same thing, maybe in another way.
fn does_the_same((old, _): &Shown<'_>, (new, _): &Shown<'_>) -> bool {
    old.step_type == new.step_type
        && old.connected_system_id == new.connected_system_id
        && old.run_profile_id == new.run_profile_id
        && old.script_path == new.script_path
        && old.executable_path == new.executable_path
        && old.sql_script_path == new.sql_script_path
}

#[cfg(test)]
mod tests {
    use super::*;
    use tfplugin::Attr;

    /// A step from a text such as `/bin/a -x`, with a name before a colon where it has one.
    fn step(text: &str) -> Step {
        let (name, command) =
            text.split_once(':').map_or((None, text), |(name, command)| (Some(name.to_owned()), command));
        let (path, arguments) =
            command.split_once(' ').map_or((command, None), |(path, rest)| (path, Some(rest.to_owned())));
        Step {
            name: name.into(),
            step_type: Attr::known(if path.contains(".ps1") { "PowerShell" } else { "Executable" }),
            executable_path: Attr::known(path),
            arguments: arguments.into(),
            ..Step::default()
        }
    }

    fn pairs(old: &[&str], new: &[&str]) -> Vec<Option<usize>> {
        let steps = |texts: &[&str]| texts.iter().map(|text| (step(text), None)).collect::<Vec<_>>();
        found(&steps(old), &steps(new))
    }

    fn found(old: &[(Step, Option<&str>)], new: &[(Step, Option<&str>)]) -> Vec<Option<usize>> {
        fn shown<'a>(steps: &'a [(Step, Option<&str>)]) -> Vec<Shown<'a>> {
            steps.iter().map(|(step, shown)| (step, shown.map(str::to_owned))).collect()
        }
        kept(&shown(old), &shown(new))
    }

    #[test]
    fn steps_that_differ_in_their_databases_alone_are_found() {
        let steps = |databases: &[&'static str]| databases.iter().map(|it| (step("a"), Some(*it))).collect::<Vec<_>>();
        let old = steps(&["x", "y", "z"]);
        assert_eq!(found(&old, &steps(&["new", "x", "y", "z"])), [None, Some(0), Some(1), Some(2)]);
        assert_eq!(found(&old, &steps(&["y", "z"])), [Some(1), Some(2)]);
        assert_eq!(found(&old, &steps(&["x", "new", "z"])), [Some(0), Some(1), Some(2)]);
    }

    #[test]
    fn steps_that_stay_are_found() {
        type Case = (&'static [&'static str], &'static [&'static str], &'static [Option<usize>]);
        let cases: [Case; 11] = [
            (&[], &["a"], &[None]),
            (&["a", "b"], &["a", "b"], &[Some(0), Some(1)]),
            // An insert in the middle, at the front, and of a step that is there already.
            (&["a", "b"], &["a", "x", "b"], &[Some(0), None, Some(1)]),
            (&["a", "b"], &["x", "a", "b"], &[None, Some(0), Some(1)]),
            (&["a", "b", "a"], &["a", "a", "b", "a"], &[Some(0), None, Some(1), Some(2)]),
            // One goes, two change places.
            (&["a", "b", "c"], &["a", "c"], &[Some(0), Some(2)]),
            (&["a", "b", "c"], &["c", "a", "b"], &[Some(2), Some(0), Some(1)]),
            // An edit: of the arguments, of the path beside a name, of the path alone.
            (&["a -x", "b"], &["n", "b", "a -y"], &[None, Some(1), Some(0)]),
            (&["one:a", "two:b"], &["x", "two:c", "one:d"], &[None, Some(1), Some(0)]),
            (&["a", "b", "c"], &["a", "x", "c"], &[Some(0), Some(1), Some(2)]),
            (&["a", "b.ps1", "c"], &["a", "x", "c"], &[Some(0), None, Some(2)]),
        ];
        for (old, new, expected) in cases {
            assert_eq!(pairs(old, new), expected, "{old:?} becomes {new:?}");
        }
    }

    #[test]
    fn an_insert_beside_an_edit_takes_no_id_from_it() {
        assert_eq!(pairs(&["a", "b"], &["x", "a", "y"]), [None, Some(0), Some(1)]);
    }

    #[test]
    fn no_step_is_two() {
        let found = pairs(&["a", "a", "b"], &["b", "a", "a", "a", "b"]);
        let mut old: Vec<usize> = found.iter().flatten().copied().collect();
        old.sort_unstable();
        old.dedup();
        assert_eq!(old.len(), found.iter().flatten().count());
    }
}
