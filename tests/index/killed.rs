//! Killed in the middle of catching up: what is left of the index is gone on with or made anew, and the answer is the same.
//!
//! `REDRAFT_KILLS` says how often.

use crate::asked::{agrees_with, place, touching};
use crate::common::{counted, seed, setting};
use redraft::io::SeededEntropy;
use redraft::{Durability, Lookup, Options, Store, Value};
use std::process::{Command, Stdio};
use std::time::Duration;

const STORE: &str = "REDRAFT_INDEX_OF";

/// Not a test: what the process that is killed does.
#[test]
#[ignore = "run by the test below, in a process of its own"]
fn ask_until_killed() {
    let Some(path) = std::env::var_os(STORE) else { return };
    loop {
        let store: Store<Value> = Options::new().open(&path).unwrap();
        drop(touching(&store, &place("/n")).next());
        for n in 0..300 {
            store.submit(|doc| doc["n"] = n.into()).unwrap().wait().unwrap();
            drop(touching(&store, &place("/n")).next());
        }
    }
}

#[test]
fn whenever_it_is_killed_the_answer_stays_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let store: Store<Value> = Options::new().durability(Durability::UnsafeNoSync).open(dir.path()).unwrap();
    for n in 0..8_000 {
        store.produce(|doc| doc[format!("{}", n % 50).as_str()] = n.into()).unwrap();
    }
    store.close().unwrap();
    let places = ["/n", "/7"].map(place);
    let (dice, kills) = (SeededEntropy::new(seed(13)), setting("REDRAFT_KILLS", 9));
    let mut gone_on_with = 0;
    for kill in 0..kills {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["killed::ask_until_killed", "--exact", "--ignored"])
            .env(STORE, dir.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_micros(dice.below(400_000) as u64));
        child.kill().unwrap();
        child.wait().unwrap();
        gone_on_with += u64::from(agrees_with(&Options::new(), dir.path(), &places) == Lookup::Index);
        if kill % 3 == 0 {
            std::fs::remove_dir_all(dir.path().join("index")).unwrap();
        }
    }
    counted(kills, "kills while an index was catching up");
    assert!(gone_on_with > 0, "each time it was made anew: that it is gone on with is not tested");
}
