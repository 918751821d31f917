//! The worked example in FORMAT.md is what the code writes, byte for byte, and what it reads.

use redraft::io::{Clock, Entropy, Env, MemoryDisk};
use redraft::{Meta, Options, Store, Value, value};
use std::path::Path;
use std::sync::Arc;

const FORMAT: &str = include_str!("../../src/segment/FORMAT.md");
const SEGMENT: &str = "/example/00000000000000000000.seg";

/// The identity 00 01 02 .. 0f.
#[derive(Debug)]
struct Counting;

impl Entropy for Counting {
    fn fill(&self, buffer: &mut [u8]) -> std::io::Result<()> {
        buffer.iter_mut().zip(0..).for_each(|(byte, number)| *byte = number);
        Ok(())
    }
}

/// One millisecond after the beginning of 1970, for ever.
#[derive(Debug)]
struct Early;

impl Clock for Early {
    fn now_ms(&self) -> u64 {
        1
    }
}

fn env(disk: &MemoryDisk) -> Env {
    Env { disk: Arc::new(disk.clone()), clock: Arc::new(Early), entropy: Arc::new(Counting) }
}

/// The bytes of the example: what stands before the bar in each line of the first block marked `hex`.
fn documented() -> Vec<u8> {
    documented_in(1)
}

fn documented_in(block: usize) -> Vec<u8> {
    let block = FORMAT.split("```hex\n").nth(block).and_then(|rest| rest.split("```").next());
    let lines = block.into_iter().flat_map(str::lines);
    let bytes = lines.filter_map(|line| line.split('|').next()).flat_map(str::split_whitespace);
    bytes.filter_map(|byte| u8::from_str_radix(byte, 16).ok()).collect()
}

#[test]
fn the_example_is_what_is_written() {
    let disk = MemoryDisk::new();
    let store: Store<Value> = Options::new().env(env(&disk)).segment_bytes(4096).open("/example").unwrap();
    store.produce_with(Meta::label("hi"), |doc| doc["a"] = 1.into()).unwrap();
    let written = disk.bytes(Path::new(SEGMENT)).unwrap();
    let solid = written.iter().rposition(|&byte| byte != 0).unwrap() + 1;
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ");
    assert_eq!(hex(&documented()), hex(&written[..solid]));
    assert_eq!(written.len(), 4096);
}

#[test]
fn the_closed_example_is_what_closing_writes_and_can_be_read() {
    let disk = MemoryDisk::new();
    let store: Store<Value> = Options::new().env(env(&disk)).segment_bytes(4096).open("/example").unwrap();
    store.produce_with(Meta::label("hi"), |doc| doc["a"] = 1.into()).unwrap();
    store.close().unwrap();
    let whole = [documented(), documented_in(2)].concat();
    assert_eq!(disk.bytes(Path::new(SEGMENT)).unwrap(), whole);
    assert_eq!(whole.len(), 151);
    let again: Store<Value> = Options::new().env(env(&disk)).open("/example").unwrap();
    assert_eq!(again.version(), 1);
}

#[test]
fn the_example_can_be_read() {
    let disk = MemoryDisk::new();
    let mut bytes = documented();
    bytes.resize(4096, 0);
    redraft::io::Disk::create_dir(&disk, Path::new("/example")).unwrap();
    disk.put(Path::new(SEGMENT), bytes);
    let reader = Options::new().env(env(&disk)).open_read_only::<Value>("/example").unwrap();
    assert_eq!((reader.version(), &*reader.state()), (1, &value!({ "a": 1 })));
    let change = reader.changes(..).unwrap().next().unwrap().unwrap();
    assert_eq!(change.meta, Meta::label("hi"));
    assert_eq!((change.writer.to_string().as_str(), change.sequence), ("0706050403020100", 1));
    assert_eq!((change.stamp.millis(), change.stamp.counter(), change.base), (1, 0, 0));
    assert_eq!(format!("{:?}", change.patch), r#"[add "/a" 1]"#);
    assert!(Options::new().env(env(&disk)).verify(Path::new("/example")).unwrap().is_sound());
}

/// What FORMAT.md says of the stride: a position for every record of 256 bytes or more on average, for every second one from
/// 128 on, else for every fourth. Whoever goes on after a close still has all of them.
#[test]
fn a_footer_has_a_position_for_as_many_records_as_the_format_says() {
    for (frame, stride) in [(9, 4), (127, 4), (128, 2), (255, 2), (256, 1), (600, 1)] {
        let disk = MemoryDisk::new();
        let options = redraft::log::Options::new().env(env(&disk)).segment_bytes(1 << 20);
        for count in [300, 301, 600_usize] {
            let log = options.open("/example").unwrap();
            let more = count - log.head() as usize;
            log.append_all((0..more).map(|_| vec![1; frame - 8])).unwrap();
            log.close().unwrap();
            let bytes = disk.bytes(Path::new(SEGMENT)).unwrap();
            // Behind the table: stride, count, data end, chain, check, ending.
            let word = |back: usize| u32::from_le_bytes(*bytes[bytes.len() - back..].first_chunk().unwrap());
            assert_eq!((word(28), word(24)), (stride, count as u32), "frames of {frame} bytes");
            let (positions, data_end) = (count.div_ceil(stride as usize), 64 + count * frame);
            let table = 4 * positions + 4 * positions.div_ceil(64);
            assert_eq!(bytes.len(), data_end + 20 + 4 + table + 28, "{count} frames of {frame} bytes");
            assert!(redraft::Options::new().env(env(&disk)).verify("/example").unwrap().is_sound());
        }
    }
}
