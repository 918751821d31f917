//! What a keystroke costs in a [`Text`], with its patch and inverse, and what reading costs.
#![allow(clippy::expect_used, reason = "a benchmark that cannot run says so")]

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use redraft::collections::Text;
use redraft::{apply, draft};

fn main() {
    divan::main();
}

const PAPER: usize = 100_000;
const NOVEL: usize = 1_000_000;

/// Lines of forty characters, so many characters altogether.
fn lines(chars: usize) -> String {
    (0..chars / 40).map(|line| format!("{line:>9} of the lines in this long text\n")).collect()
}

/// The same with a character of two bytes in every line.
fn lignes(chars: usize) -> String {
    lines(chars).replace("the", "th\u{e9}")
}

/// So many keystrokes at a time, or the clock would take a part of what it measures.
const KEYSTROKES: usize = 100;

/// Types a word here, a word there, each letter one change; takes every tenth letter back.
fn type_on(bencher: Bencher<'_, '_>, text: &str) {
    let mut text = Text::from(text);
    let (mut at, mut typed) = (0, 0_usize);
    bencher.counter(ItemsCount::new(KEYSTROKES)).bench_local(|| {
        for _ in 0..KEYSTROKES {
            typed += 1;
            at = if typed.is_multiple_of(8) { at * 7_919 % (text.len() - 10) } else { at + 1 };
            let drafted = draft(&text, |text| match typed % 10 {
                0 => text.delete(at..at + 1),
                _ => text.insert(at, "e"),
            });
            text = black_box(drafted.expect("a letter can be stored")).state;
        }
    });
}

/// A hundred of them.
#[divan::bench(args = [PAPER, NOVEL])]
fn keystroke(bencher: Bencher<'_, '_>, chars: usize) {
    type_on(bencher, &lines(chars));
}

/// A hundred of them.
#[divan::bench(args = [PAPER, NOVEL])]
fn keystroke_beyond_ascii(bencher: Bencher<'_, '_>, chars: usize) {
    type_on(bencher, &lignes(chars));
}

/// As a replica or a replay does it.
#[divan::bench(args = [PAPER, NOVEL])]
fn apply_keystroke(bencher: Bencher<'_, '_>, chars: usize) {
    let text = Text::from(lines(chars));
    let patch = draft(&text, |text| text.insert(chars / 2, "e")).expect("a letter can be stored").patch;
    bencher.bench_local(|| apply(&text, black_box(&patch)));
}

#[divan::bench(args = [PAPER, NOVEL])]
fn slice_of_80(bencher: Bencher<'_, '_>, chars: usize) {
    let text = Text::from(lines(chars));
    bencher.bench_local(|| text.slice(black_box(chars / 3)..chars / 3 + 80));
}

#[divan::bench(args = [PAPER, NOVEL])]
fn from_str(bencher: Bencher<'_, '_>, chars: usize) {
    let text = lines(chars);
    bencher.bench_local(|| Text::from(black_box(&text[..])));
}

#[divan::bench(args = [PAPER, NOVEL])]
fn cut_and_paste_a_tenth(bencher: Bencher<'_, '_>, chars: usize) {
    let text = Text::from(lines(chars));
    bencher.bench_local(|| {
        let mut text = text.clone();
        let cut = text.splice(chars / 2..chars / 2 + chars / 10, "");
        text.insert(chars / 5, &cut);
        text
    });
}
