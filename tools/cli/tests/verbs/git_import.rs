//! An imported repository says at every version what git says of that commit.

use crate::common::{Place, redraft, redraft_fed, told};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::io::Write;
use std::process::{Command, Stdio};

const COMMITS: usize = 1050;
const SUBMODULE: &str = "160000 0123456789abcdef0123456789abcdef01234567";

fn git(repo: &str) -> Command {
    let mut git = Command::new("git");
    git.args(["-C", repo]).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    git
}

fn answer(repo: &str, args: &[&str]) -> Vec<u8> {
    let done = git(repo).args(args).output().unwrap();
    assert!(done.status.success(), "{args:?}: {done:?}");
    done.stdout
}

fn answer_text(repo: &str, args: &[&str]) -> String {
    String::from_utf8(answer(repo, args)).unwrap().trim_end().to_owned()
}

/// A stream for `git fast-import`, which makes a thousand commits in the time of one `git commit`.
struct Script {
    bytes: Vec<u8>,
    seconds: u64,
}

impl Script {
    fn new() -> Script {
        Script { bytes: Vec::new(), seconds: 1_600_000_000 }
    }

    fn commit(&mut self, branch: &str, message: &str) {
        self.seconds += 60;
        let (author, committer) = (self.seconds - 7, self.seconds);
        let who = if self.seconds.is_multiple_of(180) { "Zoë Ö <z@o>" } else { "An Author <a@b.c>" };
        let head = format!("commit refs/heads/{branch}\nauthor {who} {author} +0200\n");
        self.raw(format!("{head}committer An Author <a@b.c> {committer} +0000\n"));
        self.data(message.as_bytes());
    }

    fn raw(&mut self, line: impl AsRef<[u8]>) {
        self.bytes.extend(line.as_ref());
    }

    fn data(&mut self, data: &[u8]) {
        self.raw(format!("data {}\n", data.len()));
        self.raw(data);
        self.raw("\n");
    }

    fn file(&mut self, mode: &str, path: impl AsRef<[u8]>, data: impl AsRef<[u8]>) {
        self.raw(format!("M {mode} inline "));
        self.raw(path);
        self.raw("\n");
        self.data(data.as_ref());
    }

    fn play(&self, repo: &str) {
        if !std::path::Path::new(repo).exists() {
            std::fs::create_dir(repo).unwrap();
            answer(repo, &["init", "-q", "-b", "main"]);
        }
        let mut child = git(repo).args(["fast-import", "--quiet"]).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(&self.bytes).unwrap();
        assert!(child.wait().unwrap().success());
    }
}

/// A text of many lines in which each number changes one line.
fn text(edits: usize) -> String {
    (0..300)
        .map(|line| format!("line {line} of the text, edited {} times\n", (edits + 299 - line) / 300))
        .collect()
}

/// A history with everything that a tree can hold and a commit can do.
fn everything() -> Script {
    let mut script = Script::new();
    for n in 0..COMMITS {
        if n % 100 == 50 {
            let from = "from refs/heads/main\n";
            script.commit("side", &format!("side {n}"));
            script.raw(from);
            script.file("100644", format!("side/{n}.txt"), format!("from the side {n}\n"));
        }
        script.commit("main", &format!("commit {n}\n\nwith a body\n"));
        if n % 100 == 51 {
            // The tree of a merge is told as a difference to its first parent.
            script.raw("merge refs/heads/side\n");
            script.file("100644", format!("side/{}.txt", n - 1), format!("from the side {}\n", n - 1));
        }
        match n % 25 {
            // A commit that changes nothing.
            1 => {}
            2 => script.file("100644", "name with  spaces and \u{fc}\u{4e2d}\u{1f388}.txt", format!("{n}\n")),
            3 => script.file("100644", "crlf.txt", format!("one {n}\r\ntwo\r\n")),
            4 => script.file("100644", "data.bin", [0xff, 0, n as u8, 0xc3]),
            5 => script.file("120000", "link", format!("docs/target {n}")),
            6 => script.raw(format!("M {} module\n", SUBMODULE.replace("0123", &format!("{n:04}")))),
            7 => script.file(if n % 2 == 0 { "100755" } else { "100644" }, "run.sh", "#!/bin/sh\n"),
            8 => script.file("100644", format!("moving-{n}"), text(n)),
            9 => script.raw(format!("R moving-{} \"moved/to \\\"{n}\\\"\"\n", n - 1)),
            10 => script.raw(format!("D \"moved/to \\\"{}\\\"\"\n", n - 1)),
            11 => script.file("100644", b"caf\xe9 100%.txt", "a path that is not UTF-8\n"),
            12 => script.file("100644", b"caf\xe9 100%.txt", format!("edited {n}\n")),
            13 => script.raw(b"D caf\xe9 100%.txt\n"),
            14 => script.file("100644", "either", "a file\n"),
            15 => script.file("120000", "either", "a link"),
            16 => script.raw("D either\n"),
            17 => script.file("100644", "either/way", "a directory where a file was\n"),
            18 => script.raw("D either/way\n"),
            19 => script.file("100644", "empty", ""),
            20 => script.file("100644", "tab\tand ~ / slash~1.txt", format!("escapes {n}\n")),
            21 => script.file(
                "100644",
                "becomes.bin",
                if n % 2 == 0 { &b"text now"[..] } else { &b"\xfe\xff"[..] },
            ),
            22 => script.file("120000", "odd link", b"caf\xe9"),
            _ => script.file("100644", "long.txt", text(n)),
        }
    }
    script
}

