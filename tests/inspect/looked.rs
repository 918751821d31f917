//! An inspector under test: a store that is looked into, on a socket of its own, in a thread of its own.

use crate::client::{Answer, Client};
use redraft::inspect::{Inspected, Inspector};
use redraft::{Meta, Options, Store, Value, value};
use serde_json::Value as Json;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use tempfile::TempDir;
use tokio::sync::oneshot;

/// A socket on which somebody serves. Dropping it stops the server and waits for that.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    pub(crate) fn new(inspector: Inspector) -> Running {
        let (tell, told) = std::sync::mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let serve = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let bound = inspector.bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
                tell.send(bound.address()).unwrap();
                bound.run(async { drop(stopped.await) }).await;
            });
        };
        let thread = Some(std::thread::spawn(serve));
        Running { address: told.recv().unwrap(), stop: Some(stop), thread }
    }

    pub(crate) fn of(source: impl Into<Inspected>) -> Running {
        Running::new(Inspector::new(source))
    }

    pub(crate) fn client(&self) -> Client {
        Client::to(self.address)
    }

    /// One request on a connection of its own.
    pub(crate) fn get(&self, target: &str) -> Answer {
        self.client().get(&format!("/api/{target}"))
    }

    #[track_caller]
    pub(crate) fn json(&self, target: &str) -> Json {
        self.get(target).with(200)
    }

    pub(crate) fn post(&self, target: &str, body: &Json) -> Answer {
        self.client().post(&format!("/api/{target}"), &body.to_string())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.stop.take());
        self.thread.take().into_iter().for_each(|thread| thread.join().unwrap());
    }
}

/// A store that is looked into, and used by the test beside that.
pub(crate) struct Looked {
    pub(crate) running: Running,
    pub(crate) store: Arc<Store<Value>>,
    pub(crate) dir: TempDir,
}

impl Looked {
    pub(crate) fn new() -> Looked {
        Looked::of(&Options::new(), |inspector| inspector)
    }

    pub(crate) fn of(options: &Options, with: impl FnOnce(Inspector) -> Inspector) -> Looked {
        let dir = tempfile::tempdir().unwrap();
        let store: Arc<Store<Value>> = Arc::new(options.open(dir.path().join("board")).unwrap());
        let running = Running::new(with(Inspector::new(Arc::clone(&store))));
        Looked { running, store, dir }
    }

    /// A store with changes of all sorts.
    pub(crate) fn lively(seed: u64, changes: u64) -> Looked {
        let looked = Looked::new();
        looked.live(seed, changes);
        looked
    }

    /// Changes of all sorts: made by dice, the same for the same seed.
    pub(crate) fn live(&self, seed: u64, changes: u64) {
        let mut dice = Dice(seed);
        for number in 0..changes {
            let label = ["plan", "ship", "vote"].get(dice.below(4) as usize);
            let meta = label.map_or_else(Meta::default, |label| Meta::label(*label));
            let made = self.store.produce_with(meta, |doc| change(doc, &mut dice, number)).unwrap();
            if dice.below(9) == 0 && made.version() > 0 {
                drop(self.store.undo(made.version()));
            }
        }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("board")
    }
}

/// One change of a document of maps, lists and scalars.
fn change(doc: &mut Value, dice: &mut Dice, number: u64) {
    let key = format!("k{}", dice.below(6));
    match dice.below(6) {
        0 => doc["n"] = number.into(),
        1 => doc["maps"][&*key] = value!({ "a": { "deep": number }, "b": [number] }),
        2 if doc["maps"][&*key].as_map().is_some() => doc["maps"][&*key]["a"]["deep"] = number.into(),
        3 => drop(doc["maps"].as_map_mut().and_then(|maps| maps.remove(&*key))),
        4 if doc["list"].as_list().is_none() => doc["list"] = value!([]),
        4 => {
            let list = doc["list"].as_list_mut().unwrap();
            let at = dice.below(list.len() as u64 + 1) as usize;
            list.insert(at, value!({ "number": number }));
        }
        _ => doc["texts"][&*key] = format!("text {number} of {key}").into(),
    }
}

/// Numbers that look like chance.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// A text as it stands in an address.
pub(crate) fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
