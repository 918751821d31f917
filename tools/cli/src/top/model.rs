//! What the live view shows: what happened in each of the last seconds, and what the store is now.
//!
//! Pure: it is told what was seen and when, and asks neither a clock nor a store. Always: it stays small however fast a store changes,
//! for it keeps seconds and not changes.

use redraft::Change;
use std::collections::{HashMap, VecDeque};

/// So many seconds are kept, and no window is longer.
pub(super) const SECONDS_MAX: usize = 600;
/// The windows there are, in seconds.
const WINDOWS: [usize; 5] = [15, 30, 60, 300, SECONDS_MAX];
/// So many places and writers are told apart in one second; of more, those that came later are left out.
const NAMES_MAX: usize = 1_000;
/// So many steps of a path tell one place from another.
const DEPTH: usize = 2;
/// Latencies are counted in classes, each a quarter longer than the one before.
const CLASSES: usize = 64;

/// A change, as far as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) stamp_ms: i64,
    pub(super) bytes: u64,
    pub(super) writer: String,
    pub(super) places: Vec<String>,
    /// From its stamp to when it was seen here; nothing for what was there before.
    pub(super) latency_ms: Option<u64>,
}

impl Seen {
    pub(super) fn of(change: &Change, latency_ms: Option<u64>) -> Seen {
        let place = |path: &redraft::value::Path| {
            path.iter().take(DEPTH).cloned().collect::<redraft::value::Path>().to_string()
        };
        Seen {
            stamp_ms: i64::try_from(change.stamp.millis()).unwrap_or(i64::MAX),
            bytes: change.patch.to_bytes().len() as u64,
            writer: change.writer.to_string(),
            places: change.patch.iter().map(|op| place(&op.path)).collect(),
            latency_ms,
        }
    }
}

/// One second of the history.
#[derive(Clone, Debug, Default)]
struct Second {
    at: i64,
    changes: u64,
    bytes: u64,
    latencies: Latencies,
    places: HashMap<String, u64>,
    writers: HashMap<String, u64>,
}

/// How many there were of each class.
#[derive(Clone, Debug)]
struct Latencies {
    classes: [u64; CLASSES],
    longest: u64,
}

impl Default for Latencies {
    fn default() -> Latencies {
        Latencies { classes: [0; CLASSES], longest: 0 }
    }
}

/// The longest latency of a class.
fn limit(class: usize) -> u64 {
    1.25f64.powi(i32::try_from(class).unwrap_or(i32::MAX)) as u64
}

impl Latencies {
    fn note(&mut self, ms: u64) {
        let class = (0..CLASSES).find(|&class| ms <= limit(class)).unwrap_or(CLASSES - 1);
        self.classes[class] += 1;
        self.longest = self.longest.max(ms);
    }

    fn add(&mut self, other: &Latencies) {
        self.classes.iter_mut().zip(other.classes).for_each(|(mine, theirs)| *mine += theirs);
        self.longest = self.longest.max(other.longest);
    }

    /// At most so long were so many out of a hundred; to a quarter.
    fn percentile(&self, percent: u64) -> Option<u64> {
        let all: u64 = self.classes.iter().sum();
        let wanted = (all * percent).div_ceil(100).max(1);
        let mut seen = 0;
        let class = self.classes.iter().position(|count| {
            seen += count;
            seen >= wanted
        })?;
        (all > 0).then(|| limit(class).min(self.longest))
    }
}

/// How long it took until changes were seen here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Latency {
    pub(super) half: u64,
    pub(super) most: u64,
    pub(super) longest: u64,
}

/// What a store is at the moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Now {
    pub(super) oldest: u64,
    pub(super) version: u64,
    /// Nothing of a store that is elsewhere.
    pub(super) files: Option<Files>,
    /// Who says how far it has come; nothing of a store that is elsewhere.
    pub(super) followers: Option<Vec<Follower>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Files {
    pub(super) segments: u64,
    pub(super) segment_bytes: u64,
    pub(super) snapshots: u64,
    pub(super) snapshot_bytes: u64,
    pub(super) newest_snapshot: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Follower {
    pub(super) name: String,
    pub(super) version: u64,
    pub(super) behind_bytes: u64,
}

/// Everything that is shown.
#[derive(Clone, Debug)]
pub(super) struct Model {
    pub(super) name: String,
    pub(super) now: Now,
    pub(super) is_paused: bool,
    pub(super) shows_help: bool,
    /// Why nothing new is seen, while that lasts.
    pub(super) failure: Option<String>,
    window: usize,
    now_s: i64,
    seconds: VecDeque<Second>,
}

/// What the keys ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Quit,
    Pause,
    Longer,
    Shorter,
    Help,
}

