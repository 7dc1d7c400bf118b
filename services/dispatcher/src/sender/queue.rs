//! What waits for a channel's connections: three lanes, from which the next message is taken only
//! when it can leave at once, so that whatever is urgent is next however much waits.
//!
//! No lane starves: one that was passed over for long enough has the next turn. And nothing that is not
//! urgent is ever on the [way](Way) that is kept for what is.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Semaphore;

use crate::routes::Lane;

/// How often a lane is passed over by what is more urgent, until it has a turn of its own. Nothing is
/// more urgent than what is urgent.
const fn patience(lane: Lane) -> u32 {
    match lane {
        Lane::Urgent => u32::MAX,
        Lane::Normal => 9,
        Lane::Bulk => 19,
    }
}

/// On which way a message leaves its queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Whatever has the next turn.
    Any,
    /// What is urgent only.
    Urgent,
}

/// Waiting messages of one channel.
pub(super) struct Queue<T> {
    waiting: Mutex<Waiting<T>>,
    /// One for each that came and was not spoken for here.
    free: Semaphore,
    /// The same of those that are urgent. Each is offered on both ways and leaves on one, so that whoever has spoken for
    /// one may find none.
    urgent: Semaphore,
}

struct Waiting<T> {
    lines: [Line<T>; Lane::ALL.len()],
    is_closed: bool,
}

/// What waits in one lane.
struct Line<T> {
    lane: Lane,
    items: VecDeque<T>,
    passed_over: u32,
}

impl<T> Queue<T> {
    pub(super) fn new() -> Self {
        let lines = Lane::ALL.map(|lane| Line { lane, items: VecDeque::new(), passed_over: 0 });
        Self {
            waiting: Mutex::new(Waiting { lines, is_closed: false }),
            free: Semaphore::new(0),
            urgent: Semaphore::new(0),
        }
    }

    /// Lets something wait. In a closed queue nothing waits: it is dropped.
    pub(super) fn push(&self, lane: Lane, item: T) {
        let mut waiting = self.waiting();
        if waiting.is_closed {
            return;
        }
        if let Some(line) = waiting.lines.iter_mut().find(|line| line.lane == lane) {
            line.items.push_back(item);
        }
        drop(waiting);
        self.free.add_permits(1);
        if lane == Lane::Urgent {
            self.urgent.add_permits(1);
        }
    }

    /// How much waits.
    pub(super) fn len(&self) -> usize {
        self.waiting().lines.iter().map(|line| line.items.len()).sum()
    }

    /// Waits until something is offered, and speaks for one: one [`pop`](Self::pop) is owed.
    pub(super) async fn reserve(&self, way: Way) {
        // The semaphores are never closed.
        if let Ok(one) = self.offered(way).acquire().await {
            one.forget();
        }
    }

    /// Speaks for one if there is one.
    pub(super) fn try_reserve(&self, way: Way) -> bool {
        self.offered(way).try_acquire().is_ok_and(|one| {
            one.forget();
            true
        })
    }

    /// Takes what has the next turn, for whoever has spoken for one; none in a closed queue, and none when it has
    /// left on the other way.
    pub(super) fn pop(&self, way: Way) -> Option<T> {
        match way {
            Way::Any => self.waiting().next(),
            Way::Urgent => self.waiting().next_urgent(),
        }
    }

    fn offered(&self, way: Way) -> &Semaphore {
        match way {
            Way::Any => &self.free,
            Way::Urgent => &self.urgent,
        }
    }

