//! [`Cursor`]: a way through a tree that may step over whole nodes.
//!
//! What compares two trees moves one cursor through each and steps over the nodes that both share. Always holds: nodes
//! are opened only when asked for, so the cost of a comparison is the nodes it opened.

use std::slice;
use std::sync::Arc;

use super::node::{Child, Link, Node};
use super::run::Run;

pub(super) struct Cursor<'a, R: Run, M> {
    /// The branches that were opened, from the root down.
    above: Vec<Opened<'a, R, M>>,
    /// The items still to come of the leaf that was opened last.
    items: &'a [R::Item],
    /// How many items stand before those.
    before: usize,
    root_height: usize,
}

/// A branch the cursor is in.
struct Opened<'a, R, M> {
    /// The children still to come.
    children: slice::Iter<'a, Child<R, M>>,
    /// The position of the first item beneath the branch.
    start: usize,
    /// The position of the first item of the child that is next.
    next: usize,
}

/// What a cursor stands before.
pub(super) enum Next<'a, R: Run, M> {
    Items(&'a [R::Item]),
    Node(&'a Child<R, M>),
    End,
}

impl<'a, R: Run, M> Cursor<'a, R, M> {
    /// Before the first item. The root itself is opened: whoever has two trees compares their addresses first.
    #[inline]
    pub(super) fn new(root: Option<&'a Link<R, M>>) -> Self {
        let mut cursor = Self { above: Vec::new(), items: &[], before: 0, root_height: 0 };
        if let Some(root) = root {
            cursor.root_height = root.height();
            cursor.enter(root, 0);
        }
        cursor
    }

    pub(super) fn next(&mut self) -> Next<'a, R, M> {
        if !self.items.is_empty() {
            return Next::Items(self.items);
        }
        while let Some(opened) = self.above.last() {
            match opened.children.as_slice().first() {
                Some(child) => return Next::Node(child),
                None => drop(self.above.pop()),
            }
        }
        Next::End
    }

    /// Steps over so many of the items that are next.
    pub(super) fn take(&mut self, count: usize) {
        self.items = &self.items[count..];
        self.before += count;
    }

    /// Steps over the node that is next.
    pub(super) fn skip(&mut self) -> Option<&'a Child<R, M>> {
        let opened = self.above.last_mut()?;
        let child = opened.children.next()?;
        opened.next = opened.start + child.end;
        Some(child)
    }

    /// Goes into the node that is next.
    pub(super) fn open(&mut self) {
        let start = self.above.last().map_or(0, |opened| opened.next);
        if let Some(child) = self.skip() {
            self.enter(&child.node, start);
        }
    }

    /// How far above the leaves the node is that is next. Nodes of two trees can be the same only at one height.
    fn height(&self) -> usize {
        self.root_height - self.above.len()
    }

    fn enter(&mut self, node: &'a Node<R, M>, start: usize) {
        #[cfg(test)]
        super::visits::count();
        match node {
            Node::Leaf(run) => (self.items, self.before) = (run.items(), start),
            Node::Branch(children) => {
                self.above.push(Opened { children: children.iter(), start, next: start });
            }
        }
    }
}

/// Steps over the nodes that are next in both trees as long as they are the same.
pub(super) fn skip_shared<R: Run, M>(a: &mut Cursor<'_, R, M>, b: &mut Cursor<'_, R, M>) {
    while let (Next::Node(in_a), Next::Node(in_b)) = (a.next(), b.next())
        && Arc::ptr_eq(&in_a.node, &in_b.node)
    {
        a.skip();
        b.skip();
    }
}

/// Both cursors stand before nodes at the same place that are not the same: opens the higher one, or both.
pub(super) fn open_higher<R: Run, M>(a: &mut Cursor<'_, R, M>, b: &mut Cursor<'_, R, M>) {
    let (height_a, height_b) = (a.height(), b.height());
    if height_a >= height_b {
        a.open();
    }
    if height_b >= height_a {
        b.open();
    }
}

/// The items at equal positions of two trees, in pairs of runs, without the runs that both share. With each pair comes
/// the number of items before it, where an item takes one position: in lists and maps.
pub(super) struct Pairs<'a, R: Run, M> {
    a: Cursor<'a, R, M>,
    b: Cursor<'a, R, M>,
}

impl<'a, R: Run, M> Pairs<'a, R, M> {
    pub(super) fn new(a: Option<&'a Link<R, M>>, b: Option<&'a Link<R, M>>) -> Self {
        match (a, b) {
            (Some(same), Some(other)) if Arc::ptr_eq(same, other) => Self::new(None, None),
            (a, b) => Self { a: Cursor::new(a), b: Cursor::new(b) },
        }
    }
}

impl<'a, R: Run, M> Iterator for Pairs<'a, R, M> {
    type Item = (usize, &'a [R::Item], &'a [R::Item]);

    /// Ends where the shorter tree ends.
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            skip_shared(&mut self.a, &mut self.b);
            match (self.a.next(), self.b.next()) {
                (Next::End, _) | (_, Next::End) => return None,
                (Next::Node(_), Next::Node(_)) => open_higher(&mut self.a, &mut self.b),
                (Next::Node(_), Next::Items(_)) => self.a.open(),
                (Next::Items(_), Next::Node(_)) => self.b.open(),
                (Next::Items(in_a), Next::Items(in_b)) => {
                    let (before, width) = (self.b.before, in_a.len().min(in_b.len()));
                    self.a.take(width);
                    self.b.take(width);
                    // One leaf may stand at one position in both trees without its branches doing so.
                    if !std::ptr::eq(in_a.as_ptr(), in_b.as_ptr()) || size_of::<R::Item>() == 0 {
                        return Some((before, &in_a[..width], &in_b[..width]));
                    }
                }
            }
        }
    }
}
