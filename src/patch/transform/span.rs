//! Stretches of a list or text that two operations exchange at the same time: numbers only.
//!
//! Always: whichever of the two comes first, the same elements are left in the same order.

/// An exchange: from `at` on, so many positions go and so many come in their place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) at: usize,
    pub(super) del: usize,
    pub(super) ins: usize,
}

impl Span {
    fn end(self) -> usize {
        self.at.saturating_add(self.del)
    }

    /// Whether the element in front of a position goes.
    pub(super) fn takes_what_is_before(self, position: usize) -> bool {
        self.at < position && position <= self.end()
    }

    /// Where the position is found after this exchange, `None` if it went.
    pub(super) fn carry(self, position: usize) -> Option<usize> {
        if position < self.at {
            Some(position)
        } else if position < self.end() {
            None
        } else {
            Some((position - self.del).saturating_add(self.ins))
        }
    }

    /// What is left of this exchange after another one of the same version, as exchanges to be made one after the
    /// other. Only the first of them brings what comes. `first` says that at a common place this one's insertion goes
    /// in front.
    ///
    /// What comes stands in front of what goes. So one inserted strictly inside what the other deletes comes out behind
    /// the insertion of that other, on both ways.
    pub(super) fn after(self, other: Self, first: bool) -> impl Iterator<Item = Self> {
        let at = self.insertion_after(other, first);
        let before = other.at.min(self.end()).saturating_sub(self.at);
        let rest_at = self.at.max(other.end());
        let rest = self.end().saturating_sub(rest_at);
        let rest_at = (rest_at - other.del).saturating_add(other.ins);
        let whole = rest == 0 || rest_at == at.saturating_add(before);
        let head = Self { at, del: before + if whole { rest } else { 0 }, ins: self.ins };
        let tail = Self { at: (rest_at.saturating_add(self.ins)).saturating_sub(before), del: rest, ins: 0 };
        [Some(head), (!whole).then_some(tail)]
            .into_iter()
            .flatten()
            .filter(|span| span.del > 0 || span.ins > 0)
    }

    fn insertion_after(self, other: Self, first: bool) -> usize {
        if self.at < other.at || (self.at == other.at && first) {
            self.at
        } else if self.at < other.end() {
            other.at.saturating_add(other.ins)
        } else {
            (self.at - other.del).saturating_add(other.ins)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where in the marked list each exchange leaves its marks: old positions are numbers, `x` and `y` insertions.
    fn exchange(list: &[char], span: Span, mark: char) -> Vec<char> {
        let mut list = list.to_vec();
        list.splice(span.at..span.at + span.del, std::iter::repeat_n(mark, span.ins));
        list
    }

    fn spans(len: usize) -> impl Iterator<Item = Span> {
        (0..=len).flat_map(move |at| {
            (0..=len - at).flat_map(move |del| (0..3).map(move |ins| Span { at, del, ins }))
        })
    }

    #[test]
    fn two_exchanges_end_alike_in_either_order() {
        let base: Vec<char> = ('0'..'5').collect();
        for (x, y) in spans(base.len()).flat_map(|x| spans(5).map(move |y| (x, y))) {
            let over = |list: Vec<char>, rest: Vec<Span>, mark| {
                rest.iter().fold(list, |list, span| exchange(&list, *span, mark))
            };
            let one = over(exchange(&base, x, 'x'), y.after(x, false).collect(), 'y');
            let other = over(exchange(&base, y, 'y'), x.after(y, true).collect(), 'x');
            assert_eq!(one, other, "{x:?} {y:?}");
            assert_eq!(one.iter().filter(|mark| **mark == 'x').count(), x.ins, "{x:?} {y:?}");
            assert_eq!(one.iter().filter(|mark| **mark == 'y').count(), y.ins, "{x:?} {y:?}");
        }
    }
}
