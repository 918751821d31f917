//! The primitives of a record body: bincode's integers, bytes and strings, one encoding each, nothing trusted.
//!
//! [`Sink`] appends, [`Source`] takes apart. Strings that repeat inside one body are written once and numbered.
//! Always: a [`Source`] allocates no more than its input could fill, and refuses what a [`Sink`] would not have written.

use bincode::{BorrowDecode, Encode};
use foldhash::fast::RandomState;
use std::collections::{HashMap, HashSet};

use crate::value::Str;

/// The largest integer that takes one byte.
const ONE_BYTE_MAX: u8 = 250;
const CONFIG: bincode::config::Configuration = bincode::config::standard();
/// Up to this many strings are compared one by one, more are hashed.
const FEW_STRINGS: usize = 16;
/// So many strings are numbered in one body. Names come early; the texts of a large state would only fill the memory.
const NUMBERED_STRINGS_MAX: usize = 1 << 16;

/// Why bytes are not what they should be an encoding of.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason} (byte {byte} of the body)")]
#[non_exhaustive]
pub struct DecodeError {
    /// How far decoding came, in bytes.
    pub byte: usize,
    /// What is wrong there.
    pub reason: &'static str,
}

/// Takes what a [`Sink`] has collected, for bodies that need not be in memory as a whole.
pub(crate) trait Outlet {
    /// From how many bytes on there is something to take.
    const AT_BYTES: usize;

    /// Takes what it likes from the front.
    fn take(&mut self, bytes: &mut Vec<u8>);
}

type Take<'o> = Box<dyn FnMut(&mut Vec<u8>) + 'o>;

/// Collects the bytes of one body.
pub(crate) struct Sink<'o, 's> {
    out: &'o mut Vec<u8>,
    outlet: Option<(usize, Take<'o>)>,
    strings: Vec<&'s str>,
    /// The numbers of the strings, once there are too many to compare them one by one. Where a state has many texts, hashing
    /// them takes a good part of writing and reading it, hence no SipHash; seeded at random like that.
    hashed: HashMap<&'s str, usize, RandomState>,
}

impl<'o, 's> Sink<'o, 's> {
    /// Appends to `out`.
    pub(crate) fn new(out: &'o mut Vec<u8>) -> Self {
        Sink { out, outlet: None, strings: Vec::new(), hashed: HashMap::default() }
    }

    /// Lets `outlet` take what is ready from time to time; the rest is in `out` in the end.
    pub(crate) fn through<O: Outlet>(out: &'o mut Vec<u8>, outlet: &'o mut O) -> Self {
        let take = move |bytes: &mut Vec<u8>| outlet.take(bytes);
        Sink { outlet: Some((O::AT_BYTES, Box::new(take))), ..Sink::new(out) }
    }

    /// To be called between values.
    pub(crate) fn let_out(&mut self) {
        if let Some((at_bytes, take)) = &mut self.outlet
            && self.out.len() >= *at_bytes
        {
            take(self.out);
        }
    }

    fn put(&mut self, value: impl Encode) {
        let written = bincode::encode_into_std_write(value, self.out, CONFIG);
        debug_assert!(written.is_ok(), "a vector takes every byte");
    }

    pub(crate) fn byte(&mut self, value: u8) {
        self.out.push(value);
    }

    pub(crate) fn fixed(&mut self, value: u64) {
        self.out.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn uint(&mut self, value: u64) {
        // Nearly all tags and lengths.
        match u8::try_from(value) {
            Ok(byte) if byte <= ONE_BYTE_MAX => self.byte(byte),
            _ => self.put(value),
        }
    }

    pub(crate) fn sint(&mut self, value: i64) {
        self.put(value);
    }

    pub(crate) fn bytes(&mut self, value: &[u8]) {
        self.put(value);
    }

    /// What another sink writes, as [`bytes`](Self::bytes) of which nobody knows before how many they are.
    pub(crate) fn apart(&mut self, put: impl FnOnce(&mut Sink<'_, 's>)) {
        let first = self.out.len();
        put(&mut Sink::new(self.out));
        let end = self.out.len();
        self.uint((end - first) as u64);
        let length_bytes = self.out.len() - end;
        self.out[first..].rotate_right(length_bytes);
    }

    /// A string that is not numbered.
    pub(crate) fn text(&mut self, value: &str) {
        self.put(value);
    }

    /// A string that is written once, behind the tag `new`, and referred to afterwards: the n-th one, counted from 0, by
    /// the tag `known + n`.
    pub(crate) fn string(&mut self, value: &'s str, new: u64, known: u64) {
        if let Some(number) = self.number(value) {
            return self.uint(known + number as u64);
        }
        self.uint(new);
        self.text(value);
    }

    /// The number of a string that was there before; another one gets the next number.
    fn number(&mut self, value: &'s str) -> Option<usize> {
        let next = self.strings.len();
        let known = if next < FEW_STRINGS {
            self.strings.iter().position(|string| *string == value)
        } else {
            if self.hashed.is_empty() {
                self.hashed.extend(self.strings.iter().enumerate().map(|(number, string)| (*string, number)));
            }
            self.hashed.get(value).copied()
        };
        if known.is_none() && next < NUMBERED_STRINGS_MAX {
            self.strings.push(value);
            if next >= FEW_STRINGS {
                self.hashed.insert(value, next);
            }
        }
        known
    }
}

/// Takes the bytes of one body apart.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Names, so that a short string is no allocation of its own and a long one is there once, however often it is
    /// referred to.
    strings: Vec<Str>,
    hashed: HashSet<Str, RandomState>,
}

impl<'a> Source<'a> {
    /// Starts at the first byte.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Source { bytes, at: 0, strings: Vec::new(), hashed: HashSet::default() }
    }

