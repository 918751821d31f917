//! `redraft import git`: the history of a git repository along the first parent, each commit one change.
//!
//! The state is `{"files": {PATH: FILE}}`. A FILE has the `mode` git gives it, and
//! * for a regular file its `size` in bytes, and its `text` if that is UTF-8, else the `sha256` of its content in hex;
//! * for a symbolic link (mode 120000) the `size` and the `target`, as far as that is UTF-8, else its `sha256`;
//! * for a submodule (mode 160000) the `target`: the id of its commit.
//!
//! A PATH that is not UTF-8 starts with `//`, which no path in git does, and has `%` and the bytes that are no UTF-8
//! percent-encoded: `//caf%E9.txt`.
//!
//! Always: what a change says is what the commit did to its first parent. Setting a file's new text is enough for that:
//! the store finds out which stretch of it is new.

use crate::git::{Commits, Content, Objects, Repository, Touch, Trees};
use crate::output::Output;
use crate::{files, places, progress, stores, text};
use anyhow::{Context, Result, bail, ensure};
use redraft::value::Map;
use redraft::{Meta, Store, Value};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Instant;

/// How many commits are read ahead while one is being made durable.
const AHEAD: usize = 4;
const SYMLINK: &str = "120000";
const SUBMODULE: &str = "160000";
/// The tag that tells which commit a change is.
const COMMIT_TAG: &str = "commit";

/// Import the history of a git repository along the first parent; each commit becomes one change.
///
/// The state is {"files": {PATH: {"mode", "size", "text"}}}; see the documentation for what is not text. A store that
/// was imported from the same history goes on where it ended.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  redraft import git ~/src/project project.redraft")]
pub(crate) struct Args {
    /// The repository.
    repo: PathBuf,
    /// The store; it is made if it is not there.
    store: PathBuf,
}

#[derive(Serialize)]
struct Imported {
    version: u64,
    commits: u64,
    changes: u64,
    /// Commits that changed no file, which a history of changes cannot show.
    skipped: u64,
    bytes: u64,
    seconds: f64,
    changes_per_second: f64,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<()> {
    let instead = "import into a directory, and have redraft mirror move that into a stream";
    places::must_be_a_directory(&args.store, instead)?;
    let started = Instant::now();
    let repository = Repository::open(&args.repo)?;
    let existing = files::is_taken(&args.store).then(|| stores::write(&args.store)).transpose()?;
    let last = existing.as_ref().map(last_commit).transpose()?.flatten();
    let (history, done) = History::after(&repository, last)?;
    let store = match existing {
        Some(store) => store,
        None => stores::write_or_create(&args.store)?,
    };
    let bar = progress::bar(
        progress::Unit::Of(repository.count()?.saturating_sub(done), "commits"),
        output.is_json(),
    );
    let first = store.version();
    let imported = import(history, &store, |_| bar.inc(1));
    bar.finish_and_clear();
    let version = store.version();
    store.close()?;
    let commits = imported.with_context(|| format!("imported up to version {version}, then stopped"))?;
    let (changes, seconds) = (version - first, started.elapsed().as_secs_f64());
    let done = Imported {
        version,
        commits,
        changes,
        skipped: commits - changes,
        bytes: files::directory_bytes(&args.store)?,
        seconds,
        changes_per_second: changes as f64 / seconds,
    };
    output.tell(&done, summary(&done))
}

fn summary(done: &Imported) -> String {
    let skipped = match done.skipped {
        0 => String::new(),
        skipped => format!(" ({} that changed no file skipped)", text::count(skipped, "commit")),
    };
    format!(
        "imported {}{skipped} as {}: version {}, {} on disk, {:.2} s, {:.0} changes/s",
        text::count(done.commits, "commit"),
        text::count(done.changes, "change"),
        done.version,
        text::bytes(done.bytes),
        done.seconds,
        done.changes_per_second
    )
}

/// The commit that the newest change of an existing store is; nothing if there is no change.
fn last_commit(store: &Store<Value>) -> Result<Option<String>> {
    let head = store.version();
    let Some(change) = store.changes(head..=head)?.next().transpose()? else {
        ensure!(head == 0, "the store's newest change is not kept, so there is nothing to go on from");
        return Ok(None);
    };
    match change.meta.tags.get(COMMIT_TAG) {
        Some(commit) => Ok(Some(commit.clone())),
        None => bail!(
            "the store's newest change, version {head}, is no commit: a history can only be added to itself"
        ),
    }
}

/// Takes the commits into the store, one sync each; reading goes on meanwhile. Returns how many there were.
fn import(history: History, store: &Store<Value>, mut each: impl FnMut(u64)) -> Result<u64> {
    std::thread::scope(|scope| {
        let (sender, commits) = sync_channel(AHEAD);
        scope.spawn(move || send_all(history, &sender));
        let mut count = 0;
        for step in commits {
            let Step { meta, edits, id } = step?;
            let made = store.produce_with(meta, |doc| edit(doc, edits));
            made.with_context(|| format!("commit {id}"))?;
            count += 1;
            each(count);
        }
        Ok(count)
    })
}

/// Ends when there is no more, after an error, or when nobody listens any longer.
fn send_all(mut history: History, sender: &SyncSender<Result<Step>>) {
    while let Some(step) = history.next().transpose() {
        let failed = step.is_err();
        if sender.send(step).is_err() || failed {
            return;
        }
    }
}

fn edit(doc: &mut Value, edits: Vec<(String, Option<Value>)>) -> Result<()> {
    let root = doc.as_map_mut().context("the state is not an object")?;
    if edits.is_empty() {
        return Ok(());
    }
    let files = root.entry("files").or_insert(Map::new());
    let files = files.as_map_mut().context("\"files\" in the state is not an object")?;
    for (path, file) in edits {
        match file {
            Some(file) => files.insert(path, file),
            None => files.remove(path.as_str()),
        };
    }
    Ok(())
}

/// One commit, ready to become a change.
struct Step {
    id: String,
    meta: Meta,
    edits: Vec<(String, Option<Value>)>,
}

/// The commits that are not imported yet, oldest first.
struct History {
    commits: Commits,
    trees: Trees,
    objects: Objects,
    previous: Option<String>,
}

impl History {
    /// The history after a commit, which must be part of it, or all of it. Says also how many commits come before.
    fn after(repository: &Repository, last: Option<String>) -> Result<(History, u64)> {
        let mut commits = repository.commits()?;
        let mut passed = 0;
        if let Some(last) = &last {
            loop {
                passed += 1;
                match commits.next()? {
                    Some(id) if id == *last => break,
                    Some(_) => {}
                    None => bail!(
                        "the store ends with commit {last}, which is not in this repository's history along the first \
                         parent; nothing was imported"
                    ),
                }
            }
        }
        let (trees, objects) = (repository.trees()?, repository.objects()?);
        Ok((History { commits, trees, objects, previous: last }, passed))
    }

