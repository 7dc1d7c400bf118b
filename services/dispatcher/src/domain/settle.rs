//! What an outcome means for its delivery: where it stands, when it is tried again, and whether
//! the contact's next address is wanted.

use jiff::{SignedDuration, Timestamp};

use super::outcome::{Found, Outcome, RejectKind};
use super::why::Why;
use super::{DeliveryState, Medium, Reason};

/// How often one address is tried before the next one is.
pub const MOST_ATTEMPTS: u32 = 8;

/// How long after an unclear answer the provider is asked what became of it.
const ASK_AFTER: SignedDuration = SignedDuration::from_secs(10);

/// How long what has not been accepted is waited for at least, however short the patience is: an
/// unclear answer is asked about once before anybody else is, and that takes its time.
const ASKED_ABOUT_WITHIN: SignedDuration = SignedDuration::from_secs(20);

/// What a crash between a request and its record may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Semantics {
    /// Repeat: silence would be worse.
    AtLeastOnce,
    /// Nothing: what may have left is not sent again, because it costs or annoys.
    AtMostOnce,
}

/// What an attempt was about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempted {
    /// Attempts so far, this one counted.
    pub attempts: u32,
    /// Until when the message is worth sending.
    pub valid_until: Timestamp,
    /// How long it may take, from the first attempt on, until it is known to have got there.
    pub patience: SignedDuration,
    /// Until when that is, where an earlier attempt has set it.
    pub patience_until: Option<Timestamp>,
    /// By what it went.
    pub medium: Medium,
    /// What a crash may do to it.
    pub semantics: Semantics,
}

/// Where a delivery stands after an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// What is known now.
    pub state: DeliveryState,
    /// Why, as a stable code.
    pub code: &'static str,
    /// The provider's id.
    pub reference: Option<String>,
    /// When a sender looks at it again.
    pub again_at: Option<Timestamp>,
    /// Until when this address is waited for before the next one is tried too.
    pub patience_until: Option<Timestamp>,
    /// The contact's next address is wanted.
    pub next_address: bool,
    /// An operator must look at our account or settings.
    pub misconfigured: bool,
    /// Whether it left is unclear, nobody can be asked, and it may not be sent twice.
    pub asks_a_person: bool,
}

impl Settled {
    pub(crate) fn at(state: DeliveryState, code: &'static str) -> Self {
        Self {
            state,
            code,
            reference: None,
            again_at: None,
            patience_until: None,
            next_address: false,
            misconfigured: false,
            asks_a_person: false,
        }
    }

    fn failed(code: &'static str) -> Self {
        Self { next_address: true, ..Self::at(DeliveryState::Failed, code) }
    }

    /// Nothing more is tried here. What may have left does not become something that has failed, and
    /// what may not come twice is not sent elsewhere either.
    fn given_up(state: DeliveryState, code: &'static str, attempted: &Attempted) -> Self {
        match (state, attempted.semantics) {
            (DeliveryState::Unknown, Semantics::AtLeastOnce) => {
                Self { next_address: true, ..Self::at(state, code) }
            }
            (DeliveryState::Unknown, Semantics::AtMostOnce) => {
                Self { asks_a_person: true, ..Self::at(state, Reason::MayHaveLeft.code()) }
            }
            _ => Self::failed(code),
        }
    }

    /// Not there yet. Patience begins with the first attempt, whatever came of it, and no later one
    /// prolongs it: a provider that is away, or does not know us any more, must not keep a contact
    /// from being told by other means.
    fn waiting(state: DeliveryState, code: &'static str, attempted: &Attempted, now: Timestamp) -> Self {
        let patience = match state {
            DeliveryState::Accepted => attempted.patience,
            _ => attempted.patience.max(ASKED_ABOUT_WITHIN),
        };
        if attempted.semantics == Semantics::AtMostOnce && state.may_have_told() {
            return Self::at(state, code);
        }
        let begins = || now.checked_add(patience).ok();
        Self { patience_until: attempted.patience_until.or_else(begins), ..Self::at(state, code) }
    }

    fn again(
        (state, why): (DeliveryState, Why),
        at: Timestamp,
        attempted: &Attempted,
        now: Timestamp,
    ) -> Self {
        Self {
            misconfigured: why.is_ours_to_mend(),
            ..Self::again_at((state, why.code()), at, attempted, now)
        }
    }

