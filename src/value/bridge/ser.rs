//! Writing: a serde `Serializer` whose outcome is a [`Value`].
//!
//! Always: keys that come twice and values that are too deep are errors with a path, not another value.

use std::fmt::Display;

use serde::ser::{self, Impossible, Serialize, Serializer};

use super::super::{Key, List, Map, Value};
use super::ConvertError;

type Result<T> = std::result::Result<T, ConvertError>;

/// Writes a value in which at most `room` containers are nested.
#[derive(Clone, Copy)]
pub(super) struct Writer {
    room: usize,
}

impl Writer {
    pub(super) fn new(room: usize) -> Self {
        Self { room }
    }

    fn below(self) -> Result<Self> {
        self.room.checked_sub(1).map(Self::new).ok_or_else(ConvertError::too_deep)
    }

    fn list(self, variant: Option<&'static str>) -> Result<Items> {
        let outer = if variant.is_some() { self.below()? } else { self };
        Ok(Items { below: outer.below()?, list: List::new(), variant })
    }

    fn map(self, variant: Option<&'static str>) -> Result<Entries> {
        let outer = if variant.is_some() { self.below()? } else { self };
        Ok(Entries { below: outer.below()?, map: Map::new(), key: None, variant })
    }
}

/// A variant with something inside is a map of one entry.
fn tagged(variant: Option<&'static str>, inner: Value) -> Value {
    match variant {
        Some(variant) => Value::Map(Map::from_iter([(variant, inner)])),
        None => inner,
    }
}

/// A list under construction.
pub(super) struct Items {
    below: Writer,
    list: List,
    variant: Option<&'static str>,
}

impl Items {
    fn push<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<()> {
        let index = self.list.len();
        self.list.push(item.serialize(self.below).map_err(|error| error.within(index))?);
        Ok(())
    }

    fn finish(self) -> Value {
        tagged(self.variant, Value::List(self.list))
    }
}

/// A map under construction.
pub(super) struct Entries {
    below: Writer,
    map: Map,
    key: Option<Key>,
    variant: Option<&'static str>,
}

impl Entries {
    fn insert<T: Serialize + ?Sized>(&mut self, key: Key, value: &T) -> Result<()> {
        let value = value.serialize(self.below).map_err(|error| error.within(&key))?;
        if self.map.contains_key(&key) {
            return Err(ConvertError::new("the key stands twice in one map").within(key));
        }
        self.map.insert(key, value);
        Ok(())
    }

    fn finish(self) -> Value {
        tagged(self.variant, Value::Map(self.map))
    }
}

/// Methods that turn one scalar into one value.
macro_rules! scalars {
    ($($method:ident($from:ty))*) => {$(
        fn $method(self, scalar: $from) -> Result<Value> {
            Ok(Value::from(scalar))
        }
    )*};
}

impl Serializer for Writer {
    type Ok = Value;
    type Error = ConvertError;
    type SerializeSeq = Items;
    type SerializeTuple = Items;
    type SerializeTupleStruct = Items;
    type SerializeTupleVariant = Items;
    type SerializeMap = Entries;
    type SerializeStruct = Entries;
    type SerializeStructVariant = Entries;

    scalars! {
        serialize_bool(bool)
        serialize_i8(i8) serialize_i16(i16) serialize_i32(i32) serialize_i64(i64)
        serialize_u8(u8) serialize_u16(u16) serialize_u32(u32) serialize_u64(u64)
        serialize_f32(f32) serialize_f64(f64)
        serialize_str(&str)
    }

    fn serialize_i128(self, number: i128) -> Result<Value> {
        let int = i64::try_from(number).map(Value::Int);
        int.or_else(|_| u64::try_from(number).map(Value::Uint)).map_err(ConvertError::new)
    }

    fn serialize_u128(self, number: u128) -> Result<Value> {
        u64::try_from(number).map(Value::from).map_err(ConvertError::new)
    }

