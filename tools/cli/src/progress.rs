//! A progress bar on stderr, if that is a terminal and nobody asked for JSON; otherwise nothing.
//!
//! What counts its steps moves a [`bar`]. What does not is [watched](Watch) from beside: by the bytes this process has read, or those in
//! the directory it fills. Always: what is done within a second shows nothing of that.

use crate::files;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// What takes longer is shown.
const UNSHOWN: Duration = Duration::from_secs(1);
const LOOK: Duration = Duration::from_millis(100);
/// Where Linux tells what a process has read.
const READ: &str = "/proc/self/io";

const COUNTED: &str = "{spinner} {pos}/{len} {msg} [{wide_bar}] {per_sec}, {eta} left";
const MEASURED: &str = "{spinner} {bytes}/{total_bytes} [{wide_bar}] {bytes_per_sec}, {eta} left";
const WATCHED: &str =
    "{spinner} {msg} {bytes} of about {total_bytes} [{wide_bar}] {bytes_per_sec}, {eta} left";
const GROWING: &str = "{spinner} {msg} {bytes}, {bytes_per_sec}, {elapsed}";
const ENDLESS: &str = "{spinner} {pos} {msg}, {per_sec}";

/// What is counted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unit {
    /// Things with a name, out of so many.
    Of(u64, &'static str),
    /// Bytes out of so many.
    BytesOf(u64),
    /// Things with a name, nobody knows how many.
    Some(&'static str),
}

pub(crate) fn bar(unit: Unit, quiet: bool) -> ProgressBar {
    let (len, template, name) = match unit {
        Unit::Of(len, name) => (Some(len), COUNTED, name),
        Unit::BytesOf(len) => (Some(len), MEASURED, ""),
        Unit::Some(name) => (None, ENDLESS, name),
    };
    let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let bar = ProgressBar::with_draw_target(len, target).with_message(name);
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// Shows how far something is that tells nothing by itself, until this is dropped.
#[derive(Debug)]
pub(crate) struct Watch(Option<(Sender<()>, JoinHandle<()>)>);

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.0.take() {
            drop(stop);
            // A bar that failed is no reason for what it was about to fail.
            let _ = thread.join();
        }
    }
}

/// Watches what reads the store in `dir`, once through as far as that can be known before.
pub(crate) fn reading(what: &'static str, dir: &Path, quiet: bool) -> Watch {
    let before = read_bytes();
    let total = if is_shown(quiet) { files::directory_bytes(dir).ok() } else { None };
    watch(what, total, quiet, move || {
        read_bytes().zip(before).map(|(now, before)| now.saturating_sub(before))
    })
}

/// Watches what fills a directory.
pub(crate) fn filling(what: &'static str, dir: &Path, quiet: bool) -> Watch {
    let dir = dir.to_owned();
    watch(what, None, quiet, move || Some(files::tree_bytes(&dir)))
}

fn is_shown(quiet: bool) -> bool {
    !quiet && std::io::stderr().is_terminal()
}

fn read_bytes() -> Option<u64> {
    let told = files::beginning(Path::new(READ), 1_000).ok()?;
    let told = String::from_utf8(told).ok()?;
    told.lines().find_map(|line| line.strip_prefix("rchar: ")).and_then(|bytes| bytes.parse().ok())
}

fn watch(
    what: &'static str,
    total: Option<u64>,
    quiet: bool,
    measure: impl Fn() -> Option<u64> + Send + 'static,
) -> Watch {
    if !is_shown(quiet) {
        return Watch(None);
    }
    let (stop, stopped) = channel::<()>();
    let thread = thread::spawn(move || {
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden()).with_message(what);
        let styled = |template| {
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
        };
        styled(if total.is_some() { WATCHED } else { GROWING });
        let begun = Instant::now();
        while stopped.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
            let bytes = measure().unwrap_or(0);
            bar.set_position(bytes);
            // It reads some of it again, and nobody knows how much is left.
            if total.is_some_and(|total| bytes > total) {
                styled(GROWING);
            }
            if bar.is_hidden() && begun.elapsed() >= UNSHOWN {
                bar.set_draw_target(ProgressDrawTarget::stderr());
            }
        }
        bar.finish_and_clear();
    });
    Watch(Some((stop, thread)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_watched_that_nobody_would_see() {
        assert!(reading("checking", Path::new("."), true).0.is_none());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_this_process_reads_is_counted() {
        let before = read_bytes().unwrap();
        let read = files::beginning(&std::env::current_exe().unwrap(), 1 << 20).unwrap();
        assert!(read_bytes().unwrap() >= before + read.len() as u64);
    }
}
