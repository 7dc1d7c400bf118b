//! Letters: messages on their way to a relay, with whoever waits for what becomes of them, and the queue in which they wait for a
//! connection.
//!
//! A letter goes straight to the connection that idled last, so that few connections are kept warm; it waits only when all are busy. A
//! letter that is dropped without an answer leaves its sender with an unknown fate.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

use super::smtp_message::Written;
use super::{Leave, NotSent, Outcome, Why};

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
    /// Nowhere yet: there is room for one more connection, which has it first.
    WantsConnection(Letter, Waiting),
}

/// The letters that wait, and the connections that do.
pub(super) struct Queue {
    state: Mutex<State>,
    most_connections: usize,
}

#[derive(Default)]
struct State {
    letters: VecDeque<Letter>,
    /// The one that idled last is the last.
    idle: Vec<oneshot::Sender<Letter>>,
    connections: usize,
    numbers: u64,
}

impl Queue {
    pub(super) fn new(most_connections: usize) -> Self {
        Self { state: Mutex::default(), most_connections }
    }

    /// Posts a message.
    pub(super) fn post(&self, written: Written, leave: Leave) -> Posted {
        let (answer, answered) = oneshot::channel();
        let mut state = self.state();
        state.numbers += 1;
        let number = state.numbers;
        let mut letter = Letter { written, lost_before: false, leave, answer, number };
        let waiting = Waiting { answered, number };
        while let Some(idle) = state.idle.pop() {
            match idle.send(letter) {
                Ok(()) => return Posted::Taken(waiting),
                // It has just stopped waiting.
                Err(unsent) => letter = unsent,
            }
        }
        if state.connections < self.most_connections {
            state.connections += 1;
            return Posted::WantsConnection(letter, waiting);
        }
        state.letters.push_back(letter);
        Posted::Taken(waiting)
    }

    /// Takes a letter back that no connection has taken yet; false when one has.
    pub(super) fn withdraw(&self, waiting: &Waiting) -> bool {
        let mut state = self.state();
        let position = state.letters.iter().position(|letter| letter.number == waiting.number);
        position.and_then(|position| state.letters.remove(position)).is_some()
    }

    /// The next letter that may leave, if one waits. The others have waited too long.
    pub(super) fn take(&self) -> Option<Letter> {
        loop {
            // Told outside the lock: asking may take its time.
            let letter = self.state().letters.pop_front()?;
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
    pub(super) async fn next(&self, patience: Duration) -> Option<Letter> {
        let mut turn = {
            let mut state = self.state();
            if let Some(letter) = state.letters.pop_front() {
                return Some(letter);
            }
            let (idle, turn) = oneshot::channel();
            state.idle.push(idle);
            turn
        };
        match timeout(patience, &mut turn).await {
            Ok(letter) => letter.ok(),
            Err(_) => {
                // A letter may be on its way to us this very moment.
                turn.close();
                turn.try_recv().ok()
            }
        }
    }

    /// A connection is no more.
    pub(super) fn connection_ended(&self) {
        let mut state = self.state();
        state.connections = state.connections.saturating_sub(1);
        state.idle.retain(|idle| !idle.is_closed());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
