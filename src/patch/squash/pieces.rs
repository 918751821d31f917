//! What a run of operations did to the positions of one list or text: stretches that were kept, elements that were kept
//! and changed inside, and stretches in place of which something else stands.
//!
//! Positions are those of the newest version. Always holds: the pieces in order make up as much of it as the run reached, all
//! behind them being kept. They lie in blocks of bounded size, so that an edit costs about the square root of their number
//! wherever it is made.

use super::Clash;
use super::place::Place;

/// A block with more pieces is cut up.
const BLOCK_PIECES_MAX: usize = 256;

/// Elements that one piece brings; more become several pieces.
const PIECE_ITEMS_MAX: usize = 256;

/// All pieces.
pub(super) struct Pieces<E> {
    blocks: Vec<Block<E>>,
}

/// Neighbours among the pieces.
struct Block<E> {
    /// Positions that the pieces take up.
    len: usize,
    pieces: Vec<Piece<E>>,
}

enum Piece<E> {
    /// So many elements as they were.
    Keep(usize),
    /// An element that was there before, changed inside.
    Edited(Box<Place>),
    /// In place of so many old elements, these.
    Swap { del: usize, ins: Vec<E> },
}

/// What stands at a position.
pub(super) enum Slot<'a, E> {
    /// An element from before the run.
    Kept(&'a mut Place),
    /// One that the run brought.
    New(&'a mut E),
}

/// One difference, at its position once all before it have been made.
pub(super) enum Told<E> {
    Splice { at: usize, del: usize, ins: Vec<E> },
    Kept(usize, Place),
}

/// A border between two pieces.
#[derive(Clone, Copy)]
struct Border {
    block: usize,
    piece: usize,
}

impl<E> Default for Pieces<E> {
    fn default() -> Self {
        Self { blocks: Vec::new() }
    }
}

impl<E> Piece<E> {
    fn len(&self) -> usize {
        match self {
            Self::Keep(len) => *len,
            Self::Edited(_) => 1,
            Self::Swap { ins, .. } => ins.len(),
        }
    }

    /// How many old elements it stands for.
    fn old_len(&self) -> usize {
        match self {
            Self::Keep(len) => *len,
            Self::Edited(_) => 1,
            Self::Swap { del, .. } => *del,
        }
    }

    /// Cuts off what lies behind `at`, which must be inside.
    fn split_off(&mut self, at: usize) -> Self {
        match self {
            Self::Keep(len) => {
                let rest = *len - at;
                *len = at;
                Self::Keep(rest)
            }
            Self::Swap { ins, .. } => Self::Swap { del: 0, ins: ins.split_off(at) },
            // One element has no inside to cut at.
            Self::Edited(_) => Self::Keep(0),
        }
    }

    /// Takes the next piece in, if both together are one piece.
    fn absorb(&mut self, next: &mut Self) -> bool {
        match (self, next) {
            (Self::Keep(len), Self::Keep(more)) => {
                *len = len.saturating_add(*more);
                true
            }
            (Self::Swap { del, ins }, Self::Swap { del: more, ins: items })
                if ins.len() + items.len() <= PIECE_ITEMS_MAX =>
            {
                *del = del.saturating_add(*more);
                ins.append(items);
                true
            }
            _ => false,
        }
    }
}

impl<E> Block<E> {
    fn new(pieces: Vec<Piece<E>>) -> Self {
        Self { len: pieces.iter().map(Piece::len).sum(), pieces }
    }
}

impl<E> Pieces<E> {
    /// Exchanges a stretch. About O(square root of the pieces + inserted).
    pub(super) fn splice(
        &mut self,
        at: usize,
        del: usize,
        ins: impl IntoIterator<Item = E>,
    ) -> Result<(), Clash> {
        let mut pieces = swaps(ins);
        if del == 0 && pieces.is_empty() {
            return Ok(());
        }
        let (start, end) = self.cut_out(at, del)?;
        let gone = self.remove(start, end);
        match pieces.first_mut() {
            Some(Piece::Swap { del, .. }) => *del = gone,
            _ => pieces.push(Piece::Swap { del: gone, ins: Vec::new() }),
        }
        self.insert(start, pieces);
        Ok(())
    }

    /// What stands at a position. About O(square root of the pieces).
    pub(super) fn at(&mut self, index: usize) -> Result<Slot<'_, E>, Clash> {
        self.reach(within_memory(index, 1)?);
        let (border, offset) = self.find(index);
        let (border, offset) = self.single_out(border, offset);
        let block = self.blocks.get_mut(border.block).ok_or(Clash)?;
        match block.pieces.get_mut(border.piece) {
            Some(Piece::Edited(place)) => Ok(Slot::Kept(place)),
            Some(Piece::Swap { ins, .. }) => ins.get_mut(offset).map(Slot::New).ok_or(Clash),
            _ => Err(Clash),
        }
    }

    /// Makes a piece of its own of an element that was kept. Pieces beside it stay, empty ones too: they hold what was
    /// removed there.
    fn single_out(&mut self, border: Border, offset: usize) -> (Border, usize) {
        let Some(block) = self.blocks.get_mut(border.block) else { return (border, offset) };
        let Some(Piece::Keep(len)) = block.pieces.get(border.piece) else { return (border, offset) };
        let parts = [Piece::Keep(offset), Piece::Edited(Box::default()), Piece::Keep(len - offset - 1)];
        let parts = parts.into_iter().filter(|piece| piece.len() > 0);
        block.pieces.splice(border.piece..=border.piece, parts);
        self.balance(border.block);
        let mut at = border;
        at.piece += usize::from(offset > 0);
        while let Some(block) = self.blocks.get(at.block)
            && at.piece >= block.pieces.len()
        {
            at = Border { block: at.block + 1, piece: at.piece - block.pieces.len() };
        }
        (at, 0)
    }

    /// Says what happened, in order.
    pub(super) fn tell(self, mut tell: impl FnMut(Told<E>)) {
        let mut here = 0;
        let mut open = Piece::Swap { del: 0, ins: Vec::new() };
        let pieces = self.blocks.into_iter().flat_map(|block| block.pieces);
        for piece in pieces.chain([Piece::Keep(1)]) {
            match (&mut open, piece) {
                (Piece::Swap { del, ins }, Piece::Swap { del: more, ins: items }) => {
                    *del = del.saturating_add(more);
                    ins.extend(items);
                }
                (_, Piece::Keep(0)) => {}
                (_, piece) => {
                    let closed = std::mem::replace(&mut open, Piece::Swap { del: 0, ins: Vec::new() });
                    here += tell_swap(here, closed, &mut tell);
                    let len = piece.len();
                    if let Piece::Edited(place) = piece {
                        tell(Told::Kept(here, *place));
                    }
                    here = here.saturating_add(len);
                }
            }
        }
    }

    /// The piece that holds a position and where in it that is; behind the last one if they do not reach so far. The first
    /// that begins there, if nothing but empty pieces stands between.
    fn find(&self, at: usize) -> (Border, usize) {
        let mut left = at;
        for (block, inside) in self.blocks.iter().enumerate() {
            if left >= inside.len {
                left -= inside.len;
                continue;
            }
            for (piece, part) in inside.pieces.iter().enumerate() {
                if left < part.len() {
                    return (Border { block, piece }, left);
                }
                left -= part.len();
            }
        }
        (Border { block: self.blocks.len(), piece: 0 }, left)
    }

    /// Makes borders at both ends of a stretch.
    fn cut_out(&mut self, at: usize, del: usize) -> Result<(Border, Border), Clash> {
        let end = within_memory(at, del)?;
        self.reach(end);
        let start = self.cut(at);
        Ok((start, self.cut(end)))
    }

    /// Makes the pieces reach so far: all behind them is kept.
    fn reach(&mut self, end: usize) {
        let len: usize = self.blocks.iter().map(|block| block.len).sum();
        if let Some(missing) = end.checked_sub(len).filter(|missing| *missing > 0) {
            let border = Border { block: self.blocks.len(), piece: 0 };
            self.insert(border, vec![Piece::Keep(missing)]);
        }
    }

    /// Makes a border at a position. One made before at an earlier position stays valid.
    fn cut(&mut self, at: usize) -> Border {
        let (mut border, offset) = self.find(at);
        if let Some(block) = self.blocks.get_mut(border.block)
            && offset > 0
        {
            let rest = block.pieces[border.piece].split_off(offset);
            border.piece += 1;
            block.pieces.insert(border.piece, rest);
        }
        border
    }

    /// Takes all pieces between two borders out; returns how many old elements they stood for.
    fn remove(&mut self, start: Border, end: Border) -> usize {
        let mut gone = 0_usize;
        for at in start.block..(end.block + 1).min(self.blocks.len()) {
            let block = &mut self.blocks[at];
            let from = if at == start.block { start.piece } else { 0 };
            let to = if at == end.block { end.piece } else { block.pieces.len() };
            for piece in block.pieces.drain(from..to.max(from)) {
                block.len -= piece.len();
                gone = gone.saturating_add(piece.old_len());
            }
        }
        gone
    }

    /// At the border of two blocks the first one grows, so that a run of insertions does not leave a block each.
    fn insert(&mut self, mut at: Border, pieces: Vec<Piece<E>>) {
        if let Some(before) = at.block.checked_sub(1).filter(|_| at.piece == 0) {
            at = Border { block: before, piece: self.blocks[before].pieces.len() };
        } else if self.blocks.is_empty() {
            self.blocks.push(Block::new(Vec::new()));
        }
        let block = &mut self.blocks[at.block];
        let end = at.piece + pieces.len();
        block.len += pieces.iter().map(Piece::len).sum::<usize>();
        block.pieces.splice(at.piece..at.piece, pieces);
        join(&mut block.pieces, end);
        join(&mut block.pieces, at.piece);
        self.balance(at.block);
    }

    /// Cuts a block up that has grown too large, and drops those behind it that are empty.
    fn balance(&mut self, at: usize) {
        let empty = self.blocks[at + 1..].iter().take_while(|block| block.pieces.is_empty()).count();
        self.blocks.drain(at + 1..at + 1 + empty);
        if self.blocks[at].pieces.len() <= BLOCK_PIECES_MAX {
            return;
        }
        let mut left = std::mem::take(&mut self.blocks[at].pieces).into_iter().peekable();
        let mut blocks = Vec::new();
        while left.peek().is_some() {
            blocks.push(Block::new(left.by_ref().take(BLOCK_PIECES_MAX / 2).collect()));
        }
        self.blocks.splice(at..=at, blocks);
    }
}

