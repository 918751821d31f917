//! Changes that are submitted and not waited for: durable when the ticket says so, in order, and anyway in the end.

use std::sync::mpsc;
use std::sync::{Arc, Mutex};

use crate::common::waiting::block_on;
use crate::common::{dir, open, options};
use redraft::io::{FaultDisk, MemoryDisk};
use redraft::{Error, Store, Ticket, Value};

fn fresh() -> (FaultDisk, Store<Value>) {
    let disk = FaultDisk::new(MemoryDisk::new(), None);
    let store = options(&disk).create(true).open(dir()).unwrap();
    (disk, store)
}

fn submit(store: &Store<Value>, number: u64) -> Ticket<'_, Value> {
    store.submit(|doc| doc["n"] = number.into()).unwrap()
}

#[test]
fn what_a_ticket_was_waited_for_survives_a_power_cut_with_all_before_it() {
    for seed in 0..50 {
        let (disk, store) = fresh();
        let mut tickets: Vec<_> = (1..=20).map(|number| submit(&store, number)).collect();
        let commit = tickets.remove(11).wait().unwrap();
        let after = disk.memory().power_cut(seed);
        assert_eq!((commit.version(), commit.state()["n"].as_i64()), (12, Some(12)));
        assert!(store.version() >= 12);
        let reopened = open(&after).unwrap();
        assert!(reopened.version() >= 12, "{}", reopened.version());
        assert_eq!(reopened.state()["n"].as_i64(), Some(reopened.version() as i64));
    }
}

#[test]
fn a_ticket_that_nobody_waits_for_becomes_durable_and_visible_by_itself() {
    let (disk, store) = fresh();
    let (sender, heard) = mpsc::channel();
    let _listening = store.listen(move |commit| sender.send(commit.version()).unwrap_or_default());
    drop(submit(&store, 1));
    assert_eq!(heard.recv().unwrap(), 1);
    assert_eq!(store.version(), 1);
    assert_eq!(open(&disk.memory().power_cut(1)).unwrap().version(), 1);
}

#[test]
fn the_next_recipe_starts_from_a_change_that_is_still_on_its_way() {
    let (_disk, store) = fresh();
    let count = |doc: &mut Value| doc["n"] = (doc["n"].as_i64().unwrap_or(0) + 1).into();
    let tickets: Vec<_> = (0..1000).map(|_| store.submit(count).unwrap()).collect();
    let versions: Vec<u64> = tickets.iter().map(|ticket| ticket.commit().version()).collect();
    assert_eq!(versions, (1..=1000).collect::<Vec<u64>>());
    assert_eq!(store.produce(count).unwrap().state()["n"].as_i64(), Some(1001));
    assert!(tickets.iter().all(Ticket::is_durable));
}

#[test]
fn many_changes_in_flight_share_their_syncs() {
    let (disk, store) = fresh();
    let before = disk.calls();
    let tickets: Vec<_> = (1..=1000).map(|number| submit(&store, number)).collect();
    tickets.into_iter().for_each(|ticket| drop(ticket.wait().unwrap()));
    let calls = disk.calls() - before;
    assert!(calls < 3 * 1000, "{calls} calls: a write, a sync and a mark for every change");
}

#[test]
fn tickets_can_be_awaited_without_a_runtime() {
    let (_disk, store) = fresh();
    let versions = block_on(async {
        let (first, second) = (submit(&store, 1), submit(&store, 2));
        (second.await.unwrap().version(), first.await.unwrap().version())
    });
    assert_eq!(versions, (2, 1));
    let same = block_on(store.submit(|_| ()).unwrap()).unwrap();
    assert_eq!((same.version(), same.patch().is_empty()), (2, true));
}

#[test]
fn when_the_disk_fails_every_ticket_says_so_waited_for_or_awaited() {
    let (disk, store) = fresh();
    submit(&store, 1).wait().unwrap();
    disk.fail_syncs(true);
    let made: Vec<_> = (2..6).map_while(|n| store.submit(|doc| doc["n"] = n.into()).ok()).collect();
    assert!(!made.is_empty());
    for (index, ticket) in made.into_iter().enumerate() {
        let version = ticket.commit().version();
        let answer = if index % 2 == 0 { block_on(ticket) } else { ticket.wait() };
        let Err(Error::Poisoned { pending, .. }) = answer else { panic!("{answer:?}") };
        assert_eq!(pending, Some(version), "it may be there or not");
    }
    let refused = store.submit(|doc| doc["n"] = 9.into());
    assert!(matches!(refused, Err(Error::Poisoned { pending: None, .. })), "it is surely not: {refused:?}");
    assert_eq!((store.version(), store.state()["n"].as_i64()), (1, Some(1)));
}

#[test]
fn closing_makes_durable_what_was_submitted() {
    let (disk, store) = fresh();
    (1..=100).for_each(|number| drop(submit(&store, number)));
    store.close().unwrap();
    assert_eq!(open(&disk.memory().power_cut(3)).unwrap().version(), 100);
}

#[test]
fn a_store_may_be_dropped_by_its_own_listener() {
    let (disk, store) = fresh();
    let held = Arc::new(Mutex::new(None));
    let (theirs, (sender, heard)) = (Arc::clone(&held), mpsc::channel());
    let _listening = store.listen(move |commit| {
        drop(theirs.lock().unwrap().take());
        sender.send(commit.version()).unwrap_or_default();
    });
    let store = Arc::new(store);
    *held.lock().unwrap() = Some(Arc::clone(&store));
    drop(submit(&store, 1));
    drop(store);
    assert_eq!(heard.recv().unwrap(), 1);
    assert_eq!(open(&disk.memory().power_cut(1)).unwrap().version(), 1);
}

#[test]
fn changes_beyond_what_may_be_queued_wait_for_the_disk() {
    let (_disk, store) = fresh();
    let text = "x".repeat(1 << 20);
    let one = |n: i32| store.submit(|doc| doc[format!("text {n}").as_str()] = text.clone().into()).unwrap();
    let tickets: Vec<_> = (0..40).map(one).collect();
    let durable = tickets.iter().filter(|ticket| ticket.is_durable()).count();
    // Two in the queue, two that are being written, and the one that found room.
    assert!(durable >= 35, "{durable} of 40 MiB are durable, though no more than 5 may be queued");
}
