//! Listeners hear of every durable change once and in order, whoever makes it and whatever they do about it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};

use redraft::io::{Env, MemoryDisk};
use redraft::{Options, Store, Value};

fn store() -> Arc<Store<Value>> {
    Arc::new(Options::new().env(Env::simulated(MemoryDisk::new(), 1)).open("a").unwrap())
}

#[test]
fn changes_of_many_threads_are_heard_once_each_and_in_order() {
    let store = store();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let ear = Arc::clone(&heard);
    let _listening = store.listen(move |commit| ear.lock().unwrap().push(commit.version()));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..250).for_each(|_| drop(store.produce(count).unwrap())));
        }
    });
    assert_eq!(*heard.lock().unwrap(), (1..=1000).collect::<Vec<u64>>());
}

#[test]
fn what_is_heard_of_is_visible() {
    let store = store();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (ear, here) = (Arc::clone(&seen), Arc::downgrade(&store));
    let _listening = store.listen(move |commit| {
        let version = here.upgrade().map(|store| store.version());
        ear.lock().unwrap().push(version.is_some_and(|version| version >= commit.version()));
    });
    (0..20).for_each(|_| drop(store.produce(count).unwrap()));
    assert_eq!(*seen.lock().unwrap(), [true; 20]);
}

#[test]
fn a_listener_may_change_the_store_and_hears_of_that_after_this() {
    let store = store();
    let own: Arc<OnceLock<Weak<Store<Value>>>> = Arc::default();
    own.set(Arc::downgrade(&store)).unwrap();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let ear = Arc::clone(&heard);
    let _listening = store.listen(move |commit| {
        let store = own.get().and_then(Weak::upgrade).unwrap();
        if commit.version() < 5 {
            store.produce(count).unwrap();
        }
        ear.lock().unwrap().push(commit.version());
    });
    store.produce(count).unwrap();
    assert_eq!(*heard.lock().unwrap(), [1, 2, 3, 4, 5]);
}

#[test]
fn a_listener_that_panics_takes_nothing_from_the_others() {
    let store = store();
    let _first = store.listen(|_| panic!("on purpose"));
    let heard = Arc::new(AtomicU64::new(0));
    let ear = Arc::clone(&heard);
    let _second = store.listen(move |_| {
        ear.fetch_add(1, Ordering::Relaxed);
    });
    (0..3).for_each(|_| drop(store.produce(count).unwrap()));
    assert_eq!((store.version(), heard.load(Ordering::Relaxed)), (3, 3));
}

fn count(doc: &mut Value) {
    let before = doc["n"].as_i64().unwrap_or(0);
    doc["n"] = (before + 1).into();
}
