//! redraft's typed side: the same documents as Rust types with `#[derive(State)]`. Strings that are not edited are
//! `Str`, so that copying a node of the tree allocates nothing.

use std::sync::Arc;

use anyhow::Result;
use redraft::State;
use redraft::collections::{List, Map};
use redraft::state::MapKey;
use redraft::value::Str;

use crate::engine::{Engine, Subject};
use crate::scenario::{ITEMS, LEVELS, Scenario, key_of, label_of, scattered, title_of, touched, votes};

#[derive(Clone, State)]
struct Item {
    id: u64,
    title: Str,
    done: bool,
    votes: u64,
}

#[derive(Clone, State)]
struct Level {
    label: Str,
    weight: u64,
    votes: u64,
    child: Option<Arc<Level>>,
}

pub(crate) fn engine(scenario: Scenario) -> Result<Box<dyn Engine>> {
    Ok(match scenario {
        Scenario::ListField => Subject::drafting(list(), list_field),
        Scenario::ListHundred => Subject::drafting(list(), list_hundred),
        Scenario::ListApply => Subject::applying(list(), list_field)?,
        Scenario::Push => Subject::drafting(list(), |doc, op| doc.push(item(ITEMS + op))),
        Scenario::MapField => Subject::drafting(map(&text_keys()), map_field(text_keys())),
        Scenario::MapHundred => Subject::drafting(map(&text_keys()), map_hundred(text_keys())),
        Scenario::MapApply => Subject::applying(map(&text_keys()), map_field(text_keys()))?,
        Scenario::NumberMapField => Subject::drafting(map(&number_keys()), map_field(number_keys())),
        Scenario::Deep => Subject::drafting(level(0), deep),
    })
}

fn item(index: usize) -> Item {
    Item { id: index as u64, title: title_of(index).into(), done: false, votes: index as u64 % 7 }
}

fn list() -> List<Item> {
    (0..ITEMS).map(item).collect()
}

fn text_keys() -> Vec<Str> {
    (0..ITEMS).map(|index| key_of(index).into()).collect()
}

fn number_keys() -> Vec<u64> {
    (0..ITEMS as u64).collect()
}

fn map<K: MapKey + Ord>(keys: &[K]) -> Map<K, Item> {
    keys.iter().cloned().zip((0..ITEMS).map(item)).collect()
}

fn level(depth: usize) -> Level {
    let child = (depth < LEVELS).then(|| Arc::new(level(depth + 1)));
    Level { label: label_of(depth).into(), weight: depth as u64, votes: 0, child }
}

fn list_field(doc: &mut List<Item>, op: usize) {
    doc[touched(op)].votes = votes(op, 0);
}

fn list_hundred(doc: &mut List<Item>, op: usize) {
    for (field, index) in scattered(op) {
        doc[index].votes = votes(op, field);
    }
}

fn map_field<K: MapKey + Ord>(keys: Vec<K>) -> impl Fn(&mut Map<K, Item>, usize) {
    move |doc, op| write(doc, &keys[touched(op)], votes(op, 0))
}

fn map_hundred<K: MapKey + Ord>(keys: Vec<K>) -> impl Fn(&mut Map<K, Item>, usize) {
    move |doc, op| scattered(op).for_each(|(field, index)| write(doc, &keys[index], votes(op, field)))
}

fn write<K: Ord + Clone>(doc: &mut Map<K, Item>, key: &K, votes: u64) {
    if let Some(item) = doc.get_mut(key) {
        item.votes = votes;
    }
}

fn deep(doc: &mut Level, op: usize) {
    let mut inner = doc;
    for _ in 0..LEVELS {
        let Some(child) = &mut inner.child else { return };
        inner = Arc::make_mut(child);
    }
    inner.votes = votes(op, 0);
}
