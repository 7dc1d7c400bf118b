//! Misbehaviour on demand: what tests and the demo tell the outside world to do wrong.
//!
//! [`Behaviour`] is the vocabulary, in code and as JSON at `POST /control`. Counted ones queue up per provider and are used
//! one request each, in the order told; they touch only requests that would send something, never questions. The rest
//! holds until told otherwise. The providers ask here; this module never answers a client itself.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::address;
use crate::log::Provider;

/// Something the outside world shall do from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "behaviour", rename_all = "snake_case", deny_unknown_fields)]
pub enum Behaviour {
    /// Forget everything that was told before; withheld receipts go out.
    Normal,
    /// Wait before looking at each request. A Notify client that gives up meanwhile has sent nothing; a mail whose final
    /// dot has come is taken all the same.
    Slow {
        /// Who is slow.
        provider: Provider,
        /// For how long; 0 ends it.
        milliseconds: u64,
    },
    /// Refuse the next requests.
    Answer {
        /// Who refuses.
        provider: Provider,
        /// HTTP status, or SMTP reply code to the final dot (421 also hangs up).
        status: u16,
        /// How many.
        requests: u32,
        /// Notify: the error class; SMTP: the text after the code, enhanced code included.
        #[serde(default)]
        text: Option<String>,
    },
    /// Say that the rate is exceeded (429 `RateLimitError`, or 450).
    RateLimited {
        /// Who says so.
        provider: Provider,
        /// How many times.
        requests: u32,
    },
    /// Say that the day's limit is reached (429 `TooManyRequestsError`, or 550 5.4.5).
    DailyLimitReached {
        /// Who says so.
        provider: Provider,
        /// How many times.
        requests: u32,
    },
    /// Never answer, and never accept: the message does not exist.
    TimeOutBeforeAccepting {
        /// Who is silent.
        provider: Provider,
        /// How many times.
        requests: u32,
    },
    /// Accept, and never answer: the message exists.
    TimeOutAfterAccepting {
        /// Who is silent.
        provider: Provider,
        /// How many times.
        requests: u32,
    },
    /// Accept, then close the connection instead of answering the final dot.
    DropAfterFinalDot {
        /// How many times.
        requests: u32,
    },
    /// A number or mailbox that nothing reaches: a receipt says so, or SMTP refuses the recipient.
    Dead {
        /// Number or mailbox, in any usual spelling.
        address: String,
        /// How it fails.
        failure: Failure,
    },
    /// Mails to it are accepted, and later a report says what became of them (RFC 3464).
    Bounces {
        /// The mailbox.
        address: String,
        /// What the report says.
        returns: Returns,
    },
    /// The opposite of `Dead`, `Bounces`, `NoReceipt` and `Greylist`.
    Alive {
        /// Number or mailbox.
        address: String,
    },
    /// Everything arrives there, and no receipt ever says so.
    NoReceipt {
        /// Number or mailbox.
        address: String,
    },
    /// SMTP answers `451 4.7.1` to this recipient, then takes the mail.
    Greylist {
        /// The mailbox.
        address: String,
        /// How many times.
        attempts: u32,
    },
    /// How receipts travel.
    Receipts {
        /// From now on.
        travel: Travel,
    },
}

/// How a dead address fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// Nobody there: `permanent-failure`, or `550 5.1.1`.
    Permanent,
    /// Phone off, mailbox full: `temporary-failure`, or `452 4.2.2`.
    Temporary,
}

/// What a mail server says later about a mail that it had taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Returns {
    /// `failed`, 5.1.1: nobody there.
    NoSuchMailbox,
    /// `failed`, 4.4.7: the next server was away for too long.
    GivenUp,
    /// `delayed`, 4.2.2: it is still trying, and here in the end it arrives.
    Delayed,
}

/// How receipts and bounces travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Travel {
    /// As soon as they are due.
    #[default]
    Prompt,
    /// Not until told otherwise.
    Withheld,
    /// This much after they are due.
    Late {
        /// How much.
        milliseconds: u64,
    },
    /// Each one two times.
    Twice,
}

/// What the world does with one request that would send something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Effect {
    Refuse { status: u16, text: Option<String> },
    RateLimited,
    DailyLimitReached,
    TimeOutBefore,
    TimeOutAfter,
    Drop,
}

/// What an address does with what is sent to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Dead(Failure),
    Bouncing(Returns),
    Silent,
    Greylisted { attempts: u32 },
}

/// Everything that was told and still holds.
pub(crate) struct Behaviours {
    told: Mutex<Told>,
    travel: watch::Sender<Travel>,
}

#[derive(Default)]
struct Told {
    slow: HashMap<Provider, Duration>,
    queues: HashMap<Provider, VecDeque<(Effect, u32)>>,
    fates: HashMap<String, Fate>,
}

impl Behaviours {
    pub(crate) fn new() -> Self {
        Self { told: Mutex::default(), travel: watch::Sender::new(Travel::Prompt) }
    }