    fn serialize_char(self, char: char) -> Result<Value> {
        Ok(Value::from(&*char.encode_utf8(&mut [0; 4])))
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<Value> {
        Ok(Value::Bytes(bytes.into()))
    }

    fn serialize_none(self) -> Result<Value> {
        Ok(Value::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, inner: &T) -> Result<Value> {
        inner.serialize(self)
    }

    fn serialize_unit(self) -> Result<Value> {
        Ok(Value::Null)
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<Value> {
        Ok(Value::Null)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<Value> {
        Ok(Value::from(variant))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, inner: &T) -> Result<Value> {
        inner.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        inner: &T,
    ) -> Result<Value> {
        let inner = inner.serialize(self.below()?).map_err(|error| error.within(variant))?;
        Ok(tagged(Some(variant), inner))
    }

    fn serialize_seq(self, _len: Option<usize>) -> Result<Items> {
        self.list(None)
    }

    fn serialize_tuple(self, _len: usize) -> Result<Items> {
        self.list(None)
    }

    fn serialize_tuple_struct(self, _name: &'static str, _len: usize) -> Result<Items> {
        self.list(None)
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Items> {
        self.list(Some(variant))
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<Entries> {
        self.map(None)
    }

    fn serialize_struct(self, _name: &'static str, _len: usize) -> Result<Entries> {
        self.map(None)
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Entries> {
        self.map(Some(variant))
    }
}

macro_rules! items {
    ($($kind:ident::$method:ident)*) => {$(
        impl ser::$kind for Items {
            type Ok = Value;
            type Error = ConvertError;

            fn $method<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<()> {
                self.push(item)
            }

            fn end(self) -> Result<Value> {
                Ok(self.finish())
            }
        }
    )*};
}

items! {
    SerializeSeq::serialize_element
    SerializeTuple::serialize_element
    SerializeTupleStruct::serialize_field
    SerializeTupleVariant::serialize_field
}

macro_rules! fields {
    ($($kind:ident)*) => {$(
        impl ser::$kind for Entries {
            type Ok = Value;
            type Error = ConvertError;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, field: &T) -> Result<()> {
                self.insert(Key::from(name), field)
            }

            fn end(self) -> Result<Value> {
                Ok(self.finish())
            }
        }
    )*};
}

fields!(SerializeStruct SerializeStructVariant);

impl ser::SerializeMap for Entries {
    type Ok = Value;
    type Error = ConvertError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<()> {
        self.key = Some(key.serialize(KeyWriter)?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        let key = self.key.take().ok_or_else(|| ConvertError::new("a value without a key"))?;
        self.insert(key, value)
    }

    fn end(self) -> Result<Value> {
        Ok(self.finish())
    }
}

/// Writes what stands as a key of a map.
struct KeyWriter;

fn no_key<T>(what: impl Display) -> Result<T> {
    Err(ConvertError::new(format_args!("{what} cannot be the key of a map")))
}

macro_rules! keys {
    ($($method:ident($from:ty))*) => {$(
        fn $method(self, key: $from) -> Result<Key> {
            Ok(Key::from(key))
        }
    )*};
}

macro_rules! no_keys {
    ($($method:ident($($arg:ty),*) -> $out:ty: $what:literal)*) => {$(
        fn $method(self, $(_: $arg),*) -> Result<$out> {
            no_key($what)
        }
    )*};
}

impl Serializer for KeyWriter {
    type Ok = Key;
    type Error = ConvertError;
    type SerializeSeq = Impossible<Key, ConvertError>;
    type SerializeTuple = Self::SerializeSeq;
    type SerializeTupleStruct = Self::SerializeSeq;
    type SerializeTupleVariant = Self::SerializeSeq;
    type SerializeMap = Self::SerializeSeq;
    type SerializeStruct = Self::SerializeSeq;
    type SerializeStructVariant = Self::SerializeSeq;

    keys! {
        serialize_bool(bool)
        serialize_i8(i8) serialize_i16(i16) serialize_i32(i32) serialize_i64(i64)
        serialize_u8(u8) serialize_u16(u16) serialize_u32(u32) serialize_u64(u64)
        serialize_str(&str)
    }

    no_keys! {
        serialize_f32(f32) -> Key: "a float"
        serialize_f64(f64) -> Key: "a float"
        serialize_none() -> Key: "nothing"
        serialize_unit() -> Key: "a unit"
        serialize_unit_struct(&'static str) -> Key: "a unit"
        serialize_seq(Option<usize>) -> Self::SerializeSeq: "a list"
        serialize_tuple(usize) -> Self::SerializeSeq: "a tuple"
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeSeq: "a tuple"
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Self::SerializeSeq: "a variant with fields"
        serialize_map(Option<usize>) -> Self::SerializeSeq: "a map"
        serialize_struct(&'static str, usize) -> Self::SerializeSeq: "a struct"
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Self::SerializeSeq: "a variant with fields"
    }

    fn serialize_char(self, char: char) -> Result<Key> {
        Ok(Key::from(&*char.encode_utf8(&mut [0; 4])))
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<Key> {
        let key = Key::Bytes(bytes.into());
        if key.is_valid() { Ok(key) } else { no_key("so many bytes") }
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<Key> {
        no_key("an option")
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<Key> {
        Ok(Key::from(variant))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, inner: &T) -> Result<Key> {
        inner.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _inner: &T,
    ) -> Result<Key> {
        no_key("a variant with fields")
    }
}
