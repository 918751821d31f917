//! Random operations on maps, and their differences, against `BTreeMap`.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::map::First;
use super::super::node::Mark;
use super::super::{Entry, Map, MapChange};
use super::shape::{check, check_marks};
use super::times;

#[derive(Clone, Debug)]
enum Step {
    Insert(u16, u8),
    Remove(u16),
    Modify(u16, u8),
    Fill(u16, u8),
    Retain(u8),
    RemoveRange(u16, u16),
    Extend(Vec<(u16, u8)>),
    Place(u16, Option<u8>),
    Pop(bool),
    SplitOff(u16),
    Flip,
    Keep,
}

fn step(keys: u16) -> BoxedStrategy<Step> {
    let key = move || 0..keys;
    prop_oneof![
        8 => (key(), any::<u8>()).prop_map(|(key, value)| Step::Insert(key, value)),
        8 => key().prop_map(Step::Remove),
        4 => (key(), any::<u8>()).prop_map(|(key, value)| Step::Modify(key, value)),
        2 => (key(), any::<u8>()).prop_map(|(key, value)| Step::Fill(key, value)),
        1 => (2_u8..20).prop_map(Step::Retain),
        2 => (key(), 0_u16..200).prop_map(|(key, width)| Step::RemoveRange(key, width)),
        2 => vec((key(), any::<u8>()), 0..60).prop_map(Step::Extend),
        4 => (key(), any::<Option<u8>>()).prop_map(|(key, value)| Step::Place(key, value)),
        2 => any::<bool>().prop_map(Step::Pop),
        1 => (keys / 2..keys).prop_map(Step::SplitOff),
        1 => Just(Step::Flip),
        2 => Just(Step::Keep),
    ]
    .boxed()
}

type Model = BTreeMap<u16, u8>;

fn run(map: &mut Map<u16, u8>, model: &mut Model, step: &Step) {
    match step {
        Step::Insert(key, value) => assert_eq!(map.insert(*key, *value), model.insert(*key, *value)),
        Step::Remove(key) => assert_eq!(map.remove(key), model.remove(key)),
        Step::Modify(key, value) => {
            if let Some(at) = map.get_mut(key) {
                *at = *value;
            }
            model.entry(*key).and_modify(|at| *at = *value);
        }
        Step::Fill(key, value) => {
            let added = *map.entry(*key).and_modify(|at| *at ^= 1).or_insert(*value);
            assert_eq!(added, *model.entry(*key).and_modify(|at| *at ^= 1).or_insert(*value));
        }
        Step::Retain(divisor) => {
            map.retain(|_, value| value % divisor != 0);
            model.retain(|_, value| *value % divisor != 0);
        }
        Step::RemoveRange(key, width) => {
            let gone: Vec<u16> = map.range(*key..*key + width).map(|(key, _)| *key).collect();
            assert!(gone.iter().eq(model.range(*key..*key + width).map(|(key, _)| key)));
            gone.iter().for_each(|key| assert_eq!(map.remove(key), model.remove(key)));
        }
        Step::Extend(entries) => {
            map.extend(entries.iter().copied());
            model.extend(entries.iter().copied());
        }
        Step::Place(key, value) => place(map, model, *key, *value),
        Step::Pop(true) => assert_eq!(map.pop_first(), model.pop_first()),
        Step::Pop(false) => assert_eq!(map.pop_last(), model.pop_last()),
        Step::SplitOff(key) => assert!(map.split_off(key).into_iter().eq(model.split_off(key))),
        Step::Flip => {
            map.iter_mut().for_each(|(key, value)| *value ^= *key as u8);
            model.iter_mut().for_each(|(key, value)| *value ^= *key as u8);
        }
        Step::Keep => {}
    }
}

/// Fills, overwrites or clears a place.
fn place(map: &mut Map<u16, u8>, model: &mut Model, key: u16, value: Option<u8>) {
    let before = model.get(&key).copied();
    match (map.entry(key), value) {
        (Entry::Occupied(mut entry), Some(value)) => {
            assert_eq!((*entry.key(), Some(*entry.get())), (key, before));
            assert_eq!(Some(entry.insert(value)), before);
        }
        (Entry::Occupied(entry), None) => {
            assert_eq!(Some(entry.remove_entry()), before.map(|value| (key, value)));
        }
        (Entry::Vacant(entry), Some(value)) => assert_eq!(*entry.insert(value), value),
        (Entry::Vacant(entry), None) => assert_eq!((entry.into_key(), before), (key, None)),
    }
    match value {
        Some(value) => drop(model.insert(key, value)),
        None => drop(model.remove(&key)),
    }
}

fn check_map(map: &Map<u16, u8>, model: &Model) {
    check(map.tree().root());
    check_marks(map.tree().root());
    assert_eq!(map.len(), model.len());
    assert!(map.iter().eq(model));
    assert!(map.iter().rev().eq(model.iter().rev()));
    assert!(map.clone().into_iter().eq(model.clone()) && Map::from(model.clone()) == *map);
    assert_eq!(
        (map.first_key_value(), map.last_key_value()),
        (model.first_key_value(), model.last_key_value())
    );
    assert!(model.iter().all(|(key, value)| map.get(key) == Some(value)));
}

