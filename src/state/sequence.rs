//! What differs between two sequences, in one place for lists, for lines of text and for whatever comes.
//!
//! The greedy algorithm of Eugene W. Myers, "An O(ND) Difference Algorithm and Its Variations", Algorithmica 1 (1986),
//! run in rounds with a budget. Always holds: the hunks are in order, do not touch, and everything between them is
//! equal; the cost is bounded however different the sequences are, at the price of hunks that are larger than need be.

use std::ops::Range;

/// A stretch of the old sequence and what stands in its place in the new one. Never empty on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hunk {
    pub(crate) old: Range<usize>,
    pub(crate) new: Range<usize>,
}

impl Hunk {
    /// Counts positions from so many elements earlier on.
    pub(super) fn shift(&mut self, by: usize) {
        self.old = self.old.start + by..self.old.end + by;
        self.new = self.new.start + by..self.new.end + by;
    }
}

/// Edits looked for in one round. A round costs up to the square of this in time and half of it in memory (2 MiB), and
/// finds the shortest script if that many edits suffice.
const ROUND_EDITS_MAX: usize = 1024;

/// Comparisons and steps in all rounds together: some 20 ms. What is left after that is one hunk.
const STEPS_MAX: usize = 1 << 22;

/// A run of equal elements.
#[derive(Clone, Copy)]
struct Match {
    old: usize,
    new: usize,
    len: usize,
}

/// The differences between `0..old_len` and `0..new_len`, elements being compared by `equal(old_index, new_index)`.
pub(crate) fn hunks(old_len: usize, new_len: usize, equal: impl FnMut(usize, usize) -> bool) -> Vec<Hunk> {
    let mut search = Search { old_len, new_len, equal, steps: 0, matches: Vec::new() };
    search.run();
    between(&search.matches, old_len, new_len)
}

/// The gaps between matches.
fn between(matches: &[Match], old_len: usize, new_len: usize) -> Vec<Hunk> {
    let mut hunks = Vec::new();
    let (mut old, mut new) = (0, 0);
    let end = Match { old: old_len, new: new_len, len: 0 };
    for found in matches.iter().copied().chain([end]) {
        if old < found.old || new < found.new {
            hunks.push(Hunk { old: old..found.old, new: new..found.new });
        }
        (old, new) = (found.old + found.len, found.new + found.len);
    }
    hunks
}

struct Search<E> {
    old_len: usize,
    new_len: usize,
    equal: E,
    steps: usize,
    matches: Vec<Match>,
}

/// How far each diagonal reached with a given number of edits: slot `i` belongs to diagonal `2 * i - edits`, which is
/// the old position less the new one. `None` where no path leads there inside both sequences.
type Frontier = Vec<Option<u32>>;

impl<E: FnMut(usize, usize) -> bool> Search<E> {
    fn run(&mut self) {
        let (mut old, mut new) = (0, 0);
        while old < self.old_len && new < self.new_len && self.steps < STEPS_MAX {
            let before = self.matches.len();
            (old, new) = self.round(old, new);
            if self.matches.len() == before {
                // So many edits without a single element in common: two different things, not two versions of one.
                break;
            }
        }
    }

    /// Goes on from a point until the end or until the edits of one round are used up; returns how far it got.
    fn round(&mut self, old: usize, new: usize) -> (usize, usize) {
        // Positions within a round are kept in 32 bits; a gap longer than that is cut like one over budget.
        let reach = u32::MAX as usize;
        let area = Area {
            old,
            new,
            width: (self.old_len - old).min(reach),
            height: (self.new_len - new).min(reach),
        };
        let mut trace: Vec<Frontier> = Vec::new();
        for edits in 0..=ROUND_EDITS_MAX {
            let (frontier, goal) = self.advance(&area, trace.last(), edits);
            trace.push(frontier);
            if let Some(slot) = goal {
                return self.walk_back(&area, &trace, slot);
            }
            if self.steps >= STEPS_MAX {
                break;
            }
        }
        let best = trace.last().map_or(0, furthest_slot);
        self.walk_back(&area, &trace, best)
    }

    /// The frontier with one more edit, and the slot that reached the end of both sequences.
    fn advance(&mut self, area: &Area, before: Option<&Frontier>, edits: usize) -> (Frontier, Option<usize>) {
        let mut frontier = Frontier::with_capacity(edits + 1);
        let mut goal = None;
        for slot in 0..=edits {
            let end =
                area.origin(before, slot, edits).map(|(x, _)| self.slide(area, x, x + edits - 2 * slot));
            if end.is_some_and(|x| x == area.width && x + edits - 2 * slot == area.height) {
                goal = Some(slot);
            }
            frontier.push(end.map(|x| x as u32));
            if goal.is_some() {
                break;
            }
        }
        (frontier, goal)
    }

