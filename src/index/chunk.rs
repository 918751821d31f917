//! One chunk of a posting list as bytes: up to some hundred offsets in a row, by mark.
//!
//! ```text
//! key   = 'p' | list u16 | first offset u64      big-endian, so that chunks sort by list and then by offset
//! value = group*
//! group = mark u16 | length varint | delta varint*      the first delta counts from the first offset of the chunk
//! ```
//!
//! Pure functions between bytes and offsets. Always: whatever the bytes, nothing is read beyond them, and bytes that were not
//! made here give nothing or an answer of no use, never a panic.

/// So many postings make a chunk. One key for each change would be ruinous: over ten times the time, memory and space.
pub(super) const POSTINGS_MAX: usize = 256;
const TAG: u8 = b'p';
pub(super) const KEY_BYTES: usize = 11;

/// One change in one list: its offset, counted from the first of the chunk, and the mark it is found by.
pub(super) type Posting = (u32, u16);

pub(super) fn key(list: u16, first: u64) -> [u8; KEY_BYTES] {
    let mut key = [TAG; KEY_BYTES];
    key[1..3].copy_from_slice(&list.to_be_bytes());
    key[3..].copy_from_slice(&first.to_be_bytes());
    key
}

/// List and first offset; nothing for a key of another kind.
pub(super) fn parse_key(key: &[u8]) -> Option<(u16, u64)> {
    let (&tag, rest) = key.split_first()?;
    let (list, first) = rest.split_first_chunk()?;
    (tag == TAG).then_some((u16::from_be_bytes(*list), u64::from_be_bytes(first.try_into().ok()?)))
}

/// The value of a chunk. Sorts the postings by mark; offsets of one mark stay in order.
pub(super) fn encode(postings: &mut [Posting]) -> Vec<u8> {
    postings.sort_by_key(|&(_, mark)| mark);
    let (mut out, mut deltas) = (Vec::with_capacity(2 * postings.len()), Vec::new());
    for group in postings.chunk_by(|(_, a), (_, b)| a == b) {
        deltas.clear();
        let mut before = 0;
        for &(at, _) in group {
            put(&mut deltas, at - before);
            before = at;
        }
        out.extend_from_slice(&group[0].1.to_le_bytes());
        put(&mut out, deltas.len() as u32);
        out.extend_from_slice(&deltas);
    }
    out
}

/// The groups of a chunk: mark and deltas.
fn groups(mut value: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let (mark, rest) = value.split_first_chunk()?;
        let (length, rest) = take(rest)?;
        let (deltas, rest) = rest.split_at_checked(length as usize)?;
        value = rest;
        Some((u16::from_le_bytes(*mark), deltas))
    })
}

fn positions(mut deltas: &[u8]) -> impl Iterator<Item = u32> {
    let mut at = 0_u32;
    std::iter::from_fn(move || {
        let (delta, rest) = take(deltas)?;
        (at, deltas) = (at.checked_add(delta)?, rest);
        Some(at)
    })
}

/// All postings of a chunk, in the order in which they came.
pub(super) fn decode(value: &[u8]) -> Vec<Posting> {
    let postings = groups(value).flat_map(|(mark, deltas)| positions(deltas).map(move |at| (at, mark)));
    let mut postings: Vec<Posting> = postings.collect();
    postings.sort_unstable();
    postings
}

/// The positions of one mark, ascending.
pub(super) fn of_mark(value: &[u8], mark: u16) -> impl Iterator<Item = u32> {
    groups(value).find(|(found, _)| *found == mark).into_iter().flat_map(|(_, deltas)| positions(deltas))
}

/// Seven bits a byte, the lowest first.
fn put(out: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn take(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let mut number = 0;
    for (index, &byte) in bytes.iter().enumerate().take(5) {
        number |= u32::from(byte & 0x7f) << (7 * index);
        if byte < 0x80 {
            return Some((number, &bytes[index + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_encoded_comes_back_whole_and_by_mark(gaps in prop::collection::vec((0_u32..70_000, 0_u16..5), 0..300)) {
            let mut at = 0;
            let mut postings: Vec<Posting> = gaps.iter().map(|&(gap, mark)| { at += gap; (at, mark) }).collect();
            postings.sort_unstable();
            let value = encode(&mut postings.clone());
            prop_assert_eq!(&decode(&value), &postings);
            for mark in 0..6 {
                let expected: Vec<u32> = postings.iter().filter(|posting| posting.1 == mark).map(|posting| posting.0).collect();
                prop_assert_eq!(of_mark(&value, mark).collect::<Vec<_>>(), expected);
            }
        }

        #[test]
        fn other_bytes_do_no_harm(value in prop::collection::vec(any::<u8>(), 0..40), mark: u16) {
            prop_assert!(decode(&value).len() <= value.len());
            prop_assert!(of_mark(&value, mark).count() <= value.len());
        }
    }

    #[test]
    fn keys_sort_by_list_and_then_by_offset() {
        let keys = [key(0, u64::MAX), key(1, 0), key(1, 255), key(1, 256), key(256, 0)];
        assert!(keys.is_sorted());
        assert_eq!(parse_key(&keys[3]), Some((1, 256)));
        assert_eq!((parse_key(b"m"), parse_key(&keys[3][1..])), (None, None));
    }
}
