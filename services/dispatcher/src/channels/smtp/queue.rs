//! Letters: messages on their way to a relay, with whoever waits for what becomes of them, and the queue in which they wait for a
//! connection.
//!
//! A letter goes straight to the connection that idled last, so that few connections are kept warm; it waits only when all are busy. What
//! is urgent goes first, and some connections carry nothing else. A letter that is dropped without an answer leaves its sender with an
//! unknown fate.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

use super::message::Written;
use crate::channels::{Leave, NotSent, Outcome, Why, kept_for_urgent};

/// Whether a letter is urgent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::channels) enum Haste {
    /// It goes before the others.
    Urgent,
    /// It is one of the others.
    Usual,
}

/// Which letters a connection carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carries {
    /// Any, the urgent ones first.
    All,
    /// None but urgent ones.
    Urgent,
}

impl Carries {
    fn takes(self, haste: Haste) -> bool {
        self == Self::All || haste == Haste::Urgent
    }
}

/// A message on its way.
pub(super) struct Letter {
    pub(super) written: Written,
    lost_before: bool,
    leave: Leave,
    answer: oneshot::Sender<Result<Outcome, NotSent>>,
    number: u64,
}

impl Letter {
    /// Whether it may still leave.
    pub(super) fn may_leave(&self) -> Result<(), NotSent> {
        self.leave.ask()
    }

    /// Tells its sender what became of it.
    pub(super) fn end(self, outcome: Result<Outcome, NotSent>) {
        // A sender that went away has decided by itself what that means.
        let _ = self.answer.send(outcome);
    }

    /// The same after a connection was lost before the relay could have taken it; `None` the second time, when its sender is told.
    pub(super) fn after_a_loss(self, why: Why) -> Option<Self> {
        if self.lost_before {
            self.end(Ok(Outcome::retry(why)));
            return None;
        }
        Some(Self { lost_before: true, ..self })
    }

    /// Whether nobody waits for it any more.
    pub(super) fn is_forsaken(&self) -> bool {
        self.answer.is_closed()
    }

    /// Returns when nobody waits for it any more.
    pub(super) async fn forsaken(&mut self) {
        self.answer.closed().await;
    }
}

/// What a sender waits with.
pub(super) struct Waiting {
    pub(super) answered: oneshot::Receiver<Result<Outcome, NotSent>>,
    number: u64,
}

/// Where a letter went when it was posted.
pub(super) enum Posted {
    /// To a connection, or to the others that wait.
    Taken(Waiting),
    /// Nowhere yet: there is room for one more connection of this kind, which has it first.
    WantsConnection(Letter, Waiting, Carries),
}

/// The letters that wait, and the connections that do.
pub(super) struct Queue {
    state: Mutex<State>,
    most: Connections,
}

#[derive(Default)]
struct State {
    urgent: VecDeque<Letter>,
    usual: VecDeque<Letter>,
    /// The one that idled last is the last.
    idle: Vec<(Carries, oneshot::Sender<Letter>)>,
    open: Connections,
    numbers: u64,
}

/// How many there are of each kind.
#[derive(Default)]
struct Connections {
    all: usize,
    urgent: usize,
}

impl Connections {
    fn of(&mut self, carries: Carries) -> &mut usize {
        match carries {
            Carries::All => &mut self.all,
            Carries::Urgent => &mut self.urgent,
        }
    }
}

impl State {
    fn pop(&mut self, carries: Carries) -> Option<Letter> {
        match carries {
            Carries::All => self.urgent.pop_front().or_else(|| self.usual.pop_front()),
            Carries::Urgent => self.urgent.pop_front(),
        }
    }

    /// A connection that may be opened for such a letter.
    fn room_for(&self, haste: Haste, most: &Connections) -> Option<Carries> {
        if self.open.all < most.all {
            return Some(Carries::All);
        }
        (haste == Haste::Urgent && self.open.urgent < most.urgent).then_some(Carries::Urgent)
    }
}