    fn again_at(
        (state, code): (DeliveryState, &'static str),
        at: Timestamp,
        attempted: &Attempted,
        now: Timestamp,
    ) -> Self {
        if attempted.attempts >= MOST_ATTEMPTS || at >= attempted.valid_until {
            return Self::given_up(state, code, attempted);
        }
        Self { again_at: Some(at), ..Self::waiting(state, code, attempted, now) }
    }
}

/// Settles an attempt.
#[must_use]
pub fn settle(attempted: &Attempted, outcome: Outcome, now: Timestamp) -> Settled {
    match outcome {
        Outcome::Accepted { reference } => accepted(attempted, reference, now),
        Outcome::Retry { why, after } => {
            let wait = after
                .and_then(|after| SignedDuration::try_from(after).ok())
                .unwrap_or_default()
                .max(backoff(attempted.attempts));
            let at = now.saturating_add(wait).unwrap_or(attempted.valid_until);
            Settled::again((DeliveryState::Due, why), at, attempted, now)
        }
        Outcome::Reject { why, kind } => {
            Settled { misconfigured: kind == RejectKind::Configuration, ..Settled::failed(why.code()) }
        }
        // It may have gone: never "failed" for that alone. The provider is asked first.
        Outcome::Unknown { why } => Settled {
            again_at: now.checked_add(ASK_AFTER).ok(),
            ..Settled::waiting(DeliveryState::Unknown, why.code(), attempted, now)
        },
    }
}

/// What to do about a delivery of which it is unknown whether it left, after the provider was
/// asked. `None` means: send it (again), because at least once is owed.
#[must_use]
pub fn resolve(attempted: &Attempted, found: Found, now: Timestamp) -> Option<Settled> {
    match found {
        Found::Accepted { provider_reference } => Some(accepted(attempted, provider_reference, now)),
        Found::NotFound if attempted.attempts >= MOST_ATTEMPTS => {
            Some(Settled::given_up(DeliveryState::Due, Reason::TriesUsedUp.code(), attempted))
        }
        Found::CannotAsk
            if attempted.attempts >= MOST_ATTEMPTS || attempted.semantics == Semantics::AtMostOnce =>
        {
            Some(Settled::given_up(DeliveryState::Unknown, Reason::TriesUsedUp.code(), attempted))
        }
        Found::NotFound | Found::CannotAsk => None,
        Found::Failed { why } => {
            let at = now.checked_add(ASK_AFTER).unwrap_or(attempted.valid_until);
            Some(Settled::again((DeliveryState::Unknown, why), at, attempted, now))
        }
    }
}

/// What was written down as started was stopped at the last moment: nothing has left, and it is looked at
/// again at once.
#[must_use]
pub fn started_in_vain(attempted: &Attempted, now: Timestamp) -> Settled {
    let waits = Settled::at(DeliveryState::Due, Reason::Due.code());
    Settled { again_at: Some(now), patience_until: attempted.patience_until, ..waits }
}

fn accepted(attempted: &Attempted, reference: String, now: Timestamp) -> Settled {
    // An e-mail is reached when it is accepted without a bounce; only texts have receipts.
    let sent = Reason::Sent.code();
    let settled = match attempted.medium {
        Medium::Text => Settled::waiting(DeliveryState::Accepted, sent, attempted, now),
        Medium::Email => Settled::at(DeliveryState::Accepted, sent),
    };
    Settled { reference: Some(reference), ..settled }
}

/// 1, 2, 4 … seconds, at most a minute: an absence is worth little after an hour.
fn backoff(attempts: u32) -> SignedDuration {
    SignedDuration::from_secs(1_i64 << attempts.saturating_sub(1).min(6)).min(SignedDuration::from_mins(1))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::why;

    fn now() -> Timestamp {
        "2026-11-24T09:16:00Z".parse().unwrap()
    }

    fn attempted(attempts: u32) -> Attempted {
        Attempted {
            attempts,
            valid_until: "2026-11-24T12:00:00Z".parse().unwrap(),
            patience: SignedDuration::from_mins(10),
            patience_until: None,
            medium: Medium::Text,
            semantics: Semantics::AtLeastOnce,
        }
    }

    #[test]
    fn an_accepted_text_waits_for_its_receipt_and_an_accepted_e_mail_does_not() {
        let reference = || Outcome::Accepted { reference: "r".into() };
        let text = settle(&attempted(1), reference(), now());
        assert_eq!(text.state, DeliveryState::Accepted);
        assert_eq!(text.patience_until, Some(now() + SignedDuration::from_mins(10)));
        let email = settle(&Attempted { medium: Medium::Email, ..attempted(1) }, reference(), now());
        assert_eq!((email.state, email.patience_until), (DeliveryState::Accepted, None));
    }

    #[test]
    fn patience_begins_with_the_first_attempt_and_no_later_one_prolongs_it() {
        let ends = Some(now() + SignedDuration::from_mins(10));
        let later = now() + SignedDuration::from_mins(9);
        for medium in [Medium::Text, Medium::Email] {
            for outcome in [
                Outcome::Retry { why: why::CREDENTIALS, after: Some(Duration::from_mins(5)) },
                Outcome::Unknown { why: why::NO_ANSWER },
            ] {
                let first = settle(&Attempted { medium, ..attempted(1) }, outcome.clone(), now());
                assert_eq!(first.patience_until, ends);
                let next = Attempted { medium, patience_until: first.patience_until, ..attempted(2) };
                assert_eq!(settle(&next, outcome, later).patience_until, ends);
                let away = resolve(&next, Found::Failed { why: why::UNREACHABLE }, later).unwrap();
                assert_eq!(away.patience_until, ends);
            }
        }
        let text = Attempted { patience_until: ends, ..attempted(2) };
        let accepted = settle(&text, Outcome::Accepted { reference: "r".into() }, later);
        assert_eq!(accepted.patience_until, ends);
    }

    #[test]
    fn what_an_operator_must_mend_is_an_operator_s_task_although_it_is_tried_again() {
        for (why, misconfigured) in [
            (why::CREDENTIALS, true),
            (why::TLS, true),
            (why::WRONG_ENDPOINT, true),
            (why::UNREACHABLE, false),
        ] {
            let settled = settle(&attempted(1), Outcome::Retry { why, after: None }, now());
            assert_eq!((settled.state, settled.misconfigured), (DeliveryState::Due, misconfigured));
            let asked = resolve(&attempted(1), Found::Failed { why }, now()).unwrap();
            assert_eq!(asked.misconfigured, misconfigured);
        }
    }

    #[test]
    fn a_retry_waits_longer_each_time_and_at_least_as_long_as_the_provider_asks() {
        let retry = |after| Outcome::Retry { why: why::RATE_LIMITED, after };
        let waits: Vec<i64> = (1..=7)
            .map(|attempts| {
                let settled = settle(&attempted(attempts), retry(None), now());
                settled.again_at.unwrap().duration_since(now()).as_secs()
            })
            .collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60]);
        let settled = settle(&attempted(1), retry(Some(Duration::from_secs(30))), now());
        assert_eq!(settled.again_at, Some(now() + SignedDuration::from_secs(30)));
    }

    #[test]
    fn tries_that_are_used_up_or_would_come_too_late_go_to_the_next_address() {
        let retry = |after| Outcome::Retry { why: why::DAILY_LIMIT, after };
        for settled in [
            settle(&attempted(MOST_ATTEMPTS), retry(None), now()),
            settle(&attempted(1), retry(Some(Duration::from_hours(9))), now()),
        ] {
            assert_eq!((settled.state, settled.next_address), (DeliveryState::Failed, true));
        }
    }

    #[test]
    fn however_short_the_patience_is_an_unclear_answer_is_asked_about_before_it_ends() {
        let short = Attempted { patience: SignedDuration::from_secs(2), ..attempted(1) };
        let retry = Outcome::Retry { why: why::RATE_LIMITED, after: None };
        for first in [Outcome::Unknown { why: why::NO_ANSWER }, retry] {
            let settled = settle(&short, first, now());
            let ends = settled.patience_until.unwrap();
            assert!(ends > settled.again_at.unwrap() + SignedDuration::from_secs(1));
            // No later attempt prolongs it.
            let next = Attempted { patience_until: Some(ends), attempts: 2, ..short };
            let unclear = Outcome::Unknown { why: why::NO_ANSWER };
            assert_eq!(settle(&next, unclear, now() + ASK_AFTER).patience_until, Some(ends));
        }
        let accepted = settle(&short, Outcome::Accepted { reference: "r".into() }, now());
        assert_eq!(accepted.patience_until, Some(now() + SignedDuration::from_secs(2)));
    }

    #[test]
    fn a_rejection_goes_to_the_next_address_and_a_wrong_setting_to_an_operator() {
        for (kind, misconfigured) in
            [(RejectKind::Recipient, false), (RejectKind::Message, false), (RejectKind::Configuration, true)]
        {
            let settled = settle(&attempted(1), Outcome::Reject { why: why::SETTINGS, kind }, now());
            assert_eq!((settled.state, settled.next_address), (DeliveryState::Failed, true));
            assert_eq!(settled.misconfigured, misconfigured);
        }
    }

    #[test]
    fn what_may_have_gone_is_asked_for_before_it_is_sent_again() {
        let settled = settle(&attempted(1), Outcome::Unknown { why: why::NO_ANSWER }, now());
        assert_eq!((settled.state, settled.next_address), (DeliveryState::Unknown, false));
        assert!(settled.again_at.is_some());
        let found = Found::Accepted { provider_reference: "r".into() };
        assert_eq!(resolve(&attempted(1), found, now()).unwrap().state, DeliveryState::Accepted);
        assert_eq!(resolve(&attempted(1), Found::NotFound, now()), None);
        assert_eq!(resolve(&attempted(1), Found::CannotAsk, now()), None);
        let failed = resolve(&attempted(1), Found::Failed { why: why::UNREACHABLE }, now()).unwrap();
        assert_eq!(failed.state, DeliveryState::Unknown);
        assert_eq!(resolve(&attempted(8), Found::NotFound, now()).unwrap().state, DeliveryState::Failed);
        for found in [Found::CannotAsk, Found::Failed { why: why::UNREACHABLE }] {
            let given_up = resolve(&attempted(8), found, now()).unwrap();
            assert_eq!((given_up.state, given_up.next_address), (DeliveryState::Unknown, true));
            assert_eq!(given_up.again_at, None);
        }
    }
}
