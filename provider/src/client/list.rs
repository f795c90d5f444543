//! What lists have told about tasks, when it is time for one, and how long it counts. No I/O.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::{Duration, Instant};

use justiam_sdk::api::ids::TaskId;
use justiam_sdk::api::page::Page;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// Tasks on a page.
pub(super) const PAGE: u32 = 500;

/// So many tasks are read one by one before a list is asked for: who manages few tasks does not load the whole list of the server.
const SINGLE: u32 = 8;

/// A page costs the server more than a single read, so a list of many pages must be worth it: so many single reads for each page.
const SINGLE_FOR_A_PAGE: u32 = 2;

/// What is not read is kept until the list is a minute old, the tasks of others included: not more than this, in bytes of their text.
const LARGEST: usize = 32 * 1024 * 1024;

/// How long an answer counts.
pub(super) const FRESH: Duration = Duration::from_mins(1);

/// A task in a list. Until it is read it stays the text that it came as, which takes a third of the memory.
#[derive(Debug)]
pub(super) struct Entry {
    id: TaskId,
    pub(super) text: Box<RawValue>,
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Id {
            id: TaskId,
        }
        let text = Box::<RawValue>::deserialize(deserializer)?;
        let Id { id } = serde_json::from_str(text.get()).map_err(D::Error::custom)?;
        Ok(Self { id, text })
    }
}

/// How a task is to be read.
#[derive(Debug)]
pub(super) enum Step {
    /// The list has told it.
    Found(Entry),
    /// By a request of its own.
    Single,
    /// After these pages have come.
    Fetch(Vec<u32>),
}

/// Tasks that nobody has read yet.
#[derive(Debug, Default)]
pub(super) struct List {
    tasks: HashMap<TaskId, Entry>,
    /// The length of their texts.
    size: usize,
    /// Those that this process writes. What a list says about them may be older than that.
    written: HashSet<TaskId>,
    /// How many have been read one by one.
    single: u32,
    /// Of the list that is being loaded, or has been.
    loaded: Option<Loaded>,
    /// Whether there will be no list any more.
    given_up: bool,
}

#[derive(Debug)]
struct Loaded {
    /// When its first page was asked for.
    asked: Instant,
    /// How many pages there are.
    pages: u32,
    /// Those that are not here yet; they come in any order.
    missing: BTreeSet<u32>,
}

impl List {
    /// How to read a task now. An entry leaves the list when it is found: Terraform reads each object once.
    pub(super) fn step(&mut self, id: TaskId, now: Instant) -> Step {
        self.forget_old(now);
        if let Some(entry) = self.take(id) {
            return Step::Found(entry);
        }
        if self.given_up || self.written.contains(&id) {
            return Step::Single;
        }
        let (missing, worth) = match &self.loaded {
            None => (vec![1], SINGLE),
            // Not in the list: new, or moved to another page while the pages were read. The list alone never says "gone".
            Some(loaded) if loaded.missing.is_empty() => return Step::Single,
            Some(loaded) => {
                (loaded.missing.iter().copied().collect(), SINGLE.max(SINGLE_FOR_A_PAGE.saturating_mul(loaded.pages)))
            }
        };
        if self.single >= worth {
            return Step::Fetch(missing);
        }
        self.single += 1;
        Step::Single
    }

    /// Forgets a list that is too old to count.
    pub(super) fn forget_old(&mut self, now: Instant) {
        if self.loaded.as_ref().is_some_and(|loaded| now.saturating_duration_since(loaded.asked) > FRESH) {
            let (written, given_up) = (std::mem::take(&mut self.written), self.given_up);
            *self = Self { written, given_up, ..Self::default() };
        }
    }

    fn take(&mut self, id: TaskId) -> Option<Entry> {
        let entry = self.tasks.remove(&id)?;
        self.size -= entry.text.get().len();
        Some(entry)
    }

    /// Takes in a page. The list was asked for at this moment.
    pub(super) fn add(&mut self, number: u32, page: Page<Entry>, asked: Instant) {
        if number == 1 {
            let pages = u32::try_from(page.total.div_ceil(u64::from(page.limit.max(1)))).unwrap_or(u32::MAX);
            self.loaded = Some(Loaded { asked, pages, missing: (2..=pages).collect() });
        } else {
            // A page of a list that has been forgotten since has no age.
            let Some(loaded) = &mut self.loaded else { return };
            loaded.missing.remove(&number);
        }
        for task in page.data.into_iter().filter(|task| !self.written.contains(&task.id)) {
            let size = task.text.get().len();
            if self.size + size > LARGEST {
                self.given_up = true;
                return;
            }
            self.size += size;
            if let Some(twice) = self.tasks.insert(task.id, task) {
                self.size -= twice.text.get().len();
            }
        }
    }

    /// From now on only a request of its own tells about this task.
    pub(super) fn wrote(&mut self, id: TaskId) {
        self.written.insert(id);
        self.take(id);
    }

    /// Whether what is not known by now is read one by one.
    pub(super) fn is_given_up(&self) -> bool {
        self.given_up
    }

