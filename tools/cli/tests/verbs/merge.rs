//! `redraft merge` takes from one store what another has not; its dry run tells exactly that, and does nothing; `policies` says what is
//! done where changes meet.

use crate::common::{Done, Place, content, redraft, redraft_fed, told};
use serde_json::Value;

/// A store, and a fork of it; both have changes since, and one place was changed in both.
fn grown_apart(place: &Place) -> (String, String) {
    let (one, other) = (place.store("one", 3), place.at("other"));
    redraft(&["fork", &one, "--to", &other]).ok();
    let apply = |store: &str, path: &str, value: &str| {
        let patch = format!(r#"[{{"op": "add", "path": "{path}", "value": {value}}}]"#);
        redraft_fed(&["apply", store, "--label", &format!("set {path}")], patch.as_bytes()).ok();
    };
    apply(&one, "/n", "10");
    apply(&one, "/ours", "1");
    apply(&other, "/n", "5");
    apply(&other, "/theirs", "2");
    (one, other)
}

/// What is told of a merge in which something is refused by the rule that says so.
trait Told {
    fn told(self, policy: &str) -> Value;
}

impl Told for Done {
    fn told(self, policy: &str) -> Value {
        assert_eq!(self.code, i32::from(policy == "reject"), "{self:?}");
        serde_json::from_str(&self.out).unwrap()
    }
}

#[test]
fn a_dry_run_tells_exactly_what_merging_does_and_does_nothing() {
    let place = Place::new();
    let (one, other) = grown_apart(&place);
    let (before, of_other) = (content(&one), content(&other));
    for policy in ["counter", "first-wins", "last-appended", "reject"] {
        let rule = format!("/n={policy}");
        let dry = redraft(&["merge", &one, &other, "--policy", &rule, "--dry-run", "--json"]).told(policy);
        assert_eq!((content(&one), content(&other)), (before.clone(), of_other.clone()));
        let copy = place.at(policy);
        redraft(&["fork", &one, "--to", &copy]).ok();
        let done = redraft(&["merge", &copy, &other, "--policy", &rule, "--json"]).told(policy);
        let without_versions = |told: &Value| {
            let taken = told["taken"].as_array().unwrap().iter();
            taken
                .map(|taken| {
                    (taken["from_version"].clone(), taken["outcome"].clone(), taken["notes"].clone())
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(without_versions(&dry), without_versions(&done), "{policy}");
        assert_eq!((&dry["dry_run"], &done["dry_run"]), (&true.into(), &false.into()));
        // The copy is a fork, and that is one change more.
        assert_eq!(dry["version"].as_u64().unwrap() + 1, done["version"].as_u64().unwrap());
        let met = &done["taken"][1]["notes"][0];
        assert_eq!(
            (&met["policy"], &met["met"], &met["label"]),
            (&policy.into(), &4.into(), &"set /n".into()),
            "{done}"
        );
        let expected = if policy == "counter" {
            "12\n"
        } else if policy == "last-appended" {
            "5\n"
        } else {
            "10\n"
        };
        assert_eq!(redraft(&["show", &copy, "/n"]).ok(), expected, "{policy}");
        assert_eq!(redraft(&["show", &copy, "/theirs"]).ok(), "2\n");
    }
    let names: Vec<_> =
        std::fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(names.iter().all(|name| !name.to_string_lossy().contains("trial")), "{names:?}");
}

#[test]
fn merging_says_what_met_what_and_doing_it_again_takes_nothing() {
    let place = Place::new();
    let (one, other) = grown_apart(&place);
    redraft(&["policies", &one, "--set", "/n=counter"]).ok();
    assert_eq!(redraft(&["policies", &one]).ok(), "/n counter\n");
    let told_once = redraft(&["merge", &one, &other]).ok();
    let first = told_once.lines().next().unwrap();
    assert_eq!(first, r#"version 5 there "set /n": partial"#);
    assert!(
        told_once.contains(r#" met version 4 by "#)
            && told_once.contains(r#" "set /n": combined by the rule counter"#),
        "{told_once}"
    );
    assert!(
        told_once.ends_with(
            "3 changes taken since version 3: 2 as they were, 0 led past others, 1 in part, 0 refused\n"
        ),
        "{told_once}"
    );
    let conflicts = redraft(&["log", &one, "--conflicts"]).ok();
    assert!(conflicts.contains("set /n") && !conflicts.contains("set /theirs"), "{conflicts}");
    assert!(
        conflicts.contains("merged: partial") && conflicts.contains("combined by the rule counter"),
        "{conflicts}"
    );
    let told_of = redraft(&["log", &one, "--conflicts", "--json"]).json_lines();
    assert_eq!(
        (told_of.len(), &told_of[0]["outcome"], &told_of[0]["notes"][0]["met"]),
        (1, &"partial".into(), &4.into())
    );
    let version = told_of[0]["version"].to_string();
    let shown = redraft(&["show", &one, "--change", &version]).ok();
    for part in ["set /n", "made on version", "merged: partial", "combined by the rule counter", "submitted:"]
    {
        assert!(shown.contains(part), "{part} is not in {shown}");
    }
    let shown = redraft(&["show", &one, "--change", &version, "--json"]).json();
    assert_eq!((&shown["outcome"], &shown["notes"]), (&told_of[0]["outcome"], &told_of[0]["notes"]));
    assert!(shown["original"].is_array() && shown["original"] != shown["patch"], "{shown}");
    let before = told(&one);
    assert!(redraft(&["merge", &one, &other]).ok().starts_with("0 changes taken"));
    assert_eq!(told(&one), before);
    redraft(&["merge", &other, &one, "--policy", "/n=counter"]).ok();
    assert_eq!(redraft(&["show", &other]).ok(), redraft(&["show", &one]).ok());
    redraft(&["verify", &one]).ok();
}

#[test]
fn what_was_never_one_store_is_not_merged() {
    let place = Place::new();
    let (one, stranger) = (place.store("one", 3), place.store("stranger", 3));
    let before = told(&one);
    let message = redraft(&["merge", &one, &stranger]).refused(1);
    assert!(message.contains("is another store"), "{message}");
    redraft(&["merge", &one, &place.at("none")]).refused(1);
    redraft(&["merge", &one, &stranger, "--policy", "/n"]).refused(2);
    redraft(&["merge", &one, &stranger, "--policy", "/n=whoever"]).refused(2);
    assert_eq!(told(&one), before);
}

#[test]
fn what_was_refused_ends_a_merge_with_an_error_and_rules_can_be_read_beside_a_writer() {
    let place = Place::new();
    let (one, other) = grown_apart(&place);
    redraft(&["policies", &one, "--set", "/n=reject"]).ok();
    let writer = redraft::Store::<redraft::Value>::open(&one).unwrap();
    assert_eq!(redraft(&["policies", &one]).ok(), "/n reject\n");
    writer.close().unwrap();
    for more in [&["--dry-run"][..], &[]] {
        let told = redraft(&[&["merge", &one, &other][..], more].concat());
        assert_eq!((told.code, &*told.err), (1, "error: 1 change was refused\n"), "{told:?}");
        assert!(told.out.contains("version 5 there"), "{told:?}");
    }
    assert_eq!(redraft(&["show", &one, "/theirs"]).ok(), "2\n", "what met nothing was taken");
}
