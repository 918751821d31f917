//! Two people who typed into one text at the same time, as that was recorded.
#![allow(dead_code, reason = "not every test program types")]

use super::vectors;
use flate2::read::GzDecoder;
use redraft::Patch;
use redraft::patch::{Action, Insert, Op};
use redraft::value::Path;
use serde_json::Value as Json;
use std::collections::HashSet;
use std::io::Read;

/// Some text taken away at a place, and some put there.
pub(crate) struct Edit {
    pub(crate) at: usize,
    pub(crate) del: usize,
    pub(crate) ins: String,
}

/// What somebody typed at once, and which transactions they had seen by then.
pub(crate) struct Typed {
    pub(crate) writer: usize,
    parents: Vec<usize>,
    pub(crate) edits: Vec<Edit>,
}

impl Typed {
    pub(crate) fn patch(&self) -> Patch {
        let splice = |edit: &Edit| {
            let ins = Insert::Text(edit.ins.as_str().into());
            Op::new(Path::root(), Action::Splice { at: edit.at, del: edit.del, ins })
        };
        self.edits.iter().map(splice).collect()
    }
}

pub(crate) struct Recording {
    pub(crate) typed: Vec<Typed>,
    pub(crate) end: String,
}

/// `None`, said aloud, where it is not at hand.
pub(crate) fn recording() -> Option<Recording> {
    let packed = vectors::bytes("data/editing-traces/friendsforever.json.gz")?;
    let mut json = String::new();
    GzDecoder::new(&packed[..]).read_to_string(&mut json).expect("a gzip file");
    let json: Json = serde_json::from_str(&json).expect("JSON");
    let typed = json["txns"].as_array().unwrap().iter().map(|txn| Typed {
        writer: number(&txn["agent"]),
        parents: txn["parents"].as_array().unwrap().iter().map(number).collect(),
        edits: txn["patches"].as_array().unwrap().iter().map(edit).collect(),
    });
    Some(Recording { typed: typed.collect(), end: json["endContent"].as_str().unwrap().to_owned() })
}

fn number(json: &Json) -> usize {
    json.as_u64().unwrap() as usize
}

fn edit(json: &Json) -> Edit {
    Edit { at: number(&json[0]), del: number(&json[1]), ins: json[2].as_str().unwrap().to_owned() }
}

/// For each transaction, in order, all that its writer had seen or made by then.
fn each_with_what_was_seen(typed: &[Typed], mut tell: impl FnMut(usize, &HashSet<usize>)) {
    let writers = typed.iter().map(|one| one.writer).max().map_or(0, |most| most + 1);
    let mut seen: Vec<HashSet<usize>> = vec![HashSet::new(); writers];
    for (at, one) in typed.iter().enumerate() {
        let mut open = one.parents.clone();
        while let Some(parent) = open.pop() {
            if seen[one.writer].insert(parent) {
                open.extend(&typed[parent].parents);
            }
        }
        tell(at, &seen[one.writer]);
        seen[one.writer].insert(at);
    }
}

/// For each transaction, how many of the first ones its writer had seen, or made.
pub(crate) fn bases(typed: &[Typed]) -> Vec<u64> {
    let writers = typed.iter().map(|one| one.writer).max().map_or(0, |most| most + 1);
    // The first of the others' that each writer has not seen.
    let mut first_unseen = vec![0; writers];
    let mut bases = Vec::with_capacity(typed.len());
    each_with_what_was_seen(typed, |at, seen| {
        let writer = typed[at].writer;
        let unseen = &mut first_unseen[writer];
        while *unseen < at && (typed[*unseen].writer == writer || seen.contains(unseen)) {
            *unseen += 1;
        }
        bases.push(*unseen as u64);
    });
    bases
}

/// For each of two people, what they typed, with how many of the other's transactions they had seen by then.
pub(crate) fn of_two(typed: &[Typed]) -> [Vec<(usize, &Typed)>; 2] {
    let mut both = [Vec::new(), Vec::new()];
    let places_of = |writer: usize| (0..typed.len()).filter(move |at| typed[*at].writer == writer);
    let places: [Vec<usize>; 2] = [places_of(0).collect(), places_of(1).collect()];
    let mut seen_of_the_other = [0, 0];
    each_with_what_was_seen(typed, |at, seen| {
        let one = &typed[at];
        let others = &places[1 - one.writer][seen_of_the_other[one.writer]..];
        seen_of_the_other[one.writer] += others.iter().take_while(|place| seen.contains(place)).count();
        both[one.writer].push((seen_of_the_other[one.writer], one));
    });
    both
}
