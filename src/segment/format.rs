//! The byte layout of a segment, as FORMAT.md gives it: header, record frame, mark. The footer has a module of its own.
//!
//! Pure functions between bytes and fields; no file is touched here. Every width and tag exists once, in this module.
//! Always: nothing is allocated because a length field asks for it.

use crate::error::{Damage, Defect, Error, Result};
use crate::layout::{CHECK_BYTES, Chain, LENGTH_BYTES, StoreId, checksum, u32_at, u64_at};
use std::path::Path;

/// The newest format this code reads and the one it writes.
pub(crate) const FORMAT_VERSION: u16 = 1;
/// What the records of a log are. Nothing below the log looks into them; who opens one must know what to expect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Codec {
    /// Bytes of the program's own.
    Opaque = 0,
    /// Changes of a state, in bincode 2, standard configuration.
    Change = 1,
}

impl Codec {
    /// The newest codec this code reads.
    pub(crate) const NEWEST: u8 = Codec::Change as u8;
}
/// The largest body of one record, in bytes.
pub const RECORD_BYTES_MAX: u32 = 1 << 30;
/// No log gets this far; beyond it, counting on would overflow.
const OFFSET_MAX: u64 = 1 << 62;
/// What a frame adds to its body, in bytes.
pub(crate) const FRAME_BYTES: usize = LENGTH_BYTES + CHECK_BYTES;
pub(crate) const HEADER_BYTES: usize = 64;
pub(crate) const MARK_BYTES: usize = LENGTH_BYTES + 8 + 2 * CHECK_BYTES;

pub(super) const MAGIC: [u8; 8] = *b"REDRAFT\x1a";
pub(super) const MARK_TAG: u32 = u32::MAX;
pub(super) const FOOTER_TAG: u32 = u32::MAX - 1;
// What begins with a tag cannot be a record, and what stands in a segment has a place that a footer can name.
const _: () = assert!(MARK_TAG > RECORD_BYTES_MAX && FOOTER_TAG > RECORD_BYTES_MAX);
const _: () = assert!(2 * (RECORD_BYTES_MAX as u64) <= u32::MAX as u64);
const FLAG_REPLICA: u8 = 1;
const FLAG_BACKUP: u8 = 2;
/// Never seen by who reads a header: `packed` takes it away.
pub(super) const FLAG_PACKED: u8 = 4;
const HEADER_CHECK_AT: usize = 56;
const HEADER_CHAIN_AT: usize = 60;

/// The first bytes of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) codec: Codec,
    pub(crate) replica: bool,
    pub(crate) backup: bool,
    pub(crate) epoch: u32,
    pub(crate) store: StoreId,
    pub(crate) base: u64,
    pub(crate) allocated: u64,
    /// The oldest offset the store kept when this segment was made.
    pub(crate) origin: u64,
    pub(crate) chain: Chain,
}

impl Header {
    pub(crate) fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[0..8].copy_from_slice(&MAGIC);
        bytes[8..10].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
        bytes[10] = self.codec as u8;
        bytes[11] = (u8::from(self.replica) * FLAG_REPLICA) | (u8::from(self.backup) * FLAG_BACKUP);
        bytes[12..16].copy_from_slice(&self.epoch.to_le_bytes());
        bytes[16..32].copy_from_slice(&self.store.0);
        bytes[32..40].copy_from_slice(&self.base.to_le_bytes());
        bytes[40..48].copy_from_slice(&self.allocated.to_le_bytes());
        bytes[48..56].copy_from_slice(&self.origin.to_le_bytes());
        bytes[HEADER_CHAIN_AT..].copy_from_slice(&self.chain.to_le_bytes());
        let check = header_check(&bytes);
        bytes[HEADER_CHECK_AT..HEADER_CHAIN_AT].copy_from_slice(&check.to_le_bytes());
        bytes
    }

    /// Decodes what the first bytes of the file at `path` say. A version we do not know is refused before the checksum
    /// is looked at: a newer format may keep it elsewhere.
    pub(crate) fn decode(bytes: &[u8], path: &Path) -> Result<Header> {
        check_preamble(bytes, &MAGIC, FLAG_REPLICA | FLAG_BACKUP, path)?;
        let (stored, computed) = (u32_at(bytes, HEADER_CHECK_AT), header_check(bytes));
        if stored != computed {
            return Err(header_damage(path, Defect::Checksum { part: "the header", stored, computed }));
        }
        let (mut store, base) = ([0; 16], u64_at(bytes, 32));
        store.copy_from_slice(&bytes[16..32]);
        if base > OFFSET_MAX {
            let defect = Defect::Length { part: "log before this segment", found: base, most: OFFSET_MAX };
            return Err(Damage { path: path.to_owned(), byte: 32, defect, intact: None }.into());
        }
        Ok(Header {
            codec: if bytes[10] == Codec::Opaque as u8 { Codec::Opaque } else { Codec::Change },
            replica: bytes[11] & FLAG_REPLICA != 0,
            backup: bytes[11] & FLAG_BACKUP != 0,
            epoch: u32_at(bytes, 12),
            store: StoreId(store),
            base,
            allocated: u64_at(bytes, 40),
            origin: u64_at(bytes, 48),
            chain: u32_at(bytes, HEADER_CHAIN_AT),
        })
    }
}

