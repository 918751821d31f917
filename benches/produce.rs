//! Drafting without a disk: one change, with its patch and its inverse, in documents of growing size.

use divan::Bencher;
use redraft::value::{List, Map};
use redraft::{Value, apply, draft, value};

fn main() {
    divan::main();
}

const SIZES: [usize; 3] = [10_000, 100_000, 1_000_000];

fn map_of(size: usize) -> Value {
    let card = |n| (format!("{n:07}"), value!({ "title": "a card", "done": false }));
    (0..size).map(card).collect::<Map>().into()
}

fn list_of(size: usize) -> Value {
    (0..size).map(Value::from).collect()
}

fn change_list(doc: &mut Value, change: impl FnOnce(&mut List)) {
    if let Some(list) = doc.as_list_mut() {
        change(list);
    }
}

/// Scattered all over a document, the same in every run.
fn scattered(count: usize, size: usize) -> Vec<usize> {
    (0..count).map(|n| n * 7_919 * 613 % size).collect()
}

#[divan::bench(args = SIZES)]
fn one_field_in_a_map(bencher: Bencher<'_, '_>, size: usize) {
    let base = map_of(size);
    let key = format!("{:07}", size / 2);
    bencher.bench(|| draft(&base, |doc| doc[key.as_str()]["done"] = true.into()));
}

#[divan::bench(args = SIZES)]
fn one_item_in_a_list(bencher: Bencher<'_, '_>, size: usize) {
    let base = list_of(size);
    bencher.bench(|| draft(&base, |doc| doc[size / 2] = Value::Null));
}

#[divan::bench(args = SIZES)]
fn two_far_items_in_a_list(bencher: Bencher<'_, '_>, size: usize) {
    let base = list_of(size);
    bencher.bench(|| {
        draft(&base, |doc| {
            doc[size / 10] = Value::Null;
            doc[size / 10 * 9] = Value::Null;
        })
    });
}

#[divan::bench(args = SIZES)]
fn insertion_at_the_front_of_a_list(bencher: Bencher<'_, '_>, size: usize) {
    let base = list_of(size);
    bencher.bench(|| draft(&base, |doc| change_list(doc, |list| list.insert(0, Value::Null))));
}

#[divan::bench(args = SIZES)]
fn push_to_a_list(bencher: Bencher<'_, '_>, size: usize) {
    let base = list_of(size);
    bencher.bench(|| draft(&base, |doc| change_list(doc, |list| list.push(Value::Null))));
}

#[divan::bench(args = SIZES)]
fn a_hundred_fields_in_a_map(bencher: Bencher<'_, '_>, size: usize) {
    let base = map_of(size);
    let keys: Vec<String> = (0..100).map(|n| format!("{:07}", n * (size / 100))).collect();
    bencher.bench(|| draft(&base, |doc| keys.iter().for_each(|key| doc[key.as_str()]["done"] = true.into())));
}

#[divan::bench]
fn a_thousand_scattered_fields_in_a_map_of_a_million(bencher: Bencher<'_, '_>) {
    let base = map_of(1_000_000);
    let keys: Vec<String> = scattered(1000, 1_000_000).iter().map(|n| format!("{n:07}")).collect();
    bencher.bench(|| draft(&base, |doc| keys.iter().for_each(|key| doc[key.as_str()]["done"] = true.into())));
}

#[divan::bench]
fn a_thousand_scattered_items_in_a_list_of_a_million(bencher: Bencher<'_, '_>) {
    let base = list_of(1_000_000);
    let places = scattered(1000, 1_000_000);
    bencher.bench(|| draft(&base, |doc| places.iter().for_each(|at| doc[*at] = Value::Null)));
}

#[divan::bench(args = SIZES)]
fn nothing(bencher: Bencher<'_, '_>, size: usize) {
    let base = map_of(size);
    bencher.bench(|| draft(&base, |_| ()));
}

#[divan::bench(args = SIZES)]
fn applying_a_patch(bencher: Bencher<'_, '_>, size: usize) {
    let base = map_of(size);
    let key = format!("{:07}", size / 2);
    let patch = draft(&base, |doc| doc[key.as_str()]["done"] = true.into()).map(|drafted| drafted.patch);
    let patch = patch.unwrap_or_default();
    bencher.bench(|| apply(&base, &patch));
}
