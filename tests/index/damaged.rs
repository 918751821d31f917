//! Damage of any file of the index costs its making, and nothing else: the same versions come out, and nobody is told of
//! an error.

use crate::asked::{agrees, ask, asked_store, copy, files, index_of, open, place, scan, touching};
use crate::common::{counted, seed, setting};
use redraft::Lookup;
use redraft::io::SeededEntropy;
use std::fs;
use std::path::Path;

/// A copy of a store in which one file of the index is changed.
fn with_damage(store: &Path, file: usize, change: impl FnOnce(&mut Vec<u8>)) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    copy(store, dir.path());
    let path = files(dir.path()).swap_remove(file);
    let mut bytes = fs::read(&path).unwrap();
    change(&mut bytes);
    fs::write(&path, bytes).unwrap();
    dir
}

#[test]
fn a_bit_flipped_anywhere_never_leads_to_a_wrong_answer() {
    let dir = tempfile::tempdir().unwrap();
    let places = asked_store(dir.path(), 500);
    let (dice, count) = (SeededEntropy::new(seed(11)), files(dir.path()).len());
    assert!(count > 1);
    let (mut flips, mut noticed) = (0, 0);
    for file in 0..count {
        for _ in 0..setting("REDRAFT_FLIPS", 40) {
            let damaged = with_damage(dir.path(), file, |bytes| {
                // Where something is, more often than in what was only reserved.
                let used = bytes.iter().rposition(|&byte| byte != 0).unwrap_or(0) + 1;
                if let Some(byte) = bytes.get_mut(dice.below(used)) {
                    *byte ^= 1 << dice.below(8);
                }
            });
            flips += 1;
            noticed += u64::from(agrees(damaged.path(), &places) != Lookup::Index);
        }
    }
    counted(flips, "bits flipped in an index");
    assert!(noticed > 0, "no flip met anything");
}

#[test]
fn a_file_cut_or_emptied_or_gone_never_leads_to_a_wrong_answer() {
    let dir = tempfile::tempdir().unwrap();
    let places = asked_store(dir.path(), 500);
    let dice = SeededEntropy::new(seed(12));
    for file in 0..files(dir.path()).len() {
        for _ in 0..4 {
            let cut = with_damage(dir.path(), file, |bytes| bytes.truncate(dice.below(bytes.len().max(1))));
            agrees(cut.path(), &places);
        }
        let emptied = with_damage(dir.path(), file, Vec::clear);
        agrees(emptied.path(), &places);
        let gone = with_damage(dir.path(), file, |_| ());
        fs::remove_file(&files(gone.path())[file]).unwrap();
        agrees(gone.path(), &places);
    }
}

/// sled's recovery takes a page that it cannot read for one that was never written.
#[test]
fn an_entry_that_went_missing_in_silence_is_missed() {
    let dir = tempfile::tempdir().unwrap();
    let places = asked_store(dir.path(), 600);
    let tree = |store: &Path| {
        let place = files(store)[0].parent().unwrap().to_owned();
        sled::Config::new().path(place).segment_size(64 << 10).open().unwrap()
    };
    let keys: Vec<sled::IVec> = tree(dir.path()).iter().keys().map(Result::unwrap).collect();
    assert!(keys.len() > 10, "{} entries", keys.len());
    for (index, key) in keys.iter().enumerate() {
        let damaged = tempfile::tempdir().unwrap();
        copy(dir.path(), damaged.path());
        let entries = tree(damaged.path());
        let value = entries.remove(key).unwrap().unwrap();
        if index % 2 == 1 {
            // Or an earlier version of it.
            entries.insert(key, &value[..value.len() - 1]).unwrap();
        }
        entries.flush().unwrap();
        drop(entries);
        let lookup = agrees(damaged.path(), &places);
        assert!(matches!(&lookup, Lookup::Remade { why } if why.contains("add up")), "{lookup:?}");
    }
}

/// As after a copy that was made while it was written.
#[test]
fn an_index_put_together_from_two_moments_is_made_anew() {
    let (dir, later) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let places = asked_store(dir.path(), 300);
    copy(dir.path(), later.path());
    let store = open(later.path());
    for n in 0..300 {
        store.produce(|doc| doc["n"] = (n + 5000).into()).unwrap();
    }
    assert_eq!(ask(&store, &places[0], ..).0.len(), 600);
    store.close().unwrap();
    for (older, newer) in files(dir.path()).iter().zip(files(later.path())) {
        let mixed = tempfile::tempdir().unwrap();
        copy(later.path(), mixed.path());
        let name = newer.strip_prefix(later.path()).unwrap();
        drop(fs::copy(older, mixed.path().join(name)));
        agrees(mixed.path(), &places);
    }
}

/// While the store is open: what sled has in its hands goes on, and the next session makes it anew if need be.
#[test]
fn an_index_that_is_removed_while_it_is_used_is_no_error() {
    let dir = tempfile::tempdir().unwrap();
    let places = asked_store(dir.path(), 700);
    let store = open(dir.path());
    let mut answer = touching(&store, &places[0]);
    assert_eq!(answer.next().unwrap().unwrap().version, 700);
    fs::remove_dir_all(index_of(dir.path())).unwrap();
    assert_eq!(answer.map(Result::unwrap).count(), 699);
    for n in 0..300 {
        store.produce(|doc| doc["n"] = (n + 5000).into()).unwrap();
        assert_eq!(ask(&store, &place("/nothing"), ..).0, [] as [u64; 0]);
    }
    assert_eq!(ask(&store, &places[0], ..).0, scan(dir.path(), &places[0], ..));
    store.close().unwrap();
    agrees(dir.path(), &places);
}
