//! A sealed segment compressed in blocks, and a file that reads as the segment it was.
//!
//! Whoever reads segments reads them through [`open`] and need not know. Laid out in FORMAT.md, "Packed segment". Leaves what
//! is in a segment to the rest of this module, and when to pack to `log`.
//!
//! Always: bytes, offsets and chain of the segment stay what they were; a packed file takes the place of the segment only
//! after it was read back and found equal. A block that is damaged reads as bytes that are no record, so the damage is
//! found, and named, by whoever reads the records, and costs those in the block alone.

use super::copy::{copy_bytes, fresh};
use super::format::{FLAG_PACKED, HEADER_BYTES, MAGIC, header_check};
use crate::error::{Damage, Defect, Error, IoContext, Result};
use crate::io::{Access, Disk, File, read_full_at, write_all_at};
use crate::layout::{CHECK_BYTES, LENGTH_BYTES, checksum, u32_at, u64_at, unfinished};
use crate::pack::{Packer, Unpacker};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{fmt, io};

/// What is packed together: little enough to read one record quickly, much enough to be worth it.
const BLOCK_BYTES: usize = 8 * 1024;
/// Before each block: how long it is, and its check.
const FRAME_BYTES: usize = LENGTH_BYTES + CHECK_BYTES;
/// Method and, where packing gains nothing, content.
const STORED_BYTES_MAX: usize = 1 + BLOCK_BYTES;
const TRAILER_MAGIC: [u8; 8] = *b"REDRPACK";
/// Length of the segment, number of blocks, check, magic.
const TRAILER_BYTES: usize = 8 + 4 + CHECK_BYTES + 8;
/// Nobody waits for it.
const LEVEL: i32 = 3;
/// What a damaged block reads as: no length of a record, and no tag.
const NO_RECORD: u8 = 0x55;

/// A segment's file as it reads, and its first bytes.
pub(crate) struct Opened {
    pub(crate) file: Arc<dyn File>,
    pub(crate) head: [u8; HEADER_BYTES],
    /// How many of them there are.
    pub(crate) count: usize,
    pub(crate) is_packed: bool,
}

/// Opens a segment for reading, packed or not.
pub(crate) fn open(disk: &dyn Disk, path: &Path) -> Result<Opened> {
    let file = disk.open(path, Access::Read).during("open segment", path)?;
    let mut head = [0; HEADER_BYTES];
    let count = read_full_at(&*file, &mut head, 0).during("read segment header", path)?;
    if count < HEADER_BYTES || !is_packed(&*file, &head).during("read segment header", path)? {
        return Ok(Opened { file, head, count, is_packed: false });
    }
    let (head, blocks) = (unpacked_head(&head), Blocks::of(&*file, path)?.0);
    let file = Arc::new(Packed { file, head, blocks, recent: Mutex::default() });
    Ok(Opened { file, head, count, is_packed: true })
}

/// A header says so itself. One that is damaged cannot be believed; what the file ends with can.
fn is_packed(file: &dyn File, head: &[u8; HEADER_BYTES]) -> io::Result<bool> {
    if head[..8] == MAGIC && u32_at(head, 56) == header_check(head) {
        return Ok(head[11] & FLAG_PACKED != 0);
    }
    let mut magic = [0; TRAILER_MAGIC.len()];
    let Some(at) = file.len()?.checked_sub(magic.len() as u64) else { return Ok(false) };
    Ok(read_full_at(file, &mut magic, at)? == magic.len() && magic == TRAILER_MAGIC)
}

/// The header that the segment had. One flipped bit in this one is the same flipped bit in that one: a CRC is linear.
fn unpacked_head(head: &[u8; HEADER_BYTES]) -> [u8; HEADER_BYTES] {
    let (zeros, mut flagged) = ([0; HEADER_BYTES], [0; HEADER_BYTES]);
    flagged[11] = FLAG_PACKED;
    let check = u32_at(head, 56) ^ header_check(&zeros) ^ header_check(&flagged);
    let mut head = *head;
    head[11] ^= FLAG_PACKED;
    head[56..60].copy_from_slice(&check.to_le_bytes());
    head
}

