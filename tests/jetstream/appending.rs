//! What was appended is what everybody reads, once and in its place.

use crate::servers::{Server, append, end, there_are_servers};
use redraft::Error;
use redraft::replica::{Order, Place, Source};
use std::io::Read;

/// The bodies of a feed from `from` on, up to its end.
pub(crate) fn read(source: &dyn Source, from: u64) -> Vec<Vec<u8>> {
    read_once(source, from).unwrap()
}

/// The same from a source that may not answer.
pub(crate) fn read_once(source: &dyn Source, from: u64) -> Result<Vec<Vec<u8>>, Box<dyn std::error::Error>> {
    let mut bytes = Vec::new();
    source.feed(from, false)?.read_to_end(&mut bytes)?;
    Ok(bodies(&bytes[64..]))
}

/// Records as they are appended.
pub(crate) fn slices(records: &[Vec<u8>]) -> Vec<&[u8]> {
    records.iter().map(Vec::as_slice).collect()
}

/// The bodies of the frames in this.
pub(crate) fn bodies(mut rest: &[u8]) -> Vec<Vec<u8>> {
    let mut bodies = Vec::new();
    while let Some(length) = rest.first_chunk().map(|bytes| u32::from_le_bytes(*bytes)) {
        if length == u32::MAX {
            rest = &rest[20..];
            continue;
        }
        let end = 4 + length as usize;
        bodies.push(rest[4..end].to_vec());
        rest = &rest[end + 4..];
    }
    bodies
}

#[test]
fn what_was_appended_is_read_back_from_every_offset() {
    if !there_are_servers() {
        return;
    }
    let server = Server::alone();
    let stream = server.stream();
    let all: Vec<Vec<u8>> = (0..100_u32).map(|n| format!("record {n}").into_bytes()).collect();
    for (at, batch) in all.chunks(7).enumerate() {
        assert_eq!(end(&stream).offset, 7 * at as u64);
        append(&stream, &slices(batch));
    }
    // By a connection that has seen none of it, and by the one that wrote it.
    for stream in [&stream, &server.stream()] {
        assert_eq!(stream.status().unwrap().head, 100);
        for from in 0..=100 {
            assert_eq!(read(stream, from), all[from as usize..], "from {from}");
        }
    }
}

#[test]
fn who_is_overtaken_has_appended_nothing() {
    if !there_are_servers() {
        return;
    }
    let server = Server::alone();
    let (ours, theirs) = (server.stream(), server.stream());
    let place = end(&ours);
    theirs.append(place, &[b"theirs"]).unwrap();
    let answer = ours.append(place, &[b"ours"]);
    assert!(matches!(answer, Err(Error::Overtaken { offset: 0, .. })), "{answer:?}");
    assert_eq!(read(&ours, 0), [b"theirs".to_vec()]);
    ours.append(end(&ours), &[b"ours"]).unwrap();
    assert_eq!(read(&theirs, 0), [b"theirs".to_vec(), b"ours".to_vec()]);
}

#[test]
fn a_place_that_is_not_the_end_is_refused() {
    if !there_are_servers() {
        return;
    }
    let server = Server::alone();
    let stream = server.stream();
    append(&stream, &[b"one", b"two"]);
    let Place { offset, chain } = end(&stream);
    let one = [&b"three"[..]];
    let ahead = stream.append(Place { offset: offset + 1, chain }, &one);
    assert!(matches!(ahead, Err(Error::BeyondHead { version: 3, head: 2 })), "{ahead:?}");
    let differs = stream.append(Place { offset, chain: chain ^ 1 }, &one);
    assert!(matches!(differs, Err(Error::Diverged { offset: 2, .. })), "{differs:?}");
    assert_eq!(read(&stream, 0).len(), 2);
}

#[test]
fn a_record_larger_than_any_message_is_read_back_whole() {
    if !there_are_servers() {
        return;
    }
    let server = Server::alone();
    let stream = server.stream();
    let large: Vec<u8> = (0..3_500_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    assert!(large.len() > 3 * stream.batch_bytes());
    append(&stream, &[b"before"]);
    append(&stream, &[&large]);
    append(&stream, &[b"after"]);
    let stream = server.stream();
    assert_eq!(read(&stream, 0), [b"before".to_vec(), large.clone(), b"after".to_vec()]);
    assert_eq!(read(&stream, 1).len(), 2);
    let two = stream.append(end(&stream), &[&large, b"more"]);
    assert!(matches!(two, Err(Error::TooLarge { index: 0, .. })), "{two:?}");
}

#[test]
fn a_batch_as_large_as_it_may_be_fits() {
    if !there_are_servers() {
        return;
    }
    let server = Server::alone();
    let stream = server.stream();
    let body = vec![7; stream.batch_bytes() / 2 - 8];
    stream.append(end(&stream), &[&body, &body]).unwrap();
    assert_eq!(read(&server.stream(), 1), [body]);
}
