//! A replica on another machine outlives what happens to the network between: it is cut and heals, the other side vanishes without
//! a word, the other side moves.
//!
//! `REDRAFT_CUT_SECONDS` says how long a cut lasts, 5 by default. Longer than ten, and connections do not survive it either.

use crate::common::{Place, command, done};
use crate::hosts::{MOVED, Network, PRIMARY};
use crate::served::{Follower, Primary, tokens};
use crate::setting;
use std::time::{Duration, Instant};

const NAME: &str = "primary.test";
const LISTEN: &str = "0.0.0.0:7878";

fn url(host: &str) -> String {
    format!("http://{host}:7878")
}

/// A primary whose replica has all that there is, and listens for more.
fn followed(network: &Network, place: &Place, url: &str) -> (Primary, Follower) {
    let mut primary = Primary::start(&network.primary(), place, 0, LISTEN, &[PRIMARY, NAME]);
    (0..5).for_each(|_| primary.change());
    let mut replica = Follower::start(&network.replica(), place, "replica", url);
    // What it tells first is what it caught up with; what comes after that comes through a connection on which it only listens.
    replica.wait_for(primary.head);
    primary.change();
    replica.wait_for(primary.head);
    (primary, replica)
}

#[test]
fn a_machine_elsewhere_is_served_only_if_it_shows_a_token() {
    let Some(network) = Network::new() else { return };
    let place = Place::new();
    let store = place.store("primary", 0);
    let listen = format!("{PRIMARY}:7878");
    let open = command(&["serve", &store, "--listen", &listen]);
    let message = done(network.primary().run(open)).refused(1);
    assert!(message.contains("give it tokens"), "{message}");
    let mut primary = Primary::start(&network.primary(), &place, 0, &listen, &[]);
    primary.change();
    let (copy, token) = (place.at("copy"), tokens(&place).1);
    let follow = ["follow", &url(PRIMARY), &copy, "--token-file", &token];
    let message = done(network.replica().run(command(&follow[..3]))).refused(1);
    assert!(message.contains("401"), "{message}");
    done(network.replica().run(command(&follow))).ok();
    assert_eq!(done(command(&["show", &copy, "/n"])).ok(), "1\n");
}

#[test]
fn a_replica_goes_on_by_itself_once_a_partition_heals() {
    let Some(network) = Network::new() else { return };
    let place = Place::new();
    let (mut primary, mut replica) = followed(&network, &place, &url(PRIMARY));
    primary.change_for(Duration::from_millis(500));
    network.cut();
    let last = primary.head;
    primary.change_for(Duration::from_secs(setting("REDRAFT_CUT_SECONDS", 5)));
    let reached = replica.version();
    assert!(reached <= last && last < primary.head, "{reached} came through, {last} was the last");
    network.heal();
    primary.change_for(Duration::from_millis(500));
    replica.end_equal_to(&primary, &place, &url(PRIMARY));
}

/// The replica only listens, so that nothing but its own patience can tell it that nobody is there.
#[test]
fn a_replica_notices_that_its_primary_is_gone_without_a_word_and_finds_it_again() {
    let Some(network) = Network::new() else { return };
    let place = Place::new();
    let (mut primary, mut replica) = followed(&network, &place, &url(PRIMARY));
    network.cut();
    let head = primary.head;
    drop(primary);
    network.power_cut_of_the_primary();
    network.heal();
    primary = Primary::start(&network.primary(), &place, head, LISTEN, &[PRIMARY]);
    primary.change_for(Duration::from_secs(1));
    let (heard, begun) = (replica.version(), Instant::now());
    replica.wait_for(primary.head);
    eprintln!(
        "at version {heard} of {} a second later, all of it {:?} after that",
        primary.head,
        begun.elapsed()
    );
    replica.end_equal_to(&primary, &place, &url(PRIMARY));
}

#[test]
fn a_replica_finds_its_primary_at_another_address_by_its_name() {
    let Some(network) = Network::new() else { return };
    let place = Place::new();
    network.name_the_primary(NAME, PRIMARY);
    let (mut primary, replica) = followed(&network, &place, &url(NAME));
    network.move_the_primary();
    primary.change_for(Duration::from_secs(1));
    network.name_the_primary(NAME, MOVED);
    primary.change();
    replica.end_equal_to(&primary, &place, &url(NAME));
}