    /// Drops what waits and whatever comes.
    pub(super) fn close(&self) {
        let mut waiting = self.waiting();
        waiting.is_closed = true;
        let dropped: Vec<_> = waiting.lines.iter_mut().map(|line| std::mem::take(&mut line.items)).collect();
        drop(waiting);
        drop(dropped);
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting<T>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Waiting<T> {
    fn next(&mut self) -> Option<T> {
        let waits = |line: &Line<T>| !line.items.is_empty();
        let impatient = |line: &Line<T>| waits(line) && line.passed_over >= patience(line.lane);
        let turn = self.lines.iter().rposition(impatient).or_else(|| self.lines.iter().position(waits))?;
        for line in self.lines.iter_mut().skip(turn + 1).filter(|line| !line.items.is_empty()) {
            line.passed_over += 1;
        }
        let line = self.lines.get_mut(turn)?;
        line.passed_over = 0;
        line.items.pop_front()
    }

    /// Passes nobody over: it takes no connection and no credit that the others use.
    fn next_urgent(&mut self) -> Option<T> {
        self.lines.iter_mut().find(|line| line.lane == Lane::Urgent)?.items.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(items: &[(Lane, usize)]) -> Queue<Lane> {
        let queue = Queue::new();
        for (lane, number) in items {
            for _ in 0..*number {
                queue.push(*lane, *lane);
            }
        }
        queue
    }

    #[test]
    fn what_is_urgent_is_next_however_much_waits() {
        let queue = filled(&[(Lane::Bulk, 1_000), (Lane::Normal, 5)]);
        queue.pop(Way::Any);
        queue.push(Lane::Urgent, Lane::Urgent);
        assert_eq!(queue.pop(Way::Any), Some(Lane::Urgent));
        assert_eq!(queue.pop(Way::Any), Some(Lane::Normal));
    }

    #[test]
    fn no_lane_starves_under_a_flood_of_what_is_more_urgent() {
        let queue = filled(&[(Lane::Urgent, 2_000), (Lane::Normal, 100), (Lane::Bulk, 100)]);
        let first: Vec<Lane> = std::iter::from_fn(|| queue.pop(Way::Any)).take(400).collect();
        let share = |lane| first.iter().filter(|taken| **taken == lane).count();
        assert!(share(Lane::Urgent) > 300, "{} urgent of 400", share(Lane::Urgent));
        assert!((30..=50).contains(&share(Lane::Normal)), "{} normal of 400", share(Lane::Normal));
        assert!((15..=25).contains(&share(Lane::Bulk)), "{} bulk of 400", share(Lane::Bulk));
    }

    #[test]
    fn everything_comes_out_once_and_in_its_lane_s_order() {
        let queue = Queue::new();
        for number in 0..50 {
            let lane = Lane::ALL[number % 3];
            queue.push(lane, (lane, number));
        }
        let mut taken: Vec<_> = std::iter::from_fn(|| queue.pop(Way::Any)).collect();
        assert_eq!(taken.len(), 50);
        taken.sort_by_key(|(lane, _)| *lane);
        assert!(taken.is_sorted(), "{taken:?}");
    }

    #[tokio::test]
    async fn whoever_has_spoken_for_one_gets_one_and_what_comes_meanwhile_may_be_first() {
        let queue = filled(&[(Lane::Bulk, 1)]);
        queue.reserve(Way::Any).await;
        assert!(!queue.try_reserve(Way::Any));
        queue.push(Lane::Urgent, Lane::Urgent);
        assert_eq!(queue.pop(Way::Any), Some(Lane::Urgent));
        assert!(queue.try_reserve(Way::Any));
        assert_eq!(queue.pop(Way::Any), Some(Lane::Bulk));
        assert_eq!(queue.len(), 0);
    }

    #[tokio::test]
    async fn what_is_urgent_is_offered_on_both_ways_and_leaves_on_one() {
        let queue = filled(&[(Lane::Bulk, 1), (Lane::Urgent, 1)]);
        queue.reserve(Way::Urgent).await;
        assert!(!queue.try_reserve(Way::Urgent), "nothing else is urgent");
        assert_eq!(queue.pop(Way::Urgent), Some(Lane::Urgent));
        assert_eq!(queue.pop(Way::Urgent), None, "what is not urgent stays");
        queue.reserve(Way::Any).await;
        assert_eq!(queue.pop(Way::Any), Some(Lane::Bulk));
        assert!(queue.try_reserve(Way::Any), "the urgent one was offered here too");
        assert_eq!(queue.pop(Way::Any), None, "and has left");
    }

    #[test]
    fn a_closed_queue_keeps_nothing() {
        let queue = filled(&[(Lane::Bulk, 3)]);
        queue.close();
        queue.push(Lane::Urgent, Lane::Urgent);
        assert_eq!(queue.pop(Way::Any), None);
    }
}
