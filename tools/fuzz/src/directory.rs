//! The target `directory`: a good store, and a list of things done to its files: damaged, forged with right checksums,
//! swapped, renamed, doubled, mixed with those of another store and with rubbish.

use super::worlds::{self, Files, dir};
use super::{Judged, Seen, forge, judge};
use arbitrary::{Arbitrary, Unstructured};
use std::path::{Path, PathBuf};

/// An input, taken apart. Files and places are chosen by any number.
#[derive(Debug, Arbitrary)]
struct Plan {
    world: u8,
    deeds: Vec<Deed>,
}

#[derive(Debug, Arbitrary)]
enum Deed {
    Damage(u8, Damage),
    Forge(u8, Forgery),
    Move(Move),
}

/// What accidents do to one file.
#[derive(Debug, Arbitrary)]
enum Damage {
    Flip { at: u16, bit: u8 },
    Overwrite { at: u16, bytes: [u8; 8] },
    Insert { at: u16, bytes: Vec<u8> },
    Cut { at: u16 },
    Extend { byte: u8, count: u16 },
}

/// What only malice does: the checksums are right.
#[derive(Debug, Arbitrary)]
enum Forgery {
    Header(Field, u64),
    /// All frames or blocks as they are now.
    Recheck,
    /// Other content of a snapshot.
    Content(Vec<u8>),
    /// A record more at the end of a segment.
    Record(Vec<u8>),
    /// The header's chain continues another file.
    Continues(u8),
}

/// What happens to whole files.
#[derive(Debug, Arbitrary)]
enum Move {
    Remove(u8),
    Swap(u8, u8),
    Rename(u8, Name),
    Double(u8, Name),
    /// A file of another store.
    Foreign {
        world: u8,
        file: u8,
        name: Option<Name>,
    },
    Rubbish(Name, Vec<u8>),
}

#[derive(Debug, Arbitrary)]
enum Name {
    /// As the header of the file says.
    Own,
    Segment(u8),
    SegmentFar(u64),
    Snapshot(u8),
    SnapshotFar(u64),
    Unfinished(u8),
    Other(u8),
}

#[derive(Debug, Arbitrary)]
enum Field {
    Format,
    Codec,
    Flags,
    Epoch,
    Store,
    Number,
    Allocated,
    Origin,
    Chain,
}

const OTHER_NAMES: [&str; 8] = [
    "notes.txt",
    "1.seg",
    "99999999999999999999.seg",
    "0000000000000000000x.seg",
    "00000000000000000000.SEG",
    "+0000000000000000000.snap",
    "LOCK",
    "\u{e9}.tmp",
];

/// The deeds one input may name: each costs time, and what many do few do.
const DEEDS_MAX: usize = 24;

/// Judges one input.
pub(crate) fn run(data: &[u8]) -> Judged {
    let Ok(plan) = Plan::arbitrary_take_rest(Unstructured::new(data)) else { return Ok(Seen::default()) };
    let mut files = worlds::world(plan.world.into()).clone();
    plan.deeds.iter().take(DEEDS_MAX).for_each(|deed| carry_out(&mut files, deed));
    judge::judge(&files)
}

/// What an input stands for, to be read by people.
pub(crate) fn describe(data: &[u8]) -> String {
    format!("{:?}", Plan::arbitrary_take_rest(Unstructured::new(data)))
}

fn carry_out(files: &mut Files, deed: &Deed) {
    match deed {
        Deed::Damage(file, damage) => {
            pick(files, *file).into_iter().for_each(|(_, bytes)| damage.befall(bytes));
        }
        Deed::Forge(file, Forgery::Continues(before)) => {
            let chain = pick(files, *before).map_or(0, |(_, bytes)| forge::end_of_records(bytes).chain);
            pick(files, *file).into_iter().for_each(|(_, bytes)| Field::Chain.set(bytes, chain.into()));
        }
        Deed::Forge(file, forgery) => {
            pick(files, *file).into_iter().for_each(|(path, bytes)| forgery.make(path, bytes));
        }
        Deed::Move(step) => step.make(files),
    }
}

/// The file that a number chooses.
fn pick(files: &mut Files, choice: u8) -> Option<&mut (PathBuf, Vec<u8>)> {
    let count = files.len().max(1);
    files.get_mut(usize::from(choice) % count)
}

/// Puts a file there; one of the same name is replaced.
fn place(files: &mut Files, path: PathBuf, bytes: Vec<u8>) {
    files.retain(|(other, _)| *other != path);
    files.push((path, bytes));
    files.sort();
}

