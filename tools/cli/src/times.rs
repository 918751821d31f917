//! Points in time and versions as people write them: `7`, `2026-05-04T10:00:00Z`, `2026-05-04`, `2h ago`, `yesterday`.
//!
//! Always: a time without an offset is in UTC, as all times that the command prints are.

use crate::{exit, stores, text};
use anyhow::Result;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, Zoned};
use redraft::{Error, Reader, Value};

const FORMS: &str =
    "RFC 3339 (2026-05-04T10:00:00Z, or a part of it, in UTC), now, today, yesterday, or \"2h ago\"";

/// Reads a time, as milliseconds since 1970. Anything else is wrong usage and says what a time is.
pub(crate) fn time(text: &str) -> Result<i64, String> {
    let now = Timestamp::now().to_zoned(TimeZone::UTC);
    let time = parse(text.trim(), &now).ok_or_else(|| format!("{text:?} is no time: times are {FORMS}"))?;
    Ok(time.as_millisecond())
}

fn parse(text: &str, now: &Zoned) -> Option<Timestamp> {
    let start_of = |day: Date| day.to_zoned(TimeZone::UTC).ok().map(|start| start.timestamp());
    match text {
        "now" => return Some(now.timestamp()),
        "today" => return start_of(now.date()),
        "yesterday" => return start_of(now.date().yesterday().ok()?),
        _ => {}
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time);
    }
    if let Ok(time) = text.parse::<DateTime>() {
        return time.to_zoned(TimeZone::UTC).ok().map(|time| time.timestamp());
    }
    // Without "ago" it would be in the time to come.
    let back = text.parse::<Span>().ok().filter(|span| text.ends_with("ago") && span.is_negative())?;
    now.checked_add(back).ok().map(|then| then.timestamp())
}

/// A version, or the one that was the newest at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    Version(u64),
    TimeMs(i64),
}

/// Reads a version or a time.
pub(crate) fn at(text: &str) -> Result<At, String> {
    match text.parse() {
        Ok(version) => Ok(At::Version(version)),
        Err(_) => time(text).map(At::TimeMs).map_err(|_| {
            format!("{text:?} is neither a version, which is a whole number from 0 on, nor a time: {FORMS}")
        }),
    }
}

impl At {
    /// The version meant, in the store as it was recorded.
    pub(crate) fn version(self, reader: &Reader<Value>) -> Result<u64> {
        let time_ms = match self {
            At::Version(version) => return Ok(version),
            At::TimeMs(time_ms) => time_ms,
        };
        let version = reader.version_at(time_ms).map_err(|error| in_words(error, time_ms))?;
        if version == 0
            && let Some(first) = reader.changes(..)?.next().transpose()?
        {
            let first = text::time_exact(i64::try_from(first.stamp.millis()).unwrap_or(i64::MAX));
            stores::note(&format!("nothing had been recorded by then: the first change was at {first}"));
        }
        Ok(version)
    }
}

/// The library counts milliseconds.
fn in_words(error: Error, time_ms: i64) -> anyhow::Error {
    match error {
        Error::BeforeKept { oldest, begins_ms, .. } => exit::NotThere(format!(
            "{} is before what is kept: the oldest is version {oldest}, recorded at {}",
            text::time_exact(time_ms),
            text::time_exact(begins_ms)
        ))
        .into(),
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Option<String> {
        let now: Timestamp = "2026-05-04T10:30:00Z".parse().unwrap();
        parse(text, &now.to_zoned(TimeZone::UTC)).map(|time| time.to_string())
    }

    #[test]
    fn times_are_read_as_people_write_them() {
        let cases = [
            ("2026-05-04T12:00:00+02:00", "2026-05-04T10:00:00Z"),
            ("2026-05-04T10:00:00", "2026-05-04T10:00:00Z"),
            ("2026-05-04 10:00", "2026-05-04T10:00:00Z"),
            ("2026-05-04", "2026-05-04T00:00:00Z"),
            ("now", "2026-05-04T10:30:00Z"),
            ("today", "2026-05-04T00:00:00Z"),
            ("yesterday", "2026-05-03T00:00:00Z"),
            ("2h ago", "2026-05-04T08:30:00Z"),
            ("90 minutes ago", "2026-05-04T09:00:00Z"),
            ("1 day 2h ago", "2026-05-03T08:30:00Z"),
            ("2 months ago", "2026-03-04T10:30:00Z"),
        ];
        for (text, expected) in cases {
            assert_eq!(told(text).as_deref(), Some(expected), "{text}");
        }
        for text in ["", "ago", "soon", "2h", "12", "2026-13-01", "2h ago ago"] {
            assert_eq!(told(text), None, "{text}");
        }
    }
}
