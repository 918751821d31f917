//! Who closes a node or a replica does not wait for a server that does not answer.

use crate::servers::{Server, there_are_servers};
use redraft::Value;
use redraft::replica::Node;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

/// For how long a question may go unanswered.
const PATIENCE: Duration = Duration::from_secs(600);
/// What is waited for that long is not there in a tenth of it.
const SOON: Duration = Duration::from_secs(60);

#[test]
fn a_node_is_closed_while_its_server_stands_still() {
    if !there_are_servers() {
        return;
    }
    let server = Server::alone();
    let dir = tempfile::tempdir().unwrap();
    let open = || {
        let stream = Arc::new(server.settings().timeout(PATIENCE).open().unwrap());
        Node::<Value>::open(stream, dir.path()).unwrap()
    };
    for (moment, n) in [0, 50, 1500].into_iter().zip(0_i64..) {
        let node = open();
        node.produce(|doc| doc["n"] = n.into()).unwrap();
        server.stop();
        let waits = node.submit(|doc| doc["waits"] = n.into()).unwrap();
        thread::sleep(Duration::from_millis(moment));
        let (tell, told) = mpsc::channel();
        thread::spawn(move || tell.send(node.close()));
        let closed = told.recv_timeout(SOON);
        server.resume();
        closed.expect("it is closed").unwrap();
        drop(waits);
    }
    let node = open();
    node.wait_for(6).unwrap();
    assert_eq!(
        (node.state().unwrap()["n"].as_i64(), node.state().unwrap()["waits"].as_i64()),
        (Some(2), Some(2))
    );
}
