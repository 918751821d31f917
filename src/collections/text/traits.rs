//! What makes a [`Text`] pass for a string: comparing, hashing, printing, collecting, serde.
//!
//! Always holds: where the chunks are cut cannot be told from any of it.

use std::cmp::Ordering;
use std::convert::Infallible;
use std::fmt::{self, Write};
use std::hash::{Hash, Hasher};
use std::ops::AddAssign;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::ser::{Serialize, Serializer};

use super::super::cursor::Pairs;
use super::{Text, build};

/// Bytes are hashed in blocks of this size, wherever the chunks are cut.
const BLOCK_BYTES: usize = 64;

impl Text {
    /// What both texts hold at equal bytes, without what they share; ends with the shorter one.
    fn pairs<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        Pairs::new(self.tree.root(), other.tree.root()).map(|(_, a, b)| (a, b))
    }
}

/// By content; what both texts share is not looked at.
impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.len_bytes() == other.len_bytes() && self.pairs(other).all(|(a, b)| a == b)
    }
}

impl Eq for Text {}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        let mut rest = other;
        let begins = |chunk| rest.strip_prefix(chunk).map(|after| rest = after).is_some();
        self.len_bytes() == other.len() && self.chunks().all(begins)
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        *self == **other
    }
}

impl PartialEq<String> for Text {
    fn eq(&self, other: &String) -> bool {
        *self == **other
    }
}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// As strings are ordered; what both texts share is not looked at.
impl Ord for Text {
    fn cmp(&self, other: &Self) -> Ordering {
        let differ = self.pairs(other).map(|(a, b)| a.cmp(b)).find(|order| order.is_ne());
        differ.unwrap_or_else(|| self.len_bytes().cmp(&other.len_bytes()))
    }
}

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let mut block = Vec::with_capacity(BLOCK_BYTES);
        for mut bytes in self.chunks().map(str::as_bytes) {
            while !bytes.is_empty() {
                let (now, later) = bytes.split_at(bytes.len().min(BLOCK_BYTES - block.len()));
                block.extend_from_slice(now);
                bytes = later;
                if block.len() == BLOCK_BYTES {
                    state.write(&block);
                    block.clear();
                }
            }
        }
        state.write(&block);
        state.write_usize(self.len_bytes());
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.chunks().try_for_each(|chunk| f.write_str(chunk))
    }
}

/// As a string: in quotes, escaped.
impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for char in self.chars() {
            match char {
                '\'' => f.write_char(char)?,
                _ => write!(f, "{}", char.escape_debug())?,
            }
        }
        f.write_char('"')
    }
}

impl Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push_str(text);
        Ok(())
    }
}

/// O(n), and every chunk comes out full.
impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self { tree: build(text) }
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

impl From<char> for Text {
    fn from(char: char) -> Self {
        Self::from(&*char.encode_utf8(&mut [0; 4]))
    }
}

impl From<&Text> for String {
    fn from(text: &Text) -> Self {
        let mut whole = Self::with_capacity(text.len_bytes());
        whole.extend(text.chunks());
        whole
    }
}

impl From<Text> for String {
    fn from(text: Text) -> Self {
        Self::from(&text)
    }
}

impl FromStr for Text {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(text.into())
    }
}

impl<'a> Extend<&'a str> for Text {
    fn extend<I: IntoIterator<Item = &'a str>>(&mut self, pieces: I) {
        self.push_str(&pieces.into_iter().collect::<String>());
    }
}

impl Extend<String> for Text {
    fn extend<I: IntoIterator<Item = String>>(&mut self, pieces: I) {
        self.push_str(&pieces.into_iter().collect::<String>());
    }
}

impl Extend<char> for Text {
    fn extend<I: IntoIterator<Item = char>>(&mut self, chars: I) {
        self.push_str(&chars.into_iter().collect::<String>());
    }
}

impl<T> FromIterator<T> for Text
where
    Self: Extend<T>,
{
    fn from_iter<I: IntoIterator<Item = T>>(pieces: I) -> Self {
        let mut text = Self::new();
        text.extend(pieces);
        text
    }
}

impl AddAssign<&str> for Text {
    fn add_assign(&mut self, text: &str) {
        self.push_str(text);
    }
}

/// As a string.
impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor)
    }
}

struct TextVisitor;

impl Visitor<'_> for TextVisitor {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Text, E> {
        Ok(text.into())
    }
}