impl Queue {
    pub(super) fn new(most_connections: usize) -> Self {
        let urgent = kept_for_urgent(most_connections);
        let most = Connections { all: most_connections.saturating_sub(urgent), urgent };
        Self { state: Mutex::default(), most }
    }

    /// Posts a message.
    pub(super) fn post(&self, written: Written, haste: Haste, leave: Leave) -> Posted {
        let (answer, answered) = oneshot::channel();
        let mut state = self.state();
        state.numbers += 1;
        let number = state.numbers;
        let mut letter = Letter { written, lost_before: false, leave, answer, number };
        let waiting = Waiting { answered, number };
        while let Some(at) = state.idle.iter().rposition(|(carries, _)| carries.takes(haste)) {
            let (_, idle) = state.idle.remove(at);
            match idle.send(letter) {
                Ok(()) => return Posted::Taken(waiting),
                // It has just stopped waiting.
                Err(unsent) => letter = unsent,
            }
        }
        if let Some(carries) = state.room_for(haste, &self.most) {
            *state.open.of(carries) += 1;
            return Posted::WantsConnection(letter, waiting, carries);
        }
        match haste {
            Haste::Urgent => state.urgent.push_back(letter),
            Haste::Usual => state.usual.push_back(letter),
        }
        Posted::Taken(waiting)
    }

    /// Takes a letter back that no connection has taken yet; false when one has.
    pub(super) fn withdraw(&self, waiting: &Waiting) -> bool {
        let mut state = self.state();
        let State { urgent, usual, .. } = &mut *state;
        [urgent, usual].into_iter().any(|letters| {
            let position = letters.iter().position(|letter| letter.number == waiting.number);
            position.and_then(|position| letters.remove(position)).is_some()
        })
    }

    /// The next letter that may leave, if one waits. The others have waited too long.
    pub(super) fn take(&self, carries: Carries) -> Option<Letter> {
        loop {
            // Told outside the lock: asking may take its time.
            let letter = self.state().pop(carries)?;
            if letter.is_forsaken() {
                continue;
            }
            if letter.may_leave().is_ok() {
                return Some(letter);
            }
            letter.end(Err(NotSent::NoTurn));
        }
    }

    /// The next letter, waited for by a connection that idles.
    pub(super) async fn next(&self, carries: Carries, patience: Duration) -> Option<Letter> {
        let mut turn = {
            let mut state = self.state();
            if let Some(letter) = state.pop(carries) {
                return Some(letter);
            }
            let (idle, turn) = oneshot::channel();
            state.idle.push((carries, idle));
            turn
        };
        if let Ok(letter) = timeout(patience, &mut turn).await {
            return letter.ok();
        }
        // A letter may be on its way to us this very moment.
        turn.close();
        turn.try_recv().ok()
    }

    /// A connection that has waited in vain ends, unless a letter has come after all.
    pub(super) fn retire(&self, carries: Carries) -> Option<Letter> {
        let mut state = self.state();
        let letter = state.pop(carries);
        if letter.is_none() {
            *state.open.of(carries) = state.open.of(carries).saturating_sub(1);
        }
        letter
    }

