//! What goes through a node and is no recipe: patches as they are, and taking changes back.

use redraft::merge::{Outcome, Rules, Submission};
use redraft::patch::Action;
use redraft::replica::{LocalOrder, Node, Order, Place, Source, Status};
use redraft::{Error, ErrorKind, Meta, Patch, Result, UndoRefusal, Value, value};
use std::io::Read;
use std::path::Path;
use std::sync::{Arc, Mutex};

fn patch(native: &str) -> Patch {
    Patch::from_native(native.as_bytes(), &value!({ "n": 0 })).unwrap()
}

fn set(place: &str, value: impl Into<Value>) -> Patch {
    let value = value.into();
    patch(&format!(r#"[{{"op":"add","path":["{place}"],"value":{value}}}]"#))
}

fn count() -> Patch {
    patch(r#"[{"op":"inc","path":["n"],"by":1}]"#)
}

fn order_in(dir: &Path) -> Arc<LocalOrder> {
    Arc::new(LocalOrder::open(dir.join("order")).unwrap())
}

fn node(order: &Arc<LocalOrder>, dir: &Path, name: &str) -> Node<Value> {
    Node::open(Arc::<LocalOrder>::clone(order), dir.join(name)).unwrap()
}

#[test]
fn patches_of_several_nodes_keep_their_operations() {
    let dir = tempfile::tempdir().unwrap();
    let order = order_in(dir.path());
    let nodes = ["a", "b", "c", "d"].map(|name| node(&order, dir.path(), name));
    nodes[0].apply(&set("n", 0)).unwrap();
    std::thread::scope(|scope| {
        for node in &nodes {
            scope.spawn(|| {
                node.wait_for(1).unwrap();
                (0..25).for_each(|_| assert!(node.apply(&count()).is_ok()));
            });
        }
    });
    for node in nodes {
        assert_eq!(node.wait_for(101).unwrap()["n"], value!(100));
        let incs = node.store().changes(2..).unwrap().map(|change| change.unwrap().patch);
        assert!(incs.into_iter().all(|patch| matches!(patch[0].action, Action::Inc(1))));
        node.close().unwrap();
    }
}

#[test]
fn a_patch_that_does_not_fit_is_refused_and_nothing_waits() {
    let dir = tempfile::tempdir().unwrap();
    let order = order_in(dir.path());
    let node = node(&order, dir.path(), "here");
    let answer = node.apply(&count());
    assert!(matches!(answer, Err(Error::Apply(_))), "{answer:?}");
    let answer: std::result::Result<_, Box<dyn std::error::Error>> =
        node.apply_with(Meta::default(), |_| Err("not today".into()));
    assert_eq!(answer.unwrap_err().to_string(), "not today");
    let settled = node.apply(&Patch::default()).unwrap();
    assert_eq!((settled.sequence, settled.outcome), (0, Outcome::Clean));
    assert_eq!((node.store().version(), node.writer().pending()), (0, 0));
    let label = Meta::label("first");
    node.apply_with(label, |state| Ok::<_, Error>(set("seen", state == &Value::default()))).unwrap();
    assert_eq!(*node.state().unwrap(), value!({ "seen": true }));
    assert_eq!(
        node.store().changes(1..).unwrap().next().unwrap().unwrap().meta.label.as_deref(),
        Some("first")
    );
}

#[test]
fn an_undo_of_a_node_is_what_an_undo_of_a_store_is() {
    let dir = tempfile::tempdir().unwrap();
    let order = order_in(dir.path());
    let (here, there) = (node(&order, dir.path(), "here"), node(&order, dir.path(), "there"));
    here.apply(&set("a", 1)).unwrap();
    here.apply(&set("b", 2)).unwrap();
    there.wait_for(2).unwrap();
    assert_eq!(there.undo(1).unwrap(), 3);
    here.wait_for(3).unwrap();
    assert_eq!(*here.state().unwrap(), value!({ "b": 2 }));
    let undo = here.store().changes(3..=3).unwrap().next().unwrap().unwrap();
    assert_eq!(undo.undoes, Some(1));
    let again = here.undo(1);
    assert!(
        matches!(again, Err(Error::UndoState { version: 1, why: UndoRefusal::AlreadyUndone })),
        "{again:?}"
    );
    assert_eq!(here.redo(1).unwrap(), 4);
    assert_eq!(*here.state().unwrap(), value!({ "a": 1, "b": 2 }));
    assert!(matches!(here.redo(2), Err(Error::UndoState { version: 2, why: UndoRefusal::NotUndone })));
    assert!(matches!(here.undo(9), Err(Error::BeyondHead { version: 9, .. })));
    // Rules are a change too, and take nothing along.
    here.set_rules(Rules::new()).unwrap();
    assert_eq!(here.store().version(), 4);
}

type First = dyn FnOnce() -> Option<Result<()>> + Send;

/// An order to which something else happens when it is asked to append for the first time; which may be all that does.
struct Meddled {
    order: Arc<LocalOrder>,
    first: Mutex<Option<Box<First>>>,
}

impl Meddled {
    fn with(
        order: Arc<LocalOrder>,
        first: impl FnOnce() -> Option<Result<()>> + Send + 'static,
    ) -> Arc<Meddled> {
        Arc::new(Meddled { order, first: Mutex::new(Some(Box::new(first))) })
    }
}

impl std::fmt::Debug for Meddled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Meddled")
    }
}

impl Source for Meddled {
    fn name(&self) -> String {
        self.order.name()
    }
    fn status(&self) -> Result<Status> {
        self.order.status()
    }
    fn chain_at(&self, offset: u64) -> Result<u32> {
        self.order.chain_at(offset)
    }
    fn snapshots(&self) -> Result<Vec<u64>> {
        self.order.snapshots()
    }
    fn snapshot(&self, version: u64) -> Result<Box<dyn Read + Send>> {
        self.order.snapshot(version)
    }
    fn feed(&self, from: u64, lives: bool) -> Result<Box<dyn Read + Send>> {
        self.order.feed(from, lives)
    }
}

impl Order for Meddled {
    fn append(&self, place: Place, records: &[&[u8]]) -> Result<()> {
        let first = self.first.lock().unwrap().take();
        if let Some(answer) = first.and_then(|first| first()) {
            return answer;
        }
        self.order.append(place, records)
    }
    fn batch_bytes(&self) -> usize {
        self.order.batch_bytes()
    }
}

#[test]
fn an_undo_overwrites_nothing_that_somebody_was_faster_with() {
    let dir = tempfile::tempdir().unwrap();
    let order = order_in(dir.path());
    let other = node(&order, dir.path(), "other");
    other.apply(&set("a", 1)).unwrap();
    other.apply(&set("a", 2)).unwrap();
    let faster = Meddled::with(order, move || {
        other.apply(&set("a", "theirs")).unwrap();
        None
    });
    let here = Node::<Value>::open(faster, dir.path().join("here")).unwrap();
    here.wait_for(2).unwrap();
    let answer = here.undo(2);
    assert!(matches!(answer, Err(Error::UndoConflict { version: 2, later: 3, .. })), "{answer:?}");
    assert_eq!(*here.state().unwrap(), value!({ "a": "theirs" }));
    assert_eq!(here.store().version(), 3);
}

#[test]
fn what_was_acknowledged_and_replaced_by_something_else_is_not_told_as_placed() {
    let dir = tempfile::tempdir().unwrap();
    let order = order_in(dir.path());
    let other = node(&order, dir.path(), "other");
    other.apply(&set("a", 1)).unwrap();
    let forgetful = Meddled::with(order, move || {
        other.apply(&set("a", "theirs")).unwrap();
        Some(Ok(()))
    });
    let here = Node::<Value>::open(forgetful, dir.path().join("here")).unwrap();
    here.wait_for(1).unwrap();
    let receipt = here.merge(&Submission::new(1, set("b", "mine"))).unwrap();
    assert_eq!((receipt.version, receipt.is_new), (3, true));
    assert_eq!(*here.wait_for(3).unwrap(), value!({ "a": "theirs", "b": "mine" }));
    let change = here.store().changes(3..=3).unwrap().next().unwrap().unwrap();
    assert_eq!(change.patch, set("b", "mine"));
}

#[test]
fn a_panic_of_what_is_around_a_node_ends_it_and_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let order = Meddled::with(order_in(dir.path()), || panic!("an order of somebody's own"));
    let here = Node::<Value>::open(order, dir.path().join("here")).unwrap();
    for _ in 0..2 {
        let ended = here.apply(&set("a", 1)).unwrap_err();
        assert!(matches!(ended, Error::Ended { .. }), "{ended:?}");
        assert_eq!(ended.kind(), ErrorKind::Poisoned);
    }
    let waits = here.writer().pending();
    here.close().unwrap();
    let again = node(&order_in(dir.path()), dir.path(), "here");
    again.flush().unwrap();
    assert_eq!((waits > 0, &*again.state().unwrap()), (true, &value!({ "a": 1 })));
}
