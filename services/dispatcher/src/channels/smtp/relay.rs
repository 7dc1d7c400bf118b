//! The relay: as many connections as the settings allow, each opened when a letter wants it, used for a while, and then replaced.
//!
//! Each connection is a task that owns it. Relays close connections that idle or that carried many messages; one is therefore asked
//! when it has waited long, left when it waits longer, and retired by age and count before the relay does it in the middle of a message.
//! Dropping the relay ends the tasks, and with them what is under way.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::connection::Connection;
use super::greeting::Access;
use super::message::Written;
use super::queue::{Carries, Haste, Letter, Posted, Queue, Waiting};
use crate::channels::{Leave, NotSent, Outcome, Why, why};

/// After a fault that an operator has to mend.
const OUR_FAULT_PAUSE: Duration = Duration::from_mins(5);
/// How long a letter waits for a connection. Its clearance lasts a few seconds; it is asked for again when its turn comes.
const TURN_WITHIN: Duration = Duration::from_secs(1);
const OLDEST: Duration = Duration::from_mins(5);
const MOST_MESSAGES: usize = 500;
const ASK_WHEN_IDLE_FOR: Duration = Duration::from_secs(5);
const LEAVE_WHEN_IDLE_FOR: Duration = Duration::from_secs(30);

struct Office {
    access: Access,
    queue: Queue,
}

/// Carries letters to one relay.
pub(in crate::channels) struct Relay {
    office: Arc<Office>,
    connections: Mutex<JoinSet<()>>,
}

impl Relay {
    pub(super) fn new(access: Access, most_connections: usize) -> Self {
        let office = Office { access, queue: Queue::new(most_connections) };
        Self { office: Arc::new(office), connections: Mutex::default() }
    }

    /// Greets the relay, encrypts and logs in as for a message, and takes leave.
    pub(in crate::channels) async fn check(&self) -> Result<(), Why> {
        open(&self.office.access).await?.quit().await;
        Ok(())
    }

    /// Carries one message, and says what became of it.
    pub(in crate::channels) async fn carry(
        &self,
        written: Written,
        haste: Haste,
        leave: &Leave,
    ) -> Result<Outcome, NotSent> {
        leave.ask()?;
        let waiting = match self.office.queue.post(written, haste, leave.clone()) {
            Posted::Taken(waiting) => waiting,
            Posted::WantsConnection(letter, waiting, carries) => {
                self.connect(letter, carries);
                waiting
            }
        };
        self.answer(waiting).await
    }

    async fn answer(&self, mut waiting: Waiting) -> Result<Outcome, NotSent> {
        tokio::select! {
            biased;
            answered = &mut waiting.answered => return known(answered.ok()),
            () = tokio::time::sleep(TURN_WITHIN) => {}
        }
        if self.office.queue.withdraw(&waiting) {
            return Err(NotSent::NoTurn);
        }
        known(waiting.answered.await.ok())
    }

    fn connect(&self, first: Letter, carries: Carries) {
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        while connections.try_join_next().is_some() {}
        let place = Place { office: Arc::clone(&self.office), carries, is_given_back: false };
        connections.spawn(serve(place, first));
    }
}

async fn open(access: &Access) -> Result<Connection, Why> {
    // A handshake's state is large and rare; it should not weigh on every send.
    Box::pin(Connection::open(access)).await
}

/// A connection whose task has ended without an answer may have carried the letter.
fn known(answer: Option<Result<Outcome, NotSent>>) -> Result<Outcome, NotSent> {
    answer.unwrap_or(Ok(Outcome::Unknown { why: why::ANSWER_LOST }))
}

/// One of the relay's connections. Gives its place back however its task ends.
struct Place {
    office: Arc<Office>,
    carries: Carries,
    is_given_back: bool,
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.is_given_back {
            self.office.queue.connection_ended(self.carries);
        }
    }
}

/// One connection after another in one place, for as long as there are letters.
async fn serve(mut place: Place, first: Letter) {
    let carries = place.carries;
    let (mut next, mut link) = (Some(first), None::<Link>);
    loop {
        if next.is_none() {
            next = place.office.queue.next(carries, LEAVE_WHEN_IDLE_FOR).await;
        }
        if next.is_none() {
            if let Some(mut idle) = link.take() {
                idle.connection.quit().await;
            }
            // A letter may have come while we took leave.
            next = place.office.queue.retire(carries);
            place.is_given_back = next.is_none();
        }
        let Some(letter) = next else { return };
        next = place.office.carry(letter, carries, &mut link).await;
    }
}

impl Office {
    /// Carries a letter, and those that follow it without a pause. Gives back the one that is to be carried over a fresh connection.
    async fn carry(&self, letter: Letter, carries: Carries, link: &mut Option<Link>) -> Option<Letter> {
        if letter.is_forsaken() {
            return None;
        }
        if letter.may_leave().is_err() {
            letter.end(Err(NotSent::NoTurn));
            return None;
        }
        let mut used = match self.link(link.take()).await {
            Ok(link) => link,
            Err(why) => {
                letter.end(Ok(unconnected(why)));
                return None;
            }
        };
        let most = MOST_MESSAGES.saturating_sub(used.messages);
        let done = used.connection.carry(letter, (&self.queue, carries), most).await;
        used.messages += done.messages;
        used.last_used = Instant::now();
        *link = used.connection.is_usable().then_some(used);
        // The relay has probably closed what idled; a fresh connection shows whether it is there at all.
        done.lost.and_then(|(letter, why)| letter.after_a_loss(why))
    }

    /// The connection at hand where it is still good, or a fresh one.
    async fn link(&self, at_hand: Option<Link>) -> Result<Link, Why> {
        if let Some(link) = at_hand
            && let Some(link) = link.freshened().await
        {
            return Ok(link);
        }
        open(&self.access).await.map(Link::new)
    }
}

/// Nothing of the message was said. What an operator has to mend is not tried again at once.
fn unconnected(why: Why) -> Outcome {
    if why.is_ours_to_mend() { Outcome::retry_after(why, OUR_FAULT_PAUSE) } else { Outcome::retry(why) }
}

/// A connection with its past.
struct Link {
    connection: Connection,
    opened: Instant,
    last_used: Instant,
    messages: usize,
}

impl Link {
    fn new(connection: Connection) -> Self {
        let now = Instant::now();
        Self { connection, opened: now, last_used: now, messages: 0 }
    }

    /// The same when it is good for another message.
    async fn freshened(mut self) -> Option<Self> {
        if self.opened.elapsed() > OLDEST || self.messages >= MOST_MESSAGES {
            self.connection.quit().await;
            return None;
        }
        let is_there = self.last_used.elapsed() < ASK_WHEN_IDLE_FOR || self.connection.is_there().await;
        is_there.then_some(self)
    }
}
