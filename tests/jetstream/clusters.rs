//! Three servers, of which any may go: what was acknowledged is there once, in its order.

use crate::appending::read_once;
use crate::servers::{Server, cluster, end, eventually, there_are_servers};
use redraft::jetstream::{JetStream, Stream};
use redraft::replica::{Order, Place, Source};
use redraft::{Error, ErrorKind};
use std::time::{Duration, Instant};

/// How long it is written while servers go and come.
const LENGTH: Duration = Duration::from_secs(12);

fn settings(servers: &[Server]) -> JetStream {
    let urls = servers.iter().map(Server::url);
    JetStream::new(urls, "board").replicas(3).timeout(Duration::from_secs(3))
}

fn open(servers: &[Server]) -> Stream {
    let mut stream = None;
    eventually("the cluster takes a stream", || {
        stream = settings(servers).open().ok();
        stream.is_some()
    });
    stream.unwrap()
}

/// Appends numbered records until it is over; those that were acknowledged. One of which nothing was heard is looked for, and not
/// written again if it is there.
fn write(stream: &Stream, writer: u8, until: Instant) -> Vec<Vec<u8>> {
    let mut acknowledged = Vec::new();
    for number in 0_u32.. {
        let record = format!("writer {writer} record {number}").into_bytes();
        loop {
            if Instant::now() > until {
                return acknowledged;
            }
            match append_once(stream, &record) {
                Ok(()) => break,
                Err(error) => {
                    let kinds = [ErrorKind::Unreachable, ErrorKind::Busy];
                    assert!(kinds.contains(&error.kind()), "{error:?}");
                }
            }
        }
        acknowledged.push(record);
    }
    acknowledged
}

fn append_once(stream: &Stream, record: &[u8]) -> Result<(), Error> {
    let status = stream.status()?;
    let place = Place { offset: status.head, chain: stream.chain_at(status.head)? };
    match stream.append(place, &[record]) {
        Err(Error::Unreachable { .. }) => was_appended(stream, place, record),
        answer => answer,
    }
}

/// Whether the record whose answer was lost is there: known only once something is at its place, which is seen to.
fn was_appended(stream: &Stream, place: Place, record: &[u8]) -> Result<(), Error> {
    loop {
        let here = match stream.status() {
            Ok(status) if status.head > place.offset => read_one(stream, place.offset),
            // Nobody took the place yet: the same record again is the same message, or is overtaken by itself.
            Ok(_) => match stream.append(place, &[record]) {
                Ok(()) => return Ok(()),
                Err(_) => None,
            },
            Err(_) => None,
        };
        match here {
            Some(found) if found == record => return Ok(()),
            Some(_) => {
                return Err(Error::Overtaken { from: stream.name(), offset: place.offset });
            }
            None => std::thread::sleep(Duration::from_millis(100)),
        }
    }
}

fn read_one(stream: &Stream, offset: u64) -> Option<Vec<u8>> {
    use std::io::Read;
    let mut bytes = Vec::new();
    stream.feed(offset, false).ok()?.read_to_end(&mut bytes).ok()?;
    crate::appending::bodies(&bytes[64..]).into_iter().next()
}

#[test]
fn what_was_acknowledged_is_there_once_and_in_order_while_servers_are_killed() {
    if !there_are_servers() {
        return;
    }
    let mut servers = cluster();
    let streams = [open(&servers), open(&servers)];
    let until = Instant::now() + LENGTH;
    let written: Vec<Vec<Vec<u8>>> = std::thread::scope(|scope| {
        let writers: Vec<_> = streams
            .iter()
            .enumerate()
            .map(|(index, stream)| scope.spawn(move || write(stream, index as u8, until)))
            .collect();
        for round in 0.. {
            if Instant::now() + Duration::from_secs(4) > until {
                break;
            }
            std::thread::sleep(Duration::from_millis(1500));
            let victim = round % 3;
            servers[victim].kill();
            std::thread::sleep(Duration::from_millis(1500));
            servers[victim].start();
        }
        writers.into_iter().map(|writer| writer.join().unwrap()).collect()
    });
    let mut all = None;
    eventually("the cluster answers", || {
        let stream = settings(&servers).open().ok();
        all = stream.and_then(|stream| read_once(&stream, 0).ok());
        all.is_some()
    });
    let all = all.unwrap();
    for (writer, acknowledged) in written.iter().enumerate() {
        assert!(acknowledged.len() > 10, "writer {writer} got {} through", acknowledged.len());
        let prefix = format!("writer {writer} ").into_bytes();
        let own: Vec<&Vec<u8>> = all.iter().filter(|record| record.starts_with(&prefix)).collect();
        // One may be on its way when it is over.
        assert!(own.len() - acknowledged.len() <= 1, "{} of {}", own.len(), acknowledged.len());
        assert!(own.iter().zip(acknowledged).all(|(found, expected)| *found == expected));
    }
    eprintln!("counted {} records through killed servers", all.len());
    assert_eq!(end(&streams[0]).offset, all.len() as u64);
}
