//! Makes checksums right again: header, frames, mark and snapshot blocks as `src/segment/FORMAT.md` gives them, by
//! another hand than the code under test. Footers are left as the real writer made them.
//!
//! Always: takes any bytes; what is too short to have a checksum is left alone.

pub(crate) const HEADER_BYTES: usize = 64;
const CHECK_AT: usize = 56;
const CHAIN_AT: usize = 60;
const RECORD_BYTES_MAX: u32 = 1 << 30;
const MARK_TAG: u32 = u32::MAX;
const MARK_BYTES: usize = 20;

/// CRC-32 of the bytes, continuing from `seed`.
fn crc(seed: u32, bytes: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(seed);
    hasher.update(bytes);
    hasher.finalize()
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// Overwrites from `at` on as far as the file goes.
pub(crate) fn put(file: &mut [u8], at: usize, bytes: &[u8]) {
    let room = file.get_mut(at..).unwrap_or_default();
    room.iter_mut().zip(bytes).for_each(|(byte, new)| *byte = *new);
}

/// The chain before the first record, as the header has it.
fn first_chain(file: &[u8]) -> u32 {
    word(file, CHAIN_AT).unwrap_or(0)
}

/// The base offset, or version, that a header names.
pub(crate) fn number(file: &[u8]) -> u64 {
    let bytes = file.get(32..).and_then(|rest| rest.first_chunk());
    bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// Makes the check of the header right, of a segment or of a snapshot.
pub(crate) fn header(file: &mut [u8]) {
    if file.len() < HEADER_BYTES {
        return;
    }
    let check = crc(crc(0, &file[..CHECK_AT]), &file[CHAIN_AT..HEADER_BYTES]);
    put(file, CHECK_AT, &check.to_le_bytes());
}

/// One frame, and the chain after it; first of its batch, as a writer that is alone makes them.
pub(crate) fn frame(body: &[u8], chain: u32) -> (Vec<u8>, u32) {
    let mut frame = (body.len() as u32).to_le_bytes().to_vec();
    frame.extend_from_slice(body);
    let after = crc(chain, &frame);
    frame.extend_from_slice(&(!after).to_le_bytes());
    (frame, after)
}

/// Where the frame at `at` ends, if there is one whose length can be.
fn frame_end(file: &[u8], at: usize) -> Option<usize> {
    let length = word(file, at).filter(|length| (1..=RECORD_BYTES_MAX).contains(length))?;
    let end = at + 8 + length as usize;
    (end <= file.len()).then_some(end)
}

/// Where the records of a segment end.
pub(crate) struct End {
    at: usize,
    /// The offset after the last one.
    head: u64,
    pub(crate) chain: u32,
}

/// Passes all frames whose lengths can be, whatever their checks say.
pub(crate) fn end_of_records(file: &[u8]) -> End {
    let mut end = End { at: HEADER_BYTES, head: number(file), chain: first_chain(file) };
    while let Some(next) = frame_end(file, end.at) {
        end.chain = crc(end.chain, &file[end.at..next - 4]);
        (end.at, end.head) = (next, end.head.wrapping_add(1));
    }
    end
}

/// The mark that says: all before me is durable.
fn mark(file: &[u8], end: &End) -> Vec<u8> {
    let mut mark = MARK_TAG.to_le_bytes().to_vec();
    mark.extend_from_slice(&end.head.to_le_bytes());
    mark.extend_from_slice(&crc(end.chain, &mark).to_le_bytes());
    mark.extend_from_slice(&crc(genesis(file), &mark).to_le_bytes());
    mark
}

/// What the chain of the store begins with: the CRC of its id.
fn genesis(file: &[u8]) -> u32 {
    file.get(16..32).map_or(0, |id| crc(0, id))
}

/// The bodies of the records of a segment.
pub(crate) fn bodies(file: &[u8]) -> Vec<&[u8]> {
    let (mut at, mut bodies) = (HEADER_BYTES, Vec::new());
    while let Some(end) = frame_end(file, at) {
        bodies.push(&file[at + 4..end - 4]);
        at = end;
    }
    bodies
}

/// Puts one more record behind the others, and a mark behind it, over whatever stood there; a file does not become
/// shorter by it.
pub(crate) fn append(file: &mut Vec<u8>, body: &[u8]) {
    let bytes = file.len();
    let mut end = end_of_records(file);
    file.truncate(end.at);
    if !body.is_empty() {
        let (frame, chain) = frame(body, end.chain);
        file.extend_from_slice(&frame);
        end = End { head: end.head.wrapping_add(1), chain, ..end };
    }
    let mark = mark(file, &end);
    file.extend_from_slice(&mark);
    file.resize(file.len().max(bytes), 0);
}

/// Makes the checks of all frames right, and that of a mark behind them. Returns the chain after the last frame.
pub(crate) fn frames(file: &mut [u8]) -> u32 {
    let (mut at, mut chain) = (HEADER_BYTES, first_chain(file));
    while let Some(end) = frame_end(file, at) {
        chain = crc(chain, &file[at..end - 4]);
        put(file, end - 4, &(!chain).to_le_bytes());
        at = end;
    }
    if word(file, at) == Some(MARK_TAG) && file.len() >= at + MARK_BYTES {
        let check = crc(chain, &file[at..at + 12]);
        put(file, at + 12, &check.to_le_bytes());
        let own = crc(genesis(file), &file[at..at + 16]);
        put(file, at + 16, &own.to_le_bytes());
    }
    chain
}

/// Makes the checks of a snapshot's blocks right, and that of its end.
pub(crate) fn blocks(file: &mut [u8]) {
    let (mut at, mut check) = (HEADER_BYTES, crc(first_chain(file), b"REDRSNAP"));
    while let Some(end) = frame_end(file, at) {
        check = crc(check, &file[at..end - 4]);
        put(file, end - 4, &check.to_le_bytes());
        at = end;
    }
    if word(file, at) == Some(0) && file.len() >= at + 16 {
        let check = crc(check, &file[at + 4..at + 12]);
        put(file, at + 12, &check.to_le_bytes());
    }
}

/// A whole snapshot around some bytes, with the header of another one.
pub(crate) fn snapshot(of: &[u8], body: &[u8]) -> Vec<u8> {
    let mut file = of.get(..HEADER_BYTES).unwrap_or(of).to_vec();
    if !body.is_empty() {
        // As it is, not compressed.
        file.extend_from_slice(&frame(&[&[0], body].concat(), 0).0);
    }
    file.extend_from_slice(&[&[0; 4][..], &(body.len() as u64).to_le_bytes(), &[0; 4]].concat());
    blocks(&mut file);
    file
}
