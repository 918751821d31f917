//! `redraft demo`: a walk through the verbs for somebody new, on a real history.
//!
//! Takes the git repository it stands in, or a small history of its own where there is none. Every command shown is run as
//! shown, by this very program, and what follows is what it printed; only long outputs are shortened, and say so.

use crate::output::Output;
use crate::{files, stores, text};
use anyhow::{Context, Result, ensure};
use redraft::Value;
use serde::Serialize;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How much of an output is shown.
const LINES_SHOWN: usize = 14;
const LINE_CHARS: usize = 140;

const STORE: &str = "history.redraft";
const RESTORED: &str = "restored.redraft";
const REPLICA: &str = "replica.redraft";
const OWN_HISTORY_FILE: &str = "history.jsonl";

/// A small history for where there is no repository.
const OWN_HISTORY: &str = r#"{"label":"start a board","at":"2024-03-04T09:00:00Z","patch":[{"op":"add","path":"/board","value":{"title":"Garden","cards":[]}}]}
{"label":"first card","at":"2024-03-04T09:01:00Z","patch":[{"op":"add","path":"/board/cards/-","value":{"text":"dig the beds","done":false}}]}
{"label":"second card","at":"2024-03-04T09:02:00Z","patch":[{"op":"add","path":"/board/cards/-","value":{"text":"sow carrots","done":false}}]}
{"label":"notes","at":"2024-03-05T17:30:00Z","patch":[{"op":"add","path":"/notes","value":"The bed by the wall gets the sun from noon on.\nThe one by the gate is wet until May.\n"}]}
{"label":"a better title","at":"2024-03-05T17:31:00Z","patch":[{"op":"replace","path":"/board/title","value":"Kitchen garden"}]}
{"label":"third card","at":"2024-03-09T08:15:00Z","patch":[{"op":"add","path":"/board/cards/0","value":{"text":"mend the fence","done":false}}]}
{"label":"dug","at":"2024-03-10T16:00:00Z","patch":[{"op":"replace","path":"/board/cards/1/done","value":true}]}
{"label":"more notes","at":"2024-03-10T16:05:00Z","patch":[{"op":"replace","path":"/notes","value":"The bed by the wall gets the sun from ten on.\nThe one by the gate is wet until May.\nThe fence holds.\n"}]}
{"label":"fence mended","at":"2024-03-16T11:00:00Z","patch":[{"op":"replace","path":"/board/cards/0/done","value":true}]}
{"label":"count what came up","at":"2024-04-20T10:00:00Z","patch":[{"op":"add","path":"/seedlings","value":{"carrots":41,"peas":0}}]}
{"label":"clean up","at":"2024-04-21T10:00:00Z","patch":[{"op":"remove","path":"/board/cards/0"}]}
{"label":"peas too","at":"2024-04-28T10:00:00Z","patch":[{"op":"replace","path":"/seedlings/peas","value":17}]}
"#;

/// Walk through the commands on the history of the git repository here, or on a small one where there is none.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  redraft demo
  redraft demo --dir walk")]
pub(crate) struct Args {
    /// Keep what was made and say where.
    #[arg(long)]
    keep: bool,
    /// Make it in this directory, which must not exist or be empty; it is kept.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

#[derive(Serialize)]
struct Ran<'a> {
    command: &'a str,
    output: &'a str,
    seconds: f64,
}

#[derive(Serialize)]
struct Measured {
    changes: u64,
    import_seconds: f64,
    changes_per_second: f64,
    bytes: u64,
    open_seconds: f64,
    open_seconds_from_snapshot: f64,
    middle: u64,
    at_middle_seconds: f64,
    kept: Option<String>,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<()> {
    let place = Place::make(args)?;
    let measured = Walk { dir: place.path(), output }.all()?;
    let kept = place.finish(args.keep)?;
    let measured = Measured { kept: kept.map(|path| path.display().to_string()), ..measured };
    output.tell(&measured, summary(&measured))
}

/// Where the demonstration happens.
enum Place {
    Temporary(TempDir),
    Given(PathBuf),
}

impl Place {
    fn make(args: &Args) -> Result<Place> {
        if let Some(dir) = &args.dir {
            files::make_directory(dir)?;
            return Ok(Place::Given(std::path::absolute(dir)?));
        }
        let made = tempfile::Builder::new().prefix("redraft-demo-").tempdir();
        Ok(Place::Temporary(made.context("cannot make a temporary directory")?))
    }

