//! Whatever a store and its index go through, what comes out with the index is what a scan says; and whatever the states
//! themselves show to have changed is among it. The life of a place is the same told either way.
//!
//! PROPTEST_CASES asks for more than the everyday run.

use crate::asked::{ask, copy, files, index_of, options, place, scan};
use crate::common::counted;
use crate::common::ops::{Aim, aims, op_at, places_of};
use proptest::prelude::*;
use redraft::patch::Patch;
use redraft::value::Pointer;
use redraft::{Life, Lookup, Store, Touch, Value};
use std::fs;
use std::path::Path;
use std::sync::Arc;

#[derive(Clone, Debug)]
enum Event {
    Change(Vec<Aim>),
    Ask(usize),
    Reopen,
    Delete,
    /// A file of the index, a byte in it, and whether it is cut there or changed.
    Damage(usize, usize, bool),
    /// The index as it was at an earlier moment.
    PutBack,
}

fn event() -> BoxedStrategy<Event> {
    prop_oneof![
        12 => aims().prop_map(Event::Change),
        4 => any::<usize>().prop_map(Event::Ask),
        2 => Just(Event::Reopen),
        1 => Just(Event::Delete),
        2 => (any::<usize>(), any::<usize>(), any::<bool>()).prop_map(|(f, b, cut)| Event::Damage(f, b, cut)),
        1 => Just(Event::PutBack),
    ]
    .boxed()
}

fn at<'v>(doc: &'v Value, place: &Pointer) -> Option<&'v Value> {
    place.resolve(doc).ok().and_then(|path| doc.at_path(&path))
}

/// All that is told of a place's life.
fn told(life: redraft::Result<Life<'_>>) -> Vec<(u64, String, Option<Value>, Option<Value>)> {
    let told = |touch: Touch| (touch.change.version, touch.place.to_string(), touch.old, touch.new);
    life.unwrap().map(|touch| told(touch.unwrap())).collect()
}

struct World<'a> {
    path: &'a Path,
    kept: &'a Path,
    store: Option<Store<Value>>,
    states: Vec<Arc<Value>>,
    /// As pointers: what a question comes as.
    places: Vec<String>,
}

impl World<'_> {
    fn store(&mut self) -> &Store<Value> {
        let path = self.path;
        self.store.get_or_insert_with(|| options().open(path).unwrap())
    }

    fn carry_out(&mut self, event: &Event) -> Result<(), TestCaseError> {
        match event {
            Event::Change(aims) => self.change(aims),
            Event::Ask(pick) => self.ask(*pick)?,
            Event::Reopen => drop(self.store.take()),
            Event::Delete => {
                self.store = None;
                drop(fs::remove_dir_all(index_of(self.path)));
            }
            Event::Damage(file, byte, cut) => self.damage(*file, *byte, *cut),
            Event::PutBack => {
                self.store = None;
                drop(fs::remove_dir_all(index_of(self.path)));
                if self.kept.exists() {
                    copy(self.kept, &index_of(self.path));
                }
            }
        }
        Ok(())
    }

    fn change(&mut self, aims: &[Aim]) {
        for aim in aims {
            let newest = Arc::clone(&self.states[self.states.len() - 1]);
            let patch: Patch = [op_at(&newest, aim)].into_iter().collect();
            if let Ok(commit) = self.store().apply(&patch)
                && commit.version() as usize == self.states.len()
            {
                self.states.push(Arc::clone(commit.state()));
                self.places.extend(places_of(commit.state()).iter().map(ToString::to_string));
                self.places.sort();
                self.places.dedup();
            }
        }
    }

    fn ask(&mut self, pick: usize) -> Result<(), TestCaseError> {
        let place = place(&self.places[pick % self.places.len()]);
        self.holds(&place)?;
        if !self.kept.exists() {
            self.store = None;
            if index_of(self.path).exists() {
                copy(&index_of(self.path), self.kept);
            }
        }
        Ok(())
    }

    fn damage(&mut self, file: usize, byte: usize, cut: bool) {
        self.store = None;
        let files = files(self.path);
        let Some(path) = files.get(file % files.len().max(1)) else { return };
        let mut bytes = fs::read(path).unwrap();
        if !bytes.is_empty() {
            let at = byte % bytes.len();
            if cut {
                bytes.truncate(at);
            } else {
                bytes[at] ^= 1 << (byte % 8);
            }
            fs::write(path, bytes).unwrap();
        }
    }

    fn holds(&mut self, place: &Pointer) -> Result<(), TestCaseError> {
        let (found, lookup) = ask(self.store(), place, ..);
        prop_assert_eq!(&found, &scan(self.path, place, ..), "{} {:?}", place, lookup);
        let by_index = matches!(lookup, Lookup::Index | Lookup::Remade { .. });
        prop_assert!(by_index || place.tokens().is_empty(), "{:?}", lookup);
        let reader = options().open_read_only::<Value>(self.path).unwrap();
        prop_assert_eq!(told(self.store().life(place)), told(reader.life(place)), "{}", place);
        for (version, pair) in (1..).zip(self.states.windows(2)) {
            let differs = at(&pair[0], place) != at(&pair[1], place);
            prop_assert!(!differs || found.contains(&version), "{} changed at {}", place, version);
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 300, ..ProptestConfig::with_cases(60) })]

    #[test]
    fn the_index_says_what_a_scan_says_whatever_happens_to_it(events in prop::collection::vec(event(), 1..60)) {
        let (dir, kept) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut world = World {
            path: dir.path(),
            kept: &kept.path().join("index"),
            store: None,
            states: vec![Arc::default()],
            places: vec![String::new()],
        };
        for event in &events {
            world.carry_out(event)?;
        }
        for pointer in world.places.clone() {
            world.holds(&place(&pointer))?;
        }
        counted(world.places.len() as u64, "paths asked for");
    }
}
