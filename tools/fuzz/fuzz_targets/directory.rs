//! The target `directory` under libFuzzer.
#![no_main]

#[path = "../src/mod.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Err(why) = targets::directory::run(data) {
        panic!("{why}");
    }
});
