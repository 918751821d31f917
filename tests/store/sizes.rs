//! What a change costs on disk, in bytes: counted, so that a change of the format that costs room is noticed.

use redraft::io::{Env, MemoryDisk};
use redraft::value::{List, Map};
use redraft::{Options, Store, Value, draft, value};

const LEN: usize = 10_000;

fn card(number: usize) -> Value {
    value!({ "id": (number as u64), "title": (format!("card {number}")), "votes": 0 })
}

fn list() -> Value {
    value!({ "cards": (Value::from((0..LEN).map(card).collect::<List>())) })
}

fn map() -> Value {
    let cards: Map = (0..LEN).map(|number| (number as u64, card(number))).collect();
    value!({ "cards": (Value::from(cards)) })
}

/// Bytes of the records of a store, frames included, before and after one more change.
fn on_disk(base: &Value, recipe: impl FnOnce(&mut Value)) -> u64 {
    let options = Options::new().env(Env::simulated(MemoryDisk::new(), 1));
    let store: Store<Value> = options.open("a").unwrap();
    store.produce(|doc| *doc = base.clone()).unwrap();
    let before = options.verify("a").unwrap().record_bytes;
    store.produce(recipe).unwrap();
    options.verify("a").unwrap().record_bytes - before
}

fn encoded(base: &Value, recipe: impl FnOnce(&mut Value)) -> usize {
    draft(base, recipe).unwrap().patch.to_bytes().len()
}

#[test]
fn a_change_of_one_field_takes_32_bytes_and_64_as_a_record() {
    for base in [list(), map()] {
        let vote = |doc: &mut Value| match &mut doc["cards"] {
            Value::Map(cards) => cards.get_mut(LEN as u64 - 1).unwrap()["votes"] = 1.into(),
            cards => cards[LEN - 1]["votes"] = 1.into(),
        };
        assert!(encoded(&base, vote) <= 32, "{} bytes", encoded(&base, vote));
        assert!(on_disk(&base, vote) <= 64, "{} bytes", on_disk(&base, vote));
    }
}

#[test]
fn a_thousand_scattered_changes_take_15_bytes_each() {
    for base in [list(), map()] {
        let vote = |doc: &mut Value| {
            for number in (0..LEN).step_by(10) {
                match &mut doc["cards"] {
                    Value::Map(cards) => cards.get_mut(number as u64).unwrap()["votes"] = 1.into(),
                    cards => cards[number]["votes"] = 1.into(),
                }
            }
        };
        let drafted = draft(&base, vote).unwrap();
        assert_eq!(drafted.patch.len(), 1000);
        assert!(on_disk(&base, vote) <= 15 * 1000, "{} bytes", on_disk(&base, vote));
    }
}

#[test]
fn an_insertion_at_the_front_of_ten_thousand_takes_64_bytes() {
    let numbers = value!({ "numbers": (Value::from((0..LEN).collect::<List>())) });
    let unshift = |doc: &mut Value| doc["numbers"].as_list_mut().unwrap().insert(0, "new");
    assert_eq!(draft(&numbers, unshift).unwrap().patch.len(), 1);
    assert!(on_disk(&numbers, unshift) <= 64, "{} bytes", on_disk(&numbers, unshift));
    let cards = |doc: &mut Value| doc["cards"].as_list_mut().unwrap().insert(0, card(LEN));
    assert!(on_disk(&list(), cards) <= 64 + 32, "{} bytes", on_disk(&list(), cards));
}
