//! A way out: a channel with what waits for it, and its share of what its provider bears.
//!
//! Workers take from its queue. A worker has a connection, a message's credit and its place in the
//! provider's rate before it looks which message is next, so that what is urgent never waits behind
//! what is not. What must be known to have started before it leaves lets others use the connection
//! while that is written down, so there are a few more workers than connections. Those wait in a row for
//! a connection, which is why some connections and their workers are for what is urgent only.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kit::store::Store;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

use super::budget::Budget;
use super::flight::Desk;
use super::prepare::Ready;
use super::queue::{Queue, Way};
use crate::channels::{
    Channel, ChannelName, Found, Leave, Limits, NotSent, Outcome, Outgoing, kept_for_urgent, why,
};
use crate::domain::budget::Allowance;
use crate::domain::outcome::Slowing;
use crate::routes::Lane;
use crate::store::budgets::Account;

/// How long a question about a message may wait for its turn.
const FIND_MAY_WAIT: Duration = Duration::from_secs(10);
/// How long nothing is started after a provider said that the rate is too high.
const REST: Duration = Duration::from_secs(1);
/// When a provider is asked again that does not say when its day ends.
const LATER_TODAY: Duration = Duration::from_mins(15);
/// No more than leave in this part of a second may be written down as started ahead of their request: whether
/// these have left is a person's question after a crash, and a slow provider must not make them old.
const AHEAD_A_SECOND: u32 = 4;
const MOST_AHEAD: u32 = 256;

/// As many requests at once, and per second, as the provider bears.
pub struct Outlet {
    channel: Arc<dyn Channel>,
    limits: Limits,
    budget: Arc<Budget>,
    queue: Queue<Ready>,
    connections: Semaphore,
    urgent_connections: Semaphore,
    ahead: Semaphore,
    /// Who looks for a message waits here and not for a credit or a connection, so that one whose start is durable has
    /// at most one of them before it.
    looking: tokio::sync::Mutex<()>,
    /// Until when the provider takes nothing, because what it takes in a day is used up.
    parked_until: Mutex<Option<Timestamp>>,
}

/// Opens a way out by each channel. Channels with one account share its rate: the provider counts
/// them together.
#[must_use]
pub fn outlets(channels: Vec<Arc<dyn Channel>>, store: &Store) -> HashMap<ChannelName, Arc<Outlet>> {
    let mut accounts: HashMap<String, Allowance> = HashMap::new();
    for channel in &channels {
        let Limits { per_second, burst, .. } = channel.limits();
        accounts
            .entry(channel.account())
            .and_modify(|least| {
                least.per_second = least.per_second.min(per_second);
                least.burst = least.burst.min(burst);
            })
            .or_insert(Allowance { per_second, burst });
    }
    let budget = |(name, allowance): (String, Allowance)| {
        let own = channels.iter().filter(|channel| channel.account() == name);
        let own = own.map(|channel| channel.name()).collect();
        let account = Account { name: name.clone(), allowance };
        (name, Arc::new(Budget::new(account, own, store.clone())))
    };
    let budgets: HashMap<String, Arc<Budget>> = accounts.into_iter().map(budget).collect();
    channels
        .into_iter()
        .filter_map(|channel| {
            let budget = Arc::clone(budgets.get(&channel.account())?);
            let limits = channel.limits();
            let outlet = Outlet {
                budget,
                queue: Queue::new(),
                connections: Semaphore::new(connections(limits, Way::Any)),
                urgent_connections: Semaphore::new(connections(limits, Way::Urgent)),
                ahead: Semaphore::new(ahead(limits)),
                looking: tokio::sync::Mutex::new(()),
                parked_until: Mutex::new(None),
                limits,
                channel,
            };
            Some((outlet.channel.name(), Arc::new(outlet)))
        })
        .collect()
}

/// How many connections are for what leaves on a way.
fn connections(limits: Limits, way: Way) -> usize {
    let all = limits.connections.max(1);
    let urgent = kept_for_urgent(all);
    match way {
        Way::Any => all - urgent,
        Way::Urgent => urgent,
    }
}

