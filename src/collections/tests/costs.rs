//! How many nodes comparisons open and edits copy: the promise is O(log n), whatever the length.

use super::super::node::Link;
use super::super::{KeyedList, List, Map, Set, Shared, visits};
use super::shape::addresses;
use crate::state::{Differ, State};

fn opened_by_list_diff(size: u32, edit: impl Fn(&mut List<u32>)) -> (usize, usize) {
    let old: List<u32> = (0..size).collect();
    let mut new = old.clone();
    edit(&mut new);
    let (gaps, opened) = visits::during(|| old.diff(&new));
    (gaps.len(), opened)
}

#[test]
fn one_edit_in_a_long_list_opens_few_nodes() {
    type Edit = fn(&mut List<u32>);
    let edits: [(Edit, usize); 5] = [
        (
            |list| {
                let middle = list.len() / 2;
                list[middle] = 0;
            },
            1,
        ),
        (|list| list.insert(0, 0), 1),
        (|list| list.push(0), 1),
        (
            |list| {
                list.remove(list.len() / 3);
            },
            1,
        ),
        (
            |list| {
                let far = list.len() - 1000;
                (list[1000], list[far]) = (0, 0);
            },
            2,
        ),
    ];
    for (edit, gaps) in edits {
        let (short, long) = (opened_by_list_diff(10_000, edit), opened_by_list_diff(1_000_000, edit));
        assert_eq!((short.0, long.0), (gaps, gaps));
        assert!(long.1 <= 3 * short.1, "{long:?} nodes of a million, {short:?} of ten thousand");
    }
}

#[test]
fn a_list_that_was_cut_and_joined_shares_nearly_everything() {
    let old: List<u32> = (0..100_000).collect();
    let mut front = old.clone();
    let back = front.split_off(33_333);
    let mut new = back.clone();
    new.append(front.clone());
    let (gaps, opened) = visits::during(|| old.diff(&new));
    assert!(opened < 400, "{opened} nodes");
    let left_out: usize = gaps.iter().map(|gap| gap.old.len()).sum();
    assert!(left_out < 34_000, "{left_out} elements are not the same");
    front.append(back);
    let (gaps, _) = visits::during(|| old.diff(&front));
    assert!(gaps.iter().map(|gap| gap.old.len()).sum::<usize>() < 200, "{gaps:?}");
}

#[test]
fn a_list_appended_to_itself_differs_by_one_half() {
    let old: List<u32> = (0..100_000).collect();
    let mut new = old.clone();
    new.append(old.clone());
    let gaps = old.diff(&new);
    assert!(gaps.iter().map(|gap| gap.new.len() - gap.old.len()).sum::<usize>() == 100_000);
    assert!(gaps.iter().map(|gap| gap.old.len()).sum::<usize>() < 200, "{gaps:?}");
}

#[test]
fn ten_thousand_doublings_of_one_leaf_do_not_blow_up() {
    let mut old: List<u32> = (0..32).collect();
    (0..14).for_each(|_| old.append(old.clone()));
    let mut new = old.clone();
    new.remove(old.len() / 2);
    new.insert(7, 7);
    let (gaps, opened) = visits::during(|| old.diff(&new));
    assert!(gaps.len() < 100 && opened < 2000, "{} gaps, {opened} nodes", gaps.len());
}

#[test]
fn one_field_in_a_large_map_opens_few_nodes() {
    let opened = |size: u32| {
        let old: Map<u32, u32> = (0..size).map(|key| (key, key)).collect();
        let mut new = old.clone();
        new.insert(size / 2, 0);
        let (count, opened) = visits::during(|| old.diff(&new, |a, b| a == b).count());
        assert_eq!(count, 1);
        let (equal, opened_to_compare) = visits::during(|| old == new);
        assert!(!equal);
        opened + opened_to_compare
    };
    let (short, long) = (opened(10_000), opened(1_000_000));
    assert!(long <= 3 * short, "{long} nodes of a million, {short} of ten thousand");
}