    fn next(&mut self) -> Result<Option<Step>> {
        let Some(id) = self.commits.next()? else { return Ok(None) };
        let step = self.read(&id).with_context(|| format!("commit {id}"))?;
        self.previous = Some(id);
        Ok(Some(step))
    }

    fn read(&mut self, id: &str) -> Result<Step> {
        let meta = meta(id, &self.objects.commit(id)?);
        let touches = self.trees.touches(id, self.previous.as_deref())?;
        let edits = touches.into_iter().map(|touch| self.edit(touch)).collect::<Result<_>>()?;
        Ok(Step { id: id.to_owned(), meta, edits })
    }

    fn edit(&mut self, touch: Touch) -> Result<(String, Option<Value>)> {
        let path = path_key(&touch.path);
        let file = match touch.now {
            Some((mode, id)) => Some(self.file(&mode, &id).with_context(|| path.clone())?),
            None => None,
        };
        Ok((path, file))
    }

    fn file(&mut self, mode: &str, id: &str) -> Result<Value> {
        let mut file = Map::new();
        file.insert("mode", mode);
        if mode == SUBMODULE {
            file.insert("target", id);
            return Ok(file.into());
        }
        let (content, size) = self.objects.content(id)?;
        file.insert("size", size);
        match content {
            Content::Text(text) => file.insert(if mode == SYMLINK { "target" } else { "text" }, text),
            Content::Sha256(hash) => file.insert("sha256", hash),
        };
        Ok(file.into())
    }
}

/// What a commit object says about itself.
fn meta(id: &str, commit: &[u8]) -> Meta {
    let text = String::from_utf8_lossy(commit);
    let (headers, message) = text.split_once("\n\n").unwrap_or((&text, ""));
    let person = |name: &str| headers.lines().find_map(|line| line.strip_prefix(name)).and_then(person);
    let author = person("author ");
    let mut tags = BTreeMap::from([(COMMIT_TAG.to_owned(), id.to_owned())]);
    let committer =
        person("committer ").filter(|(who, _)| author.as_ref().is_none_or(|(other, _)| who != other));
    tags.extend(committer.map(|(who, _)| ("committer".into(), who.to_owned())));
    tags.extend(author.as_ref().map(|(who, _)| ("author".into(), (*who).to_owned())));
    let subject = subject(message);
    Meta { label: (!subject.is_empty()).then_some(subject), at_ms: author.map(|(_, at_ms)| at_ms), tags }
}

/// `Name <mail> seconds zone`: who, and when in milliseconds since 1970.
fn person(line: &str) -> Option<(&str, i64)> {
    let (who, when) = line.split_at(line.rfind('>')? + 1);
    let seconds: i64 = when.split_ascii_whitespace().next()?.parse().ok()?;
    Some((who, seconds.saturating_mul(1000)))
}

/// The first paragraph in one line, as git itself shows it.
fn subject(message: &str) -> String {
    let paragraph =
        message.trim_start_matches('\n').lines().map(str::trim_end).take_while(|line| !line.is_empty());
    paragraph.collect::<Vec<_>>().join(" ")
}

/// The path as a key. See the top of this file for what is not UTF-8.
fn path_key(path: &[u8]) -> String {
    if let Ok(text) = std::str::from_utf8(path) {
        return text.to_owned();
    }
    let mut key = String::from("//");
    for chunk in path.utf8_chunks() {
        key.push_str(&chunk.valid().replace('%', "%25"));
        chunk.invalid().iter().for_each(|byte| key.push_str(&format!("%{byte:02X}")));
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_is_not_text_has_a_key_of_its_own() {
        assert_eq!(path_key("ä %41".as_bytes()), "ä %41");
        assert_eq!(path_key(b"50% caf\xe9/\xc3\xa4"), "//50%25 caf%E9/ä");
    }

    #[test]
    fn a_commit_tells_who_when_and_what_about() {
        let commit = b"tree 1\nauthor A B <a@b> 1700000000 +0100\ncommitter C <c@d> 1 +0000\ngpgsig x\n y\n\nfirst\nline\n\nbody";
        let meta = meta("abc", commit);
        assert_eq!(meta.label.as_deref(), Some("first line"));
        assert_eq!(meta.at_ms, Some(1_700_000_000_000));
        assert_eq!(meta.tags["author"], "A B <a@b>");
        assert_eq!(meta.tags["committer"], "C <c@d>");
        assert_eq!(meta.tags["commit"], "abc");
    }
}