    /// Lists do not work here: what is not known by now is read one by one.
    pub(super) fn give_up(&mut self) {
        self.given_up = true;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn id(number: u128) -> TaskId {
        TaskId::from_uuid(uuid::Uuid::from_u128(number))
    }

    fn page(number: u32, tasks: impl IntoIterator<Item = u128>, total: u64) -> Page<Entry> {
        let data: Vec<_> = tasks.into_iter().map(|task| json!({ "id": id(task) })).collect();
        let page = json!({ "data": data, "total": total, "page": number, "limit": PAGE });
        serde_json::from_str(&page.to_string()).unwrap()
    }

    /// What a step is, in a word.
    fn word(step: Step) -> String {
        match step {
            Step::Found(entry) => entry.id.to_string(),
            Step::Single => "single".to_owned(),
            Step::Fetch(pages) => format!("{pages:?}"),
        }
    }

    /// A list after the single reads that come before it is loaded.
    fn ready(now: Instant) -> List {
        let mut list = List::default();
        for number in 0..8 {
            assert_eq!(word(list.step(id(1000 + number), now)), "single");
        }
        list
    }

    #[test]
    fn the_ninth_task_asks_for_a_list_and_each_entry_leaves_it_when_it_is_read() {
        let now = Instant::now();
        let mut list = ready(now);
        assert_eq!(word(list.step(id(1), now)), "[1]");
        list.add(1, page(1, [1, 2], 2), now);
        assert_eq!(word(list.step(id(1), now)), id(1).to_string());
        assert_eq!(word(list.step(id(1), now)), "single");
        assert_eq!(word(list.step(id(3), now)), "single", "what is not in the list may be there all the same");
        assert_eq!(list.tasks.len(), 1);
    }

    #[test]
    fn all_other_pages_come_together_where_few_tasks_are_on_many_pages_only_after_more_single_reads() {
        let now = Instant::now();
        let mut list = ready(now);
        list.add(1, page(1, [1], 1000), now);
        assert_eq!(word(list.step(id(600), now)), "[2]");
        let mut list = ready(now);
        list.add(1, page(1, [1], 2500), now);
        for _ in 8..10 {
            assert_eq!(word(list.step(id(600), now)), "single");
        }
        assert_eq!(word(list.step(id(600), now)), "[2, 3, 4, 5]");
        list.add(4, page(4, [], 2500), now);
        list.add(2, page(2, [600], 2500), now);
        assert_eq!(word(list.step(id(601), now)), "[3, 5]", "whoever fetched them was interrupted");
        assert_eq!(word(list.step(id(600), now)), id(600).to_string());
    }

    #[test]
    fn a_list_that_is_too_long_for_the_memory_is_not_loaded_to_its_end() {
        let now = Instant::now();
        let mut list = ready(now);
        let large = |task: u128| json!({ "id": id(task), "config": "x".repeat(LARGEST / 4) });
        let page =
            json!({ "data": (1..=4).map(large).collect::<Vec<_>>(), "total": 1_000_000, "page": 1, "limit": PAGE });
        list.add(1, serde_json::from_str(&page.to_string()).unwrap(), now);
        assert_eq!(list.tasks.len(), 3);
        assert_eq!(word(list.step(id(1), now)), id(1).to_string());
        assert_eq!(list.size, list.tasks.values().map(|entry| entry.text.get().len()).sum::<usize>());
        assert_eq!((0..5000).filter(|_| matches!(list.step(id(4), now), Step::Single)).count(), 5000);
    }

    #[test]
    fn a_page_of_a_list_that_is_forgotten_does_not_count() {
        let now = Instant::now();
        let mut list = ready(now);
        list.add(1, page(1, [1], 1000), now);
        list.forget_old(now + 2 * FRESH);
        list.add(2, page(2, [2], 1000), now);
        assert!(list.tasks.is_empty());
        assert_eq!(word(list.step(id(2), now + 2 * FRESH)), "single");
    }

    #[test]
    fn what_was_written_is_in_no_list_whether_it_came_before_or_comes_later() {
        let now = Instant::now();
        let mut list = ready(now);
        list.wrote(id(1));
        list.add(1, page(1, [1, 2], 2), now);
        list.wrote(id(2));
        for _ in 0..20 {
            assert_eq!(word(list.step(id(1), now)), "single");
            assert_eq!(word(list.step(id(2), now + 2 * FRESH)), "single");
        }
    }

    #[test]
    fn a_list_counts_for_a_minute_and_another_one_is_loaded_for_whoever_goes_on_reading() {
        let now = Instant::now();
        let mut list = ready(now);
        list.add(1, page(1, [1, 2], 2), now);
        assert_eq!(word(list.step(id(1), now + FRESH)), id(1).to_string());
        let later = now + FRESH + Duration::from_millis(1);
        assert_eq!(word(list.step(id(2), later)), "single");
        assert!(list.tasks.is_empty());
        for _ in 1..8 {
            assert_eq!(word(list.step(id(2), later)), "single");
        }
        assert_eq!(word(list.step(id(2), later)), "[1]");
    }

    #[test]
    fn a_list_that_is_refused_is_not_asked_for_again() {
        let now = Instant::now();
        let mut list = ready(now);
        assert_eq!(word(list.step(id(1), now)), "[1]");
        list.give_up();
        assert_eq!((0..500).filter(|_| matches!(list.step(id(1), now + 2 * FRESH), Step::Single)).count(), 500);
    }
}
