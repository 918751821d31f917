//! redraft's dynamic side: documents are [`Value`]s, as they would be of JSON from anywhere.

use anyhow::Result;
use redraft::value::{Key, List, Map};
use redraft::{Value, value};

use crate::engine::{Engine, Subject};
use crate::scenario::{ITEMS, LEVELS, Scenario, key_of, label_of, scattered, title_of, touched, votes};

pub(crate) fn engine(scenario: Scenario) -> Result<Box<dyn Engine>> {
    Ok(match scenario {
        Scenario::ListField => Subject::drafting(list(), list_field),
        Scenario::ListHundred => Subject::drafting(list(), list_hundred),
        Scenario::ListApply => Subject::applying(list(), list_field)?,
        Scenario::Push => Subject::drafting(list(), push),
        Scenario::MapField => Subject::drafting(map(&text_keys()), map_field(text_keys())),
        Scenario::MapHundred => Subject::drafting(map(&text_keys()), map_hundred(text_keys())),
        Scenario::MapApply => Subject::applying(map(&text_keys()), map_field(text_keys()))?,
        Scenario::NumberMapField => Subject::drafting(map(&number_keys()), map_field(number_keys())),
        Scenario::Deep => Subject::drafting(level(0), deep),
    })
}

fn item(index: usize) -> Value {
    value!({ "id": index, "title": title_of(index), "done": false, "votes": index % 7 })
}

fn list() -> Value {
    (0..ITEMS).map(item).collect::<List>().into()
}

fn text_keys() -> Vec<Key> {
    (0..ITEMS).map(|index| Key::from(&key_of(index))).collect()
}

fn number_keys() -> Vec<Key> {
    (0..ITEMS).map(|index| Key::from(index as u64)).collect()
}

fn map(keys: &[Key]) -> Value {
    keys.iter().cloned().zip((0..ITEMS).map(item)).collect::<Map>().into()
}

fn level(depth: usize) -> Value {
    let child = if depth < LEVELS { level(depth + 1) } else { Value::Null };
    value!({ "label": label_of(depth), "weight": depth, "votes": 0, "child": child })
}

fn list_field(doc: &mut Value, op: usize) {
    doc[touched(op)]["votes"] = votes(op, 0).into();
}

fn list_hundred(doc: &mut Value, op: usize) {
    for (field, index) in scattered(op) {
        doc[index]["votes"] = votes(op, field).into();
    }
}

fn push(doc: &mut Value, op: usize) {
    if let Some(list) = doc.as_list_mut() {
        list.push(item(ITEMS + op));
    }
}

fn map_field(keys: Vec<Key>) -> impl Fn(&mut Value, usize) {
    move |doc, op| write(doc, &keys[touched(op)], votes(op, 0))
}

fn map_hundred(keys: Vec<Key>) -> impl Fn(&mut Value, usize) {
    move |doc, op| scattered(op).for_each(|(field, index)| write(doc, &keys[index], votes(op, field)))
}

fn write(doc: &mut Value, key: &Key, votes: u64) {
    if let Some(item) = doc.get_mut(key) {
        item["votes"] = votes.into();
    }
}

fn deep(doc: &mut Value, op: usize) {
    let inner = (0..LEVELS).fold(doc, |level, _| &mut level["child"]);
    inner["votes"] = votes(op, 0).into();
}
