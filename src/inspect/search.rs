//! `GET api/search`: text in the keys and values of the state at a version.
//!
//! Goes through the state in order, a bounded piece at a time; where it stopped is the path of what it looked at last. Always: each piece
//! costs the same wherever it begins, and finds what one who looked at everything at once would find there.

use super::Desk;
use super::preview::{kind, preview};
use super::rows::limit;
use crate::http::shared::{Answer, Problem, Query, pointer};
use crate::value::{Key, Path, Pointer, Segment, Value, key_in, parse_index};
use axum::extract::State;
use axum::http::Uri;
use serde::Serialize;

const FOUND: usize = 50;
const FOUND_MAX: usize = 500;
/// How much is looked at in one request: places, and for long texts one more for each so many bytes.
const WORK: usize = 50_000;
const WORK_BYTES: usize = 64;

#[derive(Debug, Serialize)]
struct Found {
    path: String,
    kind: &'static str,
    preview: String,
}

#[derive(Debug, Serialize)]
struct Piece {
    found: Vec<Found>,
    next: Option<String>,
}

/// What is looked for.
struct Wanted {
    /// In small letters.
    text: String,
    keys: bool,
    values: bool,
    limit: usize,
}

/// `GET api/search?at=&text=&in=&after=&limit=`.
pub(super) async fn search(State(desk): State<Desk>, uri: Uri) -> Answer {
    let query = Query::of(&uri, &["at", "text", "in", "after", "limit"])?;
    let (keys, values) = match query.text("in").unwrap_or("both") {
        "keys" => (true, false),
        "values" => (false, true),
        "both" => (true, true),
        _ => return Err(Problem::malformed("the parameter \"in\" is keys, values or both")),
    };
    let text = query.text("text").unwrap_or_default().to_lowercase();
    if text.is_empty() {
        return Err(Problem::malformed("the parameter \"text\" says what to look for"));
    }
    let wanted = Wanted { text, keys, values, limit: limit(&query, FOUND, FOUND_MAX)? };
    let (at, after) = (query.version("at")?, query.text("after").map(pointer).transpose()?);
    desk.answer(move |desk| {
        let document = desk.document(desk.version(at)?)?;
        Ok(piece(&document, &wanted, after.as_ref()))
    })
    .await
}

/// Looks at the places that come after one, in order, until it is enough.
fn piece(document: &Value, wanted: &Wanted, after: Option<&Pointer>) -> Piece {
    let mut walk = Walk { work: 0, found: Vec::new(), way: Vec::new(), next: None };
    if after.is_none() {
        walk.look(document, None, wanted);
    }
    let after = after.map_or(&[][..], Pointer::tokens);
    walk.inside(document, wanted, after);
    Piece { found: walk.found, next: walk.next }
}

struct Walk {
    work: usize,
    found: Vec<Found>,
    /// The path of what is being looked at.
    way: Vec<Segment>,
    /// Where it stopped, if it did.
    next: Option<String>,
}

impl Walk {
    /// Everything beneath a value, as far as it comes after a place in it. Recursion is as deep as values are.
    fn inside(&mut self, value: &Value, wanted: &Wanted, after: &[String]) {
        let (token, deeper) =
            after.split_first().map_or((None, after), |(token, deeper)| (Some(token), deeper));
        match value {
            Value::Map(map) => {
                let begin = token.map_or(0, |token| begin_in(map, token));
                for (key, item) in map.entries_from(begin) {
                    let is_seen = token.is_some_and(|token| key.to_string() == *token);
                    if !self.step(Segment::Key(Key::clone(key)), item, wanted, is_seen.then_some(deeper)) {
                        return;
                    }
                }
            }
            Value::List(list) => {
                let begin = token.and_then(|token| parse_index(token)).unwrap_or(0);
                let items = list.items().range(begin.min(list.len())..).zip(begin..);
                for (item, index) in items {
                    let is_seen = token.is_some() && index == begin;
                    if !self.step(Segment::Index(index), item, wanted, is_seen.then_some(deeper)) {
                        return;
                    }
                }
            }
            _ => {}
        }
    }

