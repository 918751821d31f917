//! An answer that is lost says nothing: what was appended may be there or not, and is there once.

use crate::appending::read;
use crate::servers::{Server, append, end, eventually, there_are_servers};
use redraft::jetstream::{JetStream, Stream};
use redraft::replica::{Order, Source};
use redraft::{Error, ErrorKind};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What lies between a client and a server, and can be made to swallow what goes either way.
#[derive(Default)]
struct Between {
    swallows_questions: AtomicBool,
    swallows_answers: AtomicBool,
    open: Mutex<Vec<TcpStream>>,
}

impl Between {
    /// Its port, and itself.
    fn start(server: u16) -> (u16, Arc<Between>) {
        let (listener, between) = (TcpListener::bind("127.0.0.1:0").unwrap(), Arc::new(Between::default()));
        let port = listener.local_addr().unwrap().port();
        let own = Arc::clone(&between);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(upstream) = TcpStream::connect(("127.0.0.1", server)) else { continue };
                own.join(&client, &upstream, |between| &between.swallows_questions);
                own.join(&upstream, &client, |between| &between.swallows_answers);
                own.open.lock().unwrap().extend([client, upstream]);
            }
        });
        (port, between)
    }

    fn join(self: &Arc<Self>, from: &TcpStream, to: &TcpStream, swallows: fn(&Between) -> &AtomicBool) {
        let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
        let between = Arc::clone(self);
        std::thread::spawn(move || {
            let mut piece = vec![0; 1 << 16];
            while let Ok(count @ 1..) = from.read(&mut piece) {
                if !swallows(&between).load(Ordering::SeqCst) && to.write_all(&piece[..count]).is_err() {
                    break;
                }
            }
            let _ = to.shutdown(Shutdown::Both);
        });
    }

    /// Lets everything pass again, over new connections.
    fn heal(&self) {
        self.swallows_questions.store(false, Ordering::SeqCst);
        self.swallows_answers.store(false, Ordering::SeqCst);
        for stream in self.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// A stream that is reached through something that swallows.
fn reached(server: &Server) -> (Stream, Arc<Between>) {
    let (port, between) = Between::start(server.port);
    let url = format!("nats://127.0.0.1:{port}");
    let stream = JetStream::new([url], "board").timeout(Duration::from_millis(700)).open().unwrap();
    append(&stream, &[b"first"]);
    (stream, between)
}

#[test]
fn what_was_appended_is_there_once_though_its_answer_was_lost() {
    if !there_are_servers() {
        return;
    }
    let server = Server::alone();
    let (stream, between) = reached(&server);
    let place = end(&stream);
    between.swallows_answers.store(true, Ordering::SeqCst);
    let answer = stream.append(place, &[b"second"]);
    assert_eq!(answer.unwrap_err().kind(), ErrorKind::Unreachable);
    between.heal();
    eventually("it is reached again", || stream.status().is_ok());
    assert_eq!(end(&stream).offset, 2);
    let again = stream.append(place, &[b"second"]);
    assert!(matches!(again, Err(Error::Overtaken { offset: 1, .. })), "{again:?}");
    append(&stream, &[b"third"]);
    assert_eq!(read(&server.stream(), 0), [b"first".to_vec(), b"second".to_vec(), b"third".to_vec()]);
}

#[test]
fn what_did_not_arrive_is_not_there_and_can_be_appended_again() {
    if !there_are_servers() {
        return;
    }
    let server = Server::alone();
    let (stream, between) = reached(&server);
    let place = end(&stream);
    between.swallows_questions.store(true, Ordering::SeqCst);
    assert!(stream.append(place, &[b"second"]).is_err());
    between.heal();
    eventually("it is reached again", || stream.status().is_ok());
    stream.append(place, &[b"second"]).unwrap();
    assert_eq!(read(&server.stream(), 0), [b"first".to_vec(), b"second".to_vec()]);
}

/// A connection on which nothing comes any longer is not taken for a source that has nothing new.
#[test]
fn a_feed_over_a_connection_that_went_silent_ends_with_an_error() {
    if !there_are_servers() {
        return;
    }
    let server = Server::alone();
    let (stream, between) = reached(&server);
    let mut feed = stream.feed(0, true).unwrap();
    let mut piece = vec![0; 1 << 10];
    assert!(feed.read(&mut piece).unwrap() > 0);
    between.swallows_answers.store(true, Ordering::SeqCst);
    let error = loop {
        match feed.read(&mut piece) {
            Ok(0) => panic!("it ended as if there were nothing more"),
            Ok(_) => {}
            Err(error) => break error.downcast::<Error>().unwrap(),
        }
    };
    assert_eq!(error.kind(), ErrorKind::Unreachable, "{error:?}");
    between.heal();
    eventually("it is followed again", || stream.feed(1, true).is_ok());
}