    fn path(&self) -> PathBuf {
        match self {
            Place::Temporary(dir) => dir.path().to_owned(),
            Place::Given(dir) => dir.clone(),
        }
    }

    /// Says what is left, if anything is.
    fn finish(self, keep: bool) -> Result<Option<PathBuf>> {
        match self {
            Place::Given(dir) => Ok(Some(dir)),
            Place::Temporary(dir) if keep => Ok(Some(dir.keep())),
            Place::Temporary(dir) => {
                dir.close().context("cannot remove the temporary directory")?;
                Ok(None)
            }
        }
    }
}

struct Walk<'a> {
    dir: PathBuf,
    output: &'a mut Output,
}

impl Walk<'_> {
    fn all(&mut self) -> Result<Measured> {
        let import_seconds = self.import()?.as_secs_f64();
        let store = self.dir.join(STORE);
        let (reader, open_seconds) = timed(|| stores::read(&store))?;
        let changes = reader.version();
        ensure!(changes > 0, "the history has no changes to show");
        let middle = changes.div_ceil(2);
        let (state, at_middle_seconds) = timed(|| Ok(reader.at(middle)?))?;
        let bytes = files::directory_bytes(&store)?;
        let place = interesting(&reader, &state)?;
        drop(reader);

        self.look_around(changes, middle, &place)?;
        self.change_and_copy(changes, middle)?;
        let (_, open_seconds_from_snapshot) = timed(|| stores::read(&store))?;
        Ok(Measured {
            changes,
            import_seconds,
            changes_per_second: changes as f64 / import_seconds,
            bytes,
            open_seconds,
            open_seconds_from_snapshot,
            middle,
            at_middle_seconds,
            kept: None,
        })
    }

    fn import(&mut self) -> Result<Duration> {
        match repository_here() {
            Some(repository) => {
                self.say("The history of the git repository here, each commit as one change:")?;
                self.run(&["import", "git", &repository, STORE])
            }
            None => {
                files::write(&self.dir.join(OWN_HISTORY_FILE), OWN_HISTORY)?;
                self.say("There is no git repository here; so a small history, one patch on each line:")?;
                self.run(&["import", "jsonl", OWN_HISTORY_FILE, STORE])
            }
        }
    }

    fn look_around(&mut self, head: u64, middle: u64, place: &str) -> Result<()> {
        let (head, before, middle) = (head.to_string(), (head - 1).to_string(), middle.to_string());
        self.say("What happened last?")?;
        self.run(&["log", STORE, "-n", "3"])?;
        self.say("Half of it ago, what did it look like? Any version is there:")?;
        match place {
            "" => self.run(&["show", STORE, "--at", &middle])?,
            place => self.run(&["show", STORE, place, "--at", &middle])?,
        };
        self.say("What did the newest change do?")?;
        self.run(&["diff", STORE, &before, &head])?;
        Ok(())
    }

    fn change_and_copy(&mut self, head: u64, middle: u64) -> Result<()> {
        let (head, middle) = (head.to_string(), middle.to_string());
        self.say("Take it back. That is a change like any other, so nothing is lost:")?;
        self.run(&["undo", STORE, &head])?;
        self.run(&["log", STORE, "-n", "1"])?;
        self.say("Write the whole state down, so that opening starts from there:")?;
        self.run(&["snapshot", STORE])?;
        self.say("Go back to the middle, in a new store:")?;
        self.run(&["restore", STORE, "--at", &middle, "--to", RESTORED])?;
        self.say("A replica: the same records, checked one by one; run it again whenever you like:")?;
        self.run(&["follow", STORE, REPLICA])?;
        self.say("Is every byte what was written?")?;
        self.run(&["verify", STORE])?;
        self.run(&["verify", REPLICA])?;
        Ok(())
    }

    fn say(&mut self, what: &str) -> Result<()> {
        if self.output.is_json() { Ok(()) } else { self.output.human(format_args!("\n# {what}")) }
    }

    /// Runs this program with these arguments and shows what it printed. Returns how long that took.
    fn run(&mut self, arguments: &[&str]) -> Result<Duration> {
        let command =
            arguments.iter().fold("redraft".to_owned(), |line, next| line + " " + &text::quoted(next));
        if !self.output.is_json() {
            self.output.human(format_args!("$ {}", text::one_line(&command)))?;
        }
        self.output.flush()?;
        let started = Instant::now();
        let shown = printed(&self.dir, arguments).with_context(|| command.clone())?;
        let took = started.elapsed();
        let ran = Ran { command: &command, output: &shown, seconds: took.as_secs_f64() };
        self.output.tell(&ran, &shown)?;
        self.output.flush()?;
        Ok(took)
    }
}

