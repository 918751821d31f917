//! The target `segment` under libFuzzer.
#![no_main]

#[path = "../src/mod.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Err(why) = targets::segment::run(data) {
        panic!("{why}");
    }
});
