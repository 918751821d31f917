//! One message of the stream, as FORMAT.md gives it: a header, and the frames of records as they lie in a log.
//!
//! Pure functions between bytes and fields; nothing is asked here. Always: what is decoded was verified from its first byte to its
//! last, each frame against the chain that the header begins with; nothing is allocated because a length asks for it.

use crate::error::{Defect, Error, Result};
use crate::layout::{CHECK_BYTES, Chain, LENGTH_BYTES, StoreId, checksum, u32_at, u64_at};
use crate::segment::format::{FRAME_BYTES, Item, header_check, parse, push_frame};
use bytes::Bytes;

/// The newest format this code reads and the one it writes.
const FORMAT_VERSION: u16 = 1;
/// What a header adds to the frames.
pub(super) const HEADER_BYTES: usize = 64;
pub(super) const MAGIC: [u8; 8] = *b"REDRNATS";
const CHECK_AT: usize = 56;
const END_CHAIN_AT: usize = 60;

/// What a message holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing: the stream begins with it, and says whose history it holds and where in that it begins.
    Founding = 0,
    /// Frames of records.
    Records = 1,
    /// The name of the object that is the body of one record, too large for a message, behind its length.
    Reference = 2,
}

/// The first bytes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: Kind,
    pub(super) store: StoreId,
    pub(super) epoch: u32,
    /// The offset of its first record, and how many there are.
    pub(super) base: u64,
    pub(super) count: u32,
    /// The chain before its first record, and behind its last.
    pub(super) chain: Chain,
    pub(super) end_chain: Chain,
}

impl Header {
    /// The offset behind its last record.
    pub(super) fn end(&self) -> u64 {
        self.base + u64::from(self.count)
    }

    fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..10].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
        bytes[10] = self.kind as u8;
        bytes[12..16].copy_from_slice(&self.epoch.to_le_bytes());
        bytes[16..32].copy_from_slice(self.store.as_bytes());
        bytes[32..40].copy_from_slice(&self.base.to_le_bytes());
        bytes[40..44].copy_from_slice(&self.count.to_le_bytes());
        bytes[44..48].copy_from_slice(&self.chain.to_le_bytes());
        bytes[END_CHAIN_AT..].copy_from_slice(&self.end_chain.to_le_bytes());
        let check = header_check(&bytes);
        bytes[CHECK_AT..END_CHAIN_AT].copy_from_slice(&check.to_le_bytes());
        bytes
    }
}

/// A message, verified.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) header: Header,
    payload: Bytes,
}

/// Records as they lie in a message, whose header is still to come.
pub(super) struct Framed {
    bytes: Vec<u8>,
    count: u32,
    chain: Chain,
    end_chain: Chain,
}

impl Framed {
    /// Records that follow what ends with `chain`.
    pub(super) fn of(chain: Chain, records: &[&[u8]]) -> Framed {
        let framed_bytes = records.iter().map(|body| body.len() + FRAME_BYTES).sum::<usize>();
        let mut bytes = Vec::with_capacity(HEADER_BYTES + framed_bytes);
        bytes.resize(HEADER_BYTES, 0);
        let end_chain = records.iter().fold(chain, |chain, body| push_frame(&mut bytes, body, chain));
        Framed { bytes, count: records.len() as u32, chain, end_chain }
    }

    pub(super) fn count(&self) -> u32 {
        self.count
    }

    /// The record, if it is the only one.
    pub(super) fn alone(&self) -> Option<&[u8]> {
        let (first, end) = (HEADER_BYTES + LENGTH_BYTES, self.bytes.len() - CHECK_BYTES);
        (self.count == 1).then(|| &self.bytes[first..end])
    }

    /// The message of these records, the first of which has offset `base`, and the chain behind them.
    pub(super) fn into_message(mut self, store: StoreId, epoch: u32, base: u64) -> (Vec<u8>, Chain) {
        let Framed { count, chain, end_chain, .. } = self;
        let header = Header { kind: Kind::Records, store, epoch, base, count, chain, end_chain };
        self.bytes[..HEADER_BYTES].copy_from_slice(&header.encode());
        (self.bytes, end_chain)
    }
}

/// Where a message was found, for what is to be said of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found<'a> {
    pub(super) stream: &'a str,
    pub(super) sequence: u64,
}

