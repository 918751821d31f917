//! A history in which every state can be told from its number, and what must hold of the directory that has it.

use redraft::io::SeededEntropy;
use redraft::{Durability, Options, Store, Value, verify};
use std::path::Path;

const SLOTS: u64 = 16;
const SLOT_BYTES_MAX: usize = 900;
/// Every so many changes, one sets what is redacted later.
pub(crate) const SECRET_EVERY: u64 = 10;
/// A history longer than this begins anew, so that looking at all of it stays quick.
const HEAD_MAX: u64 = 150;

/// How stores are opened. A killed process loses nothing with either durability; without syncs it gets further.
pub(crate) fn options(round: u64) -> Options {
    let durability = [Durability::Immediate, Durability::UnsafeNoSync][(round % 2) as usize];
    Options::new().segment_bytes(4096).durability(durability)
}

/// Bytes that no packing makes shorter, so that they can be looked for in files.
fn noise(seed: u64, count: usize) -> Value {
    let dice = SeededEntropy::new(seed);
    Value::Bytes((0..count).map(|_| dice.next() as u8).collect::<Vec<_>>().into())
}

fn slot(number: u64) -> (String, Value) {
    let count = SeededEntropy::new(number).below(SLOT_BYTES_MAX);
    (format!("slot {}", number % SLOTS), noise(number, count))
}

/// The number of the change that set what is secret in this state, if one did.
pub(crate) fn secret_of(number: u64) -> Option<u64> {
    let last = number - number % SECRET_EVERY;
    (last > 0).then_some(last)
}

pub(crate) fn secret(number: u64) -> Value {
    noise(number ^ 0x5ec2_e700, 48)
}

/// Makes the next change.
pub(crate) fn step(doc: &mut Value) {
    let number = number_of(doc) + 1;
    doc["n"] = number.into();
    let (key, value) = slot(number);
    doc[key.as_str()] = value;
    if number.is_multiple_of(SECRET_EVERY) {
        doc["secret"] = secret(number);
    }
}

pub(crate) fn number_of(doc: &Value) -> u64 {
    doc["n"].as_u64().unwrap_or(0)
}

/// The state after so many changes.
pub(crate) fn expected(number: u64) -> Value {
    let mut doc = Value::default();
    if number == 0 {
        return doc;
    }
    doc["n"] = number.into();
    for number in (number.saturating_sub(SLOTS - 1)..=number).filter(|&number| number > 0) {
        let (key, value) = slot(number);
        doc[key.as_str()] = value;
    }
    if let Some(of) = secret_of(number) {
        doc["secret"] = secret(of);
    }
    doc
}

/// Looks at all that is kept of a store whose changes are all numbered.
pub(crate) fn must_be_whole(store: &Store<Value>, acknowledged: u64) {
    let (oldest, head) = (store.oldest(), store.version());
    assert!(head >= acknowledged, "version {acknowledged} was acknowledged, {head} is the newest there");
    let versions: Vec<u64> =
        store.changes(oldest + 1..).unwrap().map(|change| change.unwrap().version).collect();
    assert!(versions.into_iter().eq(oldest + 1..=head));
    for version in (oldest..=head).step_by(9).chain([head, acknowledged.clamp(oldest, head)]) {
        assert_eq!(*store.at(version).unwrap(), expected(version), "version {version}");
    }
}

/// Nothing is in the directory but what belongs to a store, and all of it is sound.
pub(crate) fn must_be_tidy_and_sound(dir: &Path, head: u64) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
        let known = matches!(ending, "seg" | "snap") || matches!(&*name, "LOCK" | "index" | "CURSORS");
        assert!(known || name.starts_with("damaged-"), "{name} was left over");
    }
    let report = verify(dir).unwrap();
    assert!(report.is_sound() && report.intact == head, "{report:?}, head {head}");
}

/// Looks at what a killed process left, as the next writer; nothing if it had not begun. A long history ends here.
pub(crate) fn judge(dir: &Path, round: u64, acknowledged: u64, look: impl FnOnce(&Store<Value>)) {
    if !dir.exists() {
        return assert_eq!(acknowledged, 0);
    }
    let store: Store<Value> = options(round).create(acknowledged == 0).open(dir).unwrap();
    look(&store);
    let head = store.version();
    store.close().unwrap();
    must_be_tidy_and_sound(dir, head);
    if head > HEAD_MAX {
        std::fs::remove_dir_all(dir).unwrap();
    }
}