/// How many messages may be written down as started ahead of their requests.
fn ahead(limits: Limits) -> usize {
    usize::try_from((limits.per_second / AHEAD_A_SECOND).clamp(1, MOST_AHEAD)).unwrap_or(1)
}

/// What a message has that may leave now.
pub(super) struct Turn<'a> {
    /// A crash repeats at most as many messages as there are credits.
    credit: OwnedSemaphorePermit,
    connection: SemaphorePermit<'a>,
    way: Way,
}

impl Turn<'_> {
    /// The request is over: somebody else may use its connection, before it is durable what came of it.
    pub(super) fn into_credit(self) -> OwnedSemaphorePermit {
        self.credit
    }
}

impl Outlet {
    /// Messages per second, sustained.
    #[must_use]
    pub fn per_second(&self) -> u32 {
        self.limits.per_second.max(1)
    }

    /// The way of each of its workers: enough that every connection is used while others wait until their start
    /// is durable.
    pub(super) fn workers(&self) -> impl Iterator<Item = Way> + use<> {
        let any = connections(self.limits, Way::Any) + ahead(self.limits);
        let urgent = connections(self.limits, Way::Urgent);
        std::iter::repeat_n(Way::Any, any).chain(std::iter::repeat_n(Way::Urgent, urgent))
    }

    /// Lets a message wait for its turn.
    pub(super) fn push(&self, lane: Lane, ready: Ready) {
        self.queue.push(lane, ready);
    }

    /// Drops what waits and whatever comes.
    pub(super) fn close(&self) {
        self.queue.close();
    }

    /// Waits until a message may leave, and takes the one whose turn it is. What may not leave any
    /// more falls out on the way and uses up no place in the rate.
    pub(super) async fn next(&self, desk: &Desk, way: Way) -> (Ready, Turn<'_>) {
        loop {
            self.queue.reserve(way).await;
            let looking = match way {
                Way::Any => Some(self.looking.lock().await),
                Way::Urgent => None,
            };
            // First the credit: whoever has a connection must not wait for one who waits for that.
            let credit = desk.settler.credit(way).await;
            let connection = permit(match way {
                Way::Any => &self.connections,
                Way::Urgent => &self.urgent_connections,
            });
            let connection = connection.await;
            drop(looking);
            self.budget.turn(u32::try_from(self.queue.len()).unwrap_or(u32::MAX)).await;
            loop {
                match self.queue.pop(way) {
                    Some(ready) if desk.may_leave(&ready) => {
                        return (ready, Turn { credit, connection, way });
                    }
                    _ if self.queue.try_reserve(way) => {}
                    _ => break,
                }
            }
            self.budget.give_back();
        }
    }

    /// Writes down that a message starts, while others use its connection. None when that could not be made
    /// durable: then it must not be sent.
    pub(super) async fn start<'a>(&'a self, turn: Turn<'a>, desk: &Desk, delivery: &str) -> Option<Turn<'a>> {
        // When as many are ahead as may be, this one keeps its connection: those that are ahead wait for one.
        let ahead = self.ahead.try_acquire().ok().filter(|_| turn.way == Way::Any);
        let Some(_ahead) = ahead else {
            return desk.settler.start(delivery).await.then_some(turn);
        };
        let Turn { credit, connection, way } = turn;
        drop(connection);
        if !desk.settler.start(delivery).await {
            return None;
        }
        Some(Turn { credit, connection: permit(&self.connections).await, way })
    }

    /// What the provider knows about one of our messages. A question counts like a message.
    pub async fn find(&self, key: &str, real: Timestamp) -> Found {
        match tokio::time::timeout(FIND_MAY_WAIT, self.budget.turn(1)).await {
            Ok(()) => self.channel.find(key, real).await,
            Err(_) => Found::Failed { why: why::RATE_LIMITED },
        }
    }