impl Found<'_> {
    /// It is not what this history goes on with.
    pub(super) fn altered(&self, expected: impl Into<String>, found: impl Into<String>) -> Error {
        let (expected, found) = (expected.into(), found.into());
        Error::Altered { stream: self.stream.to_owned(), sequence: self.sequence, expected, found }
    }

    /// That a message goes on where a history ends, at this offset with this chain.
    pub(super) fn follows(&self, end: (u64, Chain), message: &Message) -> Result<()> {
        let begins = (message.header.base, message.header.chain);
        let said = |(offset, chain): (u64, Chain)| format!("offset {offset} behind chain {chain:08x}");
        if begins == end { Ok(()) } else { Err(self.altered(said(end), said(begins))) }
    }

    fn garbled(&self, offset: u64, defect: Defect) -> Error {
        Error::Garbled { from: format!("message {} of {}", self.sequence, self.stream), offset, defect }
    }
}

impl Message {
    /// What says where a history begins.
    pub(super) fn founding(store: StoreId, epoch: u32, base: u64, chain: Chain) -> Vec<u8> {
        let kind = Kind::Founding;
        Header { kind, store, epoch, base, count: 0, chain, end_chain: chain }.encode().to_vec()
    }

    /// One record whose body is the object of that name.
    pub(super) fn reference(
        store: StoreId,
        epoch: u32,
        base: u64,
        chain: Chain,
        body: &[u8],
    ) -> (Vec<u8>, Chain) {
        let end_chain = checksum(chain, &[&(body.len() as u32).to_le_bytes(), body]);
        let header = Header { kind: Kind::Reference, store, epoch, base, count: 1, chain, end_chain };
        let mut bytes = header.encode().to_vec();
        bytes.extend_from_slice(&(body.len() as u32).to_le_bytes());
        bytes.extend_from_slice(object_name(&header).as_bytes());
        // A name has no place for a flipped bit to show: it is part of what is checked.
        let check = checksum(chain, &[&bytes[HEADER_BYTES..]]);
        bytes.extend_from_slice(&check.to_le_bytes());
        (bytes, end_chain)
    }

    /// What a message of the stream says; `store` is whose history that holds, where it is known.
    pub(super) fn decode(payload: Bytes, found: &Found<'_>, store: Option<StoreId>) -> Result<Message> {
        let header = decode_header(&payload, found, store)?;
        let message = Message { header, payload };
        match header.kind {
            Kind::Founding => message.verify_founding(found)?,
            Kind::Records => message.verify_frames(found)?,
            Kind::Reference => message.verify_reference(found)?,
        }
        Ok(message)
    }

    fn body(&self) -> &[u8] {
        &self.payload[HEADER_BYTES..]
    }

    /// The frames from the record at `offset` on, and the chain before that. Empty if it is the end.
    pub(super) fn frames_from(&self, offset: u64) -> (&[u8], Chain) {
        let (mut rest, mut chain, mut at) = (self.body(), self.header.chain, self.header.base);
        while at < offset && rest.len() >= FRAME_BYTES {
            let end = LENGTH_BYTES + u32_at(rest, 0) as usize;
            chain = u32_at(rest, end);
            (rest, at) = (&rest[end + CHECK_BYTES..], at + 1);
        }
        (rest, chain)
    }

    /// The object that a reference leads to, and how long it is.
    pub(super) fn object(&self) -> (String, u64) {
        (object_name(&self.header), u32_at(self.body(), 0).into())
    }

    /// The frame of the record that a reference leads to.
    pub(super) fn frame_of(&self, object: &[u8], found: &Found<'_>) -> Result<Vec<u8>> {
        let mut frame = Vec::new();
        let computed = push_frame(&mut frame, object, self.header.chain);
        let stored = self.header.end_chain;
        if stored != computed {
            let defect = Defect::Checksum { part: "a record in the object store", stored, computed };
            return Err(found.garbled(self.header.base, defect));
        }
        Ok(frame)
    }

    fn verify_founding(&self, found: &Found<'_>) -> Result<()> {
        let is_empty = self.body().is_empty() && self.header.count == 0;
        if is_empty && self.header.chain == self.header.end_chain {
            return Ok(());
        }
        Err(self.undecodable(found, self.header.base, "a founding message holds something"))
    }

