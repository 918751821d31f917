//! A progress bar on stderr, if that is a terminal and nobody asked for JSON; otherwise nothing.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

const COUNTED: &str = "{spinner} {pos}/{len} {msg} [{wide_bar}] {per_sec}, {eta} left";
const MEASURED: &str = "{spinner} {bytes}/{total_bytes} [{wide_bar}] {bytes_per_sec}, {eta} left";
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