    pub(crate) fn flaw(&self, reason: &'static str) -> DecodeError {
        DecodeError { byte: self.at, reason }
    }

    /// Whether everything has been taken.
    pub(crate) fn is_empty(&self) -> bool {
        self.rest().is_empty()
    }

    fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    /// Refuses bytes that are left over.
    pub(crate) fn finish(self) -> Result<(), DecodeError> {
        if self.is_empty() { Ok(()) } else { Err(self.flaw("bytes are left over")) }
    }

    fn take<T: BorrowDecode<'a, ()>>(&mut self) -> Result<(T, usize), DecodeError> {
        let (value, used) = bincode::borrow_decode_from_slice(self.rest(), CONFIG)
            .map_err(|_| self.flaw("the body ends too early, or a field in it is malformed"))?;
        self.at += used;
        Ok((value, used))
    }

    pub(crate) fn byte(&mut self) -> Result<u8, DecodeError> {
        let byte = *self.rest().first().ok_or_else(|| self.flaw("the body ends too early"))?;
        self.at += 1;
        Ok(byte)
    }

    pub(crate) fn fixed(&mut self) -> Result<u64, DecodeError> {
        let bytes = self.rest().first_chunk().ok_or_else(|| self.flaw("the body ends too early"))?;
        self.at += bytes.len();
        Ok(u64::from_le_bytes(*bytes))
    }

    pub(crate) fn uint(&mut self) -> Result<u64, DecodeError> {
        // Nearly all tags and lengths.
        if let Some(&byte) = self.bytes.get(self.at)
            && byte <= ONE_BYTE_MAX
        {
            self.at += 1;
            return Ok(byte.into());
        }
        let (value, used) = self.take()?;
        self.shortest(value, used)
    }

    pub(crate) fn sint(&mut self) -> Result<i64, DecodeError> {
        let (value, used): (i64, usize) = self.take()?;
        let zigzag = ((value << 1) ^ (value >> 63)) as u64;
        self.shortest(zigzag, used)?;
        Ok(value)
    }

    fn shortest(&self, value: u64, used: usize) -> Result<u64, DecodeError> {
        let least = match value {
            0..=250 => 1,
            251..=0xffff => 3,
            0x1_0000..=0xffff_ffff => 5,
            _ => 9,
        };
        if used == least { Ok(value) } else { Err(self.flaw("an integer takes more bytes than it needs")) }
    }

    /// A count of things that take at least one byte each: never more than the bytes that are left.
    pub(crate) fn count(&mut self) -> Result<usize, DecodeError> {
        let count = self.uint()?;
        match usize::try_from(count) {
            Ok(count) if count <= self.rest().len() => Ok(count),
            _ => Err(self.flaw("a count is larger than the bytes that follow")),
        }
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        let length = self.count()?;
        let bytes = &self.rest()[..length];
        self.at += length;
        Ok(bytes)
    }

    /// A string that is not numbered.
    pub(crate) fn text(&mut self) -> Result<&'a str, DecodeError> {
        let bytes = self.bytes()?;
        std::str::from_utf8(bytes).map_err(|_| self.flaw("a string is not UTF-8"))
    }

    /// The string of this number.
    pub(crate) fn known_string(&self, number: u64) -> Result<Str, DecodeError> {
        let known = usize::try_from(number).ok().and_then(|index| self.strings.get(index));
        known.cloned().ok_or_else(|| self.flaw("a string refers to one that does not exist"))
    }

    /// A string that was not there before; it gets the next number, if there are more.
    pub(crate) fn new_string(&mut self) -> Result<Str, DecodeError> {
        let string = Str::from(self.text()?);
        if !self.number(&string) {
            return Err(self.flaw("a string is written twice"));
        }
        Ok(string)
    }

    /// Gives a string the next number, if there are more; false if it has one already.
    fn number(&mut self, string: &Str) -> bool {
        let next = self.strings.len();
        if next == NUMBERED_STRINGS_MAX {
            return !self.hashed.contains(string);
        }
        if next == FEW_STRINGS {
            self.hashed.extend(self.strings.iter().cloned());
        }
        let is_new = if next < FEW_STRINGS {
            !self.strings.contains(string)
        } else {
            self.hashed.insert(string.clone())
        };
        if is_new {
            self.strings.push(string.clone());
        }
        is_new
    }
}
