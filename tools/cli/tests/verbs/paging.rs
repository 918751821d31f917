//! On a terminal long output goes through a pager, and colours are shown to who wants them; elsewhere neither happens.
//!
//! The terminal is a real one, made by `script`.

use crate::common::{Place, command, done, redraft};
use std::process::Command;

/// What a command shows on a terminal of 24 lines. Nothing where no terminal can be made.
fn on_a_terminal(line: &str, variables: &[(&str, &str)]) -> Option<String> {
    let program = env!("CARGO_BIN_EXE_redraft");
    let line = format!("stty rows 24 cols 80; {}", line.replace("redraft ", &format!("{program} ")));
    let mut script = Command::new("script");
    script.args(["-q", "-e", "-c", &line, "/dev/null"]).stdin(std::process::Stdio::null());
    script.env("TERM", "xterm").env_remove("PAGER").env_remove("NO_COLOR").envs(variables.iter().copied());
    match script.output() {
        Err(error) => {
            eprintln!("SKIPPED: no terminal can be made by script: {error}");
            None
        }
        Ok(output) => {
            assert!(output.status.success(), "{line}: {output:?}");
            Some(String::from_utf8(output.stdout).unwrap())
        }
    }
}

#[test]
fn what_is_longer_than_the_screen_is_paged_and_what_fits_is_not() {
    let place = Place::new();
    let store = place.store("s", 40);
    let mark = [("REDRAFT_PAGER", "sed s/^/paged:/")];
    let Some(long) = on_a_terminal(&format!("redraft log {store}"), &mark) else { return };
    assert!(long.lines().count() >= 80 && long.lines().all(|line| line.starts_with("paged:")), "{long}");
    let short = on_a_terminal(&format!("redraft log {store} -n 3"), &mark).unwrap();
    assert!(short.contains("add /n 40") && !short.contains("paged:"), "{short}");
    let refused = on_a_terminal(&format!("redraft log {store} --no-pager"), &mark).unwrap();
    assert!(!refused.contains("paged:"), "{refused}");
    let own = [("PAGER", "sed s/^/shared:/"), ("REDRAFT_PAGER", "")];
    assert!(!on_a_terminal(&format!("redraft log {store}"), &own).unwrap().contains("shared:"));
    assert!(on_a_terminal(&format!("redraft log {store}"), &own[..1]).unwrap().contains("shared:"));
    let missing = [("PAGER", "no-such-pager-here")];
    assert!(on_a_terminal(&format!("redraft log {store}"), &missing).unwrap().contains("add /n 40"));
    let mut piped = command(&["log", &store]);
    piped.envs(mark);
    assert!(!done(piped).ok().contains("paged:"));
}

#[test]
fn a_pager_that_is_left_early_is_no_error() {
    let place = Place::new();
    let store = place.at("s");
    let long = redraft::Store::<redraft::Value>::open(&store).unwrap();
    // More than a pipe holds.
    let label = || redraft::Meta::label("long ".repeat(2_000));
    (0..40).for_each(|n| drop(long.produce_with(label(), |doc| doc["n"] = n.into()).unwrap()));
    long.close().unwrap();
    let left = [("PAGER", "head -n 1")];
    let Some(shown) = on_a_terminal(&format!("redraft log {store}; echo code $?"), &left) else { return };
    assert!(shown.trim_end().ends_with("code 0") && !shown.contains("error"), "{shown}");
}

#[test]
fn colours_are_where_they_are_wanted() {
    let place = Place::new();
    let store = place.store("s", 2);
    let diff = format!("redraft diff {store} 1 2");
    let is_coloured = |text: &str| text.contains("\u{1b}[33m");
    if let Some(shown) = on_a_terminal(&diff, &[]) {
        assert!(is_coloured(&shown), "{shown:?}");
        for refused in [("NO_COLOR", "1"), ("TERM", "dumb")] {
            assert!(!is_coloured(&on_a_terminal(&diff, &[refused]).unwrap()), "{refused:?}");
        }
        assert!(!is_coloured(&on_a_terminal(&format!("{diff} --color never"), &[]).unwrap()));
    }
    let piped = |variables: &[(&str, &str)], args: &[&str]| {
        let mut diff = command(&[&["diff", &store, "1", "2"], args].concat());
        diff.env_remove("NO_COLOR").envs(variables.iter().copied());
        is_coloured(&done(diff).ok())
    };
    assert!(!piped(&[], &[]));
    assert!(piped(&[("CLICOLOR_FORCE", "1")], &[]));
    assert!(!piped(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], &[]));
    assert!(!piped(&[("CLICOLOR_FORCE", "0")], &[]));
    assert!(piped(&[("NO_COLOR", "1")], &["--color", "always"]));
    let shown = done({
        let mut log = command(&["log", &store]);
        log.env("CLICOLOR_FORCE", "1").env_remove("NO_COLOR");
        log
    });
    assert!(shown.ok().lines().next().unwrap().starts_with("\u{1b}[33m1  20"), "a change begins in colour");
    assert!(!redraft(&["doctor", &store]).ok().contains('\u{1b}'));
}
