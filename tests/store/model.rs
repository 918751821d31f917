//! Ten thousand recipes against a plain model: every state, every version, every inverse, every undo, and all of it
//! again after the store was closed and opened.
//!
//! The model is a tree of std collections that is cloned whole for every version and knows nothing of drafts, patches or
//! logs. PROPTEST_CASES asks for more than the everyday run.

use proptest::prelude::*;
use redraft::io::{Env, MemoryDisk};
use redraft::{Error, Options, Reader, Store, Value, apply};
use std::collections::BTreeMap;
use std::path::Path;

/// A document as anybody would write it down.
#[derive(Clone, Debug, PartialEq)]
enum Plain {
    Number(i64),
    Text(String),
    List(Vec<Plain>),
    Map(BTreeMap<String, Plain>),
}

impl Plain {
    fn value(&self) -> Value {
        match self {
            Plain::Number(number) => Value::Int(*number),
            Plain::Text(text) => Value::from(text.as_str()),
            Plain::List(items) => Value::List(items.iter().map(Plain::value).collect()),
            Plain::Map(entries) => {
                Value::Map(entries.iter().map(|(key, item)| (key.as_str(), item.value())).collect())
            }
        }
    }
}

/// One step of a recipe, at the place that `path` leads to as far as it can be followed.
#[derive(Clone, Debug)]
struct Step {
    path: Vec<usize>,
    edit: Edit,
}

#[derive(Clone, Debug)]
enum Edit {
    Set(String, Plain),
    Unset(String),
    Insert(usize, Plain),
    Remove(usize),
    Become(Plain),
    Write(usize, String),
    Count(i64),
}

fn plain() -> BoxedStrategy<Plain> {
    let leaf = prop_oneof![
        (0..4i64).prop_map(Plain::Number),
        "[ab]{0,3}".prop_map(Plain::Text),
        ("[ab\n]{1,4}", 10..30usize).prop_map(|(text, times)| Plain::Text(text.repeat(times))),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Plain::List),
            proptest::collection::btree_map("[abc]", inner, 0..3).prop_map(Plain::Map),
        ]
    })
    .boxed()
}

fn step() -> BoxedStrategy<Step> {
    let edit = prop_oneof![
        4 => ("[abc]", plain()).prop_map(|(key, item)| Edit::Set(key, item)),
        1 => "[abc]".prop_map(Edit::Unset),
        4 => (0..6usize, plain()).prop_map(|(at, item)| Edit::Insert(at, item)),
        2 => (0..6usize).prop_map(Edit::Remove),
        1 => plain().prop_map(Edit::Become),
        3 => (0..40usize, "[ab]{0,2}").prop_map(|(at, text)| Edit::Write(at, text)),
        2 => (-2..3i64).prop_map(Edit::Count),
    ];
    (proptest::collection::vec(0..3usize, 0..3), edit).prop_map(|(path, edit)| Step { path, edit }).boxed()
}

/// The same step on the model and on a draft; steps that do not fit do nothing, in both.
fn on_model(doc: &mut Plain, step: &Step) {
    let mut here = doc;
    for &turn in &step.path {
        let fits = match &*here {
            Plain::List(items) => !items.is_empty(),
            Plain::Map(entries) => !entries.is_empty(),
            _ => false,
        };
        if !fits {
            break;
        }
        here = match here {
            Plain::List(items) => {
                let at = turn % items.len();
                &mut items[at]
            }
            Plain::Map(entries) => {
                let at = turn % entries.len();
                entries.values_mut().nth(at).unwrap()
            }
            _ => unreachable!("only containers have an inside"),
        };
    }
    match (here, &step.edit) {
        (Plain::Map(entries), Edit::Set(key, item)) => drop(entries.insert(key.clone(), item.clone())),
        (Plain::Map(entries), Edit::Unset(key)) => drop(entries.remove(key)),
        (Plain::List(items), Edit::Insert(at, item)) => items.insert((*at).min(items.len()), item.clone()),
        (Plain::List(items), Edit::Remove(at)) if *at < items.len() => drop(items.remove(*at)),
        (Plain::Text(text), Edit::Write(at, with)) => {
            let at = (*at).min(text.len());
            text.insert_str(at, with);
        }
        (Plain::Number(number), Edit::Count(by)) => *number += by,
        (here, Edit::Become(item)) => *here = item.clone(),
        _ => {}
    }
}

fn on_draft(doc: &mut Value, step: &Step) {
    let mut here = doc;
    for &turn in &step.path {
        let inside = match &*here {
            Value::List(list) => list.len(),
            Value::Map(map) => map.len(),
            _ => 0,
        };
        if inside == 0 {
            break;
        }
        here = match here {
            Value::List(list) => list.get_mut(turn % inside).unwrap(),
            Value::Map(map) => {
                let key = map.keys().nth(turn % inside).unwrap().clone();
                map.get_mut(&key).unwrap()
            }
            _ => unreachable!("only containers have an inside"),
        };
    }
    match (here, &step.edit) {
        (Value::Map(map), Edit::Set(key, item)) => drop(map.insert(key.as_str(), item.value())),
        (Value::Map(map), Edit::Unset(key)) => drop(map.remove(key.as_str())),
        (Value::List(list), Edit::Insert(at, item)) => list.insert((*at).min(list.len()), item.value()),
        (Value::List(list), Edit::Remove(at)) if *at < list.len() => drop(list.remove(*at)),
        (Value::Str(text), Edit::Write(at, with)) => {
            let at = (*at).min(text.len());
            *text = [&text[..at], with.as_str(), &text[at..]].concat().into();
        }
        (Value::Int(number), Edit::Count(by)) => *number += by,
        (here, Edit::Become(item)) => *here = item.value(),
        _ => {}
    }
}