/// The end of a stretch. No list or text is longer than a memory, so what reaches further fits nowhere.
fn within_memory(at: usize, len: usize) -> Result<usize, Clash> {
    at.checked_add(len).filter(|end| isize::try_from(*end).is_ok()).ok_or(Clash)
}

/// Makes one piece of the two that meet in front of `at`, if they are one.
fn join<E>(pieces: &mut Vec<Piece<E>>, at: usize) {
    if let Some((left, [next, ..])) = pieces.split_at_mut_checked(at)
        && let Some(last) = left.last_mut()
        && last.absorb(next)
    {
        pieces.remove(at);
    }
}

/// Pieces that bring what is inserted.
fn swaps<E>(ins: impl IntoIterator<Item = E>) -> Vec<Piece<E>> {
    let mut ins = ins.into_iter().peekable();
    let mut pieces = Vec::new();
    while ins.peek().is_some() {
        pieces.push(Piece::Swap { del: 0, ins: ins.by_ref().take(PIECE_ITEMS_MAX).collect() });
    }
    pieces
}

/// Says a stretch that was exchanged; returns how long it is now.
fn tell_swap<E>(at: usize, piece: Piece<E>, tell: &mut impl FnMut(Told<E>)) -> usize {
    match piece {
        Piece::Swap { del, ins } if del > 0 || !ins.is_empty() => {
            let len = ins.len();
            tell(Told::Splice { at, del, ins });
            len
        }
        _ => 0,
    }
}
