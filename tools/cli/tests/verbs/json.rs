//! What `docs/json.md` says of `--json` is what the verbs write: no field more and none less.

use crate::common::nats::server;
use crate::common::{Done, Place, command, redraft, redraft_fed};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::process::Stdio;

const PAGE: &str = include_str!("../../../../docs/json.md");

/// The fields of each verb, and those among them that need not be met.
type Promised = BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)>;

fn promised() -> Promised {
    let mut promised = Promised::new();
    let mut verb = String::new();
    for line in PAGE.lines() {
        if let Some(name) = line.strip_prefix("## ") {
            verb = name.replace("`redraft ", "").replace('`', "");
            promised.entry(verb.clone()).or_default();
        } else if let Some((field, what)) = line.strip_prefix("| `").and_then(|row| row.split_once("` | ")) {
            let (all, rare) = promised.get_mut(&verb).unwrap();
            assert!(all.insert(field.to_owned()), "{verb}: {field} stands twice");
            if what.starts_with("*rare*") {
                rare.insert(field.to_owned());
            }
        }
    }
    promised
}

/// The fields of a value, as the page names them. What the page does not look into, nobody does.
fn fields(value: &Value, path: &str, known: &BTreeSet<String>, found: &mut BTreeSet<String>) {
    let is_below = |name: &String| {
        path.is_empty()
            || name.strip_prefix(path).is_some_and(|rest| rest.starts_with('.') || rest.starts_with("[]"))
    };
    if known.contains(path) {
        found.insert(path.to_owned());
    }
    let looks_inside = known.iter().any(is_below);
    match value {
        Value::Object(inside) if looks_inside => {
            for (name, value) in inside {
                let plain = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                let any = format!("{path}.*");
                let is_any = !path.is_empty() && known.iter().any(|known| known.starts_with(&any));
                fields(value, if is_any { &any } else { &plain }, known, found);
            }
        }
        Value::Array(items) if looks_inside => {
            items.iter().for_each(|item| fields(item, &format!("{path}[]"), known, found));
        }
        _ => drop(found.insert(path.to_owned())),
    }
}

/// What was seen of each verb.
struct Seen {
    promised: Promised,
    fields: BTreeMap<String, BTreeSet<String>>,
}

impl Seen {
    fn note(&mut self, verb: &str, text: &str) {
        let (known, _) = self.promised.get(verb).unwrap_or_else(|| panic!("{verb} is not in docs/json.md"));
        let found = self.fields.entry(verb.to_owned()).or_default();
        for line in text.lines() {
            let value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{verb}: {line}: {error}"));
            if !known.is_empty() {
                fields(&value, "", known, found);
            }
        }
    }

    /// Runs a verb, which may find damage, and notes what it wrote.
    #[track_caller]
    fn run(&mut self, verb: &str, args: &[&str]) -> Done {
        let words: Vec<&str> = verb.split(' ').chain(args.iter().copied()).chain(["--json"]).collect();
        let done = redraft(&words);
        assert!([0, 3].contains(&done.code), "{words:?}: {done:?}");
        self.note(verb, &done.out);
        done
    }
}