/// Where the blocks are.
#[derive(Debug)]
struct Blocks {
    /// Where each begins, and where the last ends.
    starts: Vec<u64>,
    /// How long the segment is, without its header.
    content: u64,
}

impl Blocks {
    /// From the table at the end, or if that is damaged by going from block to block; what is wrong with the table.
    fn of(file: &dyn File, path: &Path) -> Result<(Blocks, Option<Damage>)> {
        let len = file.len().during("measure segment", path)?;
        match Blocks::from_table(file, len).during("read packed segment", path)? {
            Ok(blocks) => Ok((blocks, None)),
            Err((byte, defect)) => {
                let damage = Damage { path: path.to_owned(), byte, defect, intact: None };
                tracing::warn!(%damage, "finding the blocks of a packed segment one by one");
                Ok((Blocks::one_by_one(file, len, path)?, Some(damage)))
            }
        }
    }

    fn from_table(file: &dyn File, len: u64) -> io::Result<Result<Blocks, (u64, Defect)>> {
        let least = (HEADER_BYTES + TRAILER_BYTES) as u64;
        if len < least {
            return Ok(Err((len, Defect::Short { expected: least, found: len })));
        }
        let at = len - TRAILER_BYTES as u64;
        let mut trailer = [0; TRAILER_BYTES];
        read_full_at(file, &mut trailer, at)?;
        let (content, count) = (u64_at(&trailer, 0), u64::from(u32_at(&trailer, 8)));
        let room = at - HEADER_BYTES as u64;
        let table_bytes = count * LENGTH_BYTES as u64;
        if trailer[16..] != TRAILER_MAGIC || table_bytes + count * (FRAME_BYTES as u64 + 1) > room {
            let reason = "it names more blocks than there is room for".into();
            return Ok(Err((at, Defect::Undecodable { part: "the trailer", reason })));
        }
        let mut table = vec![0; table_bytes as usize];
        read_full_at(file, &mut table, at - table_bytes)?;
        let (stored, computed) = (u32_at(&trailer, 12), checksum(0, &[&table, &trailer[..12]]));
        if stored != computed {
            return Ok(Err((
                at - table_bytes,
                Defect::Checksum { part: "the table of blocks", stored, computed },
            )));
        }
        let mut starts = vec![HEADER_BYTES as u64];
        let mut end = HEADER_BYTES as u64;
        for block in 0..count as usize {
            end += FRAME_BYTES as u64 + u64::from(u32_at(&table, block * LENGTH_BYTES));
            starts.push(end);
        }
        let fits = content.div_ceil(BLOCK_BYTES as u64) == count && end == at - table_bytes;
        let reason = || "it does not fit the blocks".to_owned();
        Ok(if fits {
            Ok(Blocks { starts, content })
        } else {
            Err((at, Defect::Undecodable { part: "the trailer", reason: reason() }))
        })
    }

    fn one_by_one(file: &dyn File, len: u64, path: &Path) -> Result<Blocks> {
        let (mut starts, mut content, mut at) = (vec![HEADER_BYTES as u64], 0, HEADER_BYTES as u64);
        let mut unpacker = Unpacker::new(BLOCK_BYTES).during("unpack segment", path)?;
        while let Ok(block) = read_block(file, at, len.saturating_sub(at), &mut unpacker, path)? {
            at += (FRAME_BYTES + block.stored) as u64;
            content += block.content.len() as u64;
            starts.push(at);
            // Only the last one holds less.
            if block.content.len() < BLOCK_BYTES {
                break;
            }
        }
        Ok(Blocks { starts, content })
    }

    /// How much of the segment a block holds.
    fn held_by(&self, block: usize) -> usize {
        let before = block as u64 * BLOCK_BYTES as u64;
        (self.content - before.min(self.content)).min(BLOCK_BYTES as u64) as usize
    }
}

struct Block {
    /// How long it is in the file, without its frame.
    stored: usize,
    content: Vec<u8>,
}

