//! Named cursors: how far somebody who follows a store has come, kept in the store itself, in one small file.
//!
//! Laid out in `segment/FORMAT.md`, "Cursors". They cannot be made again from the log, so they are not in the index. Leaves
//! it to `store` what a cursor may say, and to `repair` what becomes of a file that is damaged.
//!
//! Always: the file is replaced as a whole, by one that is complete and synced; a damaged one is an error and stays.

use crate::error::{Damage, Defect, Error, IoContext, Result};
use crate::io::{Access, Disk, read_full_at, write_all_at};
use crate::layout::{Chain, StoreId, checksum, u32_at, u64_at, unfinished};
use crate::record::wire::{DecodeError, Sink, Source};
use crate::segment::format::{Codec, FORMAT_VERSION, HEADER_BYTES, check_preamble, header_check};
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

pub(crate) const NAME: &str = "CURSORS";
const MAGIC: [u8; 8] = *b"REDRCURS";
/// All names and versions together. Who has more followers keeps a table of them.
const BODY_BYTES_MAX: usize = 1 << 20;

/// One follower's place in the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) version: u64,
    /// The chain there: which history it is that was followed.
    pub(crate) chain: Chain,
}

/// All cursors of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cursors {
    pub(crate) store: StoreId,
    pub(crate) by_name: BTreeMap<String, Cursor>,
}

pub(crate) fn path_in(dir: &Path) -> PathBuf {
    dir.join(NAME)
}

fn damage(path: &Path, byte: u64, defect: Defect) -> Error {
    Damage { path: path.to_owned(), byte, defect, intact: None }.into()
}

impl Cursors {
    /// Reads and checks the file of a store; where there is none there are no cursors.
    pub(crate) fn read(disk: &dyn Disk, dir: &Path, store: StoreId) -> Result<Cursors> {
        let path = path_in(dir);
        let file = match disk.open(&path, Access::Read) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(Cursors { store, by_name: BTreeMap::new() });
            }
            answer => answer.during("open cursors", &path)?,
        };
        // One byte more than there may be tells a file that goes on.
        let mut bytes = vec![0; HEADER_BYTES + BODY_BYTES_MAX + 1];
        let count = read_full_at(&*file, &mut bytes, 0).during("read cursors", &path)?;
        let found = Cursors::decode(&bytes[..count], &path)?;
        match found.store == store {
            true => Ok(found),
            false => Err(damage(&path, 16, Defect::Foreign)),
        }
    }

    /// Replaces the file. Durable on return: two syncs.
    pub(crate) fn write(&self, disk: &dyn Disk, dir: &Path) -> Result<()> {
        let path = path_in(dir);
        let bytes = self.encode()?;
        let unfinished = unfinished(&path);
        match disk.remove(&unfinished) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(error).during("remove unfinished", &unfinished);
            }
            _ => {}
        }
        let file = disk.open(&unfinished, Access::Create).during("create cursors", &unfinished)?;
        write_all_at(&*file, &bytes, 0).during("write cursors", &unfinished)?;
        file.sync().during("sync cursors", &unfinished)?;
        disk.rename(&unfinished, &path).during("rename cursors", &path)?;
        disk.sync_dir(dir).during("sync directory", dir)
    }

    fn encode(&self) -> Result<Vec<u8>> {
        let mut bytes = vec![0; HEADER_BYTES];
        let mut sink = Sink::new(&mut bytes);
        for (name, cursor) in &self.by_name {
            sink.text(name);
            sink.uint(cursor.version);
            sink.uint(cursor.chain.into());
        }
        drop(sink);
        let body = bytes.len() - HEADER_BYTES;
        if body > BODY_BYTES_MAX {
            return Err(Error::CursorsFull { bytes: body as u64, limit: BODY_BYTES_MAX as u64 });
        }
        bytes[0..8].copy_from_slice(&MAGIC);
        bytes[8..10].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
        bytes[10] = Codec::Change as u8;
        bytes[16..32].copy_from_slice(self.store.as_bytes());
        bytes[32..40].copy_from_slice(&(self.by_name.len() as u64).to_le_bytes());
        bytes[40..48].copy_from_slice(&(body as u64).to_le_bytes());
        let content = checksum(self.store.genesis(), &[&bytes[HEADER_BYTES..]]);
        bytes[60..64].copy_from_slice(&content.to_le_bytes());
        let check = header_check(&bytes);
        bytes[56..60].copy_from_slice(&check.to_le_bytes());
        Ok(bytes)
    }

    fn decode(bytes: &[u8], path: &Path) -> Result<Cursors> {
        check_preamble(bytes, &MAGIC, 0, path)?;
        let (stored, computed) = (u32_at(bytes, 56), header_check(bytes));
        if stored != computed {
            return Err(damage(path, 0, Defect::Checksum { part: "the header", stored, computed }));
        }
        let mut store = [0; 16];
        store.copy_from_slice(&bytes[16..32]);
        let (store, expected) = (StoreId(store), u64_at(bytes, 40).saturating_add(HEADER_BYTES as u64));
        let (body, found) = (&bytes[HEADER_BYTES..], bytes.len() as u64);
        if found < expected {
            return Err(damage(path, found, Defect::Short { expected, found }));
        }
        if found > expected {
            return Err(damage(path, expected, Defect::Length { part: "file", found, most: expected }));
        }
        let (stored, computed) = (u32_at(bytes, 60), checksum(store.genesis(), &[body]));
        if stored != computed {
            let part = "the cursors";
            return Err(damage(path, HEADER_BYTES as u64, Defect::Checksum { part, stored, computed }));
        }
        let by_name = take_all(body, u64_at(bytes, 32)).map_err(|flaw| {
            let defect = Defect::Undecodable { part: "the cursors", reason: flaw.to_string() };
            damage(path, (HEADER_BYTES + flaw.byte) as u64, defect)
        })?;
        Ok(Cursors { store, by_name })
    }
}

fn take_all(body: &[u8], count: u64) -> Result<BTreeMap<String, Cursor>, DecodeError> {
    let mut source = Source::new(body);
    let mut cursors: BTreeMap<String, Cursor> = BTreeMap::new();
    for _ in 0..count {
        let name = source.text()?;
        if cursors.last_key_value().is_some_and(|(last, _)| last.as_str() >= name) {
            return Err(source.flaw("cursors are not in order"));
        }
        let version = source.uint()?;
        let chain = Chain::try_from(source.uint()?).map_err(|_| source.flaw("an impossible chain"))?;
        cursors.insert(name.into(), Cursor { version, chain });
    }
    source.finish()?;
    Ok(cursors)
}
