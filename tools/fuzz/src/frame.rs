//! The target `frame`: any bytes as the body of a record whose checksums are right, as a patch by itself, and as JSON.
//!
//! So what reads changes, patches and values is reached without a checksum in the way.

use super::{Judged, forge, judge, worlds};
use redraft::io::MemoryDisk;
use redraft::patch::json::PatchJsonError;
use redraft::{Options, Patch, Value, apply};
use std::sync::LazyLock;

type FromText = fn(&[u8], &Value) -> Result<Patch, PatchJsonError>;

const READERS: [FromText; 4] =
    [Patch::from_native, Patch::from_json_patch, Patch::from_immer, Patch::from_merge_patch];

/// The document that the records before the input make.
static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let disk: MemoryDisk = worlds::disk(worlds::world(3));
    let env = redraft::io::Env::simulated(disk, 7);
    let reader = Options::new().env(env).open_read_only::<Value>(worlds::dir());
    reader.map(|reader| Value::clone(&reader.state())).unwrap_or_default()
});

/// Judges one input.
pub(crate) fn run(data: &[u8]) -> Judged {
    let mut seen = judge::judge(&with_record(data))?;
    seen.patches += u64::from(alone(data)?);
    for read in READERS {
        seen.patches += u64::from(text(read, data)?);
    }
    Ok(seen)
}

/// A good store whose process was killed, with one more record.
fn with_record(body: &[u8]) -> worlds::Files {
    let mut file = worlds::segment(false).to_vec();
    forge::append(&mut file, body);
    vec![(worlds::dir().join("00000000000000000000.seg"), file)]
}

/// One patch has one encoding, and no bytes make more of it than they can hold.
fn alone(data: &[u8]) -> Result<bool, String> {
    let Ok(patch) = Patch::from_bytes(data) else { return Ok(false) };
    if patch.to_bytes() != data {
        return Err(format!("{data:?} are not what their patch {patch:?} is written as"));
    }
    if let Ok(applied) = apply(&*DOCUMENT, &patch) {
        comes_back(&applied.state, &applied.inverse)?;
    }
    Ok(true)
}

/// What is read from JSON applies to the document it was read for.
fn text(read: FromText, data: &[u8]) -> Result<bool, String> {
    let Ok(patch) = read(data, &DOCUMENT) else { return Ok(false) };
    let applied = apply(&*DOCUMENT, &patch).map_err(|error| format!("{patch:?} does not apply: {error}"))?;
    comes_back(&applied.state, &applied.inverse)?;
    Ok(true)
}

fn comes_back(state: &Value, inverse: &Patch) -> Result<(), String> {
    let back =
        apply(state, inverse).map_err(|error| format!("the inverse {inverse:?} does not apply: {error}"))?;
    let same = back.state == *DOCUMENT;
    if same { Ok(()) } else { Err(format!("the inverse {inverse:?} leads to {:?}", back.state)) }
}

/// Inputs that lead deep: the bodies of real records, patches that deceive, and patches as JSON.
pub(crate) fn seeds() -> Vec<(String, Vec<u8>)> {
    let file = worlds::segment(false);
    let bodies = forge::bodies(file).into_iter().enumerate();
    let mut seeds: Vec<_> = bodies.map(|(at, body)| (format!("body_{at:02}"), body.to_vec())).collect();
    seeds.extend(PATCHES.iter().map(|(name, bytes)| (String::from(*name), bytes.to_vec())));
    seeds.extend(TEXTS.iter().map(|(name, text)| (String::from(*name), text.as_bytes().to_vec())));
    seeds
}

const PATCHES: [(&str, &[u8]); 3] = [
    // A list of 2^25 items, none of which is there.
    ("count_too_large", &[0, 1, 8, 252, 0, 0, 0, 2]),
    // 1 as an integer of two bytes.
    ("integer_too_long", &[0, 4, 251, 2, 0]),
    // The sixth text, where there is none.
    ("text_that_is_not_there", &[0, 1, 15]),
];

const TEXTS: [(&str, &str); 5] = [
    (
        "json_patch",
        r#"[{"op":"add","path":"/list/0","value":1},{"op":"move","from":"/list/1","path":"/m"},{"op":"test","path":"/m","value":1}]"#,
    ),
    ("merge_patch", r#"{"last":null,"map":{"2":"\u00e9"},"new":[1.5,-0.0,18446744073709551615]}"#),
    (
        "immer",
        r#"[{"op":"replace","path":["list","length"],"value":2},{"op":"add","path":["list",1],"value":{}}]"#,
    ),
    (
        "native_splices",
        r#"[{"op":"splice","path":"/list","at":1,"del":2,"ins":[1,{"a":[]}]},{"op":"splice","path":"/text","at":2,"del":3,"ins":"x"}]"#,
    ),
    ("native_inc", r#"[{"op":"inc","path":"/last","by":-7},{"op":"remove","path":"/map"}]"#),
];