/// The block at a byte of the file, in at most `room`; or what is wrong with it.
fn read_block(
    file: &dyn File,
    at: u64,
    room: u64,
    unpacker: &mut Unpacker,
    path: &Path,
) -> Result<std::result::Result<Block, Defect>> {
    let most = (FRAME_BYTES + STORED_BYTES_MAX).min(usize::try_from(room).unwrap_or(usize::MAX));
    let mut bytes = vec![0; most];
    let count = read_full_at(file, &mut bytes, at).during("read packed segment", path)?;
    bytes.truncate(count);
    let short = |expected: usize| Defect::Short { expected: expected as u64, found: count as u64 };
    if count <= FRAME_BYTES {
        return Ok(Err(short(FRAME_BYTES + 1)));
    }
    let stored = u32_at(&bytes, 0) as usize;
    if stored > STORED_BYTES_MAX {
        let (found, most) = (stored as u64, STORED_BYTES_MAX as u64);
        return Ok(Err(Defect::Length { part: "block", found, most }));
    }
    let Some(packed) = bytes.get(FRAME_BYTES..FRAME_BYTES + stored) else {
        return Ok(Err(short(FRAME_BYTES + stored)));
    };
    let (stored_check, computed) = (u32_at(&bytes, LENGTH_BYTES), block_check(packed));
    if stored_check != computed {
        return Ok(Err(Defect::Checksum { part: "a block", stored: stored_check, computed }));
    }
    let mut content = Vec::new();
    match unpacker.unpack(packed, &mut content).map_err(|flaw| flaw.at(path, at)) {
        Ok(()) => Ok(Ok(Block { stored, content })),
        Err(Error::Damaged(damage)) => Ok(Err(damage.defect)),
        Err(other) => Err(other),
    }
}

/// Of the length too: a block that is shorter than it was is another one.
fn block_check(packed: &[u8]) -> u32 {
    checksum(packed.len() as u32, &[packed])
}

/// Reads as the segment it was.
#[derive(Debug)]
struct Packed {
    file: Arc<dyn File>,
    head: [u8; HEADER_BYTES],
    blocks: Blocks,
    /// The block that was read last, by its number, and what unpacks the next one.
    recent: Mutex<Recent>,
}

#[derive(Default)]
struct Recent {
    block: Option<(usize, Arc<Vec<u8>>)>,
    /// Nothing while somebody works with it.
    unpacker: Option<Unpacker>,
}

impl fmt::Debug for Recent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recent").finish_non_exhaustive()
    }
}

impl Packed {
    fn block(&self, number: usize) -> io::Result<Arc<Vec<u8>>> {
        let mut recent = self.recent();
        if let Some((_, content)) = recent.block.as_ref().filter(|(last, _)| *last == number) {
            return Ok(Arc::clone(content));
        }
        let unpacker = recent.unpacker.take();
        drop(recent);
        let mut unpacker = unpacker.map_or_else(|| Unpacker::new(BLOCK_BYTES), Ok)?;
        let (at, held) = (self.blocks.starts[number], self.blocks.held_by(number));
        let room = self.blocks.starts[number + 1] - at;
        let content = match read_block(&*self.file, at, room, &mut unpacker, Path::new("")) {
            Ok(Ok(block)) if block.content.len() == held => block.content,
            Ok(_) => vec![NO_RECORD; held],
            Err(Error::Io { source, .. }) => return Err(source),
            // Packed in a way of the future.
            Err(other) => return Err(io::Error::new(io::ErrorKind::Unsupported, other.to_string())),
        };
        let content = Arc::new(content);
        *self.recent() = Recent { block: Some((number, Arc::clone(&content))), unpacker: Some(unpacker) };
        Ok(content)
    }

    fn recent(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl File for Packed {
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        let (from, within): (&[u8], u64);
        let content;
        match at.checked_sub(HEADER_BYTES as u64) {
            None => (from, within) = (&self.head, at),
            Some(at) if at >= self.blocks.content => return Ok(0),
            Some(at) => {
                content = self.block((at / BLOCK_BYTES as u64) as usize)?;
                (from, within) = (&content, at % BLOCK_BYTES as u64);
            }
        }
        let from = from.get(within as usize..).unwrap_or_default();
        let count = from.len().min(buffer.len());
        buffer[..count].copy_from_slice(&from[..count]);
        Ok(count)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(HEADER_BYTES as u64 + self.blocks.content)
    }

    fn write_at(&self, _bytes: &[u8], _at: u64) -> io::Result<usize> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn sync(&self) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn set_len(&self, _len: u64) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn allocate(&self, _len: u64) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }
}

