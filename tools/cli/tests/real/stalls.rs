//! Readers that do not read cost a primary a bounded piece of memory, and other followers nothing.
//!
//! `REDRAFT_STALL_SECONDS` says for how long a follower stands still at least, 20 by default, and `REDRAFT_STALL_CHANGES` how many
//! changes of a megabyte come meanwhile, 200 by default.

use crate::common::Place;
use crate::hosts::Host;
use crate::mounts::tool;
use crate::served::{Follower, Primary, Running};
use crate::{setting, skipped};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// What may be made ready for two readers at once, and what the allocator keeps of changes that were made: all of it far less
/// than what comes.
const GROWTH_MAX: u64 = 32 << 20;
/// Just fits into a request.
const CHANGE_BYTES: usize = 1_000_000;

fn large(version: u64) -> String {
    let padding = format!("{version:08} ").repeat(CHANGE_BYTES / 9);
    format!(
        "[{{\"op\":\"add\",\"path\":\"/n\",\"value\":{version}}},{{\"op\":\"add\",\"path\":\"/padding\",\"value\":\"{padding}\"}}]"
    )
}

fn change(primary: &mut Primary) {
    primary.change_to(&large(primary.head + 1));
}

#[test]
fn a_stalled_follower_and_a_slow_reader_cost_a_bounded_piece_of_memory_and_nobody_else_anything() {
    if let Err(why) = tool("curl", &["--version"]) {
        return skipped(&format!("nobody submits changes here (curl: {why})"));
    }
    let (here, place) = (Host::here(), Place::new());
    let mut primary = Primary::start(&here, &place, 0, "127.0.0.1:0", &[]);
    let url = primary.url.clone();
    let mut slow = primary.curl(&["--limit-rate", "1k"], "/v1/log?from=0&follow=true");
    slow.stdout(Stdio::null());
    let mut slow = Running::new(slow);
    let mut lively = Follower::start(&here, &place, "lively", &url);
    let mut stalled = Follower::start(&here, &place, "stalled", &url);
    // What a primary with followers takes anyway is there before it counts.
    (0..10).for_each(|_| change(&mut primary));
    lively.wait_for(primary.head);
    stalled.wait_for(primary.head);
    let (before, begun, last) = (primary.memory(), Instant::now(), primary.head);
    stalled.signal("STOP");
    let mut most = before;
    for _ in 0..setting("REDRAFT_STALL_CHANGES", 200) {
        change(&mut primary);
        most = most.max(primary.memory());
    }
    lively.wait_for(primary.head);
    let spell = Duration::from_secs(setting("REDRAFT_STALL_SECONDS", 20));
    std::thread::sleep(spell.saturating_sub(begun.elapsed()));
    most = most.max(primary.memory());
    let (sent, grown) = ((primary.head - last) as usize * CHANGE_BYTES, most - before);
    eprintln!("{before} bytes before, {grown} more while {sent} bytes of changes came");
    assert!(grown < GROWTH_MAX, "{before} bytes before, {grown} more");
    assert_eq!(stalled.version(), last, "it stands still");
    assert!(slow.runs(), "the slow reader was given up");
    stalled.signal("CONT");
    stalled.end_equal_to(&primary, &place, &url);
    lively.end_equal_to(&primary, &place, &url);
}
