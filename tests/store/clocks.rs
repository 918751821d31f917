//! Whatever the clock says, before 1970, backwards, far in the future: the order is that of the versions, the stamps never
//! run backwards, and nothing is refused or lost.

use crate::common::{check, dir, env};
use proptest::prelude::*;
use redraft::io::{Clock, Env, MemoryDisk};
use redraft::{Change, Options, Store, Value};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

/// A clock that somebody turns. What the system's clock says before 1970 is 0.
#[derive(Debug, Default)]
struct Turned(AtomicU64);

impl Clock for Turned {
    fn now_ms(&self) -> u64 {
        self.0.load(SeqCst)
    }
}

fn open(disk: &MemoryDisk, clock: &Arc<Turned>) -> Store<Value> {
    let env = Env { clock: Arc::<Turned>::clone(clock), ..env(disk) };
    Options::new().env(env).segment_bytes(512).open(dir()).unwrap()
}

fn a_time() -> BoxedStrategy<u64> {
    prop_oneof![
        Just(0),
        0..3_u64,
        Just(1_800_000_000_000),
        Just((1 << 48) - 1),
        Just(1 << 48),
        Just(u64::MAX)
    ]
    .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn order_is_the_version_and_stamps_never_run_backwards(
        sessions in prop::collection::vec(prop::collection::vec(a_time(), 1..6), 1..4)
    ) {
        let (disk, clock) = (MemoryDisk::new(), Arc::new(Turned::default()));
        let mut head = 0;
        for times in sessions {
            let store = open(&disk, &clock);
            for time in times {
                clock.0.store(time, SeqCst);
                head += 1;
                let commit = store.produce(|doc| doc["n"] = head.into()).unwrap();
                prop_assert_eq!(commit.version(), head);
            }
            store.snapshot().unwrap();
            store.close().unwrap();
        }
        let store = open(&disk, &clock);
        let changes: Vec<Change> = store.changes(..).unwrap().collect::<Result<_, _>>().unwrap();
        prop_assert_eq!(changes.len() as u64, head);
        for pair in changes.windows(2) {
            prop_assert!(pair[0].stamp <= pair[1].stamp, "{:?}", pair);
            prop_assert_eq!(pair[0].version + 1, pair[1].version);
        }
        prop_assert_eq!(store.state()["n"].as_u64(), Some(head));
        prop_assert!(check(&disk).unwrap().is_sound());
    }
}