/// How many nodes are opened to tell what an edit of a typed state did, which must be so many operations.
fn opened_by_typed_diff<S: State>(old: &S, ops: usize, edit: impl Fn(&mut S)) -> usize {
    let mut new = old.clone();
    edit(&mut new);
    let mut differ = Differ::new();
    let ((), opened) = visits::during(|| State::diff_from(&new, old, &mut differ));
    assert_eq!(differ.finish().unwrap().0.len(), ops);
    opened
}

/// At a million an edit may open three times the nodes it opens at ten thousand.
fn grows_slowly(opened: impl Fn(u64) -> usize) {
    let (short, long) = (opened(10_000), opened(1_000_000));
    assert!(0 < short && long <= 3 * short, "{long} nodes of a million, {short} of ten thousand");
}

type Card = (Shared<String>, bool);

fn card(n: u64) -> Card {
    (Shared::new(n.to_string()), false)
}

#[test]
fn one_field_of_a_typed_map_opens_few_nodes() {
    grows_slowly(|size| {
        let old: Map<u64, Card> = (0..size).map(|key| (key, card(key))).collect();
        opened_by_typed_diff(&old, 1, |map| map.get_mut(&(size / 2)).unwrap().1 = true)
    });
}

#[test]
fn one_field_of_a_typed_list_opens_few_nodes() {
    grows_slowly(|size| {
        let old: List<Card> = (0..size).map(card).collect();
        let one = opened_by_typed_diff(&old, 1, |list| list[size as usize / 2].1 = true);
        let front = opened_by_typed_diff(&old, 1, |list| list.push_front(card(0)));
        let far = opened_by_typed_diff(&old, 2, |list| {
            list[1000].1 = true;
            list[size as usize - 1000].1 = true;
        });
        one + front + far
    });
}

#[test]
fn one_element_of_a_typed_set_opens_few_nodes() {
    grows_slowly(|size| {
        let old: Set<u64> = (0..size).collect();
        opened_by_typed_diff(&old, 1, |set| _ = set.remove(&(size / 2)))
    });
}

#[test]
fn one_item_of_a_keyed_list_opens_few_nodes() {
    grows_slowly(|size| {
        let old: KeyedList<u64, Card> = (0..size).map(|key| (key, card(key))).collect();
        let pushed = opened_by_typed_diff(&old, 2, |list| _ = list.push(size, card(size)));
        pushed + opened_by_typed_diff(&old, 1, |list| list[&(size / 2)].1 = true)
    });
}

/// How many nodes the new tree has that the old one has not.
fn fresh<R, M>(old: Option<&Link<R, M>>, new: Option<&Link<R, M>>) -> usize {
    addresses(new).difference(&addresses(old)).count()
}

#[test]
fn an_edit_copies_one_way_to_a_leaf() {
    let old: List<u32> = (0..100_000).collect();
    let edits: [fn(&mut List<u32>); 6] = [
        |list| list[50_000] = 0,
        |list| list.insert(50_000, 0),
        |list| {
            list.remove(50_000);
        },
        |list| list.insert(0, 0),
        |list| drop(list.splice(40_000..60_000, 0..100)),
        |list| list.append((0..1000).collect()),
    ];
    let way = 1 + old.tree().root().unwrap().height();
    for (edit, ways) in edits.into_iter().zip([1, 2, 2, 2, 8, 16]) {
        let most = ways * way;
        let mut new = old.clone();
        edit(&mut new);
        let fresh = fresh(old.tree().root(), new.tree().root());
        assert!(fresh <= most, "{fresh} nodes were copied, {most} are allowed");
    }
    let old: Map<u32, u32> = (0..100_000).map(|key| (key, key)).collect();
    let mut new = old.clone();
    new.insert(50_000, 0);
    assert!(fresh(old.tree().root(), new.tree().root()) <= 5);
}
