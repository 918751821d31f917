//! How far the index has followed the log, and what it must add up to: the entry that every batch ends with.
//!
//! ```text
//! key   = 'w'
//! value = format u8 | store id 16 | begin u64 | offset u64 | chain u32 | sum u64 | check u32      little-endian
//! ```
//!
//! Always: the chain says which log it is that was followed, whatever the directory has been through since.

use crate::layout::{Chain, StoreId, checksum, u32_at, u64_at};

pub(super) const KEY: [u8; 1] = *b"w";
/// Of keys, chunks and terms. An index of any other is made anew.
const FORMAT: u8 = 1;
const BYTES: usize = 49;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Watermark {
    pub(super) store: StoreId,
    /// The first offset that was followed.
    pub(super) begin: u64,
    /// The next one to follow.
    pub(super) offset: u64,
    /// The chain before it.
    pub(super) chain: Chain,
    /// Of all entries but this one.
    pub(super) sum: u64,
}

impl Watermark {
    pub(super) fn encode(&self) -> [u8; BYTES] {
        let mut bytes = [FORMAT; BYTES];
        bytes[1..17].copy_from_slice(self.store.as_bytes());
        bytes[17..25].copy_from_slice(&self.begin.to_le_bytes());
        bytes[25..33].copy_from_slice(&self.offset.to_le_bytes());
        bytes[33..37].copy_from_slice(&self.chain.to_le_bytes());
        bytes[37..45].copy_from_slice(&self.sum.to_le_bytes());
        let check = checksum(0, &[&bytes[..45]]);
        bytes[45..].copy_from_slice(&check.to_le_bytes());
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Watermark> {
        let good =
            bytes.len() == BYTES && bytes[0] == FORMAT && u32_at(bytes, 45) == checksum(0, &[&bytes[..45]]);
        let mut store = [0; 16];
        store.copy_from_slice(bytes.get(1..17).filter(|_| good)?);
        let (begin, offset) = (u64_at(bytes, 17), u64_at(bytes, 25));
        Some(Watermark {
            store: StoreId(store),
            begin,
            offset,
            chain: u32_at(bytes, 33),
            sum: u64_at(bytes, 37),
        })
    }
}
