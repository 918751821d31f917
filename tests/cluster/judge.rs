//! What must hold in the end: of every change what became of it is known, or nothing was heard of it; the history and all states agree
//! with that.

use crate::node::{Board, Kind, letter, summed};
use crate::nodes::NodeProcess;
use redraft::replica::{Directory, Source};
use redraft::{Options, Reader, verify};
use std::collections::{BTreeMap, BTreeSet};

/// How much of what a process said last is kept.
const LAST_WORDS: usize = 40;

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Nothing was heard of it: it may be there, once.
    Unknown,
    /// It made this version.
    Done(u64),
    Refused,
}

/// What became of the changes of a node.
#[derive(Debug, Default)]
pub(crate) struct Fates {
    of: BTreeMap<u64, Fate>,
    said: Vec<String>,
}

impl Fates {
    /// Takes in a line that a node has said.
    pub(crate) fn take(&mut self, line: &str) {
        let mut words = line.split(' ');
        let (word, mut number) = (words.next(), || words.next().and_then(|text| text.parse::<u64>().ok()));
        match (word, number()) {
            (Some("made"), Some(id)) => drop(self.of.insert(id, Fate::Unknown)),
            (Some("done"), Some(id)) => drop(self.of.insert(id, Fate::Done(number().unwrap()))),
            (Some("refused"), Some(id)) => drop(self.of.insert(id, Fate::Refused)),
            (Some("ended"), _) => panic!("a node has ended for good: {line}\n{}", self.last_words()),
            _ => {
                if self.said.len() == LAST_WORDS {
                    self.said.remove(0);
                }
                self.said.push(line.to_owned());
            }
        }
    }

    /// What was said last, beside of changes.
    pub(crate) fn last_words(&self) -> String {
        self.said.join("\n")
    }

    /// The number of the node's next change.
    pub(crate) fn next(&self) -> u64 {
        self.of.keys().next_back().map_or(0, |id| (id & 0xFFFF_FFFF) + 1)
    }

    pub(crate) fn done(&self) -> usize {
        self.count(|fate| matches!(fate, Fate::Done(_)))
    }

    pub(crate) fn count(&self, is_it: impl Fn(&Fate) -> bool) -> usize {
        self.of.values().filter(|fate| is_it(fate)).count()
    }
}

/// What one node has at last.
struct Ending {
    board: Board,
    version: u64,
    chain: u32,
    /// The versions by the label of the change that made them.
    labels: BTreeMap<u64, Vec<u64>>,
}

fn ending(node: &NodeProcess) -> Ending {
    let report = verify(node.dir()).unwrap();
    assert!(report.is_sound(), "{report:?}");
    let reader: Reader<Board> = Options::new().open_read_only(node.dir()).unwrap();
    let version = reader.version();
    assert_eq!(report.intact, version);
    let mut labels: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for change in reader.changes(..).unwrap() {
        let change = change.unwrap();
        if let Some(id) = change.meta.label.and_then(|label| label.parse().ok()) {
            labels.entry(id).or_default().push(change.version);
        }
    }
    let chain = Directory::open(node.dir()).unwrap().chain_at(version).unwrap();
    Ending { board: (*reader.state()).clone(), version, chain, labels }
}

/// Holds what nodes have, which are closed, against what became of all changes. How many changes are there.
pub(crate) fn judge(nodes: &[NodeProcess], head: u64) -> usize {
    let fates: BTreeMap<u64, Fate> = nodes.iter().flat_map(|node| node.fates.of.clone()).collect();
    let endings: Vec<Ending> = nodes.iter().map(ending).collect();
    let first = &endings[0];
    for (number, ending) in endings.iter().enumerate() {
        assert_eq!(ending.version, head, "node {number} has all that the order has");
        assert_eq!(ending.board, first.board, "node {number} has the same state");
        assert_eq!(ending.chain, first.chain, "node {number} has the same history");
    }
    is_all_there_once(&first.board, &fates);
    each_run_is_on_the_one_before(&nodes[0], first);
    is_in_the_history(&first.labels, &fates);
    first.board.ids.len() + first.board.runs.len()
}

fn is_all_there_once(board: &Board, fates: &BTreeMap<u64, Fate>) {
    let all: Vec<u64> = board.ids.iter().chain(board.runs.iter()).copied().collect();
    let there: BTreeSet<u64> = all.iter().copied().collect();
    assert_eq!(there.len(), all.len(), "nothing is there twice");
    for (id, fate) in fates {
        match fate {
            Fate::Done(_) => assert!(there.contains(id), "{id} was acknowledged, and is not there: {fate:?}"),
            Fate::Refused => assert!(!there.contains(id), "{id} was refused, and is there"),
            Fate::Unknown => {}
        }
    }
    assert!(there.iter().all(|id| fates.contains_key(id)), "nobody made what is there");
    assert_eq!(board.count.get(), all.len() as i64, "the counter is exact");
    let typed = |id: &u64| (Kind::of(*id) == Kind::Type).then(|| letter(*id));
    let letters: BTreeSet<char> = board.ids.iter().filter_map(typed).collect();
    assert_eq!(board.text.chars().collect::<BTreeSet<char>>(), letters);
    assert_eq!(board.text.len(), letters.len(), "every letter is there once");
    assert!(board.keys.iter().all(|(_, id)| there.contains(id)));
}

fn is_summed(board: &Board) -> bool {
    board.sum == board.runs.iter().fold(0, |sum, id| summed(sum, *id))
}

/// Each run was made on what the one before it came to.
fn each_run_is_on_the_one_before(node: &NodeProcess, ending: &Ending) {
    if is_summed(&ending.board) {
        return;
    }
    let reader: Reader<Board> = Options::new().open_read_only(node.dir()).unwrap();
    let wrong = (1..=ending.version).find(|version| !is_summed(&reader.at(*version).unwrap())).unwrap();
    let changes: Vec<_> =
        reader.changes(wrong.saturating_sub(8)..=wrong).unwrap().map(Result::unwrap).collect();
    panic!("the run at version {wrong} was not made on the one before it: {changes:#?}");
}

fn is_in_the_history(labels: &BTreeMap<u64, Vec<u64>>, fates: &BTreeMap<u64, Fate>) {
    for (id, versions) in labels {
        assert_eq!(versions.len(), 1, "{id} is in the history once, not at {versions:?}");
    }
    for (id, fate) in fates {
        if let (Fate::Done(version), true) = (fate, Kind::of(*id) != Kind::Run) {
            assert_eq!(labels.get(id), Some(&vec![*version]), "{id} is where its node was told");
        }
    }
}
