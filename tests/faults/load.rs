//! The load under a fault: first-aiders who write accidents down, one after the other, and what
//! became of it at home.
//!
//! Each accident is another child's, and every fourth is amended as soon as it is written down. Of
//! each child the mother has a mailbox and the father a phone, so that every account has two places
//! at which it must arrive.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::Duration;

use proto::incidents::v1::{AccidentKind, AmendAccidentRequest, RecordAccidentRequest};
use proto::options::v1::Role;
use simulator::Message;
use tests::roster::Contact;
use tests::school::fresh;
use tests::school::stories::account;
use tests::wait::PATIENCE;
use tests::{Roster, School};
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;
use tonic::{Code, Response, Status};

/// How many first-aiders write at once.
pub const CALLERS: usize = 4;
const PER_CLASS: usize = 40;
const FIRST_WORDS: &str = "Grazed a knee";
const LAST_WORDS: &str = "Grazed an elbow";

/// An accident that was taken: its RPCs were answered OK.
#[derive(Debug)]
struct Accident {
    child: usize,
    amended: bool,
    /// All of it was taken while what failed was away.
    away: bool,
}

/// Who writes, how much, and what came of it.
pub struct Load<'a> {
    school: &'a School,
    /// How many accidents may still be written down.
    allowed: Semaphore,
    begun: Cell<usize>,
    /// How many were written down.
    taken: watch::Sender<usize>,
    away: Cell<bool>,
    accidents: RefCell<Vec<Accident>>,
    /// RPCs that were refused and sent again.
    pub refused: watch::Sender<usize>,
    /// RPCs that were answered OK while what failed was away.
    pub answered_away: Cell<usize>,
    /// The longest answer.
    pub slowest: Cell<Duration>,
}

/// What arrived at home.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct AtHome {
    /// Addresses at which the last words never arrived.
    pub missing: Vec<String>,
    /// Addresses at which older words arrived after newer ones.
    pub out_of_order: Vec<String>,
    /// Addresses at which the first words of an accident arrived that was amended before they could
    /// leave.
    pub outdated: Vec<String>,
    /// Addresses to which that could have happened.
    pub amended_away: usize,
    /// Messages that said again what had been said.
    pub repeated: usize,
    /// All messages.
    pub messages: usize,
}

/// A school with so many children, and [`alive::CHILD`](crate::alive::CHILD).
pub fn roster(children: usize) -> Roster {
    let mut roster = Roster::new();
    for child in 0..children {
        let mother = Contact::parent(&format!("M{child}")).email(&mailbox(child));
        let father = Contact::parent(&format!("F{child}")).phone(&format!("07700900{child:03}"));
        roster = roster.pupil(&name(child), &format!("class{}", child / PER_CLASS), [mother, father]);
    }
    crate::alive::with_one_more(roster)
}

fn name(child: usize) -> String {
    format!("Child{child}")
}

fn mailbox(child: usize) -> String {
    format!("m{child}@example.org")
}

fn phone(child: usize) -> String {
    format!("+447700900{child:03}")
}

impl<'a> Load<'a> {
    /// Nothing is written down yet.
    pub fn on(school: &'a School) -> Self {
        Self {
            school,
            allowed: Semaphore::new(0),
            begun: Cell::new(0),
            taken: watch::Sender::new(0),
            away: Cell::new(false),
            accidents: RefCell::default(),
            refused: watch::Sender::new(0),
            answered_away: Cell::new(0),
            slowest: Cell::new(Duration::ZERO),
        }
    }

    /// So many accidents more.
    pub fn goes_on(&self, accidents: usize) {
        self.allowed.add_permits(accidents);
    }

    /// There are no more: the callers end.
    pub fn ends(&self) {
        self.allowed.close();
    }

    /// What fails is away now, or is there again.
    pub fn is_away(&self, away: bool) {
        self.away.set(away);
    }

    /// Waits until so many accidents have been taken since the beginning.
    pub async fn has_taken(&self, accidents: usize) {
        reached(&self.taken, accidents).await;
    }

    /// Waits until so many RPCs have been refused since the beginning.
    pub async fn was_refused(&self, rpcs: usize) {
        reached(&self.refused, rpcs).await;
    }

    /// The first-aiders, until the load ends.
    pub async fn callers(&self) {
        tokio::join!(self.caller(), self.caller(), self.caller(), self.caller());
    }

