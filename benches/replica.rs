//! A replica over loopback: how fast it catches up, with and without TLS or a state, against curl copying the same files from a plain
//! file server; how late a change is visible there; and what many followers cost. Prints a table; takes some minutes.
//!
//! `REDRAFT_CHANGES` sets how many changes are copied, `REDRAFT_BYTES` how long each is, `REDRAFT_FOLLOWERS` how many follow in the end.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark that cannot run has nothing to measure; this one prints its table and looks at files"
)]

use redraft::http::{Limits, Remote, RemoteOptions, Served, Server, Tls};
use redraft::replica::Beginning;
use redraft::{Options, Replica, SnapshotPolicy, Store, Value};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

fn options() -> Options {
    Options::new().snapshots(SnapshotPolicy::on_demand())
}

/// A store of so many changes whose records are about so long.
fn written(path: &Path, changes: u64, bytes: usize) -> Arc<Store<Value>> {
    let store: Store<Value> = options().open(path).expect("a store");
    for n in 0..changes {
        let key = format!("k{}", n % 1_000);
        // Length, checksum, version, stamp and path take some thirty of them.
        let text = unlike_any_other(n, bytes.saturating_sub(30));
        drop(store.submit(|doc| doc[key.as_str()] = text.as_str().into()).expect("a change"));
    }
    store.sync().expect("a sync");
    Arc::new(store)
}

/// Text that has nothing in common with what was there before, or only what differs would be recorded.
fn unlike_any_other(n: u64, bytes: usize) -> String {
    let mut dice = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut text = String::with_capacity(bytes + 16);
    while text.len() < bytes {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        text.push_str(&format!("{dice:016x}"));
    }
    text.truncate(bytes);
    text
}

/// Serves on a thread of its own, for as long as the process lives.
fn served(store: &Arc<Store<Value>>, tls: Option<Tls>) -> SocketAddr {
    let (tell, told) = std::sync::mpsc::channel();
    let limits = Limits::new().streams(2_000).connections(2_000);
    let server = Server::new(Served::from(Arc::clone(store))).limits(limits);
    let server = match tls {
        Some(tls) => server.tls(tls),
        None => server,
    };
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let bound = server.bind("127.0.0.1:0".parse().expect("an address")).await.expect("a socket");
            tell.send(bound.address()).expect("somebody waits");
            bound.run(std::future::pending()).await;
        });
    });
    told.recv().expect("a server")
}

fn remote(address: SocketAddr) -> Arc<Remote> {
    Arc::new(Remote::open(&format!("http://{address}")).expect("an address"))
}

/// The same store once more, with a certificate that nobody but the one who reads its file trusts: as plain HTTP is asked, and as that is.
fn over_tls(dir: &Path, store: &Arc<Store<Value>>) -> Arc<Remote> {
    let (certificate, secret) = (dir.join("certificate.pem"), dir.join("key.pem"));
    let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    std::fs::write(&certificate, signed.cert.pem()).expect("room");
    std::fs::write(&secret, signed.signing_key.serialize_pem()).expect("room");
    let tls = Tls::from_files(certificate.clone(), secret, None).expect("a certificate and its key");
    let url = format!("https://localhost:{}", served(store, Some(tls)).port());
    Arc::new(RemoteOptions::new().ca(certificate).open(&url).expect("an address"))
}

/// How long history alone takes from there.
fn caught_up(source: Arc<Remote>, copy: &Path, changes: u64) -> Duration {
    let mut mirror = options().mirror_of(source, copy, Beginning::Oldest).expect("a mirror");
    let begin = Instant::now();
    assert_eq!(mirror.catch_up().expect("all of it").version, changes);
    let took = begin.elapsed();
    mirror.close().expect("a clean close");
    took
}

fn bytes_in(dir: &Path) -> u64 {
    let files = std::fs::read_dir(dir).expect("a directory");
    files.filter_map(|file| file.ok()?.metadata().ok().map(|about| about.len())).sum()
}

/// The same files by curl, from the plainest of servers; how long that took, and how long until they were synced too. Nothing
/// where either is not there.
fn by_curl(from: &Path, to: &Path) -> Option<(Duration, Duration)> {
    std::fs::create_dir(to).ok()?;
    let port = 20_000 + std::process::id() % 10_000;
    let mut server = Command::new("python3")
        .args(["-m", "http.server", "--bind", "127.0.0.1", &port.to_string()])
        .current_dir(from)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    std::thread::sleep(Duration::from_secs(1));
    let names: Vec<String> = std::fs::read_dir(from)
        .ok()?
        .filter_map(|file| file.ok()?.file_name().into_string().ok().filter(|name| name.ends_with(".seg")))
        .collect();
    let begin = Instant::now();
    let mut curl = Command::new("curl");
    curl.arg("-sS").current_dir(to);
    for name in &names {
        curl.args(["-o", name, &format!("http://127.0.0.1:{port}/{name}")]);
    }
    let is_copied = curl.status().ok()?.success();
    let copied = begin.elapsed();
    let is_synced = Command::new("sync").args(&names).current_dir(to).status().ok()?.success();
    let took = begin.elapsed();
    drop(server.kill());
    drop(server.wait());
    (is_copied && is_synced).then_some((copied, took))
}

