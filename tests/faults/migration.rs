//! A migration that is interrupted at any call to the disk, by the process's death or a power cut: what is left is the store as
//! it was, or migrated, and whoever opens it next comes to the same.
#![cfg(feature = "derive")]

use crate::common::boards::{First, Third};
use crate::common::{Saying, check, contents, copy, counted, dir, options};
use redraft::io::{Failure, FaultDisk, FaultPlan, MemoryDisk};
use redraft::{ErrorKind, State, Store, Value};

const BEFORE: u64 = 12;

fn written(closed: bool) -> (MemoryDisk, First) {
    let disk = MemoryDisk::new();
    let store: Store<First> = options(&disk).create(true).open(dir()).unwrap();
    for n in 0..BEFORE {
        store.produce(|board| board.cards.push_str(&format!("card {n} {}\n", "x".repeat(50)))).unwrap();
    }
    let state = store.state().as_ref().clone();
    if closed {
        store.close().unwrap();
        return (disk, state);
    }
    (disk.process_kill(), state)
}

/// What an image holds is one of the two, wholly; then a program that gets through makes it the later one.
fn old_or_new(image: &MemoryDisk, before: &First, after: &Third, done: bool) {
    let report = check(image).unwrap();
    assert!(report.is_sound(), "{report:?}");
    let tool = options(&copy(image)).open::<Value>(dir()).unwrap();
    let is_new = tool.version() == BEFORE + 1;
    let expected = match is_new {
        true => (3, after.to_value()),
        false => (1, before.to_value()),
    };
    assert_eq!((tool.schema(), (*tool.state()).clone()), expected);
    assert!(is_new || !done, "it was said to be done");
    let older = options(&copy(image)).open::<First>(dir());
    match older {
        Ok(store) => assert_eq!((is_new, &*store.state()), (false, before)),
        Err(error) => assert_eq!((is_new, error.kind()), (true, ErrorKind::NewerSchema)),
    }
    let store = options(image).open::<Third>(dir()).unwrap();
    assert_eq!((store.version(), &*store.state()), (BEFORE + 1, after));
    assert_eq!(store.opened().migrated_from, (!is_new).then_some(1));
    store.produce(|board| board.moves += 1).unwrap();
    store.close().unwrap();
    assert!(check(image).unwrap().is_sound());
}

#[test]
fn a_migration_that_is_interrupted_anywhere_has_happened_or_not() {
    let (mut images, mut both) = (0, [0, 0]);
    for closed in [true, false] {
        let (disk, before) = written(closed);
        let after = before.second().third();
        for forever in [true, false] {
            for call in 0.. {
                let plan = FaultPlan { call, failure: Failure::Medium, forever };
                let memory = copy(&disk);
                let faulty = FaultDisk::new(memory.clone(), Some(plan));
                let answer = options(&faulty).open::<Third>(dir());
                let (done, met) = (answer.is_ok(), faulty.calls() > call);
                // As a killed process leaves it.
                std::mem::forget(answer);
                let cuts = (0..5).map(|seed| memory.power_cut(seed * 1_000 + call));
                for (number, image) in std::iter::once(memory.process_kill()).chain(cuts).enumerate() {
                    let _saying = Saying(format!("{plan:?}, closed {closed}, image {number}"));
                    old_or_new(&image, &before, &after, done);
                    both[usize::from(done)] += 1;
                    images += 1;
                }
                if !met {
                    break;
                }
            }
        }
    }
    assert!(both[0] > 100 && both[1] > 10, "{both:?}");
    counted(images, "images of an interrupted migration");
}

/// Computed before anything is changed: a failing disk that keeps the state from being read leaves all as it was.
#[test]
fn until_the_migration_is_known_nothing_is_written() {
    let (disk, _) = written(false);
    let memory = copy(&disk);
    let faulty = FaultDisk::new(memory.clone(), None);
    let before = contents(&memory);
    options(&faulty).open::<Panics>(dir()).unwrap_err();
    assert_eq!(contents(&memory), before);
}

#[derive(Clone, Debug, Default, State)]
#[state(schema = 2, migrate = "panics")]
struct Panics {
    n: i64,
}

fn panics(_: u32, _: &mut Value) {
    panic!("on purpose");
}
