//! The [`value!`](crate::value!) macro: a [`Value`](super::Value) written as JSON with Rust expressions in it.
//!
//! Only calls what is public; the helpers are hidden and no promise.

/// Builds a [`Value`](crate::value::Value) from JSON-like text.
///
/// Anything that converts into a value may stand where a value is expected; a map key is one token or an expression in
/// parentheses.
///
/// ```
/// use redraft::{value, value::Value};
///
/// let name = String::from("ada");
/// let doc = value!({ "name": name, "tags": ["x", null, 1 + 1], (7): {} });
/// assert_eq!(doc["tags"][2], Value::from(2));
/// assert_eq!(doc.as_map().map(|map| map.len()), Some(3));
/// ```
#[macro_export]
macro_rules! value {
    (null) => { $crate::value::Value::Null };
    ([ $($items:tt)* ]) => {{
        #[allow(unused_mut, reason = "an empty list is never written to")]
        let mut list = $crate::value::List::new();
        $crate::value_list!(list; $($items)*);
        $crate::value::Value::List(list)
    }};
    ({ $($entries:tt)* }) => {{
        #[allow(unused_mut, reason = "an empty map is never written to")]
        let mut map = $crate::value::Map::new();
        $crate::value_map!(map; $($entries)*);
        $crate::value::Value::Map(map)
    }};
    ($value:expr) => { $crate::value::Value::from($value) };
}

/// The elements of a list in [`value!`](crate::value!), one at a time.
#[doc(hidden)]
#[macro_export]
macro_rules! value_list {
    ($list:ident;) => {};
    ($list:ident; null $(, $($rest:tt)*)?) => {
        $list.push($crate::value!(null));
        $crate::value_list!($list; $($($rest)*)?);
    };
    ($list:ident; [ $($items:tt)* ] $(, $($rest:tt)*)?) => {
        $list.push($crate::value!([ $($items)* ]));
        $crate::value_list!($list; $($($rest)*)?);
    };
    ($list:ident; { $($entries:tt)* } $(, $($rest:tt)*)?) => {
        $list.push($crate::value!({ $($entries)* }));
        $crate::value_list!($list; $($($rest)*)?);
    };
    ($list:ident; $value:expr $(, $($rest:tt)*)?) => {
        $list.push($crate::value::Value::from($value));
        $crate::value_list!($list; $($($rest)*)?);
    };
}

/// The entries of a map in [`value!`](crate::value!), one at a time.
#[doc(hidden)]
#[macro_export]
macro_rules! value_map {
    ($map:ident;) => {};
    ($map:ident; $key:tt : null $(, $($rest:tt)*)?) => {
        $map.insert($key, $crate::value!(null));
        $crate::value_map!($map; $($($rest)*)?);
    };
    ($map:ident; $key:tt : [ $($items:tt)* ] $(, $($rest:tt)*)?) => {
        $map.insert($key, $crate::value!([ $($items)* ]));
        $crate::value_map!($map; $($($rest)*)?);
    };
    ($map:ident; $key:tt : { $($entries:tt)* } $(, $($rest:tt)*)?) => {
        $map.insert($key, $crate::value!({ $($entries)* }));
        $crate::value_map!($map; $($($rest)*)?);
    };
    ($map:ident; $key:tt : $value:expr $(, $($rest:tt)*)?) => {
        $map.insert($key, $crate::value::Value::from($value));
        $crate::value_map!($map; $($($rest)*)?);
    };
}
