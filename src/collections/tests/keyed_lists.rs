//! Random operations on keyed lists, against a vector of pairs; and what the small types promise.

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::{Counter, KeyedList, Shared};
use super::times;

#[derive(Clone, Debug)]
enum Step {
    Push(u8, u8),
    InsertAt(usize, u8, u8),
    Remove(u8),
    Pop,
    MoveTo(u8, usize),
    MoveBefore(u8, u8),
    Set(u8, u8),
    Sort(u8),
    Retain(u8),
    Keep,
}

fn step() -> BoxedStrategy<Step> {
    let key = || 0_u8..60;
    prop_oneof![
        4 => (key(), any::<u8>()).prop_map(|(key, item)| Step::Push(key, item)),
        4 => (0_usize..60, key(), any::<u8>()).prop_map(|(at, key, item)| Step::InsertAt(at, key, item)),
        3 => key().prop_map(Step::Remove),
        1 => Just(Step::Pop),
        3 => (key(), 0_usize..60).prop_map(|(key, at)| Step::MoveTo(key, at)),
        3 => (key(), key()).prop_map(|(key, before)| Step::MoveBefore(key, before)),
        2 => (key(), any::<u8>()).prop_map(|(key, item)| Step::Set(key, item)),
        1 => (2_u8..20).prop_map(Step::Sort),
        1 => (2_u8..20).prop_map(Step::Retain),
        2 => Just(Step::Keep),
    ]
    .boxed()
}

type Model = Vec<(u8, u8)>;

fn place(model: &Model, key: u8) -> Option<usize> {
    model.iter().position(|(other, _)| *other == key)
}

fn run(list: &mut KeyedList<u8, u8>, model: &mut Model, step: &Step) {
    match *step {
        Step::Push(key, item) => match place(model, key) {
            Some(at) => {
                assert_eq!(list.push(key, item), Some(model[at].1));
                model[at].1 = item;
            }
            None => {
                assert_eq!(list.push(key, item), None);
                model.push((key, item));
            }
        },
        Step::InsertAt(at, key, item) => {
            let old = place(model, key).map(|found| model.remove(found).1);
            let at = at.min(model.len());
            model.insert(at, (key, item));
            assert_eq!(list.insert_at(at, key, item), old);
        }
        Step::Remove(key) => assert_eq!(list.remove(&key), place(model, key).map(|at| model.remove(at).1)),
        Step::Pop => assert_eq!(list.pop(), model.pop()),
        Step::MoveTo(key, at) => {
            let at = at.min(model.len().saturating_sub(1));
            let found = place(model, key);
            assert_eq!(list.move_to(&key, at), found.is_some());
            if let Some(found) = found {
                let pair = model.remove(found);
                model.insert(at, pair);
            }
        }
        Step::MoveBefore(key, before) => {
            let both = place(model, key).is_some() && place(model, before).is_some();
            assert_eq!(list.move_before(&key, &before), both);
            if both && key != before {
                let pair = model.remove(place(model, key).unwrap());
                model.insert(place(model, before).unwrap(), pair);
            }
        }
        Step::Set(key, item) => {
            if let Some(at) = place(model, key) {
                list[&key] = item;
                model[at].1 = item;
            }
        }
        Step::Sort(divisor) => {
            list.sort_by(|(_, a), (_, b)| (a % divisor).cmp(&(b % divisor)));
            model.sort_by_key(|(_, item)| item % divisor);
        }
        Step::Retain(divisor) => {
            list.retain(|key, item| key.wrapping_add(*item) % divisor != 0);
            model.retain(|(key, item)| key.wrapping_add(*item) % divisor != 0);
        }
        Step::Keep => {}
    }
}

fn check(list: &KeyedList<u8, u8>, model: &Model) {
    let parts = KeyedList::of_parts(list.items().clone(), list.order().clone());
    assert!(parts.is_some_and(|parts| parts == *list), "the order names each key once");
    let pairs = || model.iter().map(|(key, item)| (key, item));
    assert!(list.iter().eq(pairs()) && list.iter().rev().eq(pairs().rev()));
    assert!(list.keys().eq(pairs().map(|pair| pair.0)) && list.values().eq(pairs().map(|pair| pair.1)));
    assert_eq!((list.len(), list.first(), list.last()), (model.len(), pairs().next(), pairs().next_back()));
    for (at, (key, item)) in pairs().enumerate() {
        assert_eq!(
            (list.position(key), list.get(key), list.at(at)),
            (Some(at), Some(item), Some((key, item)))
        );
    }
    assert_eq!(list.at(model.len()), None);
}