/// All that differs, found by looking everywhere.
fn naive<'a>(old: &'a Model, new: &'a Model) -> Vec<MapChange<'a, u16, u8>> {
    let keys: BTreeSet<u16> = old.keys().chain(new.keys()).copied().collect();
    let change = |key: &u16| match (old.get_key_value(key), new.get_key_value(key)) {
        (None, Some((key, value))) => Some(MapChange::Added(key, value)),
        (Some((key, value)), None) => Some(MapChange::Removed(key, value)),
        (Some((_, old)), Some((key, new))) => (old != new).then_some(MapChange::Updated { key, old, new }),
        (None, None) => None,
    };
    keys.iter().filter_map(change).collect()
}

fn check_diff(a: (&Map<u16, u8>, &Model), b: (&Map<u16, u8>, &Model)) {
    assert!(a.0.diff(b.0, |a, b| a == b).eq(naive(a.1, b.1)));
    assert_eq!(a.0 == b.0, a.1 == b.1);
    assert_eq!(a.0.cmp(b.0), a.1.cmp(b.1));
}

fn behaves(start: Vec<(u16, u8)>, steps: &[Step]) {
    let mut model: Model = start.iter().copied().collect();
    let mut map: Map<u16, u8> = start.into_iter().collect();
    let mut kept = vec![(map.clone(), model.clone())];
    for step in steps {
        run(&mut map, &mut model, step);
        if matches!(step, Step::Keep) {
            kept.push((map.clone(), model.clone()));
        }
    }
    check_map(&map, &model);
    for (other, other_model) in &kept {
        check_map(other, other_model);
        check_diff((other, other_model), (&map, &model));
        check_diff((&map, &model), (other, other_model));
    }
}

proptest! {
    #![proptest_config(times(500))]

    #[test]
    fn maps_are_ordered_maps(
        start in vec((0_u16..600, any::<u8>()), 0..500), steps in vec(step(600), 0..80),
    ) {
        behaves(start, &steps);
    }
}

proptest! {
    #![proptest_config(times(40))]

    #[test]
    fn large_maps_are_ordered_maps(
        start in vec((0_u16..4000, any::<u8>()), 3000..6000), steps in vec(step(4000), 0..200),
    ) {
        behaves(start, &steps);
    }
}

proptest! {
    #![proptest_config(times(10_000))]

    #[test]
    fn differences_are_all_there_is(
        start in vec((0_u16..400, any::<u8>()), 0..400), steps in vec(step(400), 0..6),
    ) {
        let old_model: Model = start.iter().copied().collect();
        let old: Map<u16, u8> = start.into_iter().collect();
        let (mut new, mut new_model) = (old.clone(), old_model.clone());
        steps.iter().for_each(|step| run(&mut new, &mut new_model, step));
        check_diff((&old, &old_model), (&new, &new_model));
        check_diff((&new, &new_model), (&old, &old_model));
    }
}

#[test]
fn differences_never_compare_values_by_themselves() {
    #[derive(Clone)]
    struct Opaque;
    let old: Map<u16, Opaque> = (0..1000).map(|key| (key, Opaque)).collect();
    let mut new = old.clone();
    new.get_mut(&500);
    let shown = old.diff(&new, |_, _| false).count();
    assert_eq!(
        shown,
        <First<u16> as Mark<Vec<(u16, Opaque)>>>::LEAF,
        "the entries of the one leaf that was copied"
    );
}

#[test]
fn narrow_ranges_start_and_end_where_they_should() {
    let map: Map<u16, u8> = (0..100).map(|key| (key * 2, 0)).collect();
    let keys = |entries: super::super::Entries<'_, u16, u8>| entries.map(|(key, _)| *key).collect::<Vec<_>>();
    assert_eq!(keys(map.range(3..=6)), [4, 6]);
    assert_eq!(keys(map.range(..4)), [0, 2]);
    assert_eq!(keys(map.range(195..)), [196, 198]);
    assert!(keys(map.range(3..3)).is_empty());
}

#[test]
fn looking_in_vain_copies_nothing() {
    for size in [0, 1, 2, 100] {
        let map: Map<u16, u8> = (0..size).map(|key| (key, 0)).collect();
        let mut copy = map.clone();
        assert!(copy.get_mut(&size).is_none() && copy.remove(&size).is_none());
        copy.retain(|_, _| true);
        assert!(copy.ptr_eq(&map));
    }
}

#[test]
fn maps_pass_through_serde() {
    let map: Map<String, u8> = (0..100_u8).map(|n| (format!("{n:02}"), n)).collect();
    let text = serde_json::to_string(&map).unwrap();
    assert_eq!(serde_json::from_str::<Map<String, u8>>(&text).unwrap(), map);
    assert_eq!(map["07"], 7);
}