impl Model {
    pub(super) fn new(name: impl Into<String>, window_seconds: usize, now_ms: i64) -> Model {
        let window =
            WINDOWS.iter().position(|&seconds| seconds >= window_seconds).unwrap_or(WINDOWS.len() - 1);
        Model {
            name: name.into(),
            now: Now::default(),
            is_paused: false,
            shows_help: false,
            failure: None,
            window,
            now_s: now_ms.div_euclid(1000),
            seconds: VecDeque::new(),
        }
    }

    /// Time has passed.
    pub(super) fn tick(&mut self, now_ms: i64) {
        self.now_s = self.now_s.max(now_ms.div_euclid(1000));
        let first = self.now_s - SECONDS_MAX as i64;
        while self.seconds.front().is_some_and(|second| second.at <= first) {
            self.seconds.pop_front();
        }
    }

    /// A change was seen. It counts for the second of its stamp, or for this one if that is still to come.
    pub(super) fn note(&mut self, seen: &Seen) {
        let at = seen.stamp_ms.div_euclid(1000).min(self.now_s);
        if at <= self.now_s - SECONDS_MAX as i64 {
            return;
        }
        let second = self.second(at);
        second.changes += 1;
        second.bytes += seen.bytes;
        seen.latency_ms.into_iter().for_each(|ms| second.latencies.note(ms));
        count(&mut second.writers, &seen.writer);
        seen.places.iter().for_each(|place| count(&mut second.places, place));
    }

    fn second(&mut self, at: i64) -> &mut Second {
        let index = self.seconds.partition_point(|second| second.at < at);
        if self.seconds.get(index).is_none_or(|second| second.at != at) {
            self.seconds.insert(index, Second { at, ..Second::default() });
        }
        &mut self.seconds[index]
    }

    /// Does what a key asked for; false once it is to end.
    pub(super) fn obey(&mut self, wish: Wish) -> bool {
        match wish {
            Wish::Quit => return false,
            Wish::Pause => self.is_paused = !self.is_paused,
            Wish::Longer => self.window = (self.window + 1).min(WINDOWS.len() - 1),
            Wish::Shorter => self.window = self.window.saturating_sub(1),
            Wish::Help => self.shows_help = !self.shows_help,
        }
        true
    }

    pub(super) fn window_seconds(&self) -> usize {
        WINDOWS[self.window]
    }

    /// The seconds in the window that are over.
    fn seen(&self) -> impl Iterator<Item = &Second> {
        let (first, last) = (self.now_s - self.window_seconds() as i64, self.now_s);
        self.seconds.iter().filter(move |second| second.at >= first && second.at < last)
    }

    pub(super) fn changes(&self) -> u64 {
        self.seen().map(|second| second.changes).sum()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.seen().map(|second| second.bytes).sum()
    }

    pub(super) fn per_second(&self, count: u64) -> f64 {
        count as f64 / self.window_seconds() as f64
    }

    /// Changes and bytes in each second of the window, oldest first, put together into `columns` of equal length.
    pub(super) fn plot(&self, columns: usize) -> Vec<(u64, u64)> {
        let window = self.window_seconds();
        let columns = columns.clamp(1, window);
        let mut plot = vec![(0, 0); columns];
        for second in self.seen() {
            let at = usize::try_from(second.at - (self.now_s - window as i64)).unwrap_or(0);
            if let Some((changes, bytes)) = plot.get_mut(at * columns / window) {
                *changes += second.changes;
                *bytes += second.bytes;
            }
        }
        plot
    }

    /// Nothing while no change was seen to come.
    pub(super) fn latency(&self) -> Option<Latency> {
        let mut all = Latencies::default();
        self.seen().for_each(|second| all.add(&second.latencies));
        Some(Latency { half: all.percentile(50)?, most: all.percentile(99)?, longest: all.longest })
    }

    /// The places with the most operations, the hottest first.
    pub(super) fn hottest(&self, most: usize) -> Vec<(String, u64)> {
        largest(self.seen().map(|second| &second.places), most)
    }

    /// The writers with the most changes.
    pub(super) fn busiest(&self, most: usize) -> Vec<(String, u64)> {
        largest(self.seen().map(|second| &second.writers), most)
    }
}

