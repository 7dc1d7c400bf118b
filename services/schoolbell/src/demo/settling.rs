//! Waiting until the morning is over: nothing is under way any more, the witness misses nobody, and for
//! a while nothing more arrives. When that does not come about in time the witness judges what there is.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use proto::directory::v1::PupilSummary;
use proto::dispatcher::v1::{Delivery, DeliveryState, Notice, NoticeState};
use proto::ids::PupilId;
use proto::tasks::v1::Task;
use simulator::Simulator;
use tokio::time::{Instant, Interval, MissedTickBehavior};

use super::office::Office;
use super::pace::Pace;
use super::school::Cast;
use super::stage::DAY;
use super::witness::roster::Roster;
use super::witness::{Evidence, Facts, OpenTask, Session, Verdict, judge};

const LOOKS_EVERY: Duration = Duration::from_millis(300);
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
    roster: &'a Roster,
    pace: Pace,
    /// How far the school's clock is ahead of real time.
    ahead: SignedDuration,
    /// Where nothing arrives.
    dead: BTreeSet<String>,
    /// What the people at school have said.
    pub facts: Facts,
    /// Ids of the systems to ids of the files.
    source_ids: BTreeMap<String, String>,
    /// Pupils whose people at home are known by those ids.
    families: BTreeSet<String>,
}

impl<'a> Watch<'a> {
    /// A watch over a school where nothing has happened yet.
    pub fn new(roster: &'a Roster, cast: &Cast, (pace, ahead): (Pace, SignedDuration)) -> Self {
        Self {
            roster,
            pace,
            ahead,
            dead: cast.dead().collect(),
            facts: Facts::default(),
            source_ids: BTreeMap::new(),
            families: BTreeSet::new(),
        }
    }

    /// Learns by which id the systems know a pupil.
    pub fn meet_pupil(&mut self, pupil: &PupilSummary) {
        self.source_ids.insert(pupil.id.clone(), pupil.source_id.clone());
    }

    /// Learns by which ids the systems know the people at a pupil's home.
    pub async fn meet_family(&mut self, office: &Office, pupil_id: &str) -> anyhow::Result<()> {
        if self.families.insert(pupil_id.to_owned()) {
            for link in office.links(pupil_id).await? {
                self.source_ids.insert(link.contact_id, link.contact_source_id);
            }
        }
        Ok(())
    }

    /// By which id the systems know somebody.
    pub fn id_of(&self, source_id: &str) -> Option<&str> {
        let found = self.source_ids.iter().find(|(_, known)| *known == source_id);
        found.map(|(id, _)| id.as_str())
    }

    /// Learns who is named by tasks.
    async fn meet(&mut self, office: &Office, tasks: &[Task]) -> anyhow::Result<()> {
        for task in tasks {
            let strangers = task.subjects.iter().any(|subject| !self.source_ids.contains_key(subject));
            let pupils = task.subjects.iter().filter(|subject| subject.parse::<PupilId>().is_ok());
            for pupil in pupils.filter(|_| strangers) {
                self.meet_family(office, pupil).await?;
            }
        }
        Ok(())
    }

    /// Judges what there is now.
    pub fn judge(&self, simulator: &Simulator, tasks: &[Task]) -> anyhow::Result<Verdict> {
        let log = simulator::read_log(simulator.log_path())?;
        let tasks: Vec<OpenTask> = tasks.iter().map(|task| self.open_task(task)).collect();
        Ok(judge(&Evidence {
            roster: self.roster,
            day: DAY,
            session: Session::Morning,
            facts: &self.facts,
            log: &log,
            tasks: &tasks,
            dead: &self.dead,
            gathers_for: self.pace.gathers_for,
            in_the_air: self.pace.in_the_air,
        }))
    }

    fn open_task(&self, task: &Task) -> OpenTask {
        let names = task.subjects.iter().filter_map(|subject| self.source_ids.get(subject)).cloned();
        let opened_at = task.opened_at.unwrap_or_default();
        let opened_at = Timestamp::new(opened_at.seconds, opened_at.nanos).unwrap_or_default();
        OpenTask { kind: task.kind.clone(), names: names.collect(), opened_at: opened_at - self.ahead }
    }
}

/// Waits until the witness misses nobody; whether that came about in time.
pub async fn until_told(
    office: &Office,
    simulator: &Simulator,
    watch: &mut Watch<'_>,
) -> anyhow::Result<bool> {
    let deadline = Instant::now() + watch.pace.told_within;
    let mut looks = looks();
    loop {
        looks.tick().await;
        let tasks = office.tasks().await?;
        watch.meet(office, &tasks).await?;
        let told = watch.judge(simulator, &tasks)?.not_told.is_empty();
        if told || Instant::now() >= deadline {
            return Ok(told);
        }
    }
}

/// Waits, and then judges.
pub async fn settle(
    office: &Office,
    simulator: &Simulator,
    watch: &mut Watch<'_>,
) -> anyhow::Result<(State, Verdict)> {
    let deadline = Instant::now() + watch.pace.settles_within;
    let mut looks = looks();
    loop {
        looks.tick().await;
        let state = look(office, watch).await?;
        let overdue = Instant::now() >= deadline;
        if !overdue && !state.is_at_rest() {
            continue;
        }
        let verdict = watch.judge(simulator, &state.tasks)?;
        if overdue || (!verdict.may_mend() && stays_quiet(simulator).await?) {
            // What arrived while it was quiet has to be judged too.
            let state = look(office, watch).await?;
            let verdict = watch.judge(simulator, &state.tasks)?;
            return Ok((state, verdict));
        }
    }
}

fn looks() -> Interval {
    let mut looks = tokio::time::interval(LOOKS_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    looks
}

async fn look(office: &Office, watch: &mut Watch<'_>) -> anyhow::Result<State> {
    let state = State {
        notices: office.notices().await?,
        deliveries: office.deliveries().await?,
        tasks: office.tasks().await?,
    };
    watch.meet(office, &state.tasks).await?;
    Ok(state)
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
