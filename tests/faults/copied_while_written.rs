//! A directory that is copied with ordinary tools while a writer is at work: the copy is of no single moment. It opens as the
//! store was at some version, or is called damaged; then a repair keeps what is good. It never shows a state that was not.

use crate::common::watched::Watched;
use crate::common::{Model, dir, open, options, seed};
use redraft::Error;
use redraft::io::SeededEntropy;
use redraft::io::{Disk, MemoryDisk};
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// How much is copied between two calls of the writer.
const PIECE_BYTES: usize = 300;

/// Copies a directory piece by piece.
struct Copying {
    from: MemoryDisk,
    to: MemoryDisk,
    files: Option<VecDeque<PathBuf>>,
    copied: Vec<u8>,
}

impl Copying {
    /// Copies one piece more; false once all is copied.
    fn step(&mut self) -> bool {
        let from = self.from.clone();
        let files = self.files.get_or_insert_with(|| from.files().into());
        let Some(path) = files.front() else { return false };
        // What is gone when its turn comes is not copied.
        let bytes = self.from.bytes(path).unwrap_or_default();
        let start = self.copied.len().min(bytes.len());
        self.copied.extend_from_slice(&bytes[start..bytes.len().min(start + PIECE_BYTES)]);
        if self.copied.len() >= bytes.len() {
            self.to.put(path, std::mem::take(&mut self.copied));
            files.pop_front();
        }
        true
    }
}

fn copied(seed: u64) -> (MemoryDisk, Model) {
    let (disk, copy, dice) = (MemoryDisk::new(), MemoryDisk::new(), SeededEntropy::new(seed));
    Disk::create_dir(&copy, dir()).unwrap();
    let (mut model, copying) = (Model::new(), Arc::new(Mutex::new(None::<Copying>)));
    let watched = Watched::new(disk.clone(), {
        let copying = Arc::clone(&copying);
        move |_| {
            let _ = copying.lock().unwrap().as_mut().map(Copying::step);
        }
    });
    let store = options(&watched).create(true).open(dir()).unwrap();
    let begin = dice.below(60);
    for n in 0..120 {
        if n == begin {
            let copying_now =
                Copying { from: disk.clone(), to: copy.clone(), files: None, copied: Vec::new() };
            *copying.lock().unwrap() = Some(copying_now);
        }
        if dice.below(30) == 0 {
            store.snapshot().unwrap();
        }
        let version = model.produce(&store, &dice).unwrap();
        model.acked_is(version);
    }
    while copying.lock().unwrap().as_mut().is_some_and(Copying::step) {}
    (copy, model)
}

#[test]
fn a_copy_made_while_it_was_written_shows_a_version_or_is_called_damaged() {
    let (mut opened, mut mended) = (0, 0);
    for run in 0..300 {
        let (copy, model) = copied(seed(run));
        let is_as_it_was = |copy: &MemoryDisk| {
            let store = open(copy).unwrap();
            assert_eq!(*store.state(), model.states[store.version() as usize], "run {run}");
        };
        match open(&copy.process_kill()) {
            Ok(_) => opened += 1,
            Err(Error::Damaged(_)) => {
                match options(&copy).plan_repair(dir()) {
                    Ok(repair) => drop(repair.carry_out().unwrap()),
                    Err(Error::Irreparable { .. }) => continue,
                    Err(error) => panic!("run {run}: {error:?}"),
                }
                mended += 1;
            }
            Err(error) => panic!("run {run}: {error:?}"),
        }
        is_as_it_was(&copy);
    }
    // Which of them are damaged is chance, but not that some are.
    assert!(opened > 50 && mended > 0, "{opened} opened, {mended} mended");
}
