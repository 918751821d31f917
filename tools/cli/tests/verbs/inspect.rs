//! A store is looked into until the command is told to stop: beside its writer, damaged or not, and changed only where that was let.

use super::serve::Serving;
use crate::common::{Place, redraft, redraft_fed};

#[test]
fn a_store_is_looked_into_beside_its_writer() {
    let place = Place::new();
    let store = place.store("s", 3);
    let inspecting = Serving::new(&["inspect", &store], &[]);
    assert!(inspecting.ask("GET / HTTP/1.1").contains("text/html"));
    assert!(inspecting.ask("GET /api/node?path=/n HTTP/1.1").contains(r#""preview":"3""#));
    redraft_fed(&["apply", &store], br#"[{"op":"replace","path":"/n","value":4}]"#).ok();
    while !inspecting.ask("GET /api/node?path=/n HTTP/1.1").contains(r#""preview":"4""#) {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert!(inspecting.ask("POST /api/undo HTTP/1.1").starts_with("HTTP/1.1 403 "));
    inspecting.stop();
    redraft(&["verify", &store]).ok();
}

#[test]
fn with_write_it_is_the_stores_one_writer_and_closes_it() {
    let place = Place::new();
    let store = place.store("s", 3);
    let inspecting = Serving::new(&["inspect", &store, "--write"], &[]);
    assert!(inspecting.ask("GET /api/store HTTP/1.1").contains(r#""writes":true"#));
    redraft_fed(&["apply", &store], b"[]").refused(1);
    let message = redraft(&["inspect", &store, "--write"]).refused(1);
    assert!(message.contains("without --write"), "{message}");
    inspecting.stop();
    redraft_fed(&["apply", &store], b"[]").ok();
}

#[test]
fn of_a_damaged_store_what_is_good_is_shown() {
    let place = Place::new();
    let store = place.store("s", 5);
    let segment = std::path::Path::new(&store).join("00000000000000000000.seg");
    let mut bytes = std::fs::read(&segment).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    redraft(&["show", &store]).refused(3);
    let inspecting = Serving::new(&["inspect", &store], &[]);
    assert!(inspecting.ask("GET /api/store HTTP/1.1").contains(r#""version":"#));
    while !inspecting.ask("GET /api/health HTTP/1.1").contains(r#""ok":false"#) {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert!(inspecting.ask("GET /api/health HTTP/1.1").contains("00000000000000000000.seg, byte"));
    assert!(inspecting.ask("GET /api/node HTTP/1.1").starts_with("HTTP/1.1 200 "));
    inspecting.stop();
}

#[test]
fn a_store_that_is_served_elsewhere_is_looked_into_in_a_copy_that_follows() {
    let place = Place::new();
    let store = place.store("s", 3);
    let serving = Serving::new(&["serve", &store, "--listen", "127.0.0.1:0"], &[]);
    let inspecting = Serving::new(&["inspect", &format!("http://{}", serving.address)], &[]);
    assert!(inspecting.ask("GET /api/node?path=/n HTTP/1.1").contains(r#""preview":"3""#));
    redraft(&["inspect", &format!("http://{}", serving.address), "--write"]).refused(2);
    inspecting.stop();
    serving.stop();
}

#[test]
fn an_address_that_others_can_reach_needs_to_know_who_they_are() {
    let place = Place::new();
    let store = place.store("s", 1);
    assert!(redraft(&["inspect", &store, "--listen", "0.0.0.0:0"]).refused(1).contains("tokens"));
    let token = ("REDRAFT_READ_TOKEN", "6f1d8a02c9e4b753");
    let inspecting = Serving::new(&["inspect", &store], &[token]);
    assert!(inspecting.ask("GET / HTTP/1.1").starts_with("HTTP/1.1 200 "));
    assert!(inspecting.ask("GET /api/store HTTP/1.1").starts_with("HTTP/1.1 401 "));
    inspecting.stop();
}
