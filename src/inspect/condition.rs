//! [`Condition`]: a question about a state: a JSON Pointer, a comparison, and a JSON value.
//!
//! Always: what is not there is equal to nothing, and neither less nor more than anything.

use crate::value::{Pointer, Value};
use std::cmp::Ordering;
use std::str::FromStr;

const COMPARISONS: [(&str, Is); 6] = [
    ("==", Is::Equal),
    ("!=", Is::Different),
    ("<=", Is::AtMost),
    (">=", Is::AtLeast),
    ("<", Is::Less),
    (">", Is::More),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Is {
    Equal,
    Different,
    AtMost,
    AtLeast,
    Less,
    More,
}

/// A condition on a state, as `redraft bisect --where` and the inspector take it: a JSON Pointer, one of `==` `!=` `<` `<=` `>`
/// `>=` and a JSON value, with spaces between; or a pointer and `exists`. Read with `parse`.
///
/// ```
/// use redraft::{inspect::Condition, value};
///
/// let few: Condition = "/stock < 10".parse()?;
/// assert!(few.holds(&value!({ "stock": 3 })) && !few.holds(&value!({})));
/// # Ok::<(), redraft::inspect::ConditionError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Condition {
    place: Pointer,
    /// Without a comparison something has to be there, whatever it is.
    compared: Option<(Is, Value)>,
}

/// Why a text is no [`Condition`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConditionError(String);

/// Reads `/a/b == 3` or `/a/b exists`.
impl FromStr for Condition {
    type Err = ConditionError;

    fn from_str(text: &str) -> Result<Self, ConditionError> {
        parse(text).map_err(ConditionError)
    }
}

fn parse(text: &str) -> Result<Condition, String> {
    let pointer = |text: &str| {
        let text = text.trim();
        Pointer::parse(text).map_err(|error| format!("{text:?} is not a JSON Pointer: {error}"))
    };
    if let Some(place) = text.trim_end().strip_suffix(" exists") {
        return Ok(Condition { place: pointer(place)?, compared: None });
    }
    // The comparison that stands first, and of those the longest: a value may have others in it.
    let found =
        COMPARISONS.iter().filter_map(|&(sign, is)| text.find(&format!(" {sign} ")).map(|at| (at, sign, is)));
    let Some((at, sign, is)) = found.min_by_key(|&(at, ..)| at) else {
        return Err(format!(
            "{text:?} is no condition: write a JSON Pointer, one of == != < <= > >= and a JSON value, with spaces \
             between, or a pointer and exists"
        ));
    };
    let (place, wanted) = (&text[..at], text[at + sign.len() + 2..].trim());
    let value = Value::from_json(wanted.as_bytes())
        .map_err(|error| format!("{wanted:?} is not a JSON value: {error}; texts are in double quotes"))?;
    Ok(Condition { place: pointer(place)?, compared: Some((is, value)) })
}

impl Condition {
    /// Whether it is true of this state. O(path length * log n), and comparing what is there.
    pub fn holds(&self, state: &Value) -> bool {
        let path = self.place.resolve(state).ok();
        let found = path.as_ref().and_then(|path| state.at_path(path));
        let Some((is, wanted)) = &self.compared else { return found.is_some() };
        let Some(found) = found else { return *is == Is::Different };
        let order = compare(found, wanted);
        match is {
            Is::Equal => order == Some(Ordering::Equal),
            Is::Different => order != Some(Ordering::Equal),
            Is::AtMost => order.is_some_and(Ordering::is_le),
            Is::AtLeast => order.is_some_and(Ordering::is_ge),
            Is::Less => order.is_some_and(Ordering::is_lt),
            Is::More => order.is_some_and(Ordering::is_gt),
        }
    }
}

/// Numbers with numbers, texts with texts; of everything else only whether it is the same.
fn compare(found: &Value, wanted: &Value) -> Option<Ordering> {
    if let (Some(found), Some(wanted)) = (found.as_i64(), wanted.as_i64()) {
        return Some(found.cmp(&wanted));
    }
    if let (Some(found), Some(wanted)) = (found.as_u64(), wanted.as_u64()) {
        return Some(found.cmp(&wanted));
    }
    if let (Some(found), Some(wanted)) = (found.as_f64(), wanted.as_f64()) {
        return found.partial_cmp(&wanted);
    }
    if let (Some(found), Some(wanted)) = (found.as_str(), wanted.as_str()) {
        return Some(found.cmp(wanted));
    }
    (found == wanted).then_some(Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value;

    #[test]
    fn a_condition_compares_what_can_be_compared() {
        let state = value!({ "n": 3, "f": 2.5, "t": "b < c", "l": [1, null], "a b": true });
        let cases = [
            ("/n == 3", true),
            ("/n == 3.0", true),
            ("/n != 3", false),
            ("/n < 4", true),
            ("/n <= 3", true),
            ("/n > 3", false),
            ("/n >= 3", true),
            ("/f > 2", true),
            ("/t == \"b < c\"", true),
            ("/t > \"a\"", true),
            ("/t > 3", false),
            ("/l == [1, null]", true),
            ("/l/1 exists", true),
            ("/l/2 exists", false),
            ("/a b == true", true),
            ("/none == null", false),
            ("/none != 1", true),
            ("/none < 1", false),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text).unwrap().holds(&state), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_condition_says_what_one_is() {
        for text in ["", "/n", "/n == ", "/n = 3", "n == 3", "/n == house", "/~2 exists"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
