//! What `sequence` adds to lists, against what `Vec` has from its slice.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::super::List;
use super::shape::check;
use super::times;

#[derive(Clone, Debug)]
enum Step {
    PushFront(u8),
    PopFront,
    Ends(u8),
    Retain(u8),
    Dedup,
    Sort,
    SortByKey(u8),
    Reverse,
    Resize(usize, u8),
    Drain(Index, Index),
    Swap(Index, Index),
    Truncate(Index),
}

fn step() -> BoxedStrategy<Step> {
    let at = any::<Index>;
    prop_oneof![
        (0_u8..9).prop_map(Step::PushFront),
        Just(Step::PopFront),
        (0_u8..9).prop_map(Step::Ends),
        (2_u8..9).prop_map(Step::Retain),
        Just(Step::Dedup),
        Just(Step::Sort),
        (2_u8..9).prop_map(Step::SortByKey),
        Just(Step::Reverse),
        (0_usize..150, 0_u8..9).prop_map(|(len, item)| Step::Resize(len, item)),
        (at(), at()).prop_map(|(start, end)| Step::Drain(start, end)),
        (at(), at()).prop_map(|(a, b)| Step::Swap(a, b)),
        at().prop_map(Step::Truncate),
    ]
    .boxed()
}

fn run(list: &mut List<u8>, model: &mut Vec<u8>, step: &Step) {
    let len = model.len();
    match step {
        Step::PushFront(item) => {
            list.push_front(*item);
            model.insert(0, *item);
        }
        Step::PopFront => assert_eq!(list.pop_front(), (len > 0).then(|| model.remove(0))),
        Step::Ends(item) => {
            list.first_mut().into_iter().chain(model.first_mut()).for_each(|first| *first = *item);
            list.last_mut().into_iter().chain(model.last_mut()).for_each(|last| *last ^= *item);
        }
        Step::Retain(divisor) => {
            list.retain(|item| item % divisor != 0);
            model.retain(|item| item % divisor != 0);
        }
        Step::Dedup => {
            list.dedup();
            model.dedup();
        }
        Step::Sort => {
            list.sort();
            model.sort();
        }
        Step::SortByKey(divisor) => {
            list.sort_by_key(|item| item % divisor);
            model.sort_by_key(|item| item % divisor);
        }
        Step::Reverse => {
            list.reverse();
            model.reverse();
        }
        Step::Resize(len, item) => {
            list.resize(*len, *item);
            model.resize(*len, *item);
        }
        Step::Drain(start, end) => {
            let (start, end) = (start.index(len + 1), end.index(len + 1));
            let range = start.min(end)..start.max(end);
            assert!(list.drain(range.clone()).eq(model.drain(range)));
        }
        Step::Swap(a, b) if len > 0 => {
            list.swap(a.index(len), b.index(len));
            model.swap(a.index(len), b.index(len));
        }
        Step::Swap(..) => {}
        Step::Truncate(at) => {
            list.truncate(at.index(len + 1));
            model.truncate(at.index(len + 1));
        }
    }
}

proptest! {
    #![proptest_config(times(500))]

    #[test]
    fn lists_have_what_vectors_have(start in vec(0_u8..9, 0..150), steps in vec(step(), 0..30), wanted in 0_u8..9) {
        let (mut list, mut model) = (List::from(&start[..]), start);
        for step in &steps {
            run(&mut list, &mut model, step);
            check(list.tree().root());
            prop_assert!(list == model, "{:?}", step);
        }
        prop_assert_eq!(list.contains(&wanted), model.contains(&wanted));
        list.sort();
        model.sort();
        let first = model.partition_point(|item| *item < wanted);
        prop_assert_eq!(list.partition_point(|item| *item < wanted), first);
        let found = if model.contains(&wanted) { Ok(first) } else { Err(first) };
        prop_assert_eq!(list.binary_search(&wanted), found);
        prop_assert_eq!(list.binary_search_by_key(&wanted, |item| *item), found);
        prop_assert!(list.into_iter().rev().eq(model.into_iter().rev()));
    }
}

#[test]
fn sorting_and_sifting_in_vain_copies_nothing() {
    let list: List<u32> = (0..1000).collect();
    let mut copy = list.clone();
    copy.sort();
    copy.dedup();
    copy.retain(|_| true);
    assert!(copy.ptr_eq(&list));
}

#[test]
fn lists_equal_slices_arrays_and_vectors() {
    let list = List::from([1, 2, 3]);
    assert_eq!(list, [1, 2, 3]);
    assert_eq!(list, vec![1, 2, 3]);
    assert_eq!(list, [1, 2, 3][..]);
    assert_eq!(list, &[1, 2, 3][..]);
    assert_ne!(list, [1, 2]);
    assert_eq!(Vec::from(list), [1, 2, 3]);
}
