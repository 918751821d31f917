//! Random operations on lists, and their gaps, against `Vec`.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::super::gaps::{Gap, gaps};
use super::super::node::Mark;
use super::super::tree::Tree;
use super::super::{List, node::least};
use super::shape::check;
use super::{Narrow, times};

#[derive(Clone, Debug)]
enum Step {
    Push(u8),
    Pop,
    Set(Index, u8),
    Insert(Index, u8),
    Remove(Index),
    Cut(Index, Index),
    Put(Index, Vec<u8>),
    Turn(Index),
    Double,
    Keep,
}

fn step() -> BoxedStrategy<Step> {
    let at = any::<Index>;
    prop_oneof![
        4 => any::<u8>().prop_map(Step::Push),
        2 => Just(Step::Pop),
        4 => (at(), any::<u8>()).prop_map(|(at, item)| Step::Set(at, item)),
        6 => (at(), any::<u8>()).prop_map(|(at, item)| Step::Insert(at, item)),
        6 => at().prop_map(Step::Remove),
        2 => (at(), at()).prop_map(|(start, end)| Step::Cut(start, end)),
        2 => (at(), vec(any::<u8>(), 0..80)).prop_map(|(at, items)| Step::Put(at, items)),
        1 => at().prop_map(Step::Turn),
        1 => Just(Step::Double),
        2 => Just(Step::Keep),
    ]
    .boxed()
}

/// A tree and what it stands for.
struct Pair<M> {
    tree: Tree<Vec<u8>, M>,
    model: Vec<u8>,
}

impl<M: Mark<Vec<u8>>> Pair<M> {
    fn of(model: Vec<u8>) -> Self {
        Self { tree: Tree::build(model.clone()), model }
    }

    fn copy(&self) -> Self {
        Self { tree: self.tree.clone(), model: self.model.clone() }
    }

    fn run(&mut self, step: &Step) {
        let (tree, model) = (&mut self.tree, &mut self.model);
        let len = model.len();
        match step {
            Step::Push(item) => {
                tree.insert(len, *item);
                model.push(*item);
            }
            Step::Pop => assert_eq!(len.checked_sub(1).and_then(|last| tree.remove(last)), model.pop()),
            Step::Set(at, item) if len > 0 => {
                *tree.get_mut(at.index(len)).unwrap() = *item;
                model[at.index(len)] = *item;
            }
            Step::Insert(at, item) => {
                tree.insert(at.index(len + 1), *item);
                model.insert(at.index(len + 1), *item);
            }
            Step::Remove(at) if len > 0 => {
                assert_eq!(tree.remove(at.index(len)), Some(model.remove(at.index(len))));
            }
            Step::Cut(start, end) => {
                let (start, end) = (start.index(len + 1), end.index(len + 1));
                let (start, end) = (start.min(end), start.max(end).min(start.min(end) + 200));
                let mut cut = tree.split_off(start);
                tree.append(cut.split_off(end - start));
                assert_eq!(cut.into_vec(), model.drain(start..end).collect::<Vec<_>>());
            }
            Step::Put(at, items) => {
                let at = at.index(len + 1);
                let after = tree.split_off(at);
                tree.append(Tree::build(items.clone()));
                tree.append(after);
                model.splice(at..at, items.clone());
            }
            Step::Turn(at) => {
                let mut after = tree.split_off(at.index(len + 1));
                after.append(std::mem::take(tree));
                *tree = after;
                model.rotate_left(at.index(len + 1));
            }
            Step::Double if len < 3000 => {
                tree.append(tree.clone());
                model.extend_from_within(..);
            }
            _ => {}
        }
    }

    fn check(&self) {
        check(self.tree.root());
        assert_eq!(self.tree.len(), self.model.len());
        assert!(self.tree.iter().eq(&self.model));
        assert!(self.tree.iter().rev().eq(self.model.iter().rev()));
    }
}

/// Asserts that both are the same outside the gaps.
fn check_gaps(old: &[u8], new: &[u8], gaps: &[Gap]) {
    let (mut i, mut j) = (0, 0);
    for gap in gaps {
        assert!(!gap.old.is_empty() || !gap.new.is_empty());
        assert!((i, j) == (0, 0) || gap.old.start > i && gap.new.start > j, "gaps do not touch: {gaps:?}");
        assert_eq!(old[i..gap.old.start], new[j..gap.new.start], "{gaps:?}");
        (i, j) = (gap.old.end, gap.new.end);
    }
    assert_eq!(old[i..], new[j..], "{gaps:?}");
}

fn behaves<M: Mark<Vec<u8>>>(start: Vec<u8>, steps: &[Step]) {
    let mut pair = Pair::<M>::of(start);
    let mut kept = vec![pair.copy()];
    for step in steps {
        pair.run(step);
        check(pair.tree.root());
        if matches!(step, Step::Keep) {
            kept.push(pair.copy());
        }
    }
    pair.check();
    for other in &kept {
        other.check();
        check_gaps(&other.model, &pair.model, &gaps(other.tree.root(), pair.tree.root()));
        check_gaps(&pair.model, &other.model, &gaps(pair.tree.root(), other.tree.root()));
    }
}

