//! A text that somebody wrote, each keystroke one change in a store: every version can be shown, the last keystroke taken
//! back, and a keystroke takes few bytes on the disk.
//!
//! Held over a session that was recorded, where that is at hand, and over one made up, which types in several places.

use std::io::Read;

use crate::common::{dir, env, vectors};
use flate2::read::GzDecoder;
use redraft::collections::Text;
use redraft::io::{MemoryDisk, SeededEntropy};
use redraft::{Options, Store};
use serde_json::Value as Json;

/// At a position, so many characters go and others come.
#[derive(Debug)]
struct Keystroke(usize, usize, String);

/// The most bytes of a keystroke on the disk, all files of the store together.
const KEYSTROKE_BYTES_MAX: usize = 40;

/// Each so many versions, the state is compared.
const SAMPLE: u64 = 997;

fn byte_of(text: &str, at: usize) -> usize {
    text.char_indices().nth(at).map_or(text.len(), |(byte, _)| byte)
}

impl Keystroke {
    fn type_into(&self, text: &mut Text) {
        text.replace_range(self.0..self.0 + self.1, &self.2);
    }

    fn model(&self, text: &mut String) {
        let range = byte_of(text, self.0)..byte_of(text, self.0 + self.1);
        text.replace_range(range, &self.2);
    }
}

/// Types all of it into a new store; returns the disk, and what the text was at the versions compared.
fn write(keystrokes: &[Keystroke]) -> (MemoryDisk, Vec<(u64, String)>) {
    let disk = MemoryDisk::new();
    let store: Store<Text> = Options::new().env(env(&disk)).create_new(dir()).unwrap();
    let mut model = String::new();
    let mut samples = vec![(0, String::new())];
    for (keystroke, version) in keystrokes.iter().zip(1_u64..) {
        let commit = store.produce(|text| keystroke.type_into(text)).unwrap();
        assert_eq!((commit.version(), commit.patch().len()), (version, 1), "{keystroke:?}");
        keystroke.model(&mut model);
        if version.is_multiple_of(SAMPLE) || version == keystrokes.len() as u64 {
            assert!(*store.state() == model, "after {version} keystrokes");
            samples.push((version, model.clone()));
        }
    }
    store.close().unwrap();
    (disk, samples)
}

fn holds(keystrokes: &[Keystroke]) {
    let (disk, samples) = write(keystrokes);
    let bytes: usize = disk.files().iter().filter_map(|file| disk.bytes(file)).map(|file| file.len()).sum();
    let each = bytes / keystrokes.len();
    assert!(each < KEYSTROKE_BYTES_MAX, "{each} bytes a keystroke");
    let store: Store<Text> = Options::new().env(env(&disk)).create(false).open(dir()).unwrap();
    for (version, text) in &samples {
        assert!(*store.at(*version).unwrap() == *text, "version {version} is another text");
    }
    takes_back(&store, keystrokes);
}

/// The last keystrokes, one after the other, and then all of that.
fn takes_back(store: &Store<Text>, keystrokes: &[Keystroke]) {
    let (last, end) = (keystrokes.len() as u64, store.state());
    for back in 0..10 {
        store.undo(last - back).unwrap();
        assert_eq!(store.state(), store.at(last - back - 1).unwrap(), "{back} before the last keystroke");
    }
    for back in (0..10).rev() {
        store.undo(last + 1 + back).unwrap();
    }
    assert_eq!(store.state(), end);
}

/// The first keystrokes of the paper, or none where it is not at hand.
fn paper(most: usize) -> Vec<Keystroke> {
    let Some(packed) = vectors::bytes("data/editing-traces/automerge-paper.json.gz") else {
        return Vec::new();
    };
    let mut json = String::new();
    GzDecoder::new(&packed[..]).read_to_string(&mut json).expect("a gzip file");
    let trace: Json = serde_json::from_str(&json).expect("a trace is JSON");
    let edits = trace["txns"].as_array().unwrap().iter().flat_map(|txn| txn["patches"].as_array().unwrap());
    let number = |edit: &Json, at: usize| edit[at].as_u64().unwrap() as usize;
    edits
        .map(|edit| Keystroke(number(edit, 0), number(edit, 1), edit[2].as_str().unwrap().into()))
        .take(most)
        .collect()
}

#[test]
fn a_paper_is_kept_keystroke_by_keystroke() {
    let keystrokes = paper(20_000);
    if !keystrokes.is_empty() {
        holds(&keystrokes);
    }
}

#[test]
fn a_text_with_characters_of_all_lengths_is_kept_keystroke_by_keystroke() {
    let chance = SeededEntropy::new(11);
    let (mut len, mut at) = (0, 0);
    let mut keystrokes = Vec::new();
    for _ in 0..5_000 {
        if chance.below(20) == 0 {
            at = chance.below(len + 1);
        }
        let back = at > 0 && chance.below(6) == 0;
        let key = ["a", "e", " ", "\n", "\u{e4}", "\u{20ac}", "\u{1f600}"][chance.below(7)];
        at -= usize::from(back);
        keystrokes.push(Keystroke(at, usize::from(back), if back { "" } else { key }.into()));
        len = len + usize::from(!back) - usize::from(back);
        at += usize::from(!back);
    }
    holds(&keystrokes);
}
