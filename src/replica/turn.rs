//! [`Turn`]: whose turn it is to append, as far as anybody can tell who sees what comes.
//!
//! Nobody gives out turns. Who has much to append while others have, too, rests after a while; who was overtaken comes back when that
//! turn is over, or nothing comes any longer, and with less. Who has little to append takes no turns, and goes in between; so does who
//! waited for too many. Leaves waiting to
//! `ordering`. Always: it is about who waits for how long, and how much is decided at once; whatever it says, what is appended is right.

use std::time::{Duration, Instant};

/// So many submissions are proposed at once, at most, and so few at least: who was overtaken proposes a quarter, and is faster the next
/// time; who was not proposes twice as many, as long as deciding does not take longer than this while others want to append.
const MOST: usize = 4096;
const FEWEST: usize = 64;
const DECIDED: Duration = Duration::from_millis(20);
/// A turn takes so long, or so many rounds.
const TURN: Duration = Duration::from_millis(300);
const ROUNDS: u32 = 8;
/// A turn is over as well when nothing came for so long, or for so many rounds.
const QUIET: Duration = Duration::from_millis(30);
const QUIET_ROUNDS: u32 = 2;
/// Those who wait for that come within this, and not all at once.
const SPREAD: Duration = Duration::from_millis(16);
/// Who waited for so many turns waits for none any longer.
const TURNS: u32 = 4;
/// A round is not taken to be longer than this: something was amiss. It may be a little longer than the shortest one lately.
const LONGEST_ROUND: Duration = Duration::from_millis(100);
const SLOWER: f64 = 1.1;
const SLACK: Duration = Duration::from_micros(100);
/// For so long somebody else is taken to want to append once that was seen.
const OTHERS: Duration = Duration::from_secs(1);

/// Since when this one appends, how much, and who else does.
#[derive(Debug)]
pub(super) struct Turn {
    began: Option<Instant>,
    is_over: bool,
    /// Where what it appended last ended.
    end: u64,
    /// Since when it is overtaken.
    waits: Option<Instant>,
    /// When somebody else was seen to append.
    others: Option<Instant>,
    /// How long it takes until what is appended is seen, when nothing is in its way.
    round: Duration,
    most: usize,
}

impl Default for Turn {
    fn default() -> Turn {
        Turn {
            began: None,
            is_over: false,
            end: 0,
            waits: None,
            others: None,
            round: Duration::ZERO,
            most: MOST,
        }
    }
}

impl Turn {
    /// How many submissions it is worth deciding at once.
    pub(super) fn most(&self) -> usize {
        self.most
    }

    /// How long a turn takes.
    pub(super) fn length(&self) -> Duration {
        TURN.max(self.round * ROUNDS)
    }

    /// How long one waits for it at most.
    pub(super) fn patience(&self) -> Duration {
        self.length() * TURNS
    }

    /// For how long nothing comes when nobody has a turn.
    pub(super) fn quiet(&self) -> Duration {
        QUIET.max(self.round * QUIET_ROUNDS)
    }

    /// Within which time this one comes once a turn is over: who waited longer comes earlier.
    pub(super) fn spread(&self, now: Instant) -> Duration {
        SPREAD.div_f64(1.0 + self.waited(now).div_duration_f64(self.length()))
    }

    fn waited(&self, now: Instant) -> Duration {
        self.waits.map_or(Duration::ZERO, |since| now.duration_since(since))
    }

    /// Some of so many that wait were appended at `offset`, and ended at `end`; how long it took to decide them, and then until they were seen.
    pub(super) fn had(
        &mut self,
        now: Instant,
        (offset, end): (u64, u64),
        waiting: usize,
        (decided, round): (Duration, Duration),
    ) {
        if self.end != offset {
            self.others = Some(now);
        }
        (self.end, self.waits) = (end, None);
        self.round = round.min(LONGEST_ROUND).min(self.round.mul_f64(SLOWER) + SLACK);
        self.grow(decided, self.is_contended(now));
        let began = *self.began.get_or_insert(now);
        if now.duration_since(began) >= self.length() {
            self.is_over = self.is_contended(now) && waiting > FEWEST;
            self.began = None;
        }
    }

    fn grow(&mut self, decided: Duration, is_contended: bool) {
        if decided < DECIDED || !is_contended {
            self.most = (self.most * 2).min(MOST);
        } else if decided > DECIDED * 2 {
            self.most = (self.most / 2).max(FEWEST);
        }
    }

    /// Whether others wanted to append just now.
    fn is_contended(&self, now: Instant) -> bool {
        self.others.is_some_and(|seen| now.duration_since(seen) <= OTHERS)
    }

    /// Somebody else was faster than one of whose so many wait. Whether it waits for its turn.
    pub(super) fn lost(&mut self, now: Instant, waiting: usize) -> bool {
        let again = self.is_contended(now);
        self.waits.get_or_insert(now);
        (self.others, self.began, self.is_over) = (Some(now), None, false);
        self.most = (self.most / 4).max(FEWEST);
        again && waiting > FEWEST && self.waited(now) < self.patience()
    }