/// Runs this program and returns the beginning of what it printed. Its errors and progress go where ours go.
fn printed(dir: &Path, arguments: &[&str]) -> Result<String> {
    let program = std::env::current_exe().context("cannot find this program")?;
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run this program")?;
    let (mut shown, mut lines) = (Vec::new(), 0);
    for line in child.stdout.take().map(BufReader::new).into_iter().flat_map(|out| out.split(b'\n')) {
        lines += 1;
        let line = line?;
        if lines <= LINES_SHOWN {
            shown.push(shortened(&String::from_utf8_lossy(&line)));
        }
    }
    ensure!(child.wait()?.success(), "failed");
    if lines > LINES_SHOWN {
        let more = (lines - LINES_SHOWN) as u64;
        shown.push(format!("... ({} left out here)", text::count(more, "more line")));
    }
    Ok(shown.join("\n"))
}

fn shortened(line: &str) -> String {
    match line.char_indices().nth(LINE_CHARS) {
        Some((byte, _)) => format!("{} ... ({} more bytes left out here)", &line[..byte], line.len() - byte),
        None => line.to_owned(),
    }
}

fn repository_here() -> Option<String> {
    let done =
        Command::new("git").args(["rev-parse", "--show-toplevel"]).stderr(Stdio::null()).output().ok()?;
    let path = String::from_utf8(done.stdout).ok()?;
    let path = path.trim_end_matches('\n');
    let has_commits = || {
        let mut ask = Command::new("git");
        ask.args(["rev-parse", "--verify", "--quiet", "HEAD"]).stdout(Stdio::null()).stderr(Stdio::null());
        ask.status().is_ok_and(|status| status.success())
    };
    (done.status.success() && !path.is_empty() && has_commits()).then(|| path.to_owned())
}

/// A place worth looking at in an old state: one that the newest change touched; or the whole state.
fn interesting(reader: &redraft::Reader<Value>, state: &Value) -> Result<String> {
    let head = reader.version();
    let newest = reader.changes(head..=head)?.next().transpose()?;
    let paths = newest.iter().flat_map(|change| change.patch.iter()).map(|op| &op.path);
    // Two steps down is a file, or a part of the state that can be looked at.
    let mut places = paths.map(|path| path.iter().take(2).cloned().collect::<redraft::value::Path>());
    Ok(places
        .find(|place| state.at_path(place).is_some())
        .map_or_else(String::new, |place| place.to_string()))
}

fn timed<T>(what: impl FnOnce() -> Result<T>) -> Result<(T, f64)> {
    let started = Instant::now();
    let done = what()?;
    Ok((done, started.elapsed().as_secs_f64()))
}

fn summary(measured: &Measured) -> String {
    let mut lines = vec![
        "\n# Measured on the way".to_owned(),
        format!(
            "import          {} in {:.2} s: {:.0} changes/s, each made durable by itself",
            text::count(measured.changes, "change"),
            measured.import_seconds,
            measured.changes_per_second
        ),
        format!("on disk         {}", text::bytes(measured.bytes)),
        format!(
            "open            {:.1} ms from the beginning, {:.1} ms from the snapshot",
            measured.open_seconds * 1000.0,
            measured.open_seconds_from_snapshot * 1000.0
        ),
        format!(
            "show --at {:<5} {:.1} ms in the open store",
            measured.middle,
            measured.at_middle_seconds * 1000.0
        ),
    ];
    lines.extend(measured.kept.iter().map(|path| format!("kept in         {}", text::one_line(path))));
    lines.join("\n")
}
