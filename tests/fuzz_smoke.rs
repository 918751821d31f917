//! The fuzz targets of `tools/fuzz`, without libFuzzer: every input of the corpus, and thousands of mutations of them,
//! the same ones every time. A broken promise names the input.
//!
//! REDRAFT_MUTATIONS sets how many mutations a target gets, REDRAFT_SEED where the seeds start.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a test fails by panicking, in its helpers too; the corpus is on the real disk, its run told in the log"
)]

#[path = "../tools/fuzz/src/mod.rs"]
mod targets;

use redraft::io::SeededEntropy;
use std::path::PathBuf;
use targets::{Judged, Seen};

/// A target, with inputs to start from besides those of its corpus.
struct Target {
    name: &'static str,
    run: fn(&[u8]) -> Judged,
    seeds: fn() -> Vec<(String, Vec<u8>)>,
    mutations: u64,
}

const FRAME: Target =
    Target { name: "frame", run: targets::frame::run, seeds: targets::frame::seeds, mutations: 6_000 };
const SEGMENT: Target =
    Target { name: "segment", run: targets::segment::run, seeds: targets::segment::seeds, mutations: 4_000 };
const DIRECTORY: Target = Target {
    name: "directory",
    run: targets::directory::run,
    seeds: targets::directory::seeds,
    mutations: 4_000,
};

/// How much the process may grow while inputs of some KiB are judged. What a length makes it reserve counts, even if it is
/// never touched; so do the stacks and heaps of the other tests' threads.
const GROWTH_KIB_MAX: u64 = 512 * 1024;

fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

fn corpus_dir(target: &Target) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tools/fuzz/corpus").join(target.name)
}

/// The inputs that stand in the repository, by name.
fn corpus(target: &Target) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(corpus_dir(target)).unwrap().map(|entry| entry.unwrap().path());
    let mut inputs: Vec<_> = entries
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap()))
        .collect();
    inputs.sort();
    inputs
}

/// Changes an input in one of the ways that fuzzers do.
fn mutate(input: &mut Vec<u8>, inputs: &[(String, Vec<u8>)], dice: &SeededEntropy) {
    const NUMBERS: [u64; 10] = [0, 1, 127, 128, 250, 251, 1 << 16, 1 << 30, i64::MAX as u64, u64::MAX];
    let at = dice.below(input.len() + 1);
    let to = (at + 1 + dice.below(16)).min(input.len());
    match dice.below(8) {
        0 => input.get_mut(at).into_iter().for_each(|byte| *byte ^= 1 << dice.below(8)),
        1 => input.get_mut(at).into_iter().for_each(|byte| *byte = dice.next() as u8),
        2 => input.insert(at, dice.next() as u8),
        3 => drop(input.drain(at..to)),
        4 => {
            let number = NUMBERS[dice.below(NUMBERS.len())].to_le_bytes();
            let width = [1, 2, 4, 8][dice.below(4)];
            input.iter_mut().skip(at).zip(&number[..width]).for_each(|(byte, new)| *byte = *new);
        }
        5 => {
            let piece = input[at..to].to_vec();
            let other = dice.below(input.len() + 1);
            drop(input.splice(other..other, piece));
        }
        6 => {
            let (_, other) = &inputs[dice.below(inputs.len())];
            let start = dice.below(other.len() + 1);
            input.truncate(at);
            input.extend_from_slice(&other[start..]);
        }
        _ => input.truncate(at),
    }
}

/// The most address space this process ever had, in KiB; 0 where the system does not tell.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmPeak:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

/// Names the input, should it make the process panic.
struct Saying<'a>(&'a str, &'a str, &'a [u8]);

impl Drop for Saying<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Saying(target, origin, input) = self;
            let hex: String = input.iter().map(|byte| format!("{byte:02x}")).collect();
            eprintln!("target {target}, {origin}, input in hex: {hex}");
            if *target == DIRECTORY.name {
                eprintln!("that is: {}", targets::directory::describe(input));
            }
        }
    }
}

/// What all inputs of a run came to.
#[derive(Debug, Default)]
struct Totals {
    inputs: u64,
    changes: u64,
    read: u64,
    written: u64,
    damaged: u64,
    patches: u64,
}

impl Totals {
    fn add(&mut self, seen: Seen) {
        self.inputs += 1;
        self.changes += seen.changes;
        self.read += u64::from(seen.read);
        self.written += u64::from(seen.written);
        self.damaged += u64::from(seen.damaged);
        self.patches += seen.patches;
    }
}

fn judge(target: &Target, origin: &str, input: &[u8], totals: &mut Totals) {
    let before = peak_kib();
    let _saying = Saying(target.name, origin, input);
    totals.add((target.run)(input).unwrap_or_else(|why| panic!("{why}")));
    let grown = peak_kib() - before;
    assert!(grown < GROWTH_KIB_MAX, "{grown} KiB more for {} bytes of input", input.len());
}

/// Runs a target over its corpus and the mutations of it.
fn smoke(target: &Target) -> Totals {
    let mut inputs = corpus(target);
    assert!(!inputs.is_empty(), "the corpus of {} is gone", target.name);
    inputs.extend((target.seeds)());
    let mut totals = Totals::default();
    inputs.iter().for_each(|(name, input)| judge(target, name, input, &mut totals));
    let start = setting("REDRAFT_SEED", 1);
    for seed in start..start + setting("REDRAFT_MUTATIONS", target.mutations) {
        let dice = SeededEntropy::new(seed);
        let mut input = inputs[dice.below(inputs.len())].1.clone();
        (0..=dice.below(4)).for_each(|_| mutate(&mut input, &inputs, &dice));
        judge(target, &format!("seed {seed}"), &input, &mut totals);
    }
    eprintln!("{}: {totals:?}", target.name);
    eprintln!("counted {} inputs without libFuzzer", totals.inputs);
    totals
}

#[test]
fn no_body_of_a_record_and_no_patch_does_harm() {
    let totals = smoke(&FRAME);
    // A change that can be read is read besides the twenty before it.
    assert!(totals.changes > 20 * totals.read && totals.patches > 0, "nothing was decoded: {totals:?}");
}

#[test]
fn no_segment_does_harm() {
    let totals = smoke(&SEGMENT);
    assert!(totals.read > 0 && totals.written > 0 && totals.damaged > 0, "{totals:?}");
}

#[test]
fn no_directory_does_harm() {
    let totals = smoke(&DIRECTORY);
    assert!(totals.read > 0 && totals.written > 0 && totals.damaged > 0, "{totals:?}");
}

/// Writes the inputs that the targets start from into the corpus: run it when the format of the files has changed.
#[test]
#[ignore = "writes into the repository"]
fn the_corpus_is_written_anew() {
    for target in [FRAME, SEGMENT, DIRECTORY] {
        std::fs::create_dir_all(corpus_dir(&target)).unwrap();
        for (name, input) in (target.seeds)() {
            std::fs::write(corpus_dir(&target).join(name), input).unwrap();
        }
    }
}
