//! [`Value`] and [`Key`] through serde, for any format that describes itself.
//!
//! Leaves JSON text to `json`. Always holds: nothing deeper than [`DEPTH_MAX`] is read or written, and a map in which
//! a key stands twice is refused, because which of the two counts would be anybody's guess. Human-readable formats get
//! keys and bytes as text (a one-way loss: they come back as strings); others keep the types.

use std::fmt;

use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{self, Serialize, SerializeMap, SerializeSeq, Serializer};

use super::key::write_hex;
use super::{DEPTH_MAX, Key, List, Map, Value, bridge};

/// Something to write, with the room left below it.
struct Below<'a>(&'a Value, usize);

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Below(self, DEPTH_MAX).serialize(serializer)
    }
}

impl Serialize for Below<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(flag) => serializer.serialize_bool(*flag),
            Value::Int(number) => serializer.serialize_i64(*number),
            Value::Uint(number) => serializer.serialize_u64(*number),
            Value::Float(number) => serializer.serialize_f64(*number),
            Value::Str(text) => serializer.serialize_str(text),
            Value::Bytes(bytes) => bytes_into(bytes, serializer),
            Value::List(list) => list_into(list, room::<S>(self.1)?, serializer),
            Value::Map(map) => map_into(map, room::<S>(self.1)?, serializer),
        }
    }
}

fn room<S: Serializer>(limit: usize) -> Result<usize, S::Error> {
    limit.checked_sub(1).ok_or_else(|| ser::Error::custom(TooDeep))
}

fn list_into<S: Serializer>(list: &List, below: usize, serializer: S) -> Result<S::Ok, S::Error> {
    let mut seq = serializer.serialize_seq(Some(list.len()))?;
    for item in list.iter() {
        seq.serialize_element(&Below(item, below))?;
    }
    seq.end()
}

fn map_into<S: Serializer>(map: &Map, below: usize, serializer: S) -> Result<S::Ok, S::Error> {
    let mut entries = serializer.serialize_map(Some(map.len()))?;
    for (key, value) in map {
        entries.serialize_entry(key, &Below(value, below))?;
    }
    entries.end()
}

fn bytes_into<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    if bridge::is_inside() || !serializer.is_human_readable() {
        return serializer.serialize_bytes(bytes);
    }
    let mut text = String::new();
    write_hex(&mut text, bytes).map_err(ser::Error::custom)?;
    serializer.serialize_str(&text)
}

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Bool(flag) => serializer.serialize_bool(*flag),
            Self::Int(number) => serializer.serialize_i64(*number),
            Self::Uint(number) => serializer.serialize_u64(*number),
            Self::Str(text) => serializer.serialize_str(text),
            Self::Bytes(bytes) => bytes_into(bytes, serializer),
        }
    }
}

struct TooDeep;

impl fmt::Display for TooDeep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "value is nested deeper than {DEPTH_MAX}")
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Room(DEPTH_MAX).deserialize(deserializer)
    }
}

/// Reads a value in which at most this many containers are nested.
#[derive(Clone, Copy)]
pub(crate) struct Room(pub(crate) usize);

impl Room {
    fn below<E: de::Error>(self) -> Result<Self, E> {
        self.0.checked_sub(1).map(Self).ok_or_else(|| E::custom(TooDeep))
    }
}

impl<'de> DeserializeSeed<'de> for Room {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Room {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_bool<E: de::Error>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Bool(flag))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Int(number))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Float(number))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::from(text))
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Value, E> {
        Ok(Value::Bytes(bytes.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let below = self.below()?;
        let mut list = List::new();
        while let Some(item) = seq.next_element_seed(below)? {
            list.push(item);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let below = self.below()?;
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<Key>()? {
            if map.contains_key(&key) {
                return Err(de::Error::custom(format_args!("key {key:?} stands twice in one map")));
            }
            map.insert(key, entries.next_value_seed(below)?);
        }
        Ok(Value::Map(map))
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KeyVisitor)
    }
}

struct KeyVisitor;

impl Visitor<'_> for KeyVisitor {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, an integer, a truth value or at most 32 bytes")
    }

    fn visit_bool<E: de::Error>(self, flag: bool) -> Result<Key, E> {
        Ok(Key::Bool(flag))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Key, E> {
        Ok(Key::Int(number))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Key, E> {
        Ok(Key::from(number))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Key, E> {
        Ok(Key::from(text))
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Key, E> {
        let key = Key::Bytes(bytes.into());
        if key.is_valid() { Ok(key) } else { Err(E::invalid_length(bytes.len(), &self)) }
    }
}