    /// One element and all beneath it; whether to go on. `seen` says what of it was looked at before.
    fn step(&mut self, segment: Segment, item: &Value, wanted: &Wanted, seen: Option<&[String]>) -> bool {
        self.way.push(segment);
        if seen.is_none() {
            let key = self.way.last().cloned();
            self.look(item, key.as_ref(), wanted);
        }
        let is_enough = self.work >= WORK || self.found.len() >= wanted.limit;
        if is_enough && seen.is_none() {
            self.next = Some(Path::from(self.way.as_slice()).to_string());
        } else {
            self.inside(item, wanted, seen.unwrap_or_default());
        }
        self.way.pop();
        self.next.is_none()
    }

    fn look(&mut self, value: &Value, key: Option<&Segment>, wanted: &Wanted) {
        self.work += 1;
        let in_key =
            wanted.keys && matches!(key, Some(Segment::Key(key)) if self.contains(&key.to_string(), wanted));
        if in_key || wanted.values && self.is_it(value, wanted) {
            let path = Path::from(self.way.as_slice()).to_string();
            self.found.push(Found { path, kind: kind(value), preview: preview(value) });
        }
    }

    fn is_it(&mut self, value: &Value, wanted: &Wanted) -> bool {
        match value {
            Value::Str(text) => self.contains(text, wanted),
            Value::List(_) | Value::Map(_) => false,
            // Bytes as they are shown, as far as they are.
            Value::Bytes(_) => self.contains(&preview(value), wanted),
            scalar => self.contains(&scalar.to_string(), wanted),
        }
    }

    fn contains(&mut self, text: &str, wanted: &Wanted) -> bool {
        self.work += text.len() / WORK_BYTES;
        text.to_lowercase().contains(&wanted.text)
    }
}

/// The position of the key that a token means, or the one behind where it would be.
fn begin_in(map: &crate::value::Map, token: &str) -> usize {
    map.position_of(&key_in(map, token)).unwrap_or(map.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value;

    fn all(document: &Value, wanted: &Wanted) -> (Vec<String>, usize) {
        let (mut found, mut pieces, mut after) = (Vec::new(), 0, None);
        loop {
            let Piece { found: some, next } = piece(document, wanted, after.as_ref());
            found.extend(some.into_iter().map(|found| found.path));
            pieces += 1;
            let Some(next) = next else { return (found, pieces) };
            after = Some(Pointer::parse(&next).unwrap());
        }
    }

    fn wanted(text: &str, keys: bool, values: bool, limit: usize) -> Wanted {
        Wanted { text: text.into(), keys, values, limit }
    }

    #[test]
    fn in_pieces_the_same_is_found_as_at_once() {
        let document = value!({
            "cards": [{ "text": "Ship it" }, { "ship": 1 }, ["a", ["ship"], "b"], "reship"],
            "ship/it": { "~": "SHIP", "1": 1 },
            "shipped": "x",
            "z": null,
        });
        let expected = [
            "/cards/0/text",
            "/cards/1/ship",
            "/cards/2/1/0",
            "/cards/3",
            "/ship~1it",
            "/ship~1it/~0",
            "/shipped",
        ];
        for limit in [1, 2, 3, 100] {
            let (found, pieces) = all(&document, &wanted("ship", true, true, limit));
            assert_eq!(found, expected, "{limit}");
            assert!(pieces <= expected.len() / limit + 1);
        }
        assert_eq!(
            all(&document, &wanted("ship", true, false, 9)).0,
            ["/cards/1/ship", "/ship~1it", "/shipped"]
        );
        assert_eq!(all(&document, &wanted("null", true, true, 9)).0, ["/z"]);
        assert_eq!(all(&value!("a ship"), &wanted("ship", true, true, 1)).0, [""]);
    }

    #[test]
    fn a_piece_is_bounded_and_goes_on_where_the_one_before_ended() {
        let document = value!({ "rows": (0..200_000).map(|n| value!({ "n": n })).collect::<Vec<_>>() });
        let (found, pieces) = all(&document, &wanted("199999", true, true, 9));
        assert_eq!(found, ["/rows/199999/n"]);
        assert!((8..12).contains(&pieces), "{pieces}");
    }
}
