//! Bisection finds what a look at every state would have found, by looking at few; and whatever the predicate does, nothing
//! breaks.

use crate::common::{dir, options, reader};
use proptest::prelude::*;
use redraft::io::MemoryDisk;
use redraft::{Error, ErrorKind, Store, Value};
use std::panic::{AssertUnwindSafe, catch_unwind};

fn counting(disk: &MemoryDisk, head: u64) -> Store<Value> {
    let store: Store<Value> = options(disk).create(true).open(dir()).unwrap();
    for number in 1..=head {
        store.produce(|doc| doc["n"] = number.into()).unwrap();
    }
    store
}

fn n(state: &Value) -> u64 {
    state["n"].as_u64().unwrap_or(0)
}

#[derive(Debug, thiserror::Error)]
#[error("cannot tell")]
struct CannotTell;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_stays_true_is_found_where_it_began(
        head in 0..150_u64, begins in 0..160_u64, first in 0..150_u64, last in 0..160_u64,
    ) {
        let disk = MemoryDisk::new();
        let store = counting(&disk, head);
        let first = first.min(head);
        let all = (first..=last.min(head)).filter(|&version| n(&store.at(version).unwrap()) >= begins);
        let found = store.bisect(first..=last, |state| n(state) >= begins).unwrap();
        prop_assert_eq!(found.first, all.min());
        let most = 2 + u64::BITS - head.leading_zeros();
        prop_assert!(found.looked_at <= most as usize, "{:?} of {}", found, head);
        store.close().unwrap();
        prop_assert_eq!(reader(&disk).unwrap().bisect(first..=last, |state| n(state) >= begins).unwrap(), found);
    }

    /// Nobody can promise which time is found of something that comes and goes; but that it came then.
    #[test]
    fn what_comes_and_goes_is_found_where_it_came(came in prop::collection::vec(any::<bool>(), 2..60)) {
        let disk = MemoryDisk::new();
        let store = counting(&disk, came.len() as u64 - 1);
        let found = store.bisect(.., |state| came[n(state) as usize]).unwrap().first;
        match found {
            None => prop_assert_eq!(came.last(), Some(&false)),
            Some(0) => prop_assert!(came[0]),
            Some(version) => prop_assert!(came[version as usize] && !came[version as usize - 1]),
        }
    }
}

#[test]
fn a_predicate_that_fails_or_panics_leaves_everything_usable() {
    let disk = MemoryDisk::new();
    let store = counting(&disk, 40);
    let failed = store.bisect(.., |state| if n(state) == 20 { Err(CannotTell) } else { Ok(n(state) > 30) });
    let failed = failed.unwrap_err();
    assert_eq!(failed.kind(), ErrorKind::Recipe);
    assert!(failed.recipe::<CannotTell>().is_some());
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        store.bisect(.., |state| if n(state) == 20 { panic!("no idea") } else { n(state) > 30 })
    }));
    assert!(panicked.is_err());
    assert_eq!(store.bisect(.., |state| n(state) > 30).unwrap().first, Some(31));
    store.produce(|doc| doc["n"] = 41.into()).unwrap();
    assert_eq!(n(&store.at(20).unwrap()), 20);
}

#[test]
fn a_range_that_begins_where_nothing_is_is_refused_and_an_empty_one_has_nothing() {
    let disk = MemoryDisk::new();
    let store = counting(&disk, 10);
    let yes = |_: &Value| true;
    assert!(matches!(store.bisect(11.., yes), Err(Error::BeyondHead { version: 11, head: 10 })));
    #[expect(clippy::reversed_empty_ranges, reason = "that is what is asked")]
    let nothing = store.bisect(7..3, yes).unwrap();
    assert_eq!((nothing.first, nothing.looked_at), (None, 0));
    let one = store.bisect(7..=7, yes).unwrap();
    assert_eq!((one.first, one.looked_at), (Some(7), 1));
    let target = std::path::Path::new("/second");
    store.restore(4, target).unwrap();
    let second: Store<Value> = options(&disk).open(target).unwrap();
    assert!(matches!(second.bisect(3.., yes), Err(Error::Compacted { version: 3, oldest: 4 })));
    assert_eq!(second.bisect(.., yes).unwrap().first, Some(4));
}