    /// Follows equal elements from a point on a diagonal; returns where they end, as an old position.
    fn slide(&mut self, area: &Area, x: usize, y: usize) -> usize {
        let most = (area.width - x).min(area.height - y);
        let (old, new) = (area.old + x, area.new + y);
        let len = (0..most).take_while(|step| (self.equal)(old + step, new + step)).count();
        self.steps += len + 1;
        x + len
    }

    /// Reads the matches off the trace, from the slot reached back to the start; returns the point reached.
    fn walk_back(&mut self, area: &Area, trace: &[Frontier], slot: usize) -> (usize, usize) {
        let mut slot = slot;
        let mut reached = None;
        let mut found = Vec::new();
        for (edits, frontier) in trace.iter().enumerate().rev() {
            let before = edits.checked_sub(1).map(|before| &trace[before]);
            let origin = area.origin(before, slot, edits);
            let (Some(end), Some((start, previous))) = (at(frontier, slot), origin) else { break };
            let (old, new) = (area.old + end, area.new + end + edits - 2 * slot);
            reached.get_or_insert((old, new));
            let len = end - start;
            if len > 0 {
                found.push(Match { old: old - len, new: new - len, len });
            }
            slot = previous;
        }
        self.matches.extend(found.into_iter().rev());
        reached.unwrap_or((area.old, area.new))
    }
}

/// What is left to compare in one round: where it starts, and how much there is on each side.
struct Area {
    old: usize,
    new: usize,
    width: usize,
    height: usize,
}

impl Area {
    /// Where a diagonal is entered with this many edits, as an old position counted from the start of the area, and
    /// the slot it is entered from: after a deletion or after an insertion, whichever leads further.
    fn origin(&self, before: Option<&Frontier>, slot: usize, edits: usize) -> Option<(usize, usize)> {
        let Some(before) = before else { return Some((0, 0)) };
        let deletion = slot.checked_sub(1).and_then(|from| at(before, from).map(|x| (x + 1, from)));
        let deletion = deletion.filter(|(x, _)| *x <= self.width);
        let insertion = at(before, slot).map(|x| (x, slot));
        let insertion = insertion.filter(|(x, _)| x + edits - 2 * slot <= self.height);
        deletion.max(insertion)
    }
}

fn at(frontier: &Frontier, slot: usize) -> Option<usize> {
    frontier.get(slot).copied().flatten().map(|x| x as usize)
}

/// The slot that covered most of both sequences together.
fn furthest_slot(frontier: &Frontier) -> usize {
    let covered = |slot: &usize| at(frontier, *slot).map(|x| 2 * x + frontier.len() - 2 * slot);
    (0..frontier.len()).max_by_key(covered).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn between_texts(old: &str, new: &str) -> Vec<Hunk> {
        let (old, new): (Vec<char>, Vec<char>) = (old.chars().collect(), new.chars().collect());
        let hunks = hunks(old.len(), new.len(), |a, b| old[a] == new[b]);
        let mut built: Vec<char> = Vec::new();
        let mut at = 0;
        for hunk in &hunks {
            built.extend(&old[at..hunk.old.start]);
            assert_eq!(built.len(), hunk.new.start, "hunks are in order");
            built.extend(&new[hunk.new.clone()]);
            at = hunk.old.end;
        }
        built.extend(&old[at..]);
        assert_eq!(built, new, "{hunks:?}");
        hunks
    }

    #[test]
    fn finds_the_shortest_script_of_the_paper() {
        let hunks = between_texts("abcabba", "cbabac");
        let edits: usize = hunks.iter().map(|hunk| hunk.old.len() + hunk.new.len()).sum();
        assert_eq!(edits, 5);
    }

    #[test]
    fn finds_edits_at_both_ends_and_in_empty_sequences() {
        assert_eq!(between_texts("", ""), []);
        assert_eq!(between_texts("", "ab").len(), 1);
        assert_eq!(between_texts("ab", "").len(), 1);
        assert_eq!(between_texts("xabcdefg", "abcdefgy").len(), 2);
        assert_eq!(between_texts("aXbYc", "abc").len(), 2);
    }

    #[test]
    fn gives_up_on_sequences_without_anything_in_common() {
        let mut asked = 0_usize;
        let hunks = hunks(100_000, 100_000, |_, _| {
            asked += 1;
            false
        });
        assert_eq!(hunks, [Hunk { old: 0..100_000, new: 0..100_000 }]);
        assert!(asked < 1_000_000, "{asked} comparisons");
    }

    #[test]
    fn goes_on_after_a_round_and_stays_within_the_budget() {
        // Every second element differs: far more edits than one round looks for.
        let mut asked = 0_usize;
        let hunks = hunks(100_000, 100_000, |a, b| {
            asked += 1;
            a == b && a % 2 == 0
        });
        assert!(hunks.len() > 1_000, "{} hunks", hunks.len());
        assert!(asked < 2 * STEPS_MAX + 100_000, "{asked} comparisons");
    }
}
