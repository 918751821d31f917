//! Whoever types at the same time as others finds every character behind the one it was typed behind.
//!
//! The oracle knows no positions: every character has an identity, is put behind the one that its writer saw in front of it, and stays
//! as a mark once it is deleted. Nobody types where somebody else does at that moment, nor where only what was deleted is between them:
//! what comes first there is up to the log.

use crate::common::{counted, dir, env, seed, setting};
use redraft::io::{MemoryDisk, SeededEntropy};
use redraft::merge::Submission;
use redraft::patch::{Action, Insert, Op};
use redraft::value::Path;
use redraft::{Durability, Options, Patch, Store, Value, WriterId};
use std::collections::VecDeque;

/// A character, or an element of a list.
struct Mark {
    what: char,
    /// The change it came with.
    by: usize,
    /// Changes that took it away.
    gone_by: Vec<usize>,
}

/// Who made a change, and the version that made it, once it is merged.
struct Made {
    writer: usize,
    version: Option<u64>,
}

#[derive(Default)]
struct Writer {
    base: u64,
    sequence: u64,
    waiting: VecDeque<(usize, Submission)>,
}

struct Oracle {
    marks: Vec<Mark>,
    made: Vec<Made>,
    writers: Vec<Writer>,
}

impl Oracle {
    fn has_seen(&self, writer: usize, change: usize) -> bool {
        let made = &self.made[change];
        made.writer == writer || made.version.is_some_and(|version| version <= self.writers[writer].base)
    }

    fn sees(&self, writer: usize, mark: &Mark) -> bool {
        self.has_seen(writer, mark.by) && !mark.gone_by.iter().any(|change| self.has_seen(writer, *change))
    }

    /// What a writer sees, by place among all marks.
    fn seen(&self, writer: usize) -> Vec<usize> {
        (0..self.marks.len()).filter(|at| self.sees(writer, &self.marks[*at])).collect()
    }

    /// Whether everybody has seen a mark come.
    fn is_known(&self, mark: &Mark) -> bool {
        (0..self.writers.len()).all(|writer| self.has_seen(writer, mark.by))
    }

    /// The marks around a place up to the next ones that everybody knows and nobody has taken away: what is between those may come to
    /// stand side by side.
    fn gap(&self, at: usize) -> &[Mark] {
        let solid = |mark: &Mark| mark.gone_by.is_empty() && self.is_known(mark);
        let from = self.marks[..at].iter().rposition(solid).map_or(0, |left| left + 1);
        let to = self.marks[at..].iter().position(solid).map_or(self.marks.len(), |right| at + right);
        &self.marks[from..to]
    }

    /// Whether somebody whom this writer does not see is typing around a place.
    fn is_taken(&self, writer: usize, at: usize) -> bool {
        self.gap(at).iter().any(|mark| !self.has_seen(writer, mark.by))
    }

    /// Whether two are typing around a place.
    fn is_shared(&self, at: usize) -> bool {
        let mut late =
            self.gap(at).iter().filter(|mark| !self.is_known(mark)).map(|mark| self.made[mark.by].writer);
        let first = late.next();
        late.any(|other| Some(other) != first)
    }

    /// Takes away what a writer sees, unless that brought what two are typing together. Whether it did.
    fn delete(&mut self, change: usize, marks: &[usize]) -> bool {
        marks.iter().for_each(|at| self.marks[*at].gone_by.push(change));
        let shared = marks.iter().any(|at| self.is_shared(*at));
        if shared {
            marks.iter().for_each(|at| self.marks[*at].gone_by.retain(|by| *by != change));
        }
        !shared
    }

    /// One splice of a writer; nothing where somebody else is at work.
    fn splice(
        &mut self,
        writer: usize,
        change: usize,
        dice: &SeededEntropy,
    ) -> Option<(usize, usize, Vec<char>)> {
        let seen = self.seen(writer);
        let at = dice.below(seen.len() + 1);
        let del = if dice.below(3) == 0 { dice.below(3).min(seen.len() - at) } else { 0 };
        let place = at.checked_sub(1).map_or(0, |left| seen[left] + 1);
        if self.is_taken(writer, place) {
            return None;
        }
        let ins: Vec<char> = (0..dice.below(4)).map(|_| letter(dice)).collect();
        let del = if self.delete(change, &seen[at..at + del]) { del } else { 0 };
        let come = ins.iter().map(|what| Mark { what: *what, by: change, gone_by: Vec::new() });
        self.marks.splice(place..place, come);
        Some((at, del, ins))
    }

    fn text(&self) -> String {
        self.marks.iter().filter(|mark| mark.gone_by.is_empty()).map(|mark| mark.what).collect()
    }
}

fn letter(dice: &SeededEntropy) -> char {
    char::from(b'a' + dice.below(26) as u8)
}

/// What is typed into.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Text,
    List,
}

impl Kind {
    fn value(self, text: &str) -> Value {
        match self {
            Kind::Text => Value::from(text),
            Kind::List => text.chars().map(|char| Value::from(char.to_string())).collect(),
        }
    }

    fn insert(self, ins: &[char]) -> Insert {
        match self {
            Kind::Text => Insert::Text(ins.iter().collect::<String>().as_str().into()),
            Kind::List => Insert::Items(ins.iter().map(|char| Value::from(char.to_string())).collect()),
        }
    }
}

