//! Every session that the guide shows is run, and says what the guide says it does.
//!
//! A session is a block marked `console`: lines that begin with `$ ` are given to a shell, what follows is what they print,
//! both streams together. All blocks of a chapter run one after the other in one directory, which has what `docs/guide/files`
//! has. In what is expected `...` stands for any lines and `[..]` for anything in a line; times and ids that differ from run to
//! run are compared by their form only. A command that ends with `&` is a server: it runs until the chapter ends, on a port of
//! the system's choosing in the place of the one that is written there. `cargo run -q --example` stands for the program that
//! is built already.
//!
//! `GUIDE=write cargo test -p redraft-cli --test guide` writes what was printed into the guide.

#![allow(
    clippy::disallowed_methods,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "tests fail by panicking, look at files, and say what they skip"
)]

use regex::Regex;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Where `cargo test` puts the command, and beside it the examples.
fn built() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_redraft")).parent().unwrap().to_owned()
}

/// A directory for one chapter, and the servers that run in it.
struct Session {
    dir: TempDir,
    servers: Vec<Child>,
    /// What is written in the guide, and where it is really.
    ports: BTreeMap<String, String>,
}

impl Session {
    fn new() -> Session {
        let session =
            Session { dir: tempfile::tempdir().unwrap(), servers: Vec::new(), ports: BTreeMap::new() };
        let files = root().join("docs/guide/files/.");
        let copied = Command::new("cp").arg("-r").arg(files).arg(session.dir.path()).status();
        assert!(copied.unwrap().success());
        session
    }