    /// Hands a message to the provider, and heeds it when it asks us to slow down.
    pub(super) async fn send(
        &self,
        outgoing: &Outgoing,
        leave: &Leave,
        real: Timestamp,
    ) -> Result<Outcome, NotSent> {
        let outcome = self.channel.send(outgoing, leave, real).await?;
        match outcome.slowing() {
            Some(Slowing::Rate) => self.budget.slow_down(REST).await,
            Some(Slowing::Day { resets_after: Duration::ZERO }) => self.park(LATER_TODAY, real),
            Some(Slowing::Day { resets_after }) => self.park(resets_after, real),
            None => {}
        }
        Ok(outcome)
    }

    /// Until when the provider takes nothing more, if it does not.
    pub(super) fn parked_until(&self, real: Timestamp) -> Option<Timestamp> {
        self.parked().filter(|until| real < *until)
    }

    fn park(&self, rest: Duration, real: Timestamp) {
        let rest = SignedDuration::try_from(rest).unwrap_or(SignedDuration::from_secs(1));
        let until = real.saturating_add(rest).unwrap_or(real);
        tracing::warn!(channel = %self.channel.name(), %until, "what the provider takes in a day is used up");
        *self.parked() = Some(until);
    }

    fn parked(&self) -> MutexGuard<'_, Option<Timestamp>> {
        self.parked_until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn permit(semaphore: &Semaphore) -> SemaphorePermit<'_> {
    loop {
        // None of these is ever closed.
        if let Ok(permit) = semaphore.acquire().await {
            return permit;
        }
    }
}

#[cfg(test)]
impl Outlet {
    /// A way out that bears everything.
    pub(super) fn unlimited(channel: Arc<dyn Channel>, store: &Store) -> Arc<Self> {
        let outlet = outlets(vec![channel], store).into_values().next().unwrap();
        outlet.budget.never_ends();
        outlet
    }
}

#[cfg(test)]
mod tests {
    use kit::testing::stores;

    use super::*;
    use crate::channels;

    fn opened(store: &Store) -> HashMap<ChannelName, Arc<Outlet>> {
        // Only the first test in the process installs it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let key = simulator::NotifyOptions::default().api_key("tests");
        let template = uuid::Uuid::nil();
        let config = serde_json::json!({
            "sms.notify": {
                "base_url": "http://127.0.0.1:9", "api_key": key, "sms_template_id": template,
                "rate_per_second": 1, "burst": 3,
            },
            "email.notify": {
                "base_url": "http://127.0.0.1:9", "api_key": key, "email_template_id": template,
                "rate_per_second": 50, "burst": 100,
            },
            "email.smtp": {
                "host": "127.0.0.1", "port": 9, "security": "plain", "from": "office@example.org",
                "rate_per_second": 1, "burst": 3,
            },
        });
        let config: channels::Config = serde_json::from_value(config).unwrap();
        outlets(channels::all(&config, &channels::http_client().unwrap()).unwrap(), store)
    }

    fn budget<'a>(outlets: &'a HashMap<ChannelName, Arc<Outlet>>, name: &str) -> &'a Arc<Budget> {
        &outlets[&name.parse::<ChannelName>().unwrap()].budget
    }

    #[tokio::test]
    async fn channels_of_one_account_share_its_rate_and_others_have_their_own() {
        let test = stores("dispatcher", crate::store::MIGRATIONS).await.remove(0);
        let outlets = opened(&test.store);
        let (texts, email) = (budget(&outlets, "sms.notify"), budget(&outlets, "email.notify"));
        assert!(Arc::ptr_eq(texts, email));
        assert_eq!(email.allowance(), Allowance { per_second: 1, burst: 3 }, "the smaller of what both say");
        assert!(!Arc::ptr_eq(texts, budget(&outlets, "email.smtp")));
    }

    #[tokio::test]
    async fn a_provider_that_asks_one_replica_for_a_rest_has_it_from_both() {
        for test in stores("dispatcher", crate::store::MIGRATIONS).await {
            let (first, second) = (opened(&test.store), opened(&test.store));
            let turn = |outlets| {
                tokio::time::timeout(Duration::from_millis(300), budget(outlets, "email.smtp").turn(1))
            };
            budget(&first, "email.smtp").turn(1).await;
            budget(&first, "email.smtp").slow_down(Duration::from_hours(1)).await;
            assert!(turn(&first).await.is_err() && turn(&second).await.is_err());
        }
    }
}