fn options(disk: &MemoryDisk) -> Options {
    Options::new().env(Env::simulated(disk.clone(), 5)).segment_bytes(4096)
}

fn dir() -> &'static Path {
    Path::new("/model")
}

/// Everything the model knows, asked of a store.
fn agrees(store: &Store<Value>, states: &[Plain]) -> Result<(), TestCaseError> {
    prop_assert_eq!(store.version() as usize + 1, states.len());
    prop_assert_eq!(&*store.state(), &states[states.len() - 1].value());
    // From the middle outwards, so that the states kept at hand help in no particular order.
    for step in 0..states.len() {
        let version = (states.len() / 2 + step) % states.len();
        prop_assert_eq!(&*store.at(version as u64)?, &states[version].value(), "at({})", version);
    }
    Ok(())
}

fn play(recipes: &[Vec<Step>]) -> Result<(), TestCaseError> {
    let disk = MemoryDisk::new();
    let mut store = options(&disk).open::<Value>(dir())?;
    let mut states = vec![Plain::Map(BTreeMap::new())];
    for (index, recipe) in recipes.iter().enumerate() {
        let mut next = states[states.len() - 1].clone();
        recipe.iter().for_each(|step| on_model(&mut next, step));
        let before = store.state();
        let commit = store.produce(|doc| recipe.iter().for_each(|step| on_draft(doc, step)))?;
        prop_assert_eq!(&**commit.state(), &next.value());
        prop_assert_eq!(
            &apply(&**commit.state(), commit.inverse())?.state,
            &*before,
            "the inverse leads back"
        );
        prop_assert_eq!(&apply(&*before, commit.patch())?.state, &**commit.state());
        if next == states[states.len() - 1] {
            prop_assert!(commit.patch().is_empty(), "nothing changed, nothing is recorded");
        } else {
            states.push(next);
        }
        prop_assert_eq!(commit.version() as usize + 1, states.len());
        undo_and_redo(&store, &mut states, index)?;
        if index % 17 == 0 {
            store.snapshot()?;
        }
        if index % 23 == 0 {
            drop(store);
            store = options(&disk).open(dir())?;
        }
    }
    agrees(&store, &states)?;
    drop(store);
    agrees(&options(&disk).create(false).open(dir())?, &states)?;
    let reader = options(&disk).open_read_only::<Value>(dir())?;
    prop_assert_eq!(&*reader.state(), &states[states.len() - 1].value());
    prop_assert_eq!(reader.changes(..)?.count() + 1, states.len());
    let report = Options::new().env(Env::simulated(disk, 5)).verify(dir())?;
    prop_assert!(report.is_sound(), "{:?}", report.damage);
    prop_assert_eq!(report.intact as usize + 1, states.len());
    read_only_agrees(&reader, &states)
}

fn read_only_agrees(reader: &Reader<Value>, states: &[Plain]) -> Result<(), TestCaseError> {
    for (version, state) in states.iter().enumerate().rev() {
        prop_assert_eq!(&*reader.at(version as u64)?, &state.value());
    }
    Ok(())
}

/// Now and then takes a change back. The newest always can be; an older one can be or is refused, and what it then does
/// is checked against the model only where nothing came after it.
fn undo_and_redo(store: &Store<Value>, states: &mut Vec<Plain>, index: usize) -> Result<(), TestCaseError> {
    let head = store.version();
    if !index.is_multiple_of(5) || head == 0 {
        return Ok(());
    }
    let undone = store.undo(head)?;
    let before = states[states.len() - 2].clone();
    prop_assert_eq!(&**undone.state(), &before.value());
    states.push(before);
    let redone = store.redo(head)?;
    let again = states[states.len() - 2].clone();
    prop_assert_eq!(&**redone.state(), &again.value());
    states.push(again);
    let older = head / 2 + 1;
    let (version, state) = store.newest();
    match store.undo(older) {
        Ok(commit) => {
            prop_assert_eq!(commit.version(), version + 1);
            store.redo(older)?;
            prop_assert_eq!(store.state(), state);
            let (now, old) = (states[states.len() - 1].clone(), plain_of(commit.state()));
            states.extend([old, now]);
        }
        Err(Error::UndoConflict { .. } | Error::UndoState { .. }) => {
            prop_assert_eq!(store.newest(), (version, state));
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

fn plain_of(value: &Value) -> Plain {
    match value {
        Value::Int(number) => Plain::Number(*number),
        Value::Str(text) => Plain::Text(text.to_string()),
        Value::List(list) => Plain::List(list.iter().map(plain_of).collect()),
        Value::Map(map) => {
            Plain::Map(map.iter().map(|(key, item)| (key.to_string(), plain_of(item))).collect())
        }
        other => unreachable!("the model has no {}", other.kind()),
    }
}

/// How many histories are played; `PROPTEST_CASES` asks for more.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(100)
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 2000, ..ProptestConfig::with_cases(cases()) })]

    /// Histories of 100 recipes each.
    #[test]
    fn a_store_agrees_with_a_plain_model_in_everything(
        recipes in proptest::collection::vec(proptest::collection::vec(step(), 1..4), 100)
    ) {
        play(&recipes)?;
    }
}
