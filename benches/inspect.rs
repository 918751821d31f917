//! Looking into a large store: what a page waits for, over a socket, and the memory it takes.
//!
//! Not one of divan's, since a server is asked, and most can be measured only once.
#![allow(
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark that cannot run has nothing to measure; it reads what the system says, and prints what it measured"
)]

#[path = "common/unsynced.rs"]
mod unsynced;

use redraft::inspect::Inspector;
use redraft::io::Env;
use redraft::{Meta, Options, Reader, Store, Value, value};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const CHANGES: u64 = 1_000_000;
/// Each is a map of three scalars: a million places.
const CARDS: u64 = 250_000;
const STEPS: u64 = 200;

fn main() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    build(dir.path());
    println!("{CHANGES} changes of a state of {} places, {} MiB on disk", 4 * CARDS, size(dir.path()) >> 20);
    let opening = Instant::now();
    let reader = Reader::<Value>::open(dir.path()).expect("a reader");
    let aside = tempfile::tempdir().expect("another directory");
    let reader = reader.with_index(aside.path());
    println!("  opening it                       {:9.1?}", opening.elapsed());
    let opened = resident();
    println!("  resident memory then             {:6} MiB", opened >> 10);
    let (address, stop) = serve(reader);
    let mut page = Page::to(address);
    first_paint(&mut page);
    whole_table(&mut page, opened);
    for (name, query) in [
        ("timeline of all, by version", "timeline?buckets=400&color=label"),
        ("timeline of all, by time", "timeline?buckets=400&color=writer&since=0&until=99999999999999"),
        ("a page of changes", "changes?backwards=1&limit=100"),
        ("a page in the middle of a large map", "node?path=/cards&offset=200000&limit=100"),
        ("a piece of a search", "search?text=nowhere"),
    ] {
        let (median, most) = spread((0..20).map(|_| page.ask(query)).collect());
        println!("  {name:38}{median:9.1?} {most:9.1?} at most");
    }
    println!(
        "  the life of a place, all of it         {:9.1?}",
        page.ask("life?path=/cards/100007/votes&limit=500")
    );
    steps(&mut page);
    println!("  resident memory added in the end {:6} MiB", resident().saturating_sub(opened) >> 10);
    drop(stop);
}

/// What has to be answered until the page shows something.
fn first_paint(page: &mut Page) {
    let begun = Instant::now();
    let about = page.text("store");
    let timeline = page.text(&format!("timeline?from=1&to={CHANGES}&buckets=240&color=writer"));
    let node = page.text(&format!("node?at={CHANGES}&path=&limit=100"));
    println!("  first answers: store, timeline, node {:6.1?}", begun.elapsed());
    assert!(about.contains("version") && timeline.contains("buckets") && node.contains("cards"));
}

fn whole_table(page: &mut Page, before: u64) {
    let begun = Instant::now();
    while !page.text("timeline?buckets=1").contains(&format!("\"through\":{CHANGES},")) {
        std::thread::sleep(Duration::from_millis(10));
    }
    println!("  the whole history in the timeline{:9.1?} after that", begun.elapsed());
    println!("  resident memory added by it      {:6} MiB", resident().saturating_sub(before) >> 10);
}

/// A step is the open places of the next version, and its change.
fn steps(page: &mut Page) {
    let step = |page: &mut Page, at: u64| {
        let nodes = ["", "/cards", "/cards/100007", "/cards/100007/votes"];
        let begun = Instant::now();
        for path in nodes {
            page.ask(&format!("node?at={at}&path={path}&limit=100"));
        }
        page.ask(&format!("change/{at}"));
        begun.elapsed()
    };
    println!("  a jump to the middle             {:9.1?}", step(page, CHANGES / 2));
    let begin = CHANGES / 2;
    let (median, most) = spread((1..=STEPS).map(|by| step(page, begin + by)).collect());
    println!("  a step forward                   {median:9.1?} {most:9.1?} at most");
    let (median, most) = spread((1..=STEPS).map(|by| step(page, begin + STEPS - by)).collect());
    println!("  a step back                      {median:9.1?} {most:9.1?} at most");
    let far = |by: u64| by.wrapping_mul(0x9e37_79b9_7f4a_7c15) % CHANGES + 1;
    let (median, most) = spread((1..=20).map(|by| step(page, far(by))).collect());
    println!("  a jump to anywhere               {median:9.1?} {most:9.1?} at most");
}

fn spread(mut times: Vec<Duration>) -> (Duration, Duration) {
    times.sort();
    (times[times.len() / 2], times[times.len() - 1])
}

fn build(path: &Path) {
    let env = Env { disk: Arc::new(unsynced::Unsynced), ..Env::real() };
    let store: Store<Value> = Options::new().env(env).open(path).expect("a new store");
    let card = |n: u64| (n.to_string(), value!({ "text": format!("card {n}"), "votes": 0, "done": false }));
    let cards: redraft::value::Map = (0..CARDS).map(card).collect();
    store.produce(|doc| doc["cards"] = Value::Map(cards)).expect("a change");
    while store.version() < CHANGES {
        let n = store.version();
        let key = (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) % CARDS).to_string();
        let meta = Meta::label(["plan", "vote", "ship"][(n % 3) as usize]);
        store.produce_with(meta, |doc| doc["cards"][key.as_str()]["votes"] = n.into()).expect("a change");
    }
    store.close().expect("a clean close");
}

fn serve(reader: Reader<Value>) -> (SocketAddr, tokio::sync::oneshot::Sender<()>) {
    let (tell, told) = std::sync::mpsc::channel();
    let (stop, stopped) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let bound = Inspector::new(reader).bind(([127, 0, 0, 1], 0).into()).await.expect("an address");
            tell.send(bound.address()).expect("somebody who asked");
            bound.run(async { drop(stopped.await) }).await;
        });
    });
    (told.recv().expect("an address"), stop)
}

/// Asks one thing after the other on one connection.
struct Page(BufReader<TcpStream>);

impl Page {
    fn to(address: SocketAddr) -> Page {
        let stream = TcpStream::connect(address).expect("a connection");
        stream.set_nodelay(true).expect("a socket");
        Page(BufReader::new(stream))
    }

    fn ask(&mut self, query: &str) -> Duration {
        let begun = Instant::now();
        self.text(query);
        begun.elapsed()
    }

    fn text(&mut self, query: &str) -> String {
        let request = format!("GET /api/{query} HTTP/1.1\r\nhost: localhost\r\n\r\n");
        self.0.get_mut().write_all(request.as_bytes()).expect("a request");
        let (mut length, mut line) = (0, String::new());
        loop {
            line.clear();
            self.0.read_line(&mut line).expect("a line");
            if let Some(told) = line.to_ascii_lowercase().strip_prefix("content-length: ") {
                length = told.trim().parse().expect("a length");
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).expect("a body");
        String::from_utf8(body).expect("text")
    }
}

/// In KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").trim().parse().unwrap_or(0)
}

/// The bytes of all files in a directory.
fn size(dir: &Path) -> u64 {
    let entries = std::fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok);
    entries.filter_map(|entry| entry.metadata().ok()).map(|found| found.len()).sum()
}