/// The CRC of a 64-byte header less the place where it is stored itself.
pub(crate) fn header_check(bytes: &[u8]) -> u32 {
    checksum(0, &[&bytes[..HEADER_CHECK_AT], &bytes[HEADER_CHAIN_AT..HEADER_BYTES]])
}

/// What segments and snapshots have in common: length, magic, format version, codec and flags.
pub(crate) fn check_preamble(bytes: &[u8], magic: &[u8; 8], flags_known: u8, path: &Path) -> Result<()> {
    if bytes.len() < HEADER_BYTES {
        let defect = Defect::Short { expected: HEADER_BYTES as u64, found: bytes.len() as u64 };
        return Err(header_damage(path, defect));
    }
    if bytes[..8] != magic[..] {
        return Err(header_damage(path, Defect::Magic));
    }
    // A newer format may keep its checksum elsewhere, so an odd version is believed without one; but not if a single
    // flipped bit explains it.
    let intact = u32_at(bytes, HEADER_CHECK_AT) == header_check(bytes);
    let version = u16::from_le_bytes([bytes[8], bytes[9]]);
    let one_flip = (version ^ FORMAT_VERSION).count_ones() == 1;
    let newer =
        |what, found: u32, supported: u32| Error::Newer { path: path.to_owned(), what, found, supported };
    if version > FORMAT_VERSION && (intact || !one_flip) {
        return Err(newer("format version", version.into(), FORMAT_VERSION.into()));
    }
    if intact && version < FORMAT_VERSION {
        let defect =
            Defect::Undecodable { part: "the header", reason: format!("there is no format {version}") };
        return Err(header_damage(path, defect));
    }
    if intact && bytes[10] > Codec::NEWEST {
        return Err(newer("record codec", bytes[10].into(), Codec::NEWEST.into()));
    }
    if intact && bytes[11] & !flags_known != 0 {
        return Err(newer("flags", bytes[11].into(), flags_known.into()));
    }
    Ok(())
}

fn header_damage(path: &Path, defect: Defect) -> Error {
    Damage { path: path.to_owned(), byte: 0, defect, intact: None }.into()
}

/// Appends one frame to `out` and returns the chain after it.
pub(crate) fn push_frame(out: &mut Vec<u8>, body: &[u8], chain: Chain) -> Chain {
    let start = out.len();
    out.reserve(body.len() + FRAME_BYTES);
    out.extend_from_slice(&(body.len() as u32).to_le_bytes());
    out.extend_from_slice(body);
    // Length and body in one piece: two would be two calls for most of the time that a small record takes.
    let after = checksum(chain, &[&out[start..]]);
    out.extend_from_slice(&after.to_le_bytes());
    after
}

/// The whole good record that `window` begins with: the length of its body, the chain after it, and whether it is the first
/// of its batch. Nothing for anything else, which [`parse`] then tells apart. This is what replay spends its time in.
#[inline]
pub(crate) fn record_at(window: &[u8], chain: Chain) -> Option<(usize, Chain, bool)> {
    let length = u32::from_le_bytes(*window.first_chunk()?) as usize;
    let (framed, rest) = window.split_at_checked(LENGTH_BYTES + length)?;
    let stored = u32::from_le_bytes(*rest.first_chunk()?);
    if length == 0 || length > RECORD_BYTES_MAX as usize {
        return None;
    }
    let computed = checksum(chain, &[framed]);
    (stored == computed || stored == !computed).then_some((length, computed, stored != computed))
}