/// What is wrong with a packed segment that whoever reads its records does not see, or not where it is. Reads all of it.
pub(crate) fn flaw(disk: &dyn Disk, path: &Path) -> Result<Option<Damage>> {
    let Flaws { block, table } = flaws(disk, path)?;
    Ok(block.or(table))
}

/// What is wrong with the table of blocks of a packed segment, if each block that was found without it is good. Reads all of it.
pub(crate) fn table_flaw(disk: &dyn Disk, path: &Path) -> Result<Option<Damage>> {
    let Flaws { block, table } = flaws(disk, path)?;
    Ok(table.filter(|_| block.is_none()))
}

#[derive(Default)]
struct Flaws {
    /// Of the first block that is damaged.
    block: Option<Damage>,
    table: Option<Damage>,
}

fn flaws(disk: &dyn Disk, path: &Path) -> Result<Flaws> {
    let file = disk.open(path, Access::Read).during("open segment", path)?;
    let mut head = [0; HEADER_BYTES];
    let count = read_full_at(&*file, &mut head, 0).during("read segment header", path)?;
    if count < HEADER_BYTES || !is_packed(&*file, &head).during("read segment header", path)? {
        return Ok(Flaws::default());
    }
    let (blocks, table) = Blocks::of(&*file, path)?;
    let mut unpacker = Unpacker::new(BLOCK_BYTES).during("unpack segment", path)?;
    for (number, ends) in blocks.starts.windows(2).enumerate() {
        let defect = match read_block(&*file, ends[0], ends[1] - ends[0], &mut unpacker, path)? {
            Ok(block) if block.content.len() == blocks.held_by(number) => continue,
            Ok(block) => {
                let (expected, found) = (blocks.held_by(number) as u64, block.content.len() as u64);
                Defect::Short { expected, found }
            }
            Err(defect) => defect,
        };
        let block = Some(Damage { path: path.to_owned(), byte: ends[0], defect, intact: None });
        return Ok(Flaws { block, table });
    }
    Ok(Flaws { block: None, table })
}

/// Replaces a packed segment whose table is damaged by one with the same blocks and a table that fits them, which is durable once
/// the directory is synced.
pub(crate) fn make_table(disk: &dyn Disk, path: &Path) -> Result<()> {
    let (unfinished, file) = (unfinished(path), disk.open(path, Access::Read).during("open segment", path)?);
    let blocks = Blocks::of(&*file, path)?.0;
    let end = blocks.starts.last().copied().unwrap_or(HEADER_BYTES as u64);
    let target = fresh(disk, &unfinished)?;
    copy_bytes((&*file, path), 0..end, (&*target, &unfinished), 0)?;
    let length = |ends: &[u64]| ((ends[1] - ends[0]) as u32 - FRAME_BYTES as u32).to_le_bytes();
    let table: Vec<u8> = blocks.starts.windows(2).flat_map(length).collect();
    write_all_at(&*target, &trailing(&table, blocks.content), end).during("write packed segment", path)?;
    target.sync().during("sync packed segment", path)?;
    let len = HEADER_BYTES as u64 + blocks.content;
    must_be_equal(&open(disk, path)?, &open(disk, &unfinished)?, len, &unfinished)?;
    disk.rename(&unfinished, path).during("rename segment", path)
}

/// A table, and what stands behind it.
fn trailing(table: &[u8], content: u64) -> Vec<u8> {
    let count = (table.len() / LENGTH_BYTES) as u32;
    let fields = [&content.to_le_bytes()[..], &count.to_le_bytes()].concat();
    let check = checksum(0, &[table, &fields]);
    [table, &fields, &check.to_le_bytes(), &TRAILER_MAGIC].concat()
}

