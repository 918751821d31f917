//! `redraft replay`: history as it happened, change by change, at any speed.
//!
//! Always: reads only, beside a writer too; what is shown is on the screen before the wait for the next begins.

use crate::output::Output;
use crate::places::Place;
use crate::{args, log};
use anyhow::{Context, Result};
use redraft::{Reader, Value};
use serde::Serialize;
use serde_json::value::RawValue;
use std::thread;
use std::time::Duration;

/// Show the changes, or the states, one after the other as they happened.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  redraft replay notes.redraft --speed 10
  redraft replay notes.redraft --from 5 --to 9 --states --speed max")]
#[command(allow_negative_numbers = true)]
pub(crate) struct Args {
    #[command(flatten)]
    store: Place,
    /// The first version to show.
    #[arg(long, value_name = "V", value_parser = args::version)]
    from: Option<u64>,
    /// The last version to show.
    #[arg(long, value_name = "V", value_parser = args::version)]
    to: Option<u64>,
    /// How many times as fast as it happened; 0 or max: without waiting.
    #[arg(long, value_name = "TIMES", default_value = "1", value_parser = speed)]
    speed: Speed,
    /// The longest wait between two, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    pause: u64,
    /// Show the whole state after each change.
    #[arg(long)]
    states: bool,
}

/// How many times as fast; nothing for no waiting at all.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Speed(Option<f64>);

fn speed(text: &str) -> Result<Speed, String> {
    match text.parse::<f64>() {
        _ if text == "max" => Ok(Speed(None)),
        Ok(0.0) => Ok(Speed(None)),
        Ok(times) if times > 0.0 && times.is_finite() => Ok(Speed(Some(times))),
        _ => Err(format!("{text:?} is no speed: write how many times as fast, 0 or max for no waiting")),
    }
}

impl Speed {
    /// How long to wait between two changes. What happened before the one before it is no reason to wait.
    fn wait(self, before_ms: i64, now_ms: i64, pause: Duration) -> Duration {
        let between = u64::try_from(now_ms.saturating_sub(before_ms)).unwrap_or(0);
        let Speed(Some(times)) = self else { return Duration::ZERO };
        let wait = Duration::try_from_secs_f64(between as f64 / 1000.0 / times);
        wait.unwrap_or(pause).min(pause)
    }
}

#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    about: log::About<'a>,
    state: &'a RawValue,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<()> {
    let reader = args.store.read(output)?;
    let Some(changes) = log::changes(&reader, args.from, args.to)? else { return Ok(()) };
    let mut before_ms = None;
    for change in changes {
        let change = change?;
        let now_ms = change.time_ms();
        let pause = Duration::from_secs(args.pause);
        thread::sleep(args.speed.wait(before_ms.unwrap_or(now_ms), now_ms, pause));
        before_ms = Some(now_ms);
        match args.states {
            true => tell_state(&reader, &change, output)?,
            false => log::tell(&change, false, output)?,
        }
        output.flush()?;
    }
    Ok(())
}

fn tell_state(reader: &Reader<Value>, change: &redraft::Change, output: &mut Output) -> Result<()> {
    let state = reader.at(change.version)?;
    if !output.is_json() {
        return output.human(format_args!("{}\n{state:#}", log::headline(change)));
    }
    let json =
        RawValue::from_string(state.to_json_string()).context("the state cannot be written as JSON")?;
    output.json_line(&Shown { about: log::About::of(change), state: &json })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_what_happened_by_the_speed_and_never_longer_than_asked_for() {
        let pause = Duration::from_secs(5);
        let wait =
            |text: &str, between: i64| speed(text).unwrap().wait(1_000, 1_000 + between, pause).as_millis();
        assert_eq!(wait("1", 1_500), 1_500);
        assert_eq!(wait("10", 1_500), 150);
        assert_eq!(wait("0.5", 1_000), 2_000);
        assert_eq!(wait("1", 1_000_000), 5_000);
        assert_eq!(wait("0.000001", 1_000), 5_000);
        assert_eq!((wait("0", 1_500), wait("max", 1_500), wait("1", -20)), (0, 0, 0));
        for text in ["-1", "fast", "inf", "NaN", ""] {
            assert!(speed(text).is_err(), "{text}");
        }
    }
}
