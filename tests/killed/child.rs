//! The process that is killed: this very test program, started once more, with its work named in the environment.
//!
//! It tells on stderr what it has done, a line for each. A line that a kill cut short was not told.

use crate::common::{counted, seed, setting};
use redraft::io::SeededEntropy;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

const WORK: &str = "REDRAFT_KILLED_WORK";
const DIR: &str = "REDRAFT_KILLED_DIR";
const ROUND: &str = "REDRAFT_KILLED_ROUND";
/// So often for each kind, unless asked otherwise.
const KILLS: u64 = 8;
const DELAY_LIMIT: Duration = Duration::from_secs(20);
/// What it tells before it does anything.
const BEGUN: &str = "begun";
const SIGKILL: i32 = 9;

/// What a process was started for.
pub(crate) struct Job {
    pub(crate) work: String,
    pub(crate) dir: PathBuf,
    pub(crate) round: u64,
}

/// Not a test: what the process that is killed does.
#[test]
#[ignore = "run by the tests, in a process of its own"]
fn the_child() {
    let Ok(work) = std::env::var(WORK) else { return };
    let dir = std::env::var_os(DIR).unwrap().into();
    let job = Job { work, dir, round: setting(ROUND, 0) };
    tell(BEGUN);
    match job.work.as_str() {
        "forks" => crate::fork::work(&job),
        "redaction" => crate::redaction::work(&job),
        "repair" => crate::repair::work(&job),
        _ => crate::beside_changes::work(&job),
    }
}

/// One write, so that a kill leaves all of it or a part without an end.
pub(crate) fn tell(what: &str) {
    std::io::stderr().write_all(format!("{what}\n").as_bytes()).unwrap();
}

/// Lets a process work in `dir` for a while and kills it; what it told.
fn killed(work: &str, dir: &Path, round: u64, delay: Duration) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["child::the_child", "--exact", "--ignored", "--nocapture"])
        .env(WORK, work)
        .env(DIR, dir)
        .env(ROUND, round.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = BufReader::new(child.stderr.take().unwrap());
    let mut text = String::new();
    told.read_line(&mut text).unwrap();
    assert_eq!(text.trim_end(), BEGUN);
    let listener = std::thread::spawn(move || told.read_to_string(&mut text).map(|_| text).unwrap());
    std::thread::sleep(delay);
    child.kill().unwrap();
    let status = child.wait().unwrap();
    let text = listener.join().unwrap();
    assert_eq!(status.signal(), Some(SIGKILL), "it ended by itself: {text}");
    assert!(!text.contains("panicked"), "{text}");
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(str::to_owned).collect()
}

/// A directory in memory where there is such a file system: a killed process loses nothing in either, and syncs cost nothing.
pub(crate) fn place() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// Kills a process at work again and again, until it has told something that begins with each of `wanted`, and has what it
/// left judged each time. Each kill comes within `delay`, and within twice that as long as it does not get far enough.
pub(crate) fn again_and_again(
    work: &str,
    dir: &Path,
    mut delay: Duration,
    wanted: &[&str],
    mut judge: impl FnMut(u64, &[String]),
) {
    let (dice, kills) = (SeededEntropy::new(seed(work.len() as u64)), setting("REDRAFT_KILLS", KILLS));
    let (mut seen, mut round) = (vec![0_u64; wanted.len()], 0);
    while round < kills || seen.contains(&0) {
        let told = killed(work, dir, round, delay.mul_f64(dice.below(1000) as f64 / 1000.0));
        for (count, wanted) in seen.iter_mut().zip(wanted) {
            *count += told.iter().filter(|line| line.starts_with(wanted)).count() as u64;
        }
        judge(round, &told);
        round += 1;
        if round.is_multiple_of(KILLS) && seen.contains(&0) {
            delay *= 2;
            assert!(delay < DELAY_LIMIT, "it never comes to all of {wanted:?}: {seen:?}");
        }
    }
    counted(round, &format!("kills during {work}"));
    for (count, wanted) in seen.iter().zip(wanted) {
        counted(*count, &format!("times {wanted:?} was told during {work}"));
    }
}

/// The number behind the last line that begins with a word; 0 where there is none.
pub(crate) fn last(told: &[String], word: &str) -> u64 {
    let number = |line: &String| line.strip_prefix(word)?.trim().parse().ok();
    told.iter().rev().find_map(number).unwrap_or(0)
}
