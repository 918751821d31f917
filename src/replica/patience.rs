//! [`Patience`]: for how long sources that ask somebody wait for an answer.
//!
//! Leaves asking to them. Always: no answer is waited for longer than was set; where those who wait were roused, no longer than it takes
//! somebody who is there, and has nothing to say, to say that.

use super::PULSE;
use futures_util::future::{Either, select};
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout};

/// Who is roused then, or later, has waited for long enough.
const ROUSED: Duration = PULSE.saturating_mul(2);

/// Cheap to clone: all clones are roused at once.
#[derive(Clone, Debug)]
pub(crate) struct Patience {
    pub(crate) longest: Duration,
    roused: Arc<Notify>,
}

impl Patience {
    pub(crate) fn of(longest: Duration) -> Patience {
        Patience { longest, roused: Arc::default() }
    }

    /// Has those who wait look up: what they wait for may not be wanted any longer.
    pub(crate) fn rouse(&self) {
        self.roused.notify_waiters();
    }

    /// Whether somebody was roused within that time; returns then.
    #[cfg(feature = "jetstream")]
    pub(crate) async fn is_roused_within(&self, time: Duration) -> bool {
        timeout(time, self.roused.notified()).await.is_ok()
    }

    /// An answer, if it comes in time.
    pub(crate) async fn with<T>(&self, answer: impl Future<Output = T>) -> io::Result<T> {
        match select(pin!(answer), pin!(self.is_over())).await {
            Either::Left((answer, _)) => Ok(answer),
            Either::Right(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    async fn is_over(&self) {
        let begun = Instant::now();
        let roused = async {
            sleep_until(begun + ROUSED).await;
            self.roused.notified().await;
        };
        drop(timeout(self.longest, roused).await);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::{pending, ready};
    use tokio::runtime::Builder;

    /// What a question comes to that is not answered, while somebody rouses whoever waits.
    fn unanswered(patience: &Patience) -> io::Result<()> {
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        let rouses = async {
            loop {
                patience.rouse();
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        runtime.block_on(async {
            match select(pin!(patience.with(pending::<()>())), pin!(rouses)).await {
                Either::Left((answer, _)) => answer,
                Either::Right((never, _)) => never,
            }
        })
    }

    #[test]
    fn who_is_roused_does_not_wait_as_long_as_was_set() {
        let hours = Patience::of(Duration::from_secs(36_000));
        assert_eq!(unanswered(&hours).unwrap_err().kind(), io::ErrorKind::TimedOut);
        let moments = Patience::of(Duration::from_millis(1));
        assert_eq!(unanswered(&moments).unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn an_answer_that_is_there_is_had_at_once() {
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        assert_eq!(runtime.block_on(Patience::of(Duration::ZERO).with(ready(7))).unwrap(), 7);
    }
}