impl Damage {
    fn befall(&self, file: &mut Vec<u8>) {
        match self {
            Damage::Flip { at, bit } => {
                file.get_mut(usize::from(*at)).into_iter().for_each(|byte| *byte ^= 1 << (bit % 8));
            }
            Damage::Overwrite { at, bytes } => forge::put(file, usize::from(*at), bytes),
            Damage::Insert { at, bytes } => {
                let at = usize::from(*at).min(file.len());
                drop(file.splice(at..at, bytes.iter().copied()));
            }
            Damage::Cut { at } => file.truncate(usize::from(*at)),
            Damage::Extend { byte, count } => file.resize(file.len() + usize::from(*count), *byte),
        }
    }
}

impl Forgery {
    fn make(&self, path: &Path, file: &mut Vec<u8>) {
        let snapshot = worlds::is(path, "snap");
        match self {
            Forgery::Header(field, number) => field.set(file, *number),
            Forgery::Recheck if snapshot => forge::blocks(file),
            Forgery::Recheck => drop(forge::frames(file)),
            Forgery::Content(body) if snapshot => *file = forge::snapshot(file, body),
            Forgery::Record(body) if !snapshot => forge::append(file, body),
            Forgery::Content(_) | Forgery::Record(_) | Forgery::Continues(_) => {}
        }
    }
}

impl Field {
    /// Where it stands, and how many bytes it has.
    fn place(&self) -> (usize, usize) {
        match self {
            Field::Format => (8, 2),
            Field::Codec => (10, 1),
            Field::Flags => (11, 1),
            Field::Epoch => (12, 4),
            Field::Store => (16, 8),
            Field::Number => (32, 8),
            Field::Allocated => (40, 8),
            Field::Origin => (48, 8),
            Field::Chain => (60, 4),
        }
    }

    fn set(&self, file: &mut [u8], number: u64) {
        let (at, count) = self.place();
        forge::put(file, at, &number.to_le_bytes()[..count]);
        forge::header(file);
    }
}

impl Move {
    fn make(&self, files: &mut Files) {
        match self {
            Move::Remove(file) if !files.is_empty() => drop(files.remove(usize::from(*file) % files.len())),
            Move::Remove(_) => {}
            Move::Swap(one, other) => swap(files, *one, *other),
            Move::Rename(file, name) => {
                let Some((path, bytes)) = pick(files, *file).cloned() else { return };
                files.retain(|(other, _)| *other != path);
                place(files, name.path(&path, &bytes), bytes);
            }
            Move::Double(file, name) => {
                let Some((path, bytes)) = pick(files, *file).cloned() else { return };
                place(files, name.path(&path, &bytes), bytes);
            }
            Move::Foreign { world, file, name } => {
                let mut others = worlds::world(usize::from(*world)).clone();
                let Some((path, bytes)) = pick(&mut others, *file).cloned() else { return };
                let path = name.as_ref().map_or(path.clone(), |name| name.path(&path, &bytes));
                place(files, path, bytes);
            }
            Move::Rubbish(name, bytes) => place(files, name.path(dir(), bytes), bytes.clone()),
        }
    }
}

fn swap(files: &mut Files, one: u8, other: u8) {
    let Some((_, first)) = pick(files, one).cloned() else { return };
    let Some((_, second)) = pick(files, other).cloned() else { return };
    pick(files, one).into_iter().for_each(|(_, bytes)| bytes.clone_from(&second));
    pick(files, other).into_iter().for_each(|(_, bytes)| bytes.clone_from(&first));
}

impl Name {
    /// The path that the name stands for; `old` is the one that the file has.
    fn path(&self, old: &Path, file: &[u8]) -> PathBuf {
        let ending = |snapshot: bool| if snapshot { "snap" } else { "seg" };
        dir().join(match self {
            Name::Own => format!("{:020}.{}", forge::number(file), ending(worlds::is(old, "snap"))),
            Name::Segment(number) => format!("{number:020}.seg"),
            Name::SegmentFar(number) => format!("{number:020}.seg"),
            Name::Snapshot(number) => format!("{number:020}.snap"),
            Name::SnapshotFar(number) => format!("{number:020}.snap"),
            Name::Unfinished(number) => format!("{number:020}.{}.tmp", ending(number % 2 == 0)),
            Name::Other(number) => OTHER_NAMES[usize::from(*number) % OTHER_NAMES.len()].into(),
        })
    }
}

/// Inputs to start from: each world, untouched. What is done to them libFuzzer found: `found_*` in the corpus.
pub(crate) fn seeds() -> Vec<(String, Vec<u8>)> {
    (0..7).map(|world| (format!("world_{world}"), vec![world])).collect()
}
