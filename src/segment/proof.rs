//! The search for proof: whether bytes behind a place that cannot be read say that a record was durable there.
//!
//! Pure functions over bytes, asked by [`SegmentReader`](super::reader::SegmentReader) once something looks wrong; what follows from the
//! answer is decided by `recovery` and `log`. FORMAT.md, "Recovery", says what proof is and what looks like it.
//!
//! Always: a record or a mark that was written behind a sync is found, unless very much before it looks like records too; what
//! only looks so is rare, and costs an error instead of a cut.

use super::format::{self, FOOTER_TAG, FRAME_BYTES, MARK_TAG, RECORD_BYTES_MAX};
use crate::layout::{CHECK_BYTES, LENGTH_BYTES, StoreId, u32_at};

/// How many bytes of records are checksummed before what stands behind them looks like a log.
const DOUBTFUL_BYTES: u64 = 1 << 28;
/// What each of those counts for at least: small ones are many, and one in four thousand million is good by chance.
const DOUBT_BYTES: u32 = 4096;

/// Looks for a mark or the first record of a batch behind the (bad) place `bytes[4..]`.
///
/// Every byte is a candidate, but few lengths are plausible, and fewer lead from one plausible length to the next; those are
/// checksummed. A budget of some seconds bounds even bytes made to deceive; when it is used up we answer as if
/// proof had been found, because an error can be looked into and a cut cannot be undone.
///
/// What follows a record may be torn, so those that lead nowhere are checksummed too, as long as there are not many.
pub(super) fn find(bytes: &[u8], offset: u64, store: &StoreId) -> Option<&'static str> {
    let (mut budget, mut doubtful) = (1024 * bytes.len() as u64 + (1 << 28), DOUBTFUL_BYTES);
    for at in LENGTH_BYTES + 1..bytes.len().saturating_sub(LENGTH_BYTES - 1) {
        let word = u32_at(bytes, at);
        if word == 0 {
            continue;
        }
        if format::mark_of(store, &bytes[at..]).is_some_and(|head| head > offset) {
            return Some("a later mark");
        }
        let Some(after) = behind(bytes, at) else { continue };
        if leads_on(bytes, after) {
            budget = match budget.checked_sub(word.into()) {
                Some(left) => left,
                None => return Some("possibly a later record (too many candidates to tell)"),
            };
        } else {
            doubtful = match doubtful.checked_sub(word.max(DOUBT_BYTES).into()) {
                Some(left) => left,
                None => continue,
            };
        }
        if starts_batch(bytes, at) {
            return Some("a later record");
        }
    }
    None
}

/// Where the frame ends whose length stands at `at`; nothing if it would be too long, or end behind the bytes.
fn behind(bytes: &[u8], at: usize) -> Option<usize> {
    let length = u32_at(bytes, at);
    let end = at + length as usize + FRAME_BYTES;
    (length <= RECORD_BYTES_MAX && end <= bytes.len()).then_some(end)
}

/// Whether a few plausible frames follow from `at` on, or the end.
fn leads_on(bytes: &[u8], mut at: usize) -> bool {
    const HOPS: usize = 3;
    for _ in 0..HOPS {
        if at + LENGTH_BYTES > bytes.len() || matches!(u32_at(bytes, at), 0 | MARK_TAG | FOOTER_TAG) {
            return true;
        }
        match behind(bytes, at) {
            Some(after) => at = after,
            None => return false,
        }
    }
    true
}

