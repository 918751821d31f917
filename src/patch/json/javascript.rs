//! What JavaScript makes of numbers and texts where it wants a number: the part of Immer's laxness that is not Immer's.
//!
//! Under `immer`, which asks it about path elements and lengths. Always holds: a position never lies outside the
//! array it is for.

use crate::value::Value;

/// The index that `splice` takes a path element for: no number counts as 0, negative ones count from the end, and none
/// leaves the array. The elements `null`, `true` and `false` have become texts and count as 0 with the rest.
pub(super) fn position(text: &str, len: usize) -> usize {
    let number = number(text);
    let distance = number.abs() as usize; // Saturates, and makes NaN 0.
    if number <= -1.0 { len.saturating_sub(distance) } else { distance.min(len) }
}

/// The number a value is when assigned to `length`; `None` for what JavaScript calls an invalid array length.
pub(super) fn length(value: &Value) -> Option<usize> {
    let number = match value {
        Value::Null => 0.0,
        Value::Bool(flag) => f64::from(u8::from(*flag)),
        Value::Str(text) => number(text),
        other => other.as_f64()?,
    };
    (number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number)).then_some(number as usize)
}

/// Whether `parseInt` finds a number at the start, which is how Immer tells an index of an array from a name.
pub(super) fn begins_like_a_number(text: &str) -> bool {
    let text = text.trim_start();
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    digits.starts_with(|first: char| first.is_ascii_digit())
}

/// A number as a property name. Very large and very small ones have an exponent, and that a sign.
pub(super) fn text(number: f64) -> String {
    let size = number.abs();
    if number == 0.0 {
        "0".to_owned()
    } else if size >= 1e21 {
        format!("{number:e}").replace('e', "e+")
    } else if size < 1e-6 {
        format!("{number:e}")
    } else {
        number.to_string()
    }
}

/// The number a text stands for; NaN if it is none. Rust knows more names for infinity than JavaScript does.
fn number(text: &str) -> f64 {
    let text = text.trim();
    let radix = |prefix: &str, radix: u32| {
        let digits = text.strip_prefix(prefix).filter(|digits| !digits.starts_with(['+', '-']))?;
        u64::from_str_radix(digits, radix).ok().map(|number| number as f64)
    };
    let prefixed = [("0x", 16), ("0X", 16), ("0o", 8), ("0O", 8), ("0b", 2), ("0B", 2)];
    if let Some(number) = prefixed.iter().find_map(|(prefix, base)| radix(prefix, *base)) {
        return number;
    }
    match text.strip_prefix(['+', '-']).unwrap_or(text) {
        "" => {
            if text.is_empty() {
                0.0
            } else {
                f64::NAN
            }
        }
        "Infinity" => {
            if text.starts_with('-') {
                f64::NEG_INFINITY
            } else {
                f64::INFINITY
            }
        }
        digits if digits.starts_with(|first: char| first.is_ascii_digit() || first == '.') => {
            text.parse().unwrap_or(f64::NAN)
        }
        _ => f64::NAN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `String(number)` and `Number(text)` say in JavaScript.
    #[test]
    fn numbers_and_their_names_are_those_of_javascript_at_the_boundaries_too() {
        for (value, name) in [
            (1e-6, "0.000001"),
            (9.5e-7, "9.5e-7"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (-1e-6, "-0.000001"),
            (-0.0, "0"),
        ] {
            assert_eq!(text(value), name);
        }
        for (name, value) in
            [("", 0.0), ("  ", 0.0), ("-Infinity", f64::NEG_INFINITY), ("0x1F", 31.0), (".5", 0.5)]
        {
            assert_eq!(number(name), value, "{name:?}");
        }
        for name in ["+", "-", "0x-1", "inf", "NaN", "1_000"] {
            assert!(number(name).is_nan(), "{name:?}");
        }
    }
}
