//! Recipes whose changes were given back to be run again: that happens once, whenever the program dies and is started again.

use crate::common::{env, seed};
use redraft::io::{Env, MemoryDisk, SeededEntropy};
use redraft::merge::{Policy, Rules, Submission};
use redraft::replica::{Sequencer, Writer};
use redraft::{Error, Options, Receipt, Result, Store, Value, value};
use std::sync::Arc;

/// What a recipe of the tests comes to.
type Told = std::result::Result<(), &'static str>;

fn options(disk: &MemoryDisk, number: u64) -> Options {
    let env = Env { entropy: Arc::new(SeededEntropy::new(seed(number))), ..env(disk) };
    Options::new().env(env).segment_bytes(1 << 14)
}

/// A store in which `x` is for recipes.
fn primary(disk: &MemoryDisk) -> Arc<Store<Value>> {
    let store = options(disk, 1).open::<Value>("/primary").unwrap();
    store.produce(|doc| *doc = value!({ "x": 10, "list": [] })).unwrap();
    store.set_rules(Rules::new().with("/x".parse().unwrap(), Policy::Rebase)).unwrap();
    Arc::new(store)
}

fn writer_through(disk: &MemoryDisk, sequencer: impl Sequencer + 'static) -> Writer<Value> {
    let replica = options(disk, 2).open_replica("/primary", "/w").unwrap();
    let writer = replica.write_through(sequencer).unwrap();
    writer.replica().catch_up().unwrap();
    writer
}

fn double(doc: &mut Value, _: &Value) -> Told {
    doc["x"] = (doc["x"].as_i64().ok_or("no number")? * 2).into();
    Ok(())
}

fn only_large(doc: &mut Value, args: &Value) -> Told {
    if doc["x"].as_i64().ok_or("no number")? < 10 { Err("too small") } else { double(doc, args) }
}

/// Takes the first change that it is given, and goes away.
pub(crate) struct Leaves(pub(crate) Arc<Store<Value>>);

impl Sequencer for Leaves {
    fn submit(&self, submissions: &[Submission]) -> Result<Vec<Receipt>> {
        self.0.merge_all(&submissions[..1])?;
        let source = std::io::ErrorKind::TimedOut.into();
        Err(Error::Unreachable { from: "here".into(), operation: "submit", source })
    }
}

/// A writer whose recipe met something, which the history here says and nobody has looked at; it died then.
fn died(disk: &MemoryDisk, store: &Arc<Store<Value>>, recipe: fn(&mut Value, &Value) -> Told) {
    let first = writer_through(disk, Leaves(Arc::clone(store)));
    first.recipe("recipe", recipe);
    first.run("recipe", ()).unwrap();
    store.produce(|doc| doc["x"] = 7.into()).unwrap();
    assert!(first.push().is_err());
    first.replica().catch_up().unwrap();
}

#[test]
fn also_if_the_program_dies_before_it_has_looked() {
    let disk = MemoryDisk::new();
    let store = primary(&disk);
    died(&disk, &store, double);
    for _ in 0..2 {
        let again = writer_through(&disk, Arc::clone(&store));
        again.recipe("recipe", double);
        again.exchange().unwrap();
        assert_eq!(store.state()["x"].as_i64(), Some(14));
        assert_eq!((again.view().unwrap(), again.pending()), (store.state(), 0));
    }
}

#[test]
fn and_while_something_waits_that_was_made_before_it_was_given_back() {
    let disk = MemoryDisk::new();
    let store = primary(&disk);
    let first = writer_through(&disk, Leaves(Arc::clone(&store)));
    first.recipe("recipe", double);
    first.run("recipe", ()).unwrap();
    first.produce(|doc| doc["list"].as_list_mut().unwrap().push("waits")).unwrap();
    store.produce(|doc| doc["x"] = 7.into()).unwrap();
    assert!(first.push().is_err());
    first.replica().catch_up().unwrap();
    assert_eq!(first.view().unwrap()["x"].as_i64(), Some(14));
    drop(first);
    let second = writer_through(&disk, Arc::clone(&store));
    second.recipe("recipe", double);
    second.exchange().unwrap();
    assert_eq!(*store.state(), value!({ "x": 14, "list": ["waits"] }));
    assert_eq!((second.view().unwrap(), second.pending()), (store.state(), 0));
}

#[test]
fn one_that_is_not_known_waits_until_it_is() {
    let disk = MemoryDisk::new();
    let store = primary(&disk);
    let first = writer_through(&disk, Arc::clone(&store));
    first.recipe("recipe", double);
    first.run("recipe", ()).unwrap();
    drop(first);
    store.produce(|doc| doc["x"] = 7.into()).unwrap();
    let second = writer_through(&disk, Arc::clone(&store));
    second.exchange().unwrap();
    assert_eq!(second.view().unwrap()["x"].as_i64(), Some(7));
    second.recipe("recipe", double);
    second.exchange().unwrap();
    assert_eq!(store.state()["x"].as_i64(), Some(14));
}

#[test]
fn one_that_refused_then_is_not_run_a_third_time_when_it_would_not() {
    let disk = MemoryDisk::new();
    let store = primary(&disk);
    died(&disk, &store, only_large);
    for x in [7, 20] {
        store.produce(|doc| doc["x"] = x.into()).unwrap();
        let again = writer_through(&disk, Arc::clone(&store));
        again.recipe("recipe", only_large);
        again.exchange().unwrap();
        assert_eq!((store.state()["x"].as_i64(), again.pending()), (Some(x), 0));
        again.close().unwrap();
    }
}
