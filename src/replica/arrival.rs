//! [`Arrivals`]: a feed as it comes in, verified before anybody uses it.
//!
//! Reads what [`Feed`](super::Feed) made, from whatever carried it. Always: what comes out continues the chain it was asked to
//! continue, so nothing in it was lost, doubled, swapped or changed on the way; no memory is taken because a length asks
//! for it, only for bytes that came.

use crate::error::{Defect, Error, Result};
use crate::layout::Chain;
use crate::segment::format::{FRAME_BYTES, HEADER_BYTES, Header, Item, parse, record_at};
use std::io::{ErrorKind, Read};
use std::ops::Range;
use std::path::Path;

/// So much is read at a time, and asked for before what is whole is handed on.
const WINDOW_BYTES: usize = 256 << 10;

/// Whatever carries the bytes of a feed or of a file.
pub(crate) type Carrier = Box<dyn Read + Send>;

/// A feed on its way in.
pub(crate) struct Arrivals {
    name: String,
    carrier: Carrier,
    header: Header,
    offset: u64,
    chain: Chain,
    buffer: Vec<u8>,
    /// What of the buffer came and was not handed on.
    held: Range<usize>,
    /// The place in it of each body.
    bodies: Vec<Range<usize>>,
    ends_with_mark: bool,
}

/// What came since the last time.
#[derive(Debug)]
pub(crate) struct Batch<'a> {
    pub(crate) bodies: Vec<&'a [u8]>,
    /// The offset and the chain behind the last of them.
    pub(crate) end: u64,
    pub(crate) chain: Chain,
    /// Whether the source had no more at that moment.
    pub(crate) is_all: bool,
}

impl Arrivals {
    /// Waits for the header, which says what log it is and where it begins.
    pub(crate) fn begin(name: String, mut carrier: Carrier) -> Result<Arrivals> {
        let mut bytes = [0; HEADER_BYTES];
        carrier.read_exact(&mut bytes).map_err(|error| unreachable(&name, error))?;
        let header = Header::decode(&bytes, Path::new(&name)).map_err(|error| match error {
            Error::Damaged(damage) => garbled(&name, 0, damage.defect),
            other => other,
        })?;
        Ok(Arrivals {
            name,
            carrier,
            header,
            offset: header.base,
            chain: header.chain,
            buffer: vec![0; WINDOW_BYTES],
            held: 0..0,
            bodies: Vec::new(),
            ends_with_mark: false,
        })
    }

    pub(crate) fn header(&self) -> &Header {
        &self.header
    }

    /// The offset and the chain before what comes next.
    pub(crate) fn place(&self) -> (u64, Chain) {
        (self.offset, self.chain)
    }

    /// Waits for more. Nothing once the source has ended properly, which is behind a mark.
    pub(crate) fn next_batch(&mut self) -> Result<Option<Batch<'_>>> {
        self.bodies.clear();
        loop {
            let marked = self.take_what_is_whole()?;
            if marked || !self.bodies.is_empty() {
                let bodies = self.bodies.iter().map(|place| &self.buffer[place.clone()]).collect();
                return Ok(Some(Batch { bodies, end: self.offset, chain: self.chain, is_all: marked }));
            }
            if !self.receive()? {
                return Ok(None);
            }
        }
    }

    /// Passes all that is whole; whether it ends with a mark.
    fn take_what_is_whole(&mut self) -> Result<bool> {
        let mut marked = false;
        while !self.held.is_empty() {
            let window = &self.buffer[self.held.clone()];
            if let Some((length, chain, _)) = record_at(window, self.chain) {
                let start = self.held.start + 4;
                self.bodies.push(start..start + length);
                (self.offset, self.chain) = (self.offset + 1, chain);
                self.held.start += length + FRAME_BYTES;
                marked = false;
                continue;
            }
            match parse(window, u64::MAX, self.chain, &self.header.store) {
                Item::Mark { head } if head == self.offset => {
                    self.held.start += crate::segment::format::MARK_BYTES;
                    marked = true;
                }
                Item::More(_) => break,
                other => return Err(garbled(&self.name, self.offset, defect_of(other, self.offset))),
            }
        }
        self.ends_with_mark |= marked && self.held.is_empty();
        Ok(marked)
    }

    /// Waits for bytes. False at the end.
    fn receive(&mut self) -> Result<bool> {
        self.make_room();
        loop {
            match self.carrier.read(&mut self.buffer[self.held.end..]) {
                Ok(0) if self.ends_with_mark => return Ok(false),
                Ok(0) => return Err(self.broken(ErrorKind::UnexpectedEof.into())),
                Ok(count) => {
                    self.held.end += count;
                    self.ends_with_mark = false;
                    return Ok(true);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.broken(error)),
            }
        }
    }

    /// Moves what is held to the front, and doubles the buffer where a record fills it.
    fn make_room(&mut self) {
        self.buffer.copy_within(self.held.clone(), 0);
        self.held = 0..self.held.len();
        if self.held.end == self.buffer.len() {
            self.buffer.resize(2 * self.buffer.len(), 0);
        } else if self.held.is_empty() && self.buffer.len() > WINDOW_BYTES {
            self.buffer = vec![0; WINDOW_BYTES];
        }
    }

    fn broken(&self, error: std::io::Error) -> Error {
        unreachable(&self.name, error)
    }
}

/// What a carrier failed with; an error of a source in this process is told as it is.
pub(super) fn unreachable(name: &str, error: std::io::Error) -> Error {
    match error.downcast::<Error>() {
        Ok(told) => told,
        Err(source) => Error::Unreachable { from: name.to_owned(), operation: "receive", source },
    }
}

fn garbled(name: &str, offset: u64, defect: Defect) -> Error {
    Error::Garbled { from: name.to_owned(), offset, defect }
}

fn defect_of(item: Item, offset: u64) -> Defect {
    match item {
        Item::Bad(defect) => defect,
        Item::Mark { head } => Defect::Undecodable {
            part: "a mark",
            reason: format!("it says that there are {head} records, {offset} came"),
        },
        _ => Defect::Undecodable { part: "a feed", reason: "neither a record nor a mark".into() },
    }
}