fn catching_up(dir: &Path, store: &Arc<Store<Value>>, address: SocketAddr) {
    let (changes, megabytes) = (store.version(), bytes_in(store.path()) as f64 / 1e6);
    println!("{changes} changes, {megabytes:.0} MB");
    let secured = over_tls(dir, store);
    for round in 0..3 {
        let copy = dir.join(format!("mirror{round}"));
        let took = caught_up(remote(address), &copy, changes);
        let sealed = dir.join(format!("sealed{round}"));
        let encrypted = caught_up(Arc::clone(&secured), &sealed, changes);
        let plain = by_curl(store.path(), &dir.join(format!("curl{round}")));
        let rate = |took: Duration| megabytes / took.as_secs_f64();
        println!("history alone: {took:?}, {:.0} MB/s", rate(took));
        println!(
            "over TLS: {encrypted:?}, {:.0} MB/s, {:.2} of that",
            rate(encrypted),
            rate(encrypted) / rate(took)
        );
        if let Some((copied, synced)) = plain {
            let ratio = |plain: Duration| plain.as_secs_f64() / took.as_secs_f64();
            println!(
                "by curl {copied:?}, {:.2} of its speed; synced too {synced:?}, {:.2}",
                ratio(copied),
                ratio(synced)
            );
        }
        std::fs::remove_dir_all(copy).expect("room");
        std::fs::remove_dir_all(sealed).expect("room");
    }
    let copy = dir.join("replica");
    let replica: Replica =
        options().replica_of(remote(address), &copy, Beginning::Oldest).expect("a replica");
    let begin = Instant::now();
    assert_eq!(replica.catch_up().expect("all of it").version, changes);
    let took = begin.elapsed();
    println!("with its state: {took:?}, {:.0} changes/s", changes as f64 / took.as_secs_f64());
    replica.close().expect("a clean close");
    std::fs::remove_dir_all(copy).expect("room");
}

/// From acknowledged at the primary to visible at the replica, at a thousand changes a second.
fn lateness(dir: &Path, store: &Arc<Store<Value>>, address: SocketAddr) {
    let replica: Replica =
        options().replica_of(remote(address), dir.join("live"), Beginning::Oldest).expect("a replica");
    let following = replica.follow().expect("a thread");
    replica.wait_for(store.version(), Duration::from_secs(600)).expect("all of it");
    let mut late = Vec::new();
    let begin = Instant::now();
    for n in 0..5_000_u32 {
        let due = Duration::from_millis(n.into());
        std::thread::sleep(due.saturating_sub(begin.elapsed()));
        let version = store.produce(|doc| doc["live"] = n.into()).expect("a change").version();
        let acknowledged = Instant::now();
        replica.wait_for(version, Duration::from_secs(10)).expect("it comes");
        late.push(acknowledged.elapsed());
    }
    late.sort_unstable();
    println!("visible after: median {:?}, 99 % {:?}, slowest {:?}", late[2_500], late[4_950], late[4_999]);
    following.stop();
    replica.close().expect("a clean close");
}

fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("a status");
    let line = status.lines().find(|line| line.starts_with("VmRSS")).expect("a size");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).expect("a number") / 1024
}

/// Followers that only listen, in this process too, while the store is written.
fn many(store: &Arc<Store<Value>>, address: SocketAddr, count: u64) {
    use redraft::replica::Source as _;
    let before = resident_mib();
    let from = store.version();
    let last = from + 2_000;
    std::thread::scope(|scope| {
        let listen = || {
            let source = remote(address);
            let mut feed = source.feed(from, true).expect("a feed");
            let mut bytes = vec![0; 64 << 10];
            let mut held = Vec::new();
            loop {
                let count = std::io::Read::read(&mut feed, &mut bytes).expect("bytes");
                held.extend_from_slice(&bytes[..count]);
                // A mark ends with its head and two checks.
                if held.len() >= 20 && held[held.len() - 16..][..8] == last.to_le_bytes() {
                    return;
                }
                let kept = held.len().saturating_sub(64);
                held.drain(..kept);
            }
        };
        let all: Vec<_> = (0..count).map(|_| scope.spawn(listen)).collect();
        std::thread::sleep(Duration::from_secs(2));
        let waiting = resident_mib();
        let begin = Instant::now();
        for n in 0..2_000_u32 {
            store.produce(|doc| doc["many"] = n.into()).expect("a change");
        }
        let written = begin.elapsed();
        let writing = resident_mib();
        all.into_iter().for_each(|one| one.join().expect("it heard all"));
        println!(
            "{count} followers: {before} MiB before, {waiting} while they wait, {writing} while they hear; 2,000 changes took {written:?}, all heard after {:?}",
            begin.elapsed()
        );
    });
}

fn main() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (changes, bytes) = (setting("REDRAFT_CHANGES", 1_000_000), setting("REDRAFT_BYTES", 128) as usize);
    let store = written(&dir.path().join("store"), changes, bytes);
    let address = served(&store, None);
    catching_up(dir.path(), &store, address);
    lateness(dir.path(), &store, address);
    many(&store, address, setting("REDRAFT_FOLLOWERS", 200));
}
