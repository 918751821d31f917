//! Drafts that come too late are told so, and the next one has a chance.
//!
//! A draft begins on the newest state that readers see; it must be the newest one there is to be committed. In between lie
//! the changes that are still on their way to the disk. A program that begins anew whenever it is told `Outdated` used to
//! spin for as long as they were: with an interval of an hour, for an hour.

use crate::common::logs::HOUR;
use crate::common::{dir, options};
use redraft::io::MemoryDisk;
use redraft::{Durability, Error, Store, Value};

fn store(durability: Durability) -> Store<Value> {
    options(&MemoryDisk::new()).create(true).durability(durability).open(dir()).unwrap()
}

fn renamed(store: &Store<Value>) -> redraft::Result<u64> {
    let mut draft = store.draft();
    draft["title"] = "plan".into();
    store.commit(draft).map(|commit| commit.version())
}

#[test]
fn a_draft_that_lost_against_a_change_still_on_its_way_loses_against_it_once_only() {
    for durability in [Durability::Immediate, Durability::Interval(HOUR), Durability::UnsafeNoSync] {
        let store = store(durability);
        let mut late = store.draft();
        late["title"] = "late".into();
        let on_its_way = store.submit(|doc| doc["n"] = 1.into()).unwrap();
        assert!(matches!(store.commit(late), Err(Error::Outdated { base: Some(0), head: 1 })));
        assert_eq!(store.version(), 1, "{durability:?}: what it lost against can be seen");
        assert_eq!(renamed(&store).unwrap(), 2, "{durability:?}");
        drop(on_its_way);
    }
}
