//! Drafting typed states without a disk: what a change costs in states of growing size, with its patch and its inverse.

use divan::Bencher;
use redraft::collections::{Counter, KeyedList, List, Map, Shared};
use redraft::{State, apply, draft};

fn main() {
    divan::main();
}

const SIZES: [u64; 2] = [10_000, 1_000_000];

#[derive(Clone, Debug, Default, State)]
struct Card {
    title: Shared<String>,
    done: bool,
    seen: Counter,
}

fn card(n: u64) -> Card {
    Card { title: Shared::new(format!("card {n}")), ..Card::default() }
}

fn map_of(size: u64) -> Map<u64, Card> {
    (0..size).map(|n| (n, card(n))).collect()
}

fn list_of(size: u64) -> List<Card> {
    (0..size).map(card).collect()
}

/// Scattered all over a state, the same in every run.
fn scattered(size: u64) -> Vec<u64> {
    (0..1000).map(|n| n * 7_919 * 613 % size).collect()
}

#[divan::bench(args = SIZES)]
fn one_field_in_a_map(bencher: Bencher<'_, '_>, size: u64) {
    let base = map_of(size);
    let key = size / 2;
    bencher.bench(|| draft(&base, |map| map.entry(key).or_default().done = true));
}

#[divan::bench(args = SIZES)]
fn one_field_in_a_list(bencher: Bencher<'_, '_>, size: u64) {
    let base = list_of(size);
    let at = size as usize / 2;
    bencher.bench(|| draft(&base, |list| list[at].done = true));
}

#[divan::bench(args = SIZES)]
fn one_field_in_a_keyed_list(bencher: Bencher<'_, '_>, size: u64) {
    let base: KeyedList<u64, Card> = (0..size).map(|n| (n, card(n))).collect();
    let key = size / 2;
    bencher.bench(|| draft(&base, |list| list[&key].seen += 1));
}

#[divan::bench(args = SIZES)]
fn two_far_edits_in_a_list(bencher: Bencher<'_, '_>, size: u64) {
    let base = list_of(size);
    let size = size as usize;
    bencher.bench(|| {
        draft(&base, |list| {
            list[size / 10].done = true;
            list[size / 10 * 9].done = true;
        })
    });
}

#[divan::bench(args = SIZES)]
fn insertion_at_the_front_of_a_list(bencher: Bencher<'_, '_>, size: u64) {
    let base = list_of(size);
    bencher.bench(|| draft(&base, |list| list.push_front(Card::default())));
}

#[divan::bench(args = SIZES)]
fn a_thousand_scattered_fields_in_a_map(bencher: Bencher<'_, '_>, size: u64) {
    let base = map_of(size);
    let keys = scattered(size);
    bencher
        .bench(|| draft(&base, |map| keys.iter().for_each(|key| map.entry(*key).or_default().done = true)));
}

#[divan::bench(args = SIZES)]
fn a_thousand_scattered_fields_in_a_list(bencher: Bencher<'_, '_>, size: u64) {
    let base = list_of(size);
    let places = scattered(size);
    bencher.bench(|| draft(&base, |list| places.iter().for_each(|at| list[*at as usize].done = true)));
}

#[divan::bench(args = SIZES)]
fn nothing(bencher: Bencher<'_, '_>, size: u64) {
    let base = map_of(size);
    bencher.bench(|| draft(&base, |_| ()));
}

#[divan::bench(args = SIZES)]
fn applying_a_patch_to_a_map(bencher: Bencher<'_, '_>, size: u64) {
    let base = map_of(size);
    let patch = draft(&base, |map| map.entry(size / 2).or_default().done = true).map(|drafted| drafted.patch);
    let patch = patch.unwrap_or_default();
    bencher.bench(|| apply(&base, &patch));
}

#[divan::bench(args = SIZES)]
fn applying_a_patch_to_a_list(bencher: Bencher<'_, '_>, size: u64) {
    let base = list_of(size);
    let patch = draft(&base, |list| list[size as usize / 2].done = true).map(|drafted| drafted.patch);
    let patch = patch.unwrap_or_default();
    bencher.bench(|| apply(&base, &patch));
}
