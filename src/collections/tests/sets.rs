//! Random operations on sets, and on two of them together, against `BTreeSet`.

use std::collections::BTreeSet;

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;

use super::super::Set;
use super::times;

#[derive(Clone, Debug)]
enum Step {
    Insert(u16),
    Remove(u16),
    Take(u16),
    Pop(bool),
    Retain(u16),
    Extend(Vec<u16>),
}

fn step() -> BoxedStrategy<Step> {
    let item = || 0_u16..300;
    prop_oneof![
        4 => item().prop_map(Step::Insert),
        4 => item().prop_map(Step::Remove),
        1 => item().prop_map(Step::Take),
        1 => any::<bool>().prop_map(Step::Pop),
        1 => (2_u16..20).prop_map(Step::Retain),
        1 => vec(item(), 0..20).prop_map(Step::Extend),
    ]
    .boxed()
}

fn run(set: &mut Set<u16>, model: &mut BTreeSet<u16>, step: &Step) {
    match step {
        Step::Insert(item) => assert_eq!(set.insert(*item), model.insert(*item)),
        Step::Remove(item) => assert_eq!(set.remove(item), model.remove(item)),
        Step::Take(item) => assert_eq!(set.take(item), model.take(item)),
        Step::Pop(true) => assert_eq!(set.pop_first(), model.pop_first()),
        Step::Pop(false) => assert_eq!(set.pop_last(), model.pop_last()),
        Step::Retain(divisor) => {
            set.retain(|item| item % divisor != 0);
            model.retain(|item| item % divisor != 0);
        }
        Step::Extend(items) => {
            set.extend(items.iter().copied());
            model.extend(items.iter().copied());
        }
    }
}

fn check_pair(a: (&Set<u16>, &BTreeSet<u16>), b: (&Set<u16>, &BTreeSet<u16>)) {
    assert!(a.0.union(b.0).eq(a.1.union(b.1)));
    assert!(a.0.intersection(b.0).eq(a.1.intersection(b.1)));
    assert!(a.0.difference(b.0).eq(a.1.difference(b.1)));
    assert!(a.0.symmetric_difference(b.0).eq(a.1.symmetric_difference(b.1)));
    assert_eq!(a.0.is_subset(b.0), a.1.is_subset(b.1));
    assert_eq!(a.0.is_superset(b.0), a.1.is_superset(b.1));
    assert_eq!(a.0.is_disjoint(b.0), a.1.is_disjoint(b.1));
    assert_eq!((a.0 == b.0, a.0.cmp(b.0)), (a.1 == b.1, a.1.cmp(b.1)));
    assert!((a.0 | b.0).iter().eq(&(a.1 | b.1)) && (a.0 & b.0).iter().eq(&(a.1 & b.1)));
    assert!((a.0 - b.0).iter().eq(&(a.1 - b.1)) && (a.0 ^ b.0).iter().eq(&(a.1 ^ b.1)));
}

proptest! {
    #![proptest_config(times(500))]

    #[test]
    fn sets_are_ordered_sets(
        start in btree_set(0_u16..300, 0..200), other in btree_set(0_u16..300, 0..20), steps in vec(step(), 0..20),
    ) {
        let (old, apart): (Set<u16>, Set<u16>) = (start.clone().into(), other.iter().copied().collect());
        let (mut set, mut model) = (old.clone(), start.clone());
        steps.iter().for_each(|step| run(&mut set, &mut model, step));
        prop_assert!(set.iter().eq(&model) && set.iter().rev().eq(model.iter().rev()));
        prop_assert_eq!((set.len(), set.first(), set.last()), (model.len(), model.first(), model.last()));
        prop_assert!(set.range(50..=100).eq(model.range(50..=100)));
        prop_assert!((0..300).all(|item| set.contains(&item) == model.contains(&item)));
        prop_assert_eq!(format!("{set:?}"), format!("{model:?}"));
        check_pair((&old, &start), (&set, &model));
        check_pair((&set, &model), (&apart, &other));
        check_pair((&apart, &other), (&set, &model));
        prop_assert!(set.into_iter().eq(model));
    }
}

#[test]
fn putting_in_what_is_there_copies_nothing() {
    let set: Set<u16> = (0..1000).collect();
    let mut copy = set.clone();
    assert!(!copy.insert(7) && !copy.remove(&1000));
    copy.extend(100..200);
    assert!(copy.ptr_eq(&set));
}

#[test]
fn sets_pass_through_serde() {
    let set: Set<u16> = (0..100).collect();
    let text = serde_json::to_string(&set).unwrap();
    assert_eq!(serde_json::from_str::<Set<u16>>(&text).unwrap(), set);
}
