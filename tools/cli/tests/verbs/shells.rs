//! Completions work in a real shell, and the manual has a page for every verb that `man` reads without complaint.

use crate::common::{Place, redraft};
use std::process::Command;

/// What bash offers for a line, the cursor at its end.
fn completed(script: &str, words: &[&str]) -> Option<String> {
    let line: String = words.iter().map(|word| format!("{word:?} ")).collect();
    let ask = format!(
        "source {script}; COMP_WORDS=({line}); COMP_CWORD={}; _redraft redraft {:?} {:?}; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        words.len() - 1,
        words[words.len() - 1],
        words[words.len() - 2],
    );
    let done = Command::new("bash").args(["--norc", "-c", &ask]).output().ok()?;
    assert!(done.status.success(), "{done:?}");
    Some(String::from_utf8(done.stdout).unwrap())
}

#[test]
fn bash_completes_verbs_and_flags() {
    let place = Place::new();
    let script = place.write("redraft.bash", redraft(&["completions", "bash"]).ok());
    let Some(verbs) = completed(&script, &["redraft", "doc"]) else {
        return eprintln!("SKIPPED: no bash");
    };
    assert_eq!(verbs.trim(), "doctor");
    let flags = completed(&script, &["redraft", "log", "--re"]).unwrap();
    assert_eq!(flags.trim(), "--reverse");
    let below = completed(&script, &["redraft", "import", "g"]).unwrap();
    assert_eq!(below.trim(), "git");
}

#[test]
fn every_shell_has_completions() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = redraft(&["completions", shell]).ok();
        assert!(script.contains("redraft") && script.contains("doctor"), "{shell}");
    }
    redraft(&["completions", "cmd"]).refused(2);
}

#[test]
fn man_reads_every_page_without_a_warning() {
    let place = Place::new();
    let written = redraft(&["man", "--dir", &place.at("man1"), "--json"]).json_lines();
    let pages: Vec<&str> = written.iter().map(|line| line["page"].as_str().unwrap()).collect();
    for page in ["redraft", "redraft-log", "redraft-doctor", "redraft-import-git", "redraft-patch-squash"] {
        assert!(pages.contains(&page), "{page}: {pages:?}");
    }
    assert!(pages.len() > 40, "{pages:?}");
    let log = redraft(&["man", "log"]).ok();
    assert!(log.contains("redraft log notes.redraft \\-n 10") && log.contains(".SH EXAMPLES"), "{log}");
    redraft(&["man", "dance"]).refused(1);
    let files: Vec<&str> = written.iter().map(|line| line["file"].as_str().unwrap()).collect();
    match Command::new("groff").args(["-man", "-Tutf8", "-ww", "-z"]).args(&files).output() {
        Err(error) => eprintln!("SKIPPED: no groff: {error}"),
        Ok(done) => {
            let said = String::from_utf8_lossy(&done.stderr).into_owned();
            assert!(done.status.success() && said.is_empty(), "{said}");
        }
    }
}

#[test]
fn the_help_lists_every_verb_in_its_group() {
    let help = redraft(&["--help"]).ok();
    for group in
        ["Begin:", "Look at a store and its history:", "Take back:", "Keep it well:", "Options:", "Examples:"]
    {
        assert!(help.contains(group), "{group}: {help}");
    }
    assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
    assert!(!help.contains('\u{1b}'), "{help}");
}
