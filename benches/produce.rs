//! Drafting without a disk: one change, with its patch and its inverse, in documents of growing size.

use divan::Bencher;
use redraft::{Value, apply, draft, value};

fn main() {
    divan::main();
}

const SIZES: [usize; 3] = [10_000, 100_000, 1_000_000];

fn map_of(size: usize) -> Value {
    let card = value!({ "title": "a card", "done": false });
    Value::Map((0..size).map(|n| (format!("{n:07}"), card.clone())).collect())
}

fn list_of(size: usize) -> Value {
    Value::from((0..size).map(|n| Value::from(n as i64)).collect::<Vec<_>>())
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
fn a_hundred_fields_in_a_map(bencher: Bencher<'_, '_>, size: usize) {
    let base = map_of(size);
    let keys: Vec<String> = (0..100).map(|n| format!("{:07}", n * (size / 100))).collect();
    bencher.bench(|| draft(&base, |doc| keys.iter().for_each(|key| doc[key.as_str()]["done"] = true.into())));
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
