//! Waiting until the morning is over: nothing is under way any more, the witness misses nobody, and for
//! a while nothing more arrives. When that does not come about in time the witness judges what there is.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proto::dispatcher::v1::{Delivery, DeliveryState, Notice, NoticeState};
use proto::tasks::v1::Task;
use simulator::Simulator;
use tokio::time::{Instant, MissedTickBehavior};

use super::office::Office;
use super::school::Cast;
use super::stage::{DAY, GATHERS_FOR};
use super::witness::roster::Roster;
use super::witness::{Evidence, Missing, OpenTask, Session, Verdict, judge};

/// How long the morning may take to come to rest.
const PATIENCE: Duration = Duration::from_mins(1);
const LOOKS_EVERY: Duration = Duration::from_millis(200);
/// How long nothing may arrive: longer than a receipt may take, so that a second message to somebody
/// who has been told would be seen.
const QUIET_FOR: Duration = Duration::from_secs(5);

/// What the school's systems say at one moment.
pub struct State {
    /// Every notice.
    pub notices: Vec<Notice>,
    /// Every delivery.
    pub deliveries: Vec<Delivery>,
    /// Every open task.
    pub tasks: Vec<Task>,
}

/// What is judged, beside the log and the tasks.
pub struct Watch<'a> {
    /// The school.
    pub roster: &'a Roster,
    /// Where nothing arrives.
    pub dead: BTreeSet<String>,
    /// Who was not in class, and what is known.
    pub missing: Vec<Missing>,
    /// Ids of the systems to ids of the files.
    pub source_ids: BTreeMap<String, String>,
}

impl<'a> Watch<'a> {
    /// A watch over what was missing.
    pub fn new(roster: &'a Roster, cast: &Cast) -> Self {
        Self { roster, dead: cast.dead().collect(), missing: Vec::new(), source_ids: BTreeMap::new() }
    }

    /// Judges what there is now.
    pub fn judge(&self, simulator: &Simulator, tasks: &[Task]) -> anyhow::Result<Verdict> {
        let log = simulator::read_log(simulator.log_path())?;
        let tasks: Vec<OpenTask> = tasks.iter().map(|task| self.open_task(task)).collect();
        Ok(judge(&Evidence {
            roster: self.roster,
            day: DAY,
            session: Session::Morning,
            missing: &self.missing,
            log: &log,
            tasks: &tasks,
            dead: &self.dead,
            gathers_for: GATHERS_FOR,
        }))
    }

    fn open_task(&self, task: &Task) -> OpenTask {
        let names = task.subjects.iter().filter_map(|subject| self.source_ids.get(subject)).cloned();
        OpenTask { names: names.collect() }
    }
}

/// Waits, and then judges.
pub async fn settle(
    office: &Office,
    simulator: &Simulator,
    watch: &Watch<'_>,
) -> anyhow::Result<(State, Verdict)> {
    let deadline = Instant::now() + PATIENCE;
    let mut looks = tokio::time::interval(LOOKS_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        let state = look(office).await?;
        let verdict = watch.judge(simulator, &state.tasks)?;
        let overdue = Instant::now() >= deadline;
        if overdue || (state.is_at_rest() && verdict.is_clean() && stays_quiet(simulator).await?) {
            // What arrived while it was quiet has to be judged too.
            let state = look(office).await?;
            let verdict = watch.judge(simulator, &state.tasks)?;
            return Ok((state, verdict));
        }
    }
}

async fn look(office: &Office) -> anyhow::Result<State> {
    Ok(State {
        notices: office.notices().await?,
        deliveries: office.deliveries().await?,
        tasks: office.tasks().await?,
    })
}

async fn stays_quiet(simulator: &Simulator) -> anyhow::Result<bool> {
    let before = simulator.messages().len();
    match simulator.wait_until(QUIET_FOR, |messages| messages.len() > before).await {
        Ok(_) => Ok(false),
        Err(simulator::Error::TimedOut { .. }) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

impl State {
    fn is_at_rest(&self) -> bool {
        let waits = |notice: &Notice| notice.state() == NoticeState::Gathering;
        !self.notices.iter().any(waits) && !self.deliveries.iter().any(is_under_way)
    }
}

/// Whether something may still happen to it by itself. A mail that was accepted is as far as it gets.
fn is_under_way(delivery: &Delivery) -> bool {
    match delivery.state() {
        DeliveryState::Held
        | DeliveryState::Due
        | DeliveryState::Leased
        | DeliveryState::Started
        | DeliveryState::Unknown
        | DeliveryState::Unspecified => true,
        DeliveryState::Accepted => delivery.channel.starts_with("sms."),
        DeliveryState::Delivered
        | DeliveryState::Failed
        | DeliveryState::Recalled
        | DeliveryState::Expired
        | DeliveryState::Skipped
        | DeliveryState::Drill => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_at_rest_with_its_receipt_and_a_mail_when_it_is_accepted() {
        let delivery = |channel: &str, state: DeliveryState| Delivery {
            channel: channel.to_owned(),
            state: state.into(),
            ..Default::default()
        };
        let at_rest = |channel, state| !is_under_way(&delivery(channel, state));
        assert!(!at_rest("sms.notify", DeliveryState::Accepted));
        assert!(at_rest("sms.notify", DeliveryState::Delivered));
        assert!(at_rest("email.smtp", DeliveryState::Accepted));
        assert!(at_rest("email.smtp", DeliveryState::Failed));
        assert!(!at_rest("email.smtp", DeliveryState::Due));
    }
}