proptest! {
    #![proptest_config(times(1000))]

    #[test]
    fn narrow_lists_are_vectors(start in vec(any::<u8>(), 0..300), steps in vec(step(), 0..60)) {
        behaves::<Narrow>(start, &steps);
    }

    #[test]
    fn lists_are_vectors(start in vec(any::<u8>(), 0..300), steps in vec(step(), 0..60)) {
        behaves::<()>(start, &steps);
    }
}

proptest! {
    #![proptest_config(times(60))]

    #[test]
    fn long_lists_are_vectors(start in vec(any::<u8>(), 2000..5000), steps in vec(step(), 0..100)) {
        behaves::<()>(start.clone(), &steps);
        behaves::<Narrow>(start, &steps);
    }
}

proptest! {
    #![proptest_config(times(10_000))]

    #[test]
    fn gaps_hold_all_that_differs(start in vec(any::<u8>(), 0..400), steps in vec(step(), 0..6)) {
        let (narrow, wide) = (Pair::<Narrow>::of(start.clone()), Pair::<()>::of(start));
        let (mut new_narrow, mut new_wide) = (narrow.copy(), wide.copy());
        steps.iter().for_each(|step| (new_narrow.run(step), new_wide.run(step)).0);
        check_gaps(&narrow.model, &new_narrow.model, &gaps(narrow.tree.root(), new_narrow.tree.root()));
        check_gaps(&wide.model, &new_wide.model, &gaps(wide.tree.root(), new_wide.tree.root()));
    }
}

proptest! {
    #![proptest_config(times(500))]

    #[test]
    fn splices_compare_and_order_like_vectors(
        start in vec(any::<u8>(), 0..200), ins in vec(any::<u8>(), 0..40), at in any::<Index>(), end in any::<Index>(),
    ) {
        let (a, b) = (at.index(start.len() + 1), end.index(start.len() + 1));
        let range = a.min(b)..a.max(b);
        let (mut model, mut list) = (start.clone(), start.iter().copied().collect::<List<u8>>());
        let old = list.clone();
        let removed: Vec<u8> = model.splice(range.clone(), ins.clone()).collect();
        prop_assert_eq!(list.splice(range, ins).into_vec(), removed);
        check(list.tree().root());
        prop_assert!(list.iter().eq(&model));
        prop_assert_eq!(list == old, model == start);
        prop_assert_eq!(list.cmp(&old), model.cmp(&start));
        prop_assert_eq!(list.partial_cmp(&old), model.partial_cmp(&start));
        prop_assert_eq!(format!("{list:?}"), format!("{model:?}"));
    }
}

#[test]
fn iterators_meet_in_the_middle_and_know_what_is_left() {
    let list: List<u32> = (0..1000).collect();
    let mut iter = list.range(10..990);
    let (mut front, mut back) = (10, 990);
    while let Some(item) = iter.next() {
        assert_eq!(*item, front);
        front += 1;
        if front % 3 == 0 && front < back {
            back -= 1;
            assert_eq!(iter.next_back(), Some(&back));
        }
        assert_eq!(iter.len(), (back - front) as usize);
    }
    assert_eq!((front, iter.next_back()), (back, None));
}

#[test]
fn writing_through_iterators_leaves_clones_alone() {
    let old: List<u32> = (0..1000).collect();
    let mut new = old.clone();
    new.iter_mut().for_each(|item| *item += 1);
    assert!(old.iter().copied().eq(0..1000) && new.iter().copied().eq(1..1001));
}

#[test]
fn pushed_lists_are_left_nearly_full() {
    const LEAF: usize = <() as Mark<Vec<u32>>>::LEAF;
    let mut list = List::new();
    (0..10_000).for_each(|item| list.push(item));
    check(list.tree().root());
    let leaves = super::shape::addresses(list.tree().root()).len();
    let nearly_full = LEAF - least(LEAF);
    assert!(leaves < 10_000 / nearly_full * 12 / 10, "{leaves} nodes");
}

#[test]
fn lists_pass_through_serde() {
    let list: List<u32> = (0..100).collect();
    let text = serde_json::to_string(&list).unwrap();
    assert_eq!(serde_json::from_str::<List<u32>>(&text).unwrap(), list);
    assert_eq!(serde_json::from_str::<Vec<u32>>(&text).unwrap(), (0..100).collect::<Vec<_>>());
}

#[test]
#[should_panic(expected = "insert at 4 in a list of 3")]
fn inserting_outside_panics() {
    (0..3).collect::<List<u32>>().insert(4, 0);
}

#[test]
#[should_panic(expected = "remove at 3 from a list of 3")]
fn removing_outside_panics() {
    (0..3).collect::<List<u32>>().remove(3);
}