    async fn caller(&self) {
        while let Ok(permit) = self.allowed.acquire().await {
            permit.forget();
            let child = self.begun.replace(self.begun.get() + 1);
            self.write_down(child).await;
        }
    }

    async fn write_down(&self, child: usize) {
        let (amended, away) = (child % 4 == 3, self.away.get());
        let request = RecordAccidentRequest {
            request_id: fresh(),
            pupil_id: self.school.pupil(&name(child)),
            account: Some(account(AccidentKind::Minor, FIRST_WORDS)),
        };
        let record = || async {
            self.school.incidents().record_accident(self.school.by(Role::FirstAider, request.clone())).await
        };
        let accident_id = self.taken(record).await.accident_id;
        if amended {
            let request = AmendAccidentRequest {
                request_id: fresh(),
                accident_id,
                account: Some(account(AccidentKind::Minor, LAST_WORDS)),
                why: "written down in a hurry".to_owned(),
                version: 0,
            };
            let amend = || async {
                let amendment = self.school.by(Role::FirstAider, request.clone());
                self.school.incidents().amend_accident(amendment).await
            };
            self.taken(amend).await;
        }
        let away = away && self.away.get();
        self.accidents.borrow_mut().push(Accident { child, amended, away });
        self.taken.send_modify(|taken| *taken += 1);
    }

    /// Sends a request until it is answered OK, each time with its one `request_id`.
    async fn taken<T>(&self, ask: impl AsyncFn() -> Result<Response<T>, Status>) -> T {
        let (mut ticks, deadline) =
            (tokio::time::interval(Duration::from_millis(50)), Instant::now() + PATIENCE);
        loop {
            ticks.tick().await;
            let (away, asked_at) = (self.away.get(), Instant::now());
            let answer = ask().await;
            self.slowest.set(self.slowest.get().max(asked_at.elapsed()));
            match answer {
                Ok(answer) => {
                    let counts = usize::from(away && self.away.get());
                    self.answered_away.set(self.answered_away.get() + counts);
                    return answer.into_inner();
                }
                Err(status) => {
                    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
                    assert!(Instant::now() < deadline, "{status:?} for too long");
                    self.refused.send_modify(|refused| *refused += 1);
                }
            }
        }
    }

    /// Waits until the last words of every accident have arrived at home, or cannot be waited for
    /// any longer.
    pub async fn arrives(&self) {
        let arrived = |messages: &[Message]| self.at_home(messages).missing.is_empty();
        if self.school.phones.wait_until(2 * PATIENCE, arrived).await.is_err() {
            let seen = self.at_home(&self.school.phones.messages());
            assert_eq!(seen.missing, [""; 0], "{} messages", seen.messages);
        }
    }

    /// What has arrived so far.
    pub fn at_home(&self, messages: &[Message]) -> AtHome {
        let mut received: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
        for Message { accepted, .. } in messages {
            let last = accepted.body.contains(LAST_WORDS) || accepted.body.contains("Update:");
            received.entry(&accepted.to).or_default().push(1 + u8::from(last));
        }
        let mut seen = AtHome::default();
        for Accident { child, amended, away } in &*self.accidents.borrow() {
            for address in [mailbox(*child), phone(*child)] {
                let versions = received.remove(address.as_str()).unwrap_or_default();
                if versions.last() != Some(&(1 + u8::from(*amended))) {
                    seen.missing.push(address.clone());
                }
                if !versions.is_sorted() {
                    seen.out_of_order.push(address.clone());
                }
                let at_once = *amended && *away;
                seen.amended_away += usize::from(at_once);
                if at_once && versions.contains(&1) {
                    seen.outdated.push(address);
                }
                let mut different = versions.clone();
                different.sort_unstable();
                different.dedup();
                seen.repeated += versions.len() - different.len();
                seen.messages += versions.len();
            }
        }
        seen
    }
}

async fn reached(count: &watch::Sender<usize>, wanted: usize) {
    let mut seen = count.subscribe();
    let reached = tokio::time::timeout(2 * PATIENCE, seen.wait_for(|seen| *seen >= wanted)).await;
    assert!(matches!(reached, Ok(Ok(_))), "{} and not {wanted}", *count.borrow());
}