    /// Takes note of one instruction.
    pub(crate) fn tell(&self, behaviour: Behaviour) {
        match behaviour {
            Behaviour::Normal => {
                *self.told() = Told::default();
                self.travel.send_replace(Travel::Prompt);
            }
            Behaviour::Slow { provider, milliseconds } => {
                self.told().slow.insert(provider, Duration::from_millis(milliseconds));
            }
            Behaviour::Answer { provider, status, requests, text } => {
                self.queue(provider, Effect::Refuse { status, text }, requests);
            }
            Behaviour::RateLimited { provider, requests } => {
                self.queue(provider, Effect::RateLimited, requests);
            }
            Behaviour::DailyLimitReached { provider, requests } => {
                self.queue(provider, Effect::DailyLimitReached, requests);
            }
            Behaviour::TimeOutBeforeAccepting { provider, requests } => {
                self.queue(provider, Effect::TimeOutBefore, requests);
            }
            Behaviour::TimeOutAfterAccepting { provider, requests } => {
                self.queue(provider, Effect::TimeOutAfter, requests);
            }
            Behaviour::DropAfterFinalDot { requests } => self.queue(Provider::Smtp, Effect::Drop, requests),
            Behaviour::Dead { address, failure } => self.decide(&address, Some(Fate::Dead(failure))),
            Behaviour::Bounces { address, returns } => {
                self.decide(&address, Some(Fate::Bouncing(returns)));
            }
            Behaviour::Alive { address } => self.decide(&address, None),
            Behaviour::NoReceipt { address } => self.decide(&address, Some(Fate::Silent)),
            Behaviour::Greylist { address, attempts } => {
                self.decide(&address, Some(Fate::Greylisted { attempts }));
            }
            Behaviour::Receipts { travel } => {
                self.travel.send_replace(travel);
            }
        }
    }

    /// How long this provider dawdles before it looks at a request.
    pub(crate) fn slow(&self, provider: Provider) -> Duration {
        self.told().slow.get(&provider).copied().unwrap_or_default()
    }

    /// Uses up one counted instruction, if one is waiting.
    pub(crate) fn next(&self, provider: Provider) -> Option<Effect> {
        let mut told = self.told();
        let queue = told.queues.get_mut(&provider)?;
        let (effect, left) = queue.front_mut()?;
        let effect = effect.clone();
        *left -= 1;
        if *left == 0 {
            queue.pop_front();
        }
        Some(effect)
    }

    /// How a normalised address fails, if it is dead.
    pub(crate) fn failure(&self, address: &str) -> Option<Failure> {
        match self.told().fates.get(address) {
            Some(Fate::Dead(failure)) => Some(*failure),
            Some(Fate::Bouncing(_) | Fate::Silent | Fate::Greylisted { .. }) | None => None,
        }
    }

    /// What is said later about mails to a normalised address.
    pub(crate) fn returns(&self, address: &str) -> Option<Returns> {
        match self.told().fates.get(address) {
            Some(Fate::Bouncing(returns)) => Some(*returns),
            Some(Fate::Dead(_) | Fate::Silent | Fate::Greylisted { .. }) | None => None,
        }
    }

    /// Whether a normalised address never sends a receipt.
    pub(crate) fn silent(&self, address: &str) -> bool {
        self.told().fates.get(address) == Some(&Fate::Silent)
    }

    /// Uses up one greylisting of a normalised address; true when this attempt is to be put off.
    pub(crate) fn greylisted(&self, address: &str) -> bool {
        let mut told = self.told();
        let Some(Fate::Greylisted { attempts }) = told.fates.get_mut(address) else { return false };
        let put_off = *attempts > 0;
        *attempts = attempts.saturating_sub(1);
        put_off
    }

    /// How receipts travel, now and whenever it changes.
    pub(crate) fn travel(&self) -> watch::Receiver<Travel> {
        self.travel.subscribe()
    }

    fn queue(&self, provider: Provider, effect: Effect, requests: u32) {
        if requests > 0 {
            self.told().queues.entry(provider).or_default().push_back((effect, requests));
        }
    }

    fn decide(&self, address: &str, fate: Option<Fate>) {
        let address = address::normalised(address);
        let mut told = self.told();
        match fate {
            Some(fate) => told.fates.insert(address, fate),
            None => told.fates.remove(&address),
        };
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counted_instructions_are_used_one_request_each_in_the_order_told() {
        let behaviours = Behaviours::new();
        behaviours.tell(Behaviour::RateLimited { provider: Provider::Notify, requests: 2 });
        behaviours.tell(Behaviour::TimeOutAfterAccepting { provider: Provider::Notify, requests: 1 });
        behaviours.tell(Behaviour::DropAfterFinalDot { requests: 0 });

        let used: Vec<_> = (0..4).map(|_| behaviours.next(Provider::Notify)).collect();

        let expected =
            [Some(Effect::RateLimited), Some(Effect::RateLimited), Some(Effect::TimeOutAfter), None];
        assert_eq!(used, expected);
        assert_eq!(behaviours.next(Provider::Smtp), None);
    }

    #[test]
    fn an_address_is_dead_in_every_spelling_until_it_is_alive() {
        let behaviours = Behaviours::new();
        behaviours.tell(Behaviour::Dead { address: "07700 900123".to_owned(), failure: Failure::Permanent });

        assert_eq!(behaviours.failure("+447700900123"), Some(Failure::Permanent));

        behaviours.tell(Behaviour::Alive { address: "+44 7700 900 123".to_owned() });
        assert_eq!(behaviours.failure("+447700900123"), None);
    }

    #[test]
    fn instructions_read_as_json() {
        let told: Behaviour =
            serde_json::from_str(r#"{"behaviour":"receipts","travel":{"late":{"milliseconds":5}}}"#).unwrap();
        assert_eq!(told, Behaviour::Receipts { travel: Travel::Late { milliseconds: 5 } });

        let misspelt = serde_json::from_str::<Behaviour>(r#"{"behaviour":"rate_limited","requets":1}"#);
        assert!(misspelt.is_err());
    }
}