    /// A connection is no more.
    pub(super) fn connection_ended(&self, carries: Carries) {
        let mut state = self.state();
        *state.open.of(carries) = state.open.of(carries).saturating_sub(1);
        state.idle.retain(|(_, idle)| !idle.is_closed());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: Duration = Duration::from_secs(30);

    fn written() -> Written {
        Written {
            return_path: "office@example.org".parse().unwrap(),
            recipient: "parent@example.org".parse().unwrap(),
            message_id: String::new(),
            content: Vec::new(),
        }
    }

    fn post(queue: &Queue) -> Posted {
        queue.post(written(), Haste::Usual, Leave::while_it_holds(|| true))
    }

    fn post_urgent(queue: &Queue) -> Posted {
        queue.post(written(), Haste::Urgent, Leave::while_it_holds(|| true))
    }

    #[tokio::test(start_paused = true)]
    async fn a_letter_that_comes_while_the_last_connection_takes_leave_is_carried() {
        let queue = Queue::new(1);
        assert!(matches!(post(&queue), Posted::WantsConnection(..)));
        assert!(queue.next(Carries::All, IDLE).await.is_none(), "it has waited in vain");
        let Posted::Taken(waiting) = post(&queue) else { panic!("there is one still") };
        let letter = queue.retire(Carries::All).expect("so it stays");
        assert!(!queue.withdraw(&waiting), "it was taken");
        letter.end(Err(NotSent::NoTurn));
        assert!(queue.retire(Carries::All).is_none());
        assert!(matches!(post(&queue), Posted::WantsConnection(..)), "its place is free");
    }

    #[tokio::test(start_paused = true)]
    async fn a_letter_goes_to_the_connection_that_idled_last() {
        let queue = Queue::new(2);
        let _both = (post(&queue), post(&queue));
        let mut first = std::pin::pin!(queue.next(Carries::All, IDLE));
        assert!(timeout(Duration::from_secs(1), &mut first).await.is_err());
        let mut last = std::pin::pin!(queue.next(Carries::All, IDLE));
        assert!(timeout(Duration::from_secs(1), &mut last).await.is_err());
        let _waiting = post(&queue);
        assert!(last.await.is_some());
        assert!(first.await.is_none());
    }

    #[test]
    fn a_letter_that_waits_can_be_taken_back_once() {
        let queue = Queue::new(0);
        let Posted::Taken(waiting) = post(&queue) else { panic!("there is no room") };
        assert!(queue.withdraw(&waiting));
        assert!(!queue.withdraw(&waiting) && queue.take(Carries::All).is_none());
    }

    #[test]
    fn what_nobody_waits_for_or_may_not_leave_is_passed_over() {
        let queue = Queue::new(0);
        drop(post(&queue));
        let Posted::Taken(mut barred) = queue.post(written(), Haste::Usual, Leave::while_it_holds(|| false))
        else {
            panic!()
        };
        let _waiting = post(&queue);
        assert!(queue.take(Carries::All).is_some_and(|letter| letter.number == 3));
        assert_eq!(barred.answered.try_recv(), Ok(Err(NotSent::NoTurn)));
    }

    #[test]
    fn what_is_urgent_goes_first_and_has_a_connection_that_nothing_else_may_hold() {
        let queue = Queue::new(4);
        let mut usual: Vec<Posted> = (0..5).map(|_| post(&queue)).collect();
        let opened = |posted: &Posted| match posted {
            Posted::WantsConnection(_, _, carries) => Some(*carries),
            Posted::Taken(_) => None,
        };
        let all = Some(Carries::All);
        assert_eq!(usual.iter().map(opened).collect::<Vec<_>>(), [all, all, all, None, None]);
        let urgent = post_urgent(&queue);
        assert_eq!(opened(&urgent), Some(Carries::Urgent));
        let next = post_urgent(&queue);
        assert_eq!(opened(&next), None, "there are four");
        let Posted::Taken(next) = next else { panic!() };
        assert!(queue.take(Carries::All).is_some_and(|letter| letter.number == next.number));
        assert!(queue.take(Carries::Urgent).is_none(), "the others are not for it");
        let Some(Posted::Taken(waiting)) = usual.pop() else { panic!() };
        assert!(queue.withdraw(&waiting) && queue.take(Carries::All).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_for_what_is_urgent_idles_through_everything_else() {
        let queue = Queue::new(4);
        let mut urgent = std::pin::pin!(queue.next(Carries::Urgent, IDLE));
        assert!(timeout(Duration::from_secs(1), &mut urgent).await.is_err());
        assert!(matches!(post(&queue), Posted::WantsConnection(..)), "it is no help");
        let _waiting = post_urgent(&queue);
        assert!(urgent.await.is_some());
    }
}