fn starts_batch(bytes: &[u8], at: usize) -> bool {
    let before = u32_at(bytes, at - CHECK_BYTES);
    let first_after = |chain| match format::record_at(&bytes[at..], chain) {
        // A number twice and then zeros cancel each other out: whatever the number, the CRC of that ends in zeros too.
        // (A real record has this chain once in four thousand million.)
        Some((_, chain, first)) => first && chain != u32::MAX,
        None => false,
    };
    // The chain here is what is stored or its complement; take the reading under which the record is good at all.
    first_after(before) || first_after(!before)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Chain;
    use crate::segment::format::{MARK_BYTES, mark, mark_first, push_frame};

    const STORE: StoreId = StoreId(*b"the store itself");
    /// What no length can be.
    const NOISE: u8 = 0xee;
    const BEFORE: Chain = 0x1234_5678;

    /// Frames one after the other, the first of them first in its batch; and the chain after them.
    fn batch(bodies: &[&[u8]], chain: Chain) -> (Vec<u8>, Chain) {
        let (mut frames, mut after) = (Vec::new(), chain);
        for (index, body) in bodies.iter().enumerate() {
            let start = frames.len();
            after = push_frame(&mut frames, body, after);
            if index == 0 {
                mark_first(&mut frames[start..]);
            }
        }
        (frames, after)
    }

    /// What the search is given: a check, a bad place of so many bytes, and at its end the check before what follows.
    fn behind_noise(noise: usize, follows: &[u8]) -> Vec<u8> {
        let mut bytes = vec![NOISE; CHECK_BYTES + noise];
        let last = bytes.len() - CHECK_BYTES;
        bytes[last..].copy_from_slice(&BEFORE.to_le_bytes());
        bytes.extend_from_slice(follows);
        bytes
    }

    fn found(bytes: &[u8]) -> Option<&'static str> {
        find(bytes, 7, &STORE)
    }

    #[test]
    fn the_first_record_of_a_batch_is_proof_wherever_it_starts() {
        for noise in 1..300 {
            for body in [&[1_u8][..], &[NOISE; 250], b"of some length"] {
                let bytes = behind_noise(noise, &batch(&[body], BEFORE).0);
                assert_eq!(found(&bytes), Some("a later record"), "{noise} bytes before {body:?}");
            }
        }
    }

    #[test]
    fn a_batch_behind_the_first_record_of_another_is_proof() {
        // There the check that stands before it is complemented.
        let (_, chain) = batch(&[b"alone"], BEFORE);
        let mut bytes = behind_noise(5, &batch(&[b"second"], chain).0);
        bytes[5..9].copy_from_slice(&(!chain).to_le_bytes());
        assert_eq!(found(&bytes), Some("a later record"));
    }

    #[test]
    fn a_record_is_proof_whatever_follows_it_in_the_log() {
        let (first, chain) = batch(&[b"first"], BEFORE);
        let later = batch(&[b"second", &[NOISE; 100], b"third", b"fourth", b"fifth"], chain).0;
        let torn = &batch(&[&[NOISE; 100]], chain).0[..50];
        for follows in [&[][..], &[0], &[0; 3], &[0; 4], &[0; 50], &[9; 3], &mark(&STORE, 8, chain), &later] {
            assert_eq!(found(&behind_noise(9, &[&first, follows].concat())), Some("a later record"));
        }
        assert_eq!(
            found(&behind_noise(9, &[&first, &FOOTER_TAG.to_le_bytes()[..]].concat())),
            Some("a later record")
        );
        assert_eq!(found(&behind_noise(9, &[&first, torn].concat())), Some("a later record"));
    }

    /// What follows is counted from where the record ends, not from elsewhere.
    #[test]
    fn noise_inside_of_later_records_is_not_looked_at() {
        let (frames, chain) = batch(&[&[1]], BEFORE);
        let follows = batch(&[&[2], &[NOISE; 100], &[NOISE; 40], &[NOISE; 3]], chain).0;
        let (mut bytes, at) = (behind_noise(1, &frames), 5);
        bytes.extend_from_slice(&follows);
        assert_eq!(behind(&bytes, at), Some(at + frames.len()));
        assert!(leads_on(&bytes, at + frames.len()));
    }

    #[test]
    fn a_record_in_the_middle_of_a_batch_is_no_proof() {
        let (frames, _) = batch(&[b"first", b"second", b"third"], BEFORE);
        let second = &frames[5 + FRAME_BYTES..];
        let chain = u32_at(&frames, 5 + LENGTH_BYTES);
        let mut bytes = behind_noise(9, second);
        bytes[9..13].copy_from_slice(&chain.to_le_bytes());
        assert_eq!(found(&bytes), None);
    }

    #[test]
    fn a_record_that_is_not_whole_is_no_proof() {
        let (frames, _) = batch(&[b"some record"], BEFORE);
        for cut in 1..frames.len() {
            assert_eq!(found(&behind_noise(9, &frames[..frames.len() - cut])), None, "{cut} bytes are gone");
        }
        for at in 0..frames.len() {
            let mut flipped = frames.clone();
            flipped[at] ^= 0x10;
            assert_eq!(found(&behind_noise(9, &flipped)), None, "byte {at}");
        }
    }

    #[test]
    fn a_mark_is_proof_if_its_head_is_further_on() {
        for noise in 1..40 {
            for (head, proof) in
                [(0, None), (7, None), (8, Some("a later mark")), (u64::MAX, Some("a later mark"))]
            {
                // What it continues may be damaged, so that is not looked at.
                assert_eq!(
                    found(&behind_noise(noise, &mark(&STORE, head, 99))),
                    proof,
                    "{head} behind {noise}"
                );
            }
        }
        let (whole, foreign) = (mark(&STORE, 8, 99), mark(&StoreId([7; 16]), 8, 99));
        assert_eq!(found(&behind_noise(9, &foreign)), None, "it is of another store");
        for cut in 1..MARK_BYTES {
            assert_eq!(found(&behind_noise(9, &whole[..MARK_BYTES - cut])), None, "{cut} bytes are gone");
        }
    }

    #[test]
    fn the_place_itself_proves_nothing() {
        let mark = mark(&STORE, 8, BEFORE);
        assert_eq!(found(&[&[NOISE; 4], &mark[..]].concat()), None);
        assert_eq!(found(&[&[NOISE; 5], &mark[..]].concat()), Some("a later mark"));
    }

    #[test]
    fn nothing_proves_nothing() {
        for bytes in 4..40 {
            assert_eq!(found(&vec![0; bytes]), None);
            assert_eq!(found(&vec![NOISE; bytes]), None);
            assert_eq!(found(&vec![1; bytes]), None);
        }
    }

    /// Every fourth byte begins a length that leads to another: to checksum all of them would take minutes in a large segment.
    #[test]
    fn bytes_made_to_deceive_are_answered_in_time_and_never_with_no() {
        let deceiving: Vec<u8> =
            std::iter::repeat_n(32_u32 << 10, 48 << 10).flat_map(u32::to_le_bytes).collect();
        assert_eq!(found(&deceiving), Some("possibly a later record (too many candidates to tell)"));
        assert_eq!(found(&deceiving[..64 << 10]), None);
    }

    /// Here every eighth byte begins one, and none leads to another: so many are no reason to refuse what can be opened.
    #[test]
    fn lengths_that_lead_nowhere_are_no_proof_however_many() {
        let word = ((32_u32 << 10) + 4).to_le_bytes();
        let bytes: Vec<u8> = std::iter::repeat_n([word, [NOISE; 4]].concat(), 24 << 10).flatten().collect();
        assert_eq!(found(&bytes), None);
    }
}
