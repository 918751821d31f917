//! The part of [`judge`](super::judge) that is the raw log, which reads stores too: forward, backward and by offset the
//! records are the same, and a writer of a log goes on where it ended.

use super::judge::{allowed, ensure};
use super::worlds::dir;
use redraft::Error;
use redraft::io::Env;
use redraft::log::{Options, Reader};

/// Records with their offsets, ascending.
type Records = Vec<(u64, Vec<u8>)>;
/// A way to read them all.
type Way = fn(&Reader) -> Result<Records, Error>;

/// Reads all there is in three ways. `sound` says that verification found nothing wrong.
pub(super) fn read(env: &Env, sound: bool) -> Result<(), String> {
    let opened = allowed(options(env).open_read_only(dir()))?;
    let Ok(reader) = opened else {
        return ensure(!sound, || format!("a sound log cannot be read: {opened:?}"));
    };
    let ways: [Way; 3] = [forward, backward, by_offset];
    let [forward, backward, by_offset] = ways.map(|read| allowed(read(&reader)));
    let (forward, backward, by_offset) = (forward?, backward?, by_offset?);
    if !sound {
        return Ok(());
    }
    let show = |way: &Result<Records, Error>| format!("{:?}", way.as_ref().map(|records| records.len()));
    let same = match (&forward, &backward, &by_offset) {
        (Ok(forward), Ok(backward), Ok(by_offset)) => forward == backward && forward == by_offset,
        _ => false,
    };
    let differ = || {
        format!("{} forward, {} backward, {} by offset", show(&forward), show(&backward), show(&by_offset))
    };
    ensure(same, differ)
}

fn options(env: &Env) -> Options {
    Options::new().env(env.clone()).segment_bytes(512).create(false)
}

fn forward(reader: &Reader) -> Result<Records, Error> {
    let (mut records, mut all) = (reader.records(reader.oldest()?)?, Records::new());
    while let Some(record) = records.next_record()? {
        all.push((record.offset(), record.payload().to_vec()));
    }
    Ok(all)
}

fn backward(reader: &Reader) -> Result<Records, Error> {
    let (mut records, mut all) = (reader.backward(reader.head()?)?, Records::new());
    while let Some(record) = records.next_record()? {
        all.push((record.offset(), record.payload().to_vec()));
    }
    all.reverse();
    Ok(all)
}

fn by_offset(reader: &Reader) -> Result<Records, Error> {
    (reader.oldest()?..reader.head()?).map(|offset| Ok((offset, reader.read(offset)?))).collect()
}

/// Opens a log for writing, appends, closes and opens it again. A store refuses this.
pub(super) fn write(env: &Env) -> Result<(), String> {
    let Ok(log) = allowed(options(env).open(dir()))? else { return Ok(()) };
    let head = log.head();
    let Ok(offset) = allowed(log.append(b"gone on"))? else { return Ok(()) };
    ensure(offset == head, || format!("a log of {head} records appended record {offset}"))?;
    if allowed(log.close())?.is_err() {
        return Ok(());
    }
    let again = allowed(options(env).open(dir()))?;
    let found = again.as_ref().map(|log| (log.head(), log.read(head), log.cut().cloned()));
    let whole = match &found {
        Ok((end, Ok(payload), None)) => *end == head + 1 && payload == b"gone on",
        // What is closed is trusted until it is read, so there may have been damage before; and records that share a place in
        // the table with a damaged one are not to be reached past it.
        Ok((end, Err(Error::Damaged(damage)), None)) => {
            let report = redraft::Options::new().env(env.clone()).verify(dir());
            *end == head + 1 && damage.intact < Some(head) && report.is_ok_and(|report| !report.is_sound())
        }
        _ => false,
    };
    ensure(whole, || format!("closed after record {head}, opened as {found:?}"))
}