fn open(disk: &MemoryDisk) -> Store<Value> {
    let options = Options::new().env(env(disk)).durability(Durability::UnsafeNoSync);
    options.segment_bytes(1 << 14).open(dir()).unwrap()
}

fn id(number: usize) -> WriterId {
    format!("{:x}", number + 1).parse().unwrap()
}

/// Some writers at work on one text or list; returns how many changes were merged.
fn session(seed: u64, kind: Kind) -> usize {
    let (disk, dice) = (MemoryDisk::new(), SeededEntropy::new(seed));
    let mut store = open(&disk);
    let base = kind.value("abcdefgh");
    store.produce(|doc| doc["x"] = base).unwrap();
    let begun = "abcdefgh".chars().map(|what| Mark { what, by: 0, gone_by: Vec::new() });
    let writers = (0..2 + dice.below(4)).map(|_| Writer { base: 1, ..Writer::default() });
    let first = Made { writer: usize::MAX, version: Some(1) };
    let mut oracle = Oracle { marks: begun.collect(), made: vec![first], writers: writers.collect() };
    let count = 10 + dice.below(50);
    for _ in 0..count {
        let writer = dice.below(oracle.writers.len());
        match dice.below(8) {
            0..4 => typed(&mut oracle, writer, kind, &dice),
            4..6 => sent(&mut oracle, writer, &store),
            6 => {
                let behind = store.version() - oracle.writers[writer].base;
                oracle.writers[writer].base += dice.below(behind as usize + 1) as u64;
            }
            _ if dice.below(4) == 0 => {
                store.close().unwrap();
                store = open(&disk);
            }
            _ => {}
        }
    }
    for writer in 0..oracle.writers.len() {
        while !oracle.writers[writer].waiting.is_empty() {
            sent(&mut oracle, writer, &store);
        }
    }
    assert_eq!(store.state()["x"], kind.value(&oracle.text()), "seed {seed} of {kind:?}");
    oracle.made.len() - 1
}

fn typed(oracle: &mut Oracle, writer: usize, kind: Kind, dice: &SeededEntropy) {
    let change = oracle.made.len();
    oracle.made.push(Made { writer, version: None });
    let splices: Vec<_> =
        (0..1 + dice.below(3)).filter_map(|_| oracle.splice(writer, change, dice)).collect();
    let op = |(at, del, ins): (usize, usize, Vec<char>)| {
        Op::new(Path::root().child("x"), Action::Splice { at, del, ins: kind.insert(&ins) })
    };
    let patch: Patch = splices.into_iter().map(op).collect();
    let known = &mut oracle.writers[writer];
    known.sequence += 1;
    known.waiting.push_back((change, Submission::new(known.base, patch).by(id(writer), known.sequence)));
}

fn sent(oracle: &mut Oracle, writer: usize, store: &Store<Value>) {
    let Some((change, submission)) = oracle.writers[writer].waiting.pop_front() else { return };
    let receipt = store.merge(&submission).unwrap();
    assert!(receipt.notes.is_empty() && receipt.is_new, "{receipt:?}");
    oracle.made[change].version = Some(receipt.version);
}

#[test]
fn every_character_stands_behind_the_one_it_was_typed_behind() {
    let sessions = setting("REDRAFT_MERGE_WORLDS", 500);
    let merged: usize = (0..sessions)
        .map(|number| session(seed(number), if number % 2 == 0 { Kind::Text } else { Kind::List }))
        .sum();
    counted(merged as u64, "changes typed at the same time as others");
}

/// What one types behind something that another takes away, and a third in front of it, stays in that order, however they come in.
#[test]
fn what_was_typed_on_either_side_of_something_that_goes_stays_in_order() {
    let splice = |at, del, ins: &str| {
        vec![Op::new(Path::root().child("x"), Action::Splice { at, del, ins: Insert::Text(ins.into()) })]
    };
    let changes = [splice(1, 1, ""), splice(2, 0, "Y"), splice(1, 0, "X")];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let disk = MemoryDisk::new();
        let mut store = open(&disk);
        store.produce(|doc| doc["x"] = "abc".into()).unwrap();
        for number in order {
            store.merge(&Submission::new(1, changes[number].clone()).by(id(number), 1)).unwrap();
            // It is known from the log alone, too.
            store.close().unwrap();
            store = open(&disk);
        }
        assert_eq!(store.state()["x"].as_str(), Some("aXYc"), "{order:?}");
    }
}

/// One goes on typing in the place of what they took away, and somebody else had typed behind that.
#[test]
fn who_replaces_a_word_letter_by_letter_is_not_interrupted_by_what_stood_behind_it() {
    let store = open(&MemoryDisk::new());
    store.produce(|doc| doc["x"] = "a.c".into()).unwrap();
    let typed = |sequence, at, del, ins: &str| {
        let op = Op::new(Path::root().child("x"), Action::Splice { at, del, ins: Insert::Text(ins.into()) });
        store.merge(&Submission::new(1, vec![op]).by(id(1), sequence)).unwrap();
    };
    typed(1, 1, 1, "");
    typed(2, 1, 0, ",");
    let behind =
        Op::new(Path::root().child("x"), Action::Splice { at: 2, del: 0, ins: Insert::Text("P".into()) });
    store.merge(&Submission::new(1, vec![behind]).by(id(2), 1)).unwrap();
    typed(3, 2, 0, "!");
    assert_eq!(store.state()["x"].as_str(), Some("a,!Pc"));
}
