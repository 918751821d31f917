//! The example programs do what they say, end as they say, and never panic whatever they are told.
//!
//! Runs the binaries that `cargo test` builds beside the tests. Naming this test alone (`--test examples`) does not build
//! them: one that is missing, or older than its source, is skipped, aloud.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests may fail loudly, and say what they skip")]

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn binary(name: &str) -> Option<PathBuf> {
    let test = std::env::current_exe().unwrap();
    let profile = test.parent().and_then(Path::parent).unwrap();
    let path = profile.join("examples").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(format!("{name}.rs"));
    let made = |path: &Path| path.metadata().and_then(|file| file.modified()).ok();
    let fresh = made(&path) > made(&source);
    if !fresh {
        eprintln!("skipped: the example {name} is not built; run `cargo build --examples` first");
    }
    fresh.then_some(path)
}

fn run(binary: &Path, arguments: &[&OsStr], input: &str) -> Output {
    let mut command = Command::new(binary);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // The program may end without having read it all.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    assert!(!text(&output.stderr).contains("panicked"), "{arguments:?}: {}", text(&output.stderr));
    output
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A board in a directory of its own.
struct Board {
    binary: PathBuf,
    dir: tempfile::TempDir,
}

impl Board {
    fn new() -> Option<Self> {
        Some(Self { binary: binary("board")?, dir: tempfile::tempdir().unwrap() })
    }

    fn run(&self, words: &[&str], input: &str) -> Output {
        let path = self.dir.path().join("board");
        let words = words.iter().map(OsStr::new);
        run(&self.binary, &[path.as_os_str()].into_iter().chain(words).collect::<Vec<_>>(), input)
    }

    #[track_caller]
    fn tells(&self, command: &str, expected: &str) {
        let output = self.run(&command.split(' ').collect::<Vec<_>>(), "");
        assert_eq!(text(&output.stdout), expected, "{command}: {}", text(&output.stderr));
        assert_eq!(output.status.code(), Some(0), "{command}");
    }

    #[track_caller]
    fn refuses(&self, command: &str, code: i32, why: &str) {
        let output = self.run(&command.split(' ').collect::<Vec<_>>(), "");
        let told = text(&output.stderr);
        assert!(told.starts_with(&format!("board: {why}")), "{command}: {told}");
        assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(code), ""), "{command}");
    }
}

#[test]
fn examples_need_no_arguments() {
    for name in ["board", "ledger"] {
        let Some(binary) = binary(name) else { continue };
        let output = run(&binary, &[], "");
        assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""), "{name}");
        assert!(!output.stdout.is_empty(), "{name} shows something");
    }
}

#[test]
fn a_board_stays_where_it_is_kept() {
    let Some(board) = Board::new() else { return };
    board.refuses("list", 1, "");
    board.tells("add ship it", "version 1\n");
    board.tells("move 1 done", "version 2\n");
    board.tells("move 1 done", "still version 2\n");
    board.tells("list", "   1  Done   ship it\n      cards: 1, moves: 1\n");
    board.tells("at 1", "   1  Todo   ship it\n      cards: 1, moves: 0\n");
    board.tells("diff 1 2", "      replace \"/cards/items/1/stage\" \"Done\"\n      inc \"/moves\" by 1\n");
}

#[test]
fn undo_and_redo_without_a_version_walk_back_and_forth() {
    let Some(board) = Board::new() else { return };
    let typed = "add a\nadd b\n\nlabel 1 x\nundo\nundo\nredo\nundo\nundo\nredo\nredo\nredo\nlist\n";
    let output = board.run(&[], typed);
    assert_eq!(output.status.code(), Some(1), "only `add` makes a board");
    board.tells("add first", "version 1\n");
    let output = board.run(&[], typed);
    let told = text(&output.stdout);
    let list = "   1  Todo   first #x\n   2  Todo   a\n   3  Todo   b\n      cards: 3, moves: 0\n";
    assert!(told.ends_with(list), "{told}{}", text(&output.stderr));
    board.refuses("redo", 1, "nothing is left to redo");
    board.refuses("undo 1", 1, "change 1 cannot be undone: change 2 touched");
}

#[test]
fn what_a_board_does_not_understand_changes_nothing() {
    let Some(board) = Board::new() else { return };
    board.refuses("add", 1, "");
    board.tells("add ship it", "version 1\n");
    for wrong in
        ["add", "move", "move x done", "move 1 away", "label 1", "at -1", "diff 1", "undo one", "fly", " "]
    {
        board.refuses(wrong, 2, "not a ");
    }
    board.refuses("add \u{1b}[31mred", 2, "a command is one line of visible characters");
    for (refused, why) in [("move 7 done", "there is no card 7"), ("remove 0", "there is no card 0")] {
        board.refuses(refused, 1, why);
    }
    board.refuses("at 18446744073709551615", 1, "version 18446744073709551615 does not exist");
    board.refuses("undo 0", 1, "change 0 ");
    board.refuses("redo 1", 1, "change 1 is not undone");
    let output = board.run(&[], "list\nmove 7 done\nadd never\n");
    assert_eq!(output.status.code(), Some(1), "a script ends at its first mistake");
    assert!(!text(&board.run(&["history"], "").stdout).contains("   2  "), "there is still one change");
    board.tells("list", "   1  Todo   ship it\n      cards: 1, moves: 0\n");
}

#[test]
fn a_ledger_goes_on_where_it_was() {
    let Some(binary) = binary("ledger") else { return };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger");
    let mut last = 0;
    for day in 1..=3 {
        let output = run(&binary, &[path.as_os_str()], "");
        let told = text(&output.stdout);
        assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""), "day {day}: {told}");
        let first = told.split([' ', ':']).nth(1).and_then(|version| version.parse::<u64>().ok());
        assert!(first.is_some_and(|first| first >= last), "day {day} begins behind {last}: {told}");
        assert!(told.lines().next().unwrap().ends_with(" = 4000"), "{told}");
        last = redraft::Store::<redraft::Value>::open(&path).unwrap().version();
        assert!(told.ends_with(&format!("the first is still at {last}\n")), "{told}");
    }
}