/// The state a commit should have, from git alone.
fn expected(repo: &str, commit: &str, blobs: &mut HashMap<String, Vec<u8>>) -> Value {
    let mut files = serde_json::Map::new();
    for entry in answer(repo, &["ls-tree", "-r", "-z", commit]).split(|byte| *byte == 0) {
        let Some(tab) = entry.iter().position(|byte| *byte == b'\t') else { continue };
        let (about, path) = (std::str::from_utf8(&entry[..tab]).unwrap(), &entry[tab + 1..]);
        let [mode, _, id] = about.split(' ').collect::<Vec<_>>()[..] else { panic!("{about}") };
        let key = match std::str::from_utf8(path) {
            Ok(path) => path.to_owned(),
            Err(_) => "//caf%E9 100%25.txt".to_owned(),
        };
        let file = if mode == "160000" {
            json!({ "mode": mode, "target": id })
        } else {
            let blob =
                blobs.entry(id.into()).or_insert_with(|| answer(repo, &["cat-file", "blob", id])).clone();
            let size = blob.len();
            match String::from_utf8(blob) {
                Ok(text) if mode == "120000" => json!({"mode": mode, "size": size, "target": text}),
                Ok(text) => json!({"mode": mode, "size": size, "text": text}),
                Err(other) => {
                    let hash: String =
                        Sha256::digest(other.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
                    json!({"mode": mode, "size": size, "sha256": hash})
                }
            }
        };
        files.insert(key, file);
    }
    json!({ "files": files })
}

#[test]
fn every_fiftieth_version_equals_what_git_says_of_that_commit() {
    let place = Place::new();
    let (repo, store) = (place.at("repo"), place.at("s"));
    everything().play(&repo);
    let commits = answer_text(&repo, &["rev-list", "--first-parent", "--reverse", "main"]);
    let commits: Vec<_> = commits.lines().collect();
    assert_eq!(commits.len(), COMMITS);
    let done = redraft(&["import", "git", &repo, &store, "--json"]).json();
    eprintln!("imported: {done}");
    let (changes, skipped) = (done["changes"].as_u64().unwrap(), done["skipped"].as_u64().unwrap());
    assert_eq!((changes + skipped, &done["commits"]), (COMMITS as u64, &json!(COMMITS)));
    assert!((30..200).contains(&skipped), "{done}");

    let log = redraft(&["log", &store, "--json"]).json_lines();
    assert_eq!(log.len() as u64, changes);
    let of_log: Vec<_> = log.iter().map(|line| line["tags"]["commit"].as_str().unwrap()).collect();
    let mut in_order = commits.iter();
    assert!(of_log.iter().all(|commit| in_order.any(|other| other == commit)), "out of order");

    let mut blobs = HashMap::new();
    let versions = (1..=changes).filter(|version| version % 50 == 0 || *version == 1 || *version == changes);
    for version in versions {
        let shown = redraft(&["show", &store, "--at", &version.to_string()]).json();
        let commit = of_log[version as usize - 1];
        assert!(shown == expected(&repo, commit, &mut blobs), "version {version}, commit {commit}");
    }
    for at in (0..log.len()).step_by(50) {
        let (line, commit) = (&log[at], of_log[at]);
        let format = "--format=%s%x00%an <%ae>%x00%at%x00%cn <%ce>";
        let told = answer_text(&repo, &["show", "-s", format, commit]);
        let [subject, author, seconds, committer] = told.split('\0').collect::<Vec<_>>()[..] else {
            panic!()
        };
        assert_eq!((&line["label"], &line["tags"]["author"]), (&json!(subject), &json!(author)));
        let other = (author != committer).then_some(committer);
        assert_eq!(line["tags"].get("committer").and_then(Value::as_str), other);
        let time: jiff::Timestamp = line["time"].as_str().unwrap().parse().unwrap();
        assert_eq!(time.as_second().to_string(), seconds);
    }
    redraft(&["verify", &store]).ok();
}

#[test]
fn an_edit_of_a_line_is_a_small_splice_and_an_import_goes_on_where_it_ended() {
    let place = Place::new();
    let (repo, store) = (place.at("repo"), place.at("s"));
    let mut script = Script::new();
    script.commit("main", "a long text");
    script.file("100644", "long.txt", text(0));
    script.play(&repo);
    redraft(&["import", "git", &repo, &store]).ok();
    let bytes = |store: &str| redraft(&["verify", store, "--json"]).json()["record_bytes"].as_u64().unwrap();
    let before = bytes(&store);
    assert!(before > text(0).len() as u64);

    let mut script = Script { bytes: Vec::new(), seconds: script.seconds };
    script.commit("main", "an edit");
    script.raw("from refs/heads/main^0\n");
    script.file("100644", "long.txt", text(0).replace("line 150 of", "line one hundred and fifty of"));
    script.commit("main", "nothing");
    script.play(&repo);
    let done = redraft(&["import", "git", &repo, &store, "--json"]).json();
    assert_eq!((&done["version"], &done["changes"], &done["skipped"]), (&json!(2), &json!(1), &json!(1)));
    let edit = redraft(&["log", &store, "-n", "1", "--json"]).json();
    let ops: Vec<_> = edit["patch"].as_array().unwrap().iter().map(|op| op["op"].as_str().unwrap()).collect();
    assert_eq!(ops, ["replace", "splice"], "{edit}");
    let grown = bytes(&store) - before;
    assert!(grown < 250, "the record of a small edit takes {grown} bytes");

    let whole = place.at("whole");
    redraft(&["import", "git", &repo, &whole]).ok();
    let told_without_times = |store: &str| -> Vec<Value> {
        let lines = redraft(&["log", store, "--json"]).json_lines();
        lines
            .into_iter()
            .map(|line| json!([line["time"], line["label"], line["tags"], line["patch"]]))
            .collect()
    };
    assert_eq!(told_without_times(&store), told_without_times(&whole));
    let done = redraft(&["import", "git", &repo, &store, "--json"]).json();
    assert_eq!(done["changes"], 0);
}

#[test]
fn a_history_that_does_not_go_on_is_refused_and_nothing_is_imported() {
    let place = Place::new();
    let repository = |name: &str, line: &str| {
        let mut script = Script::new();
        script.commit("main", name);
        script.file("100644", "a", line);
        script.play(&place.at(name));
        place.at(name)
    };
    let (one, other, store) = (repository("one", "1\n"), repository("other", "2\n"), place.at("s"));
    redraft(&["import", "git", &one, &store]).ok();
    let before = told(&store);
    let message = redraft(&["import", "git", &other, &store]).refused(1);
    assert!(message.contains("not in this repository's history"), "{message}");
    assert_eq!(told(&store), before);
    redraft_fed(&["apply", &store], b"[{\"op\":\"add\",\"path\":\"/x\",\"value\":1}]").ok();
    let before = told(&store);
    let message = redraft(&["import", "git", &one, &store]).refused(1);
    assert!(message.contains("version 2, is no commit"), "{message}");
    assert_eq!(told(&store), before);
    std::fs::create_dir(place.at("empty")).unwrap();
    answer(&place.at("empty"), &["init", "-q"]);
    let message = redraft(&["import", "git", &place.at("empty"), &place.at("new")]).refused(1);
    assert!(message.contains("no commits"), "{message}");
    assert!(!std::path::Path::new(&place.at("new")).exists());
}