    fn verify_frames(&self, found: &Found<'_>) -> Result<()> {
        let (header, mut rest) = (&self.header, self.body());
        let (mut offset, mut chain) = (header.base, header.chain);
        while !rest.is_empty() {
            match parse(rest, rest.len() as u64, chain, &header.store) {
                // The first of a batch has the complement of its checksum in a log, and in no message.
                Item::Record { body, first: false, chain: after } => {
                    (offset, chain, rest) = (offset + 1, after, &rest[body + FRAME_BYTES..]);
                }
                Item::Bad(defect) => return Err(found.garbled(offset, defect)),
                _ => return Err(self.undecodable(found, offset, "there is no record where one should be")),
            }
        }
        if header.count == 0 || offset != header.end() {
            let why = format!("{} records came, its header says {}", offset - header.base, header.count);
            return Err(self.undecodable(found, offset, &why));
        }
        if chain == header.end_chain {
            return Ok(());
        }
        let defect = Defect::Chain { expected: header.end_chain, found: chain };
        Err(found.garbled(offset, defect))
    }

    fn verify_reference(&self, found: &Found<'_>) -> Result<()> {
        let (body, header) = (self.body(), &self.header);
        let name = object_name(header);
        let expected = LENGTH_BYTES + name.len() + CHECK_BYTES;
        if body.len() != expected || header.count != 1 {
            return Err(self.undecodable(found, header.base, "a reference has another length"));
        }
        let named = expected - CHECK_BYTES;
        let (stored, computed) = (u32_at(body, named), checksum(header.chain, &[&body[..named]]));
        if stored != computed || &body[LENGTH_BYTES..named] != name.as_bytes() {
            return Err(
                found.garbled(header.base, Defect::Checksum { part: "a reference", stored, computed })
            );
        }
        Ok(())
    }

    fn undecodable(&self, found: &Found<'_>, offset: u64, reason: &str) -> Error {
        found.garbled(offset, Defect::Undecodable { part: "a message", reason: reason.into() })
    }
}

/// Nothing else has this name: it says which record of which history it is, and what it holds.
fn object_name(header: &Header) -> String {
    format!("record-{}-{:020}-{:08x}-{:08x}", header.store, header.base, header.chain, header.end_chain)
}

fn decode_header(bytes: &[u8], found: &Found<'_>, store: Option<StoreId>) -> Result<Header> {
    if bytes.len() < HEADER_BYTES || bytes[..8] != MAGIC {
        let what = format!("{} bytes that are none", bytes.len());
        return Err(found.altered("a message of redraft", what));
    }
    let version = u16::from_le_bytes([bytes[8], bytes[9]]);
    let (stored, computed) = (u32_at(bytes, CHECK_AT), header_check(bytes));
    // A newer format may keep its checksum elsewhere, so an odd version is believed without one; but not if a single
    // flipped bit explains it.
    let one_flip = (version ^ FORMAT_VERSION).count_ones() == 1;
    if version > FORMAT_VERSION && (stored == computed || !one_flip) {
        let path = format!("{}/{}", found.stream, found.sequence).into();
        let (what, supported) = ("message format", FORMAT_VERSION.into());
        return Err(Error::Newer { path, what, found: version.into(), supported });
    }
    if stored != computed {
        let defect = Defect::Checksum { part: "the header of a message", stored, computed };
        return Err(found.garbled(u64_at(bytes, 32), defect));
    }
    let header = fields(bytes, found)?;
    match store.filter(|store| *store != header.store) {
        Some(store) => Err(found.altered(format!("store {store}"), format!("store {}", header.store))),
        None => Ok(header),
    }
}

fn fields(bytes: &[u8], found: &Found<'_>) -> Result<Header> {
    let kind = match bytes[10] {
        0 => Kind::Founding,
        1 => Kind::Records,
        2 => Kind::Reference,
        other => {
            let path = format!("{}/{}", found.stream, found.sequence).into();
            return Err(Error::Newer { path, what: "message kind", found: other.into(), supported: 2 });
        }
    };
    let mut store = [0; 16];
    store.copy_from_slice(&bytes[16..32]);
    let (base, count) = (u64_at(bytes, 32), u32_at(bytes, 40));
    if base > 1 << 62 {
        let defect = Defect::Length { part: "log before this message", found: base, most: 1 << 62 };
        return Err(found.garbled(base, defect));
    }
    let (store, epoch) = (StoreId(store), u32_at(bytes, 12));
    let (chain, end_chain) = (u32_at(bytes, 44), u32_at(bytes, END_CHAIN_AT));
    Ok(Header { kind, store, epoch, base, count, chain, end_chain })
}
