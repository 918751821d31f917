//! `redact` says what would go and takes it only when told to; then it is in no file and no version.

use crate::common::{Place, redraft};
use std::fs;

const SECRET: &str = "ann@example.org";

fn people(place: &Place) -> String {
    let path = place.at("people");
    redraft(&["init", &path]).ok();
    for ops in [
        r#"[{"op": "add", "path": "/ann", "value": {"mail": "ann@example.org", "votes": 1}}]"#,
        r#"[{"op": "replace", "path": "/ann/votes", "value": 2}]"#,
    ] {
        let file = place.at("ops.json");
        fs::write(&file, ops).unwrap();
        redraft(&["apply", &path, &file]).ok();
        fs::remove_file(file).unwrap();
    }
    redraft(&["snapshot", &path]).ok();
    path
}

fn is_in_a_file_of(store: &str, text: &str) -> bool {
    let files = fs::read_dir(store).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    files.into_iter().any(|path| fs::read(path).unwrap().windows(text.len()).any(|at| at == text.as_bytes()))
}

#[test]
fn what_is_to_go_is_told_and_goes_only_when_confirmed() {
    let place = Place::new();
    let store = people(&place);
    let told = redraft(&["redact", &store, "/ann/mail"]).ok();
    assert_eq!(told, "something is there in 2 versions, touched by 1 change; --yes erases it for good\n");
    assert!(redraft(&["show", &store]).ok().contains(SECRET) && is_in_a_file_of(&store, SECRET));
    let done = redraft(&["redact", &store, "/ann/mail", "--yes", "--json"]).json();
    assert_eq!((done["version"].as_u64(), done["changes"].as_u64()), (Some(3), Some(1)), "{done}");
    assert!(!is_in_a_file_of(&store, SECRET));
    for version in ["1", "2", "3"] {
        assert!(!redraft(&["show", &store, "--at", version]).ok().contains(SECRET));
        assert_eq!(redraft(&["show", &store, "/ann/mail", "--at", version]).ok(), "null\n");
    }
    assert_eq!(redraft(&["show", &store, "/ann/votes", "--at", "1"]).ok(), "1\n");
    redraft(&["verify", &store]).ok();
    assert!(redraft(&["log", &store]).ok().contains("redact"));
}

#[test]
fn something_else_can_be_put_there_and_what_makes_no_sense_is_refused() {
    let place = Place::new();
    let store = people(&place);
    redraft(&["redact", &store, "/ann/mail", "--with", "{", "--yes"]).refused(1);
    redraft(&["redact", &store, "ann"]).refused(2);
    redraft(&["redact", &store]).refused(2);
    redraft(&["redact", &place.at("nowhere"), "/a"]).refused(1);
    let told = redraft(&["redact", &store, "/ben", "--yes"]).ok();
    assert_eq!(told, "nothing to erase: nothing ever was there\n");
    redraft(&["redact", &store, "/ann/mail", "--with", r#""gone""#, "--yes"]).ok();
    let told = redraft(&["redact", &store, ""]).refused(2);
    assert!(told.contains("the root is all"), "{told}");
    assert_eq!(redraft(&["show", &store, "/ann/mail", "--at", "1"]).ok(), "\"gone\"\n");
}

#[test]
fn what_a_writer_wrote_goes_and_what_others_did_stays() {
    let place = Place::new();
    let store = people(&place);
    let writer = redraft(&["log", &store, "--json"]).json_lines()[0]["writer"].as_str().unwrap().to_owned();
    let nobody = redraft(&["redact", &store, "--writer", "00000000000000aa", "--yes"]).ok();
    assert_eq!(nobody, "nothing to erase: 00000000000000aa has written nothing that is there\n");
    let told = redraft(&["redact", &store, "--writer", &writer]).ok();
    assert!(
        told.starts_with(&format!(
            "2 changes would be blanked of what {writer} wrote, in the last 2 versions"
        )),
        "{told}"
    );
    assert!(is_in_a_file_of(&store, SECRET));
    let done = redraft(&["redact", &store, "--writer", &writer, "--yes", "--json"]).json();
    assert_eq!((done["version"].as_u64(), done["changes"].as_u64()), (Some(3), Some(2)), "{done}");
    assert!(!is_in_a_file_of(&store, SECRET));
    assert_eq!(redraft(&["show", &store, "/ann/mail"]).ok(), "\"***************\"\n");
    assert_eq!(redraft(&["show", &store, "/ann/votes", "--at", "1"]).ok(), "0\n");
    redraft(&["redact", &store, "--writer", &writer, "/ann"]).refused(2);
    redraft(&["redact", &store, "--writer", "ann"]).refused(2);
    redraft(&["verify", &store]).ok();
}