fn count(counts: &mut HashMap<String, u64>, name: &str) {
    if let Some(count) = counts.get_mut(name) {
        *count += 1;
    } else if counts.len() < NAMES_MAX {
        counts.insert(name.to_owned(), 1);
    }
}

fn largest<'a>(seconds: impl Iterator<Item = &'a HashMap<String, u64>>, most: usize) -> Vec<(String, u64)> {
    let mut all: HashMap<&str, u64> = HashMap::new();
    for (name, count) in seconds.flatten() {
        *all.entry(name).or_default() += count;
    }
    let mut all: Vec<(&str, u64)> = all.into_iter().collect();
    all.sort_unstable_by(|(a, many), (b, more)| more.cmp(many).then(a.cmp(b)));
    all.into_iter().take(most).map(|(name, count)| (name.to_owned(), count)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(stamp_ms: i64, writer: &str, place: &str, latency_ms: Option<u64>) -> Seen {
        Seen { stamp_ms, bytes: 100, writer: writer.into(), places: vec![place.into()], latency_ms }
    }

    #[test]
    fn rates_are_of_the_window_and_what_is_older_is_forgotten() {
        let mut model = Model::new("s", 15, 100_000);
        (0..30).for_each(|n| model.note(&seen(99_000 - n * 1_000, "a", "/x", None)));
        assert_eq!((model.changes(), model.bytes()), (15, 1_500));
        assert_eq!(model.per_second(model.changes()), 1.0);
        model.tick(107_000);
        assert_eq!(model.changes(), 8);
        assert!(model.obey(Wish::Longer));
        assert_eq!((model.window_seconds(), model.changes()), (30, 23));
        model.tick(2_000_000);
        assert_eq!((model.changes(), model.seconds.len()), (0, 0));
    }

    #[test]
    fn a_plot_has_every_change_of_the_window_once() {
        let mut model = Model::new("s", 60, 1_000_000);
        (0..60).for_each(|n| model.note(&seen(999_999 - n * 1_000, "a", "/x", None)));
        for columns in [1, 7, 60, 500] {
            let plot = model.plot(columns);
            assert_eq!(plot.len(), columns.min(60));
            assert_eq!(plot.iter().map(|(changes, _)| changes).sum::<u64>(), 60, "{columns}");
        }
    }

    #[test]
    fn latencies_are_told_to_a_quarter_and_the_longest_exactly() {
        let mut model = Model::new("s", 15, 100_000);
        assert_eq!(model.latency(), None);
        (1..=100).for_each(|ms| model.note(&seen(99_500, "a", "/x", Some(ms))));
        let Latency { half, most, longest } = model.latency().unwrap();
        assert!((50..=63).contains(&half) && (99..=100).contains(&most), "{half} {most}");
        assert_eq!(longest, 100);
    }

    #[test]
    fn the_hottest_come_first_and_ties_by_name() {
        let mut model = Model::new("s", 15, 100_000);
        for (writer, place) in [("b", "/y"), ("a", "/x"), ("b", "/x"), ("c", "/z")] {
            model.note(&seen(99_000, writer, place, None));
        }
        assert_eq!(model.hottest(2), [("/x".to_owned(), 2), ("/y".to_owned(), 1)]);
        assert_eq!(model.busiest(9), [("b".to_owned(), 2), ("a".to_owned(), 1), ("c".to_owned(), 1)]);
    }

    #[test]
    fn a_stamp_in_the_future_counts_now_and_much_stays_small() {
        let mut model = Model::new("s", 15, 100_000);
        (0..5_000).for_each(|n| model.note(&seen(999_999_999, &n.to_string(), &n.to_string(), None)));
        model.tick(101_000);
        assert_eq!(model.changes(), 5_000);
        assert_eq!(model.hottest(9_999).len(), NAMES_MAX);
    }

    #[test]
    fn keys_do_what_they_say_and_windows_end() {
        let mut model = Model::new("s", 60, 0);
        for is_paused in [true, false] {
            assert!(model.obey(Wish::Pause));
            assert_eq!(model.is_paused, is_paused);
        }
        (0..9).for_each(|_| assert!(model.obey(Wish::Longer)));
        assert_eq!(model.window_seconds(), SECONDS_MAX);
        (0..9).for_each(|_| assert!(model.obey(Wish::Shorter)));
        assert_eq!(model.window_seconds(), 15);
        assert!(!model.obey(Wish::Quit));
    }
}