proptest! {
    #![proptest_config(times(500))]

    #[test]
    fn keyed_lists_are_pairs_in_order(start in vec(0_u8..60, 0..60), steps in vec(step(), 0..60)) {
        let (mut list, mut model) = (KeyedList::new(), Model::new());
        start.iter().for_each(|key| run(&mut list, &mut model, &Step::Push(*key, *key)));
        let mut kept = vec![(list.clone(), model.clone())];
        for step in &steps {
            run(&mut list, &mut model, step);
            if matches!(step, Step::Keep) {
                kept.push((list.clone(), model.clone()));
            }
        }
        check(&list, &model);
        for (other, other_model) in &kept {
            check(other, other_model);
            prop_assert!(list.agrees_since(other) && other.agrees_since(&list));
            prop_assert_eq!(list == *other, model == *other_model);
        }
        let text = serde_json::to_string(&list).unwrap();
        prop_assert_eq!(&text, &serde_json::to_string(&model).unwrap());
        prop_assert!(serde_json::from_str::<KeyedList<u8, u8>>(&text).unwrap() == list);
    }

    #[test]
    fn parts_that_came_to_disagree_are_noticed(keys in vec(0_u8..60, 1..60), gone in 0_usize..60, by in 0_u8..4) {
        let old: KeyedList<u8, u8> = keys.iter().map(|key| (*key, 0)).collect();
        let mut new = old.clone();
        let gone = gone % old.len();
        let key = *old.at(gone).unwrap().0;
        match by {
            0 => drop(new.order_mut().remove(gone)),
            1 => drop(new.items_mut().remove(&key)),
            2 => new.order_mut().push(super::super::Id(key)),
            _ => _ = new.items_mut().insert(100, 0),
        }
        prop_assert!(!new.agrees_since(&old));
        prop_assert!(KeyedList::of_parts(new.items().clone(), new.order().clone()).is_none());
    }
}

#[test]
fn what_moves_nothing_copies_nothing() {
    let list: KeyedList<u16, u16> = (0..1000).map(|key| (key, key)).collect();
    let mut copy = list.clone();
    assert!(copy.move_to(&7, 7) && copy.move_before(&7, &8) && !copy.move_to(&2000, 0));
    copy.retain(|_, _| true);
    copy.sort_by(|a, b| a.cmp(&b));
    assert!(copy.remove(&2000).is_none() && copy.ptr_eq(&list));
}

#[test]
fn sharing_ends_with_the_first_write() {
    let old = Shared::new(vec![1]);
    let mut new = old.clone();
    assert_eq!(new.len(), 1);
    assert!(Shared::ptr_eq(&old, &new) && old == new);
    new.push(2);
    assert_eq!((&**old, &**new), (&[1][..], &[1, 2][..]));
    let address = new.as_ptr();
    let inner = Shared::into_inner(new);
    assert_eq!(inner.as_ptr(), address, "the only holder's value is moved");
    assert_eq!(serde_json::to_string(&old).unwrap(), "[1]");
}

#[test]
fn counters_count() {
    let mut counter = Counter::new();
    counter += 5;
    counter -= 7;
    assert_eq!((counter, counter.to_string(), i64::from(counter)), (Counter::from(-2), "-2".to_owned(), -2));
    assert_eq!((counter.checked_add(2), counter.checked_sub(i64::MAX)), (Some(Counter::new()), None));
    assert_eq!(serde_json::to_string(&counter).unwrap(), "-2");
}

#[test]
#[should_panic(expected = "counter at -9223372036854775808 minus 1 overflows")]
fn a_counter_does_not_wrap() {
    let mut counter = Counter::from(i64::MIN);
    counter -= 1;
}

#[test]
#[should_panic(expected = "insert at 2 in a keyed list of 1")]
fn inserting_outside_of_a_keyed_list_panics() {
    KeyedList::from([(1, 1)]).insert_at(2, 3, 3);
}
