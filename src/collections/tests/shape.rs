//! What every tree must look like, and how much two trees share.

use std::collections::HashSet;
use std::sync::Arc;

use super::super::map::First;
use super::super::node::{Link, Mark, Node, least};
use super::super::run::Run;

/// Asserts what `node` promises, for the whole tree beneath a root.
pub(in super::super) fn check<R: Run, M: Mark<R>>(root: Option<&Link<R, M>>) {
    if let Some(root) = root {
        assert!(root.slots() > 0, "an empty tree has no root");
        if let Node::Branch(children) = &**root {
            assert!(children.len() > 1, "a root with one child is one too many");
        }
        check_node(root, root.height());
    }
}

fn check_node<R: Run, M: Mark<R>>(node: &Link<R, M>, height: usize) {
    assert!(node.slots() <= node.most(), "{} slots of at most {}", node.slots(), node.most());
    match &**node {
        Node::Leaf(_) => assert_eq!(height, 0, "all leaves have one distance from the root"),
        Node::Branch(children) => {
            let mut end = 0;
            for child in children {
                end += child.node.len();
                assert_eq!(child.end, end, "positions add up");
                assert!(child.node.slots() >= least(child.node.most()), "{} slots", child.node.slots());
                check_node(&child.node, height - 1);
            }
        }
    }
}

type MapLink<K, V> = Link<Vec<(K, V)>, First<K>>;

/// Asserts that the marks of a map are the first keys of their nodes.
pub(super) fn check_marks<K: Ord + Clone + std::fmt::Debug, V>(root: Option<&MapLink<K, V>>) {
    if let Some(Node::Branch(children)) = root.map(|root| &**root) {
        for child in children {
            assert_eq!(Some(&child.mark.0), child.node.get(0).map(|(key, _)| key));
            check_marks(Some(&child.node));
        }
    }
}

/// The addresses of all nodes.
pub(super) fn addresses<R, M>(root: Option<&Link<R, M>>) -> HashSet<*const Node<R, M>> {
    let mut found = HashSet::new();
    let mut todo: Vec<&Link<R, M>> = root.into_iter().collect();
    while let Some(node) = todo.pop() {
        found.insert(Arc::as_ptr(node));
        if let Node::Branch(children) = &**node {
            todo.extend(children.iter().map(|child| &child.node));
        }
    }
    found
}