/// A store, a fork of it that wrote meanwhile, and what came of bringing them together.
fn everyday(place: &Place, seen: &mut Seen) -> String {
    let (store, fork) = (place.at("s"), place.at("fork"));
    seen.run("init", &[&store]);
    let text =
        r#"[{"op":"add","path":"/a","value":{"n":1,"list":[1,2]}},{"op":"add","path":"/b","value":1}]"#;
    let patch = place.write("p.json", text);
    seen.run("apply", &[&store, &patch, "--label", "first"]);
    seen.run("fork", &[&store, "--to", &fork]);
    let change = |store: &str, n: u32| {
        let text =
            format!(r#"[{{"op":"replace","path":"/b","value":{n}}},{{"op":"remove","path":"/a/list/0"}}]"#);
        redraft_fed(&["apply", store, "--label", "theirs"], text.as_bytes()).ok();
    };
    change(&store, 2);
    change(&fork, 3);
    seen.run("policies", &[&store, "--set", "/b=last-written"]);
    seen.run("merge", &[&store, &fork, "--dry-run"]);
    seen.run("merge", &[&store, &fork]);
    seen.run("log", &[&store]);
    seen.run("log", &[&store, "--conflicts"]);
    let last = seen.run("log", &[&store, "-n", "1"]).json()["version"].to_string();
    seen.run("show", &[&store, "/a"]);
    seen.run("show", &[&store, "--change", &last]);
    seen.run("diff", &[&store, "0", "now"]);
    seen.run("diff", &[&store, "0", "now", "--stat"]);
    seen.run("blame", &[&store, "/b", "--all"]);
    seen.run("bisect", &[&store, "--where", "/b exists"]);
    seen.run("replay", &[&store, "--speed", "max"]);
    seen.run("replay", &[&store, "--speed", "max", "--states"]);
    seen.run("stats", &[&store]);
    seen.run("export", &[&store]);
    redraft_fed(&["apply", &store], br#"[{"op":"add","path":"/c","value":1}]"#).ok();
    let made = seen.run("undo", &[&store, &(last.parse::<u64>().unwrap() + 1).to_string()]).json();
    seen.run("redo", &[&store, &made["undid"].to_string()]);
    store
}

fn upkeep(place: &Place, store: &str, seen: &mut Seen) {
    let at = |name: &str| place.at(name);
    seen.run("snapshot", &[store]);
    redraft::Store::<redraft::Value>::open(store).unwrap().set_cursor("mailer", 1).unwrap();
    seen.run("cursors", &[store]);
    seen.run("doctor", &[store]);
    seen.run("top", &[store, "--once"]);
    seen.run("cursors", &[store, "--remove", "mailer"]);
    seen.run("compact", &[store, "--keep-changes", "1000"]);
    seen.run("pack", &[store]);
    seen.run("backup", &[store, &at("backup")]);
    // Only what is sealed goes into an archive.
    let long: redraft::Store<redraft::Value> =
        redraft::Options::new().segment_bytes(512).open(at("long")).unwrap();
    (0..99).for_each(|n| drop(long.produce(|doc| doc["n"] = n.into()).unwrap()));
    long.close().unwrap();
    seen.run("archive push", &[&at("long"), &at("archive")]);
    seen.run("archive fetch", &[&at("archive"), &at("fetched")]);
    seen.run("restore", &[store, "--at", "1", "--to", &at("restored")]);
    seen.run("follow", &[store, &at("replica")]);
    seen.run("compare", &[store, &at("replica")]);
    seen.run("redact", &[store, "/b"]);
    seen.run("redact", &[store, "/b", "--yes"]);
    seen.run("promote", &[&at("replica")]);
}

fn damaged(place: &Place, seen: &mut Seen) {
    let store = place.store("damaged", 40);
    let path = crate::common::segment(&store);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    std::fs::write(&path, bytes).unwrap();
    seen.run("verify", &[&store]);
    seen.run("doctor", &[&store, "--deep"]);
    seen.run("repair", &[&store]);
    seen.run("repair", &[&store, "--yes"]);
    // As a killed writer leaves it.
    let torn = place.store("torn", 3);
    let path = crate::common::segment(&torn);
    let mut bytes = std::fs::read(&path).unwrap();
    let mark = bytes.windows(4).rposition(|word| word == [0xff; 4]).unwrap();
    let allocated = u64::from_le_bytes(bytes[40..48].try_into().unwrap()) as usize;
    bytes.truncate(mark);
    bytes.extend([30, 0, 0, 0, 1, 2, 3]);
    bytes.resize(allocated, 0);
    std::fs::write(&path, bytes).unwrap();
    seen.run("verify", &[&torn]);
}

fn others(place: &Place, seen: &mut Seen) {
    let lines = place.write("l.jsonl", "[{\"op\":\"add\",\"path\":\"/a\",\"value\":1}]\n");
    seen.run("import jsonl", &[&lines, &place.at("imported")]);
    let (doc, patch) =
        (place.write("doc.json", "{\"a\":1}"), place.write("patch.json", r#"[{"op":"remove","path":"/a"}]"#));
    let other = place.write("other.json", "{\"a\":2}");
    seen.run("patch apply", &[&doc, &patch]);
    seen.run("patch diff", &[&doc, &other]);
    seen.run("patch invert", &[&doc, &patch]);
    seen.run("patch squash", &[&doc, &patch]);
    seen.run("patch convert", &[&doc, &patch, "--to", "native"]);
    seen.run("completions", &["bash"]);
    seen.run("man", &["log"]);
    seen.run("man", &["--dir", &place.at("man")]);
    for verb in ["serve", "inspect"] {
        let mut served = command(&[verb, &place.at("imported"), "--listen", "127.0.0.1:0", "--json"]);
        let mut served = served.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(served.stdout.take().unwrap()).read_line(&mut line).unwrap();
        served.kill().unwrap();
        served.wait().unwrap();
        seen.note(verb, &line);
    }
}

/// An old primary that went on by itself after a replica took its place.
fn parted(place: &Place, seen: &mut Seen) {
    let (old, new) = (place.store("old", 3), place.at("new"));
    redraft(&["follow", &old, &new]).ok();
    redraft(&["promote", &new]).ok();
    redraft_fed(&["apply", &old], br#"[{"op":"add","path":"/x","value":1}]"#).ok();
    seen.run("rejoin", &[&new, &old, "--extra", &place.at("extra.jsonl")]);
}

fn a_history_of_git(place: &Place, seen: &mut Seen) {
    let repository = place.at("repository");
    let script = format!(
        "git init -q {repository} && cd {repository} && echo a > a && git add a && \
         git -c user.name=a -c user.email=a@example -c commit.gpgsign=false commit -q -m a"
    );
    assert!(std::process::Command::new("sh").args(["-c", &script]).status().unwrap().success());
    seen.run("import git", &[&repository, &place.at("from-git")]);
}

fn demo(place: &Place, seen: &mut Seen) {
    let mut demo = command(&["demo", "--json"]);
    demo.current_dir(place.path()).env("GIT_CEILING_DIRECTORIES", place.path());
    seen.note("demo", &crate::common::done(demo).ok());
}

#[test]
fn every_field_is_documented_and_every_documented_field_is_there() {
    let place = Place::new();
    let mut seen = Seen { promised: promised(), fields: BTreeMap::new() };
    let store = everyday(&place, &mut seen);
    upkeep(&place, &store, &mut seen);
    damaged(&place, &mut seen);
    others(&place, &mut seen);
    parted(&place, &mut seen);
    a_history_of_git(&place, &mut seen);
    demo(&place, &mut seen);
    let refused = redraft(&["show", &place.at("nowhere"), "--json"]);
    seen.note("Errors", &refused.err);
    match server() {
        None => eprintln!("SKIPPED: mirror, for there is no nats-server"),
        Some(server) => {
            let moved = server.command(&["mirror", &store, &server.url("json"), "--json"]);
            seen.note("mirror", &crate::common::done(moved).ok());
        }
    }
    for (verb, (known, rare)) in &seen.promised {
        let Some(found) = seen.fields.get(verb) else {
            assert_eq!(verb, "mirror", "{verb} was not run");
            continue;
        };
        let unknown: Vec<_> = found.difference(known).collect();
        assert!(unknown.is_empty(), "redraft {verb} writes {unknown:?}, which docs/json.md does not have");
        let missing: Vec<_> = known.difference(found).filter(|field| !rare.contains(*field)).collect();
        assert!(missing.is_empty(), "docs/json.md has {missing:?}, which redraft {verb} did not write");
    }
}

#[test]
fn every_verb_has_a_place_in_the_document() {
    let pages = redraft(&["man", "--dir", &Place::new().at("man"), "--json"]).json_lines();
    let verb = |page: &Value| page["page"].as_str()?.split('-').nth(1).map(str::to_owned);
    let verbs: BTreeSet<String> = pages.iter().filter_map(verb).collect();
    assert!(verbs.len() > 30, "{verbs:?}");
    let promised = promised();
    for verb in verbs {
        let has_a_place = promised.keys().any(|known| known.split(' ').next() == Some(&verb));
        assert!(has_a_place, "{verb} is not in docs/json.md");
    }
}