/// Puts a packed file in the place of a sealed segment, durably: two syncs. How many bytes that saves; nothing was done if it
/// saves none, or if it is packed already. Whoever has it open reads on.
pub(crate) fn pack(disk: &dyn Disk, dir: &Path, path: &Path) -> Result<u64> {
    let segment = open(disk, path)?;
    if segment.is_packed {
        return Ok(0);
    }
    let (len, unfinished) = (segment.file.len().during("measure segment", path)?, unfinished(path));
    let packed_len = write(disk, &segment, len, &unfinished)?;
    if packed_len >= len {
        disk.remove(&unfinished).during("remove unfinished", &unfinished)?;
        return Ok(0);
    }
    must_be_equal(&segment, &open(disk, &unfinished)?, len, &unfinished)?;
    disk.rename(&unfinished, path).during("rename segment", path)?;
    disk.sync_dir(dir).during("sync directory", dir)?;
    tracing::info!(path = %path.display(), from = len, to = packed_len, "packed a segment");
    Ok(len - packed_len)
}

fn write(disk: &dyn Disk, segment: &Opened, len: u64, path: &Path) -> Result<u64> {
    let target = fresh(disk, path)?;
    let mut packer = Packer::new(LEVEL).during("pack segment", path)?;
    // The way back is the same: it flips what the flag does to header and check.
    let (mut out, mut at) = (unpacked_head(&segment.head).to_vec(), 0);
    let (mut table, mut from) = (Vec::new(), HEADER_BYTES as u64);
    let mut content = vec![0; BLOCK_BYTES];
    while from < len {
        let wanted = BLOCK_BYTES.min((len - from) as usize);
        let count =
            read_full_at(&*segment.file, &mut content[..wanted], from).during("read segment", path)?;
        if count < wanted {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof)).during("read segment", path);
        }
        let frame = out.len();
        out.extend([0; FRAME_BYTES]);
        packer.pack(&content[..wanted], &mut out).during("pack segment", path)?;
        let stored = (out.len() - frame - FRAME_BYTES) as u32;
        let check = block_check(&out[frame + FRAME_BYTES..]);
        out[frame..frame + LENGTH_BYTES].copy_from_slice(&stored.to_le_bytes());
        out[frame + LENGTH_BYTES..frame + FRAME_BYTES].copy_from_slice(&check.to_le_bytes());
        table.extend(stored.to_le_bytes());
        from += wanted as u64;
        if out.len() >= 1 << 20 {
            write_all_at(&*target, &out, at).during("write packed segment", path)?;
            at += out.len() as u64;
            out.clear();
        }
    }
    out.extend(trailing(&table, len - HEADER_BYTES as u64));
    write_all_at(&*target, &out, at).during("write packed segment", path)?;
    target.sync().during("sync packed segment", path)?;
    Ok(at + out.len() as u64)
}

/// The last look before the original goes.
pub(super) fn must_be_equal(segment: &Opened, packed: &Opened, len: u64, path: &Path) -> Result<()> {
    let found = packed.file.len().during("measure packed segment", path)?;
    let differs = match packed.is_packed {
        false => Some(0),
        true => first_difference(&*segment.file, &*packed.file, len.min(found), path)?,
    };
    let Some(byte) = differs.or((found != len).then_some(len.min(found))) else { return Ok(()) };
    let reason = "it does not read as what was packed".into();
    let defect = Defect::Undecodable { part: "the packed segment", reason };
    Err(Damage { path: path.to_owned(), byte, defect, intact: None }.into())
}

/// The first byte of so many in which two files differ, or that one of them cannot give.
fn first_difference(one: &dyn File, other: &dyn File, len: u64, path: &Path) -> Result<Option<u64>> {
    let (mut here, mut there) = (vec![0; BLOCK_BYTES], vec![0; BLOCK_BYTES]);
    for at in (0..len).step_by(BLOCK_BYTES) {
        let wanted = BLOCK_BYTES.min((len - at) as usize);
        let count = read_full_at(one, &mut here[..wanted], at).during("read segment", path)?;
        let same = read_full_at(other, &mut there[..wanted], at).during("read packed segment", path)?;
        let read = count.min(same);
        let equal = here[..read].iter().zip(&there[..read]).take_while(|(here, there)| here == there).count();
        if equal < wanted {
            return Ok(Some(at + equal as u64));
        }
    }
    Ok(None)
}
