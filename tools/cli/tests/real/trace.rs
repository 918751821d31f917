//! System calls that fail on purpose: the writer runs under `strace`, which answers chosen calls in the kernel's place.

use super::skipped;
use super::writer::{Ran, Work};
use crate::common::Place;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// Whether calls can be traced here. Says so if not.
pub(crate) fn possible() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    let possible = *ANSWER.get_or_init(|| {
        let mut probe = Command::new("strace");
        probe.args(["-f", "-qq", "-o", "/dev/null", "-e", "inject=fdatasync:error=EIO:when=1", "true"]);
        probe.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    });
    if !possible {
        skipped("system calls cannot be traced here (strace is missing or not allowed)");
    }
    possible
}

/// The command under a tracer that notes `calls` in `log` and, if told so, tampers with one of them.
pub(crate) fn traced(command: &Command, calls: &str, tampering: Option<&str>, log: &Path) -> Command {
    let mut traced = Command::new("strace");
    traced.args(["-f", "-qq", "-y", "-o"]).arg(log).arg("-e").arg(format!("trace={calls}"));
    if let Some(how) = tampering {
        traced.arg("-e").arg(format!("inject={how}"));
    }
    traced.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        traced.env(name, value.unwrap_or_default());
    }
    traced.stdin(Stdio::null()).stderr(Stdio::piped());
    traced
}

/// How often a writer makes a call when nothing fails.
pub(crate) fn calls(call: &str) -> u64 {
    let place = Place::new();
    let log = place.path().join("log");
    let ran = Ran::of(traced(&Work::small(&place.at("s")).command(), call, None, &log));
    assert!(ran.closed, "{ran:?}");
    let entry = format!("{call}(");
    std::fs::read_to_string(log).unwrap().lines().filter(|line| line.contains(&entry)).count() as u64
}

/// Lets each of a writer's calls fail in turn, on a new store each time, and hands over what is left. `when` follows the
/// number of the call: nothing for once, `+` for from then on.
///
/// An everyday run takes at most `REDRAFT_FAULTS_PER_CALL` of the calls, spread evenly, and says how many there were.
pub(crate) fn sweep(call: &str, how: &str, when: &str, mut judge: impl FnMut(&str, &Ran)) {
    if !possible() {
        return;
    }
    let (total, most) = (calls(call), super::setting("REDRAFT_FAULTS_PER_CALL", 30));
    let step = total.div_ceil(most).max(1) as usize;
    let (mut done, mut met) = (0, 0);
    for nth in (1..=total).step_by(step) {
        let place = Place::new();
        let (store, log) = (place.at("s"), place.path().join("log"));
        let tampering = format!("{call}:{how}:when={nth}{when}");
        let ran = Ran::of(traced(&Work::small(&store).command(), call, Some(&tampering), &log));
        let traced = std::fs::read_to_string(&log).unwrap();
        met += u64::from(traced.contains("(INJECTED") || ran.status.code().is_none());
        done += 1;
        eprintln!("{tampering}: acknowledged {}", ran.acknowledged);
        if ran.began() {
            judge(&store, &ran);
        }
    }
    eprintln!("{call} {how}{when}: {done} of {total} calls, {met} met");
    eprintln!("counted {done} system calls failed");
    assert!(met > 0, "no call was met, so nothing was tested");
}
