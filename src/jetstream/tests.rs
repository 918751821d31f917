//! Messages as bytes: the example of FORMAT.md, and what is refused.

use super::message::{Found, Framed, Kind, Message};
use crate::error::ErrorKind;
use crate::layout::StoreId;

const STORE: StoreId = StoreId([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
const FOUND: Found<'_> = Found { stream: "board", sequence: 7 };

fn example() -> Vec<u8> {
    let page = include_str!("FORMAT.md").split("## An example").nth(1).unwrap_or_default();
    let hex = page.split("```").nth(1).and_then(|block| block.strip_prefix("text")).unwrap_or_default();
    hex.split_whitespace().filter_map(|byte| u8::from_str_radix(byte, 16).ok()).collect()
}

#[test]
fn the_example_of_the_format_is_what_is_written_and_read() {
    let (written, chain) = Framed::of(STORE.genesis(), &[b"hi"]).into_message(STORE, 1, 0);
    assert_eq!(written, example());
    let read = Message::decode(example().into(), &FOUND, Some(STORE)).unwrap();
    assert_eq!((read.header.kind, read.header.base, read.header.end()), (Kind::Records, 0, 1));
    assert_eq!((read.header.chain, read.header.end_chain), (STORE.genesis(), chain));
    assert_eq!(read.frames_from(0).0, &example()[64..]);
    assert_eq!(read.frames_from(1), (&[][..], chain));
}

/// Every message that differs in one bit, or is cut short, is refused, or is the same message to every reader.
#[test]
fn no_bit_of_a_message_can_be_changed_unnoticed() {
    let founding = Message::founding(STORE, 1, 5, 99);
    let (reference, _) = Message::reference(STORE, 1, 5, 99, b"large");
    for good in [founding, example(), reference] {
        Message::decode(good.clone().into(), &FOUND, Some(STORE)).unwrap();
        for bit in 0..8 * good.len() {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let error = Message::decode(bad.into(), &FOUND, Some(STORE)).expect_err("a flipped bit").kind();
            assert!(matches!(error, ErrorKind::Unreachable | ErrorKind::Diverged), "bit {bit}: {error}");
        }
        for length in 0..good.len() {
            let cut = good[..length].to_vec();
            assert!(Message::decode(cut.into(), &FOUND, Some(STORE)).is_err(), "{length} bytes");
        }
    }
}

#[test]
fn a_newer_message_is_refused_as_that() {
    let mut newer = example();
    newer[8] = 6;
    let error = Message::decode(newer.into(), &FOUND, None).expect_err("format 6");
    assert_eq!(error.kind(), ErrorKind::Newer, "{error}");
}

#[test]
fn an_object_is_the_record_that_the_message_says_or_is_refused() {
    let (reference, chain) = Message::reference(STORE, 1, 5, 99, b"large");
    let message = Message::decode(reference.into(), &FOUND, Some(STORE)).unwrap();
    assert_eq!(message.object().1, 5);
    let (whole, end) = Framed::of(99, &[b"large"]).into_message(STORE, 1, 5);
    assert_eq!((message.frame_of(b"large", &FOUND).unwrap(), chain), (whole[64..].to_vec(), end));
    assert!(message.frame_of(b"lorge", &FOUND).is_err());
}
