//! Reading: a serde `Deserializer` over a [`Value`].
//!
//! Always: an error says at which path which type was wanted and what was found; depth is bounded.

use serde::de::value::{BorrowedStrDeserializer, StrDeserializer};
use serde::de::{self, DeserializeSeed, Deserializer, IntoDeserializer, Unexpected, Visitor};
use serde::forward_to_deserialize_any;

use super::super::{Key, ListIter, MapIter, Value};
use super::ConvertError;

type Result<T> = std::result::Result<T, ConvertError>;

/// Reads a value in which at most `room` containers are nested.
#[derive(Clone, Copy)]
pub(super) struct Reader<'de> {
    value: &'de Value,
    room: usize,
}

impl<'de> Reader<'de> {
    pub(super) fn new(value: &'de Value, room: usize) -> Self {
        Self { value, room }
    }

    fn below(self) -> Result<usize> {
        self.room.checked_sub(1).ok_or_else(ConvertError::too_deep)
    }

    /// The name of a variant, and what is inside if the value shows one with something inside.
    fn variant(self) -> Result<Variant<'de>> {
        let none = |unexpected| {
            de::Error::invalid_type(unexpected, &"the name of a variant, or a map of one variant")
        };
        match self.value {
            Value::Str(name) => Ok(Variant { name, inner: None }),
            Value::Map(map) => match (map.len(), map.iter().next()) {
                (1, Some((Key::Str(name), inner))) => {
                    Ok(Variant { name, inner: Some(Reader::new(inner, self.below()?)) })
                }
                _ => Err(none(Unexpected::Map)),
            },
            other => Err(none(Unexpected::Other(other.kind()))),
        }
    }
}

impl<'de> Deserializer<'de> for Reader<'de> {
    type Error = ConvertError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(flag) => visitor.visit_bool(*flag),
            Value::Int(number) => visitor.visit_i64(*number),
            Value::Uint(number) => visitor.visit_u64(*number),
            Value::Float(number) => visitor.visit_f64(*number),
            Value::Str(text) => visitor.visit_borrowed_str(text),
            Value::Bytes(bytes) => visitor.visit_borrowed_bytes(bytes),
            Value::List(list) => {
                let mut items = Items { left: list.iter(), index: 0, room: self.below()? };
                let read = visitor.visit_seq(&mut items)?;
                items.finish().map(|()| read)
            }
            Value::Map(map) => {
                let mut entries = Entries { left: map.iter(), value: None, room: self.below()? };
                let read = visitor.visit_map(&mut entries)?;
                entries.finish().map(|()| read)
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if self.value.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_enum(self.variant()?)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

/// The elements of a list that have not been asked for yet.
struct Items<'de> {
    left: ListIter<'de>,
    index: usize,
    room: usize,
}

impl Items<'_> {
    /// An element nobody asked for does not belong here.
    fn finish(self) -> Result<()> {
        match self.left.len() {
            0 => Ok(()),
            left => Err(de::Error::invalid_length(self.index + left, &&*format!("{} elements", self.index))),
        }
    }
}

impl<'de> de::SeqAccess<'de> for Items<'de> {
    type Error = ConvertError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>> {
        let Some(item) = self.left.next() else { return Ok(None) };
        let index = self.index;
        self.index += 1;
        seed.deserialize(Reader::new(item, self.room)).map(Some).map_err(|error| error.within(index))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left.len())
    }
}

/// The entries of a map that have not been asked for yet.
struct Entries<'de> {
    left: MapIter<'de>,
    value: Option<(&'de Key, &'de Value)>,
    room: usize,
}

impl Entries<'_> {
    fn finish(mut self) -> Result<()> {
        match self.left.next() {
            Some((key, _)) => Err(ConvertError::new("nothing of this name is expected").within(key)),
            None => Ok(()),
        }
    }
}

impl<'de> de::MapAccess<'de> for Entries<'de> {
    type Error = ConvertError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        self.value = self.left.next();
        let Some((key, _)) = self.value else { return Ok(None) };
        seed.deserialize(KeyReader(key)).map(Some).map_err(|error| error.within(key))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value> {
        let (key, value) = self.value.take().ok_or_else(|| ConvertError::new("a value without a key"))?;
        seed.deserialize(Reader::new(value, self.room)).map_err(|error| error.within(key))
    }
}

/// A variant of an enum: its name, and what is inside.
struct Variant<'de> {
    name: &'de str,
    inner: Option<Reader<'de>>,
}

impl<'de> de::EnumAccess<'de> for Variant<'de> {
    type Error = ConvertError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self)> {
        let name: BorrowedStrDeserializer<'de, ConvertError> = BorrowedStrDeserializer::new(self.name);
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> Variant<'de> {
    fn read<T>(self, read: impl FnOnce(Reader<'de>) -> Result<T>) -> Result<T> {
        let inner = self.inner.ok_or_else(|| ConvertError::new("the variant has nothing inside"));
        inner.and_then(read).map_err(|error| error.within(self.name))
    }
}

impl<'de> de::VariantAccess<'de> for Variant<'de> {
    type Error = ConvertError;

    fn unit_variant(self) -> Result<()> {
        match self.inner {
            None => Ok(()),
            Some(_) => Err(ConvertError::new("the variant takes nothing inside").within(self.name)),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value> {
        self.read(|inner| seed.deserialize(inner))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value> {
        self.read(|inner| inner.deserialize_any(visitor))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value> {
        self.read(|inner| inner.deserialize_any(visitor))
    }
}

/// Reads the key of a map.
struct KeyReader<'de>(&'de Key);

impl<'de> Deserializer<'de> for KeyReader<'de> {
    type Error = ConvertError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.0 {
            Key::Bool(flag) => visitor.visit_bool(*flag),
            Key::Int(number) => visitor.visit_i64(*number),
            Key::Uint(number) => visitor.visit_u64(*number),
            Key::Str(text) => visitor.visit_borrowed_str(text),
            Key::Bytes(bytes) => visitor.visit_borrowed_bytes(bytes),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        let name =
            self.0.as_str().ok_or_else(|| ConvertError::new("the key is not the name of a variant"))?;
        let name: StrDeserializer<'_, ConvertError> = name.into_deserializer();
        visitor.visit_enum(name)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct seq
        tuple tuple_struct map struct identifier ignored_any
    }
}