/// Marks the frame that occupies all of `frame` as the first of its batch.
pub(crate) fn mark_first(frame: &mut [u8]) {
    let at = frame.len() - CHECK_BYTES;
    for byte in &mut frame[at..] {
        *byte = !*byte;
    }
}

/// The mark to be written when the log of a store ends with `head` and `chain`.
pub(crate) fn mark(store: &StoreId, head: u64, chain: Chain) -> [u8; MARK_BYTES] {
    let mut bytes = [0; MARK_BYTES];
    bytes[..4].copy_from_slice(&MARK_TAG.to_le_bytes());
    bytes[4..12].copy_from_slice(&head.to_le_bytes());
    let check = checksum(chain, &[&bytes[..12]]);
    bytes[12..16].copy_from_slice(&check.to_le_bytes());
    let own_check = own_check(store, &bytes);
    bytes[16..].copy_from_slice(&own_check.to_le_bytes());
    bytes
}

/// The second check of a mark, which can be computed whatever stands before it.
fn own_check(store: &StoreId, mark: &[u8]) -> u32 {
    checksum(store.genesis(), &[&mark[..16]])
}

/// The head that a mark of this store names, if there is one. What its place in the chain is remains to be seen.
pub(super) fn mark_of(store: &StoreId, bytes: &[u8]) -> Option<u64> {
    let bytes = bytes.get(..MARK_BYTES)?;
    (u32_at(bytes, 0) == MARK_TAG && u32_at(bytes, 16) == own_check(store, bytes)).then(|| u64_at(bytes, 4))
}

/// What stands at some place of a segment.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Item {
    /// A good record: its body is `body` bytes after the length field, `chain` is the chain after it.
    Record { body: usize, first: bool, chain: Chain },
    /// A good mark: all before it is durable.
    Mark { head: u64 },
    /// Perhaps a footer; [`Footer`](super::footer::Footer) decides.
    FooterTag,
    /// Nothing written here yet: zeros, or the end of the file.
    Blank,
    /// The window ends too early: this many bytes from here on decide.
    More(usize),
    /// Neither.
    Bad(Defect),
}

/// Looks at the first bytes of `window`, which are followed by more up to `rest` bytes in all before the file ends.
/// `chain` is the chain before this place, in the log of `store`.
pub(crate) fn parse(window: &[u8], rest: u64, chain: Chain, store: &StoreId) -> Item {
    if rest < LENGTH_BYTES as u64 {
        return if window.iter().all(|&byte| byte == 0) {
            Item::Blank
        } else {
            Item::Bad(Defect::Short { expected: LENGTH_BYTES as u64, found: rest })
        };
    }
    if window.len() < LENGTH_BYTES {
        return Item::More(LENGTH_BYTES);
    }
    match u32_at(window, 0) {
        0 => Item::Blank,
        MARK_TAG => parse_mark(window, rest, chain, store),
        FOOTER_TAG => Item::FooterTag,
        length => parse_record(window, rest, chain, length),
    }
}

fn parse_record(window: &[u8], rest: u64, chain: Chain, length: u32) -> Item {
    let most = rest.saturating_sub(FRAME_BYTES as u64).min(RECORD_BYTES_MAX.into());
    if u64::from(length) > most {
        return Item::Bad(Defect::Length { part: "record", found: length.into(), most });
    }
    let end = LENGTH_BYTES + length as usize;
    if window.len() < end + CHECK_BYTES {
        return Item::More(end + CHECK_BYTES);
    }
    let (stored, computed) = (u32_at(window, end), checksum(chain, &[&window[..end]]));
    if stored == computed || stored == !computed {
        Item::Record { body: length as usize, first: stored != computed, chain: computed }
    } else {
        Item::Bad(Defect::Checksum { part: "a record", stored, computed })
    }
}

fn parse_mark(window: &[u8], rest: u64, chain: Chain, store: &StoreId) -> Item {
    if rest < MARK_BYTES as u64 {
        return Item::Bad(Defect::Length { part: "mark", found: MARK_BYTES as u64, most: rest });
    }
    if window.len() < MARK_BYTES {
        return Item::More(MARK_BYTES);
    }
    let checks = [(12, checksum(chain, &[&window[..12]])), (16, own_check(store, window))];
    match checks.into_iter().find(|&(at, computed)| u32_at(window, at) != computed) {
        None => Item::Mark { head: u64_at(window, 4) },
        Some((at, computed)) => {
            Item::Bad(Defect::Checksum { part: "a mark", stored: u32_at(window, at), computed })
        }
    }
}