    fn shell(&self, command: &str) -> Command {
        let examples = built().join("examples");
        let command = Regex::new(r"cargo run -q --example (\w+) --")
            .unwrap()
            .replace_all(command, |found: &regex::Captures<'_>| {
                examples.join(&found[1]).display().to_string()
            });
        let path = format!("{}:{}", built().display(), std::env::var("PATH").unwrap_or_default());
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(format!("exec 2>&1\n{}", self.really(&command))).current_dir(self.dir.path());
        shell.env("PATH", path).env("TZ", "UTC").env("LC_ALL", "C").env("NO_COLOR", "1").env_remove("PAGER");
        shell.stdin(Stdio::null()).stdout(Stdio::piped());
        shell
    }

    fn really(&self, text: &str) -> String {
        self.ports.iter().fold(text.to_owned(), |text, (written, real)| text.replace(written, real))
    }

    fn as_written(&self, text: &str) -> String {
        self.ports.iter().fold(text.to_owned(), |text, (written, real)| text.replace(real, written))
    }

    fn run(&mut self, command: &str) -> String {
        if let Some(server) = command.strip_suffix(" &") {
            return self.serve(server);
        }
        let done = self.shell(command).output().unwrap();
        let out = self.as_written(&String::from_utf8(done.stdout).unwrap());
        assert!(done.status.success() || !out.is_empty(), "{command}: {}, and not a word why", done.status);
        out
    }

    /// Starts it and waits for the line that says where it listens.
    fn serve(&mut self, command: &str) -> String {
        let written = Regex::new(r"127\.0\.0\.1:\d+").unwrap().find(command).unwrap().as_str().to_owned();
        let mut server =
            self.shell(&format!("exec {}", command.replace(&written, "127.0.0.1:0"))).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
        self.servers.push(server);
        let real =
            Regex::new(r"127\.0\.0\.1:\d+").unwrap().find(&line).map(|found| found.as_str().to_owned());
        let real = real.unwrap_or_else(|| panic!("{command} does not say where it listens: {line}"));
        self.ports.insert(written, real);
        self.as_written(&line)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        for server in &mut self.servers {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

/// What differs from run to run, made equal. Times that a program of the guide chose lie in spring, and are compared as they are.
fn normal(text: &str) -> String {
    let forms = [
        (r"20(2[6-9]-1[0-2]|2[7-9]-\d\d|[3-9]\d-\d\d)-\d\dT[\d:.]+Z", "TIME"),
        (r"\b[0-9a-f]{32}\b", "STORE"),
        (r"\b[0-9a-f]{16}\b", "WRITER"),
        (r"stored [0-9a-f]{8}, computed [0-9a-f]{8}", "CHECKSUMS"),
    ];
    forms.iter().fold(text.to_owned(), |text, (form, name)| {
        Regex::new(form).unwrap().replace_all(&text, *name).into_owned()
    })
}

/// The chapter with what the commands in it print now.
fn played(chapter: &str) -> String {
    let (mut session, mut text, mut inside) = (Session::new(), String::new(), false);
    for line in chapter.lines() {
        match line {
            "```console" => inside = true,
            "```" => inside = false,
            _ => {}
        }
        match line.strip_prefix("$ ") {
            Some(command) if inside => {
                let out = session.run(command);
                let _ = write!(text, "{line}\n{out}");
                if !out.is_empty() && !out.ends_with('\n') {
                    text.push('\n');
                }
            }
            _ if inside && line != "```console" => {} // what was printed when it was written
            _ => {
                let _ = writeln!(text, "{line}");
            }
        }
    }
    text
}

/// What a chapter cannot be run without.
fn missing(chapter: &str) -> Option<String> {
    let examples = Regex::new(r"cargo run -q --example (\w+)").unwrap();
    let made = |path: &Path| path.metadata().and_then(|file| file.modified()).ok();
    let is_fresh = |name: &str| {
        made(&built().join("examples").join(name))
            > made(&root().join("examples").join(name).with_extension("rs"))
    };
    let examples = examples.captures_iter(chapter).map(|found| found[1].to_owned());
    let tools = ["curl", "od"].into_iter().filter(|tool| chapter.contains(&format!("$ {tool} ")));
    let has = |tool: &&str| Command::new(tool).arg("--version").stdout(Stdio::null()).status().is_ok();
    let stale = examples
        .filter(|name| !is_fresh(name))
        .map(|name| format!("the example {name}, built (cargo build --examples)"));
    let mut missing: Vec<String> = stale.collect();
    missing.extend(tools.filter(|tool| !has(tool)).map(str::to_owned));
    (!missing.is_empty()).then(|| missing.join(", "))
}

#[track_caller]
fn does_what_it_says(name: &str) {
    let path = root().join("docs/guide/src").join(name);
    let chapter = std::fs::read_to_string(&path).unwrap();
    assert!(chapter.contains("\n$ "), "{name} shows no session");
    if let Some(missing) = missing(&chapter) {
        return eprintln!("SKIPPED: {name}, for want of {missing}");
    }
    let played = played(&chapter);
    if std::env::var_os("GUIDE").is_some_and(|what| what == "write") && normal(&played) != normal(&chapter) {
        return std::fs::write(&path, played).unwrap();
    }
    snapbox::Assert::new().action_env("GUIDE").normalize_paths(false).eq(normal(&played), normal(&chapter));
}

macro_rules! chapters {
    ($($test:ident $name:literal)*) => {
        $(#[test]
        fn $test() {
            does_what_it_says($name);
        })*

        #[test]
        fn every_chapter_with_a_session_is_run() {
            for entry in std::fs::read_dir(root().join("docs/guide/src")).unwrap() {
                let path = entry.unwrap().path();
                let has_session = std::fs::read_to_string(&path).unwrap().contains("```console");
                let name = path.file_name().unwrap().to_str().unwrap();
                assert_eq!(has_session, [$($name),*].contains(&name), "{name}");
            }
        }
    };
}

chapters! {
    getting_started_does_what_it_says "getting-started.md"
    the_service_does_what_it_says "service.md"
    the_story_of_a_bug_goes_as_it_is_told "debugging.md"
    the_drill_goes_as_it_is_told "backup.md"
    replicas_do_what_the_guide_says "replicas.md"
    what_was_written_apart_meets_as_it_is_told "offline.md"
    a_log_reads_by_hand_as_it_is_told "format.md"
    the_migration_goes_as_it_is_told "migration.md"
}