    /// How long others come first now, if they do; not said twice.
    pub(super) fn rest(&mut self) -> Option<Duration> {
        std::mem::take(&mut self.is_over).then(|| self.quiet() + SPREAD)
    }

    /// Nobody came while this one rested.
    pub(super) fn is_alone(&mut self) {
        self.others = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: Duration = Duration::from_millis(1);
    const MANY: usize = 10_000;

    /// Appends for as long as it has a turn, one round after the other, each behind the one before; how long that was.
    fn goes_on_for(turn: &mut Turn, begun: Instant, waiting: usize, rounds: u32) -> Option<Duration> {
        let end = turn.end;
        (0..rounds).find_map(|n| {
            let (now, offset) = (begun + QUICK * n, end + u64::from(n));
            turn.had(now, (offset, offset + 1), waiting, (QUICK, QUICK));
            turn.rest().map(|_| now - begun)
        })
    }

    #[test]
    fn who_is_alone_never_rests() {
        let (mut turn, begun) = (Turn::default(), Instant::now());
        assert_eq!(goes_on_for(&mut turn, begun, MANY, 10_000), None);
        assert_eq!(turn.most(), MOST);
    }

    #[test]
    fn who_has_much_while_others_have_rests_after_a_turn_and_no_longer_once_nobody_comes() {
        let (mut turn, begun) = (Turn::default(), Instant::now());
        assert!(!turn.lost(begun, MANY), "once is no reason to wait");
        assert!(turn.lost(begun, MANY), "again is");
        assert_eq!(goes_on_for(&mut turn, begun, MANY, 1000), Some(TURN));
        assert_eq!(
            goes_on_for(&mut turn, begun + TURN, MANY, 1000),
            Some(TURN),
            "not said twice, but each time"
        );
        turn.is_alone();
        assert_eq!(goes_on_for(&mut turn, begun + TURN * 2, MANY, 1000), None);
    }

    #[test]
    fn who_has_little_neither_waits_nor_rests() {
        let (mut turn, begun) = (Turn::default(), Instant::now());
        assert!(!turn.lost(begun, FEWEST) && !turn.lost(begun, FEWEST));
        assert_eq!(goes_on_for(&mut turn, begun, FEWEST, 1000), None);
    }

    #[test]
    fn who_never_gets_a_turn_goes_in_between() {
        let (mut turn, now) = (Turn::default(), Instant::now());
        turn.lost(now, MANY);
        assert!(turn.lost(now + TURN, MANY) && turn.lost(now + TURN * 3, MANY));
        assert!(!turn.lost(now + TURN * TURNS, MANY));
        turn.had(now + TURN * TURNS, (0, 1), MANY, (QUICK, QUICK));
        assert!(turn.lost(now + TURN * TURNS, MANY), "it had one");
    }

    #[test]
    fn who_was_overtaken_proposes_less_and_then_more_for_as_long_as_deciding_is_quick() {
        let (mut turn, now) = (Turn::default(), Instant::now());
        for _ in 0..4 {
            turn.lost(now, MANY);
        }
        assert_eq!(turn.most(), FEWEST);
        turn.had(now, (0, 1), MANY, (QUICK, QUICK));
        turn.had(now, (1, 2), MANY, (QUICK, QUICK));
        assert_eq!(turn.most(), 4 * FEWEST);
        turn.had(now, (2, 3), MANY, (DECIDED * 3 / 2, QUICK));
        assert_eq!(turn.most(), 4 * FEWEST, "long enough");
        turn.had(now, (3, 4), MANY, (DECIDED * 3, QUICK));
        assert_eq!(turn.most(), 2 * FEWEST, "too long");
        turn.had(now + OTHERS * 2, (4, 5), MANY, (DECIDED * 3, QUICK));
        assert_eq!(turn.most(), 4 * FEWEST, "there is nobody who could be faster");
    }

    #[test]
    fn who_waited_longer_comes_earlier() {
        let (mut turn, now) = (Turn::default(), Instant::now());
        turn.lost(now, MANY);
        assert_eq!(turn.spread(now), SPREAD);
        assert_eq!(turn.spread(now + TURN * 3), SPREAD / 4);
    }

    #[test]
    fn turns_are_longer_where_a_round_takes_longer_but_one_that_was_slow_says_nothing() {
        let (mut turn, now) = (Turn::default(), Instant::now());
        turn.had(now, (0, 1), MANY, (QUICK, LONGEST_ROUND));
        assert_eq!(turn.length(), TURN);
        for n in 1..200 {
            turn.had(now, (n, n + 1), MANY, (QUICK, LONGEST_ROUND));
        }
        assert_eq!((turn.length(), turn.quiet()), (LONGEST_ROUND * ROUNDS, LONGEST_ROUND * QUIET_ROUNDS));
        turn.had(now, (200, 201), MANY, (QUICK, QUICK));
        assert_eq!(turn.length(), TURN);
    }
}
