//! The morning: nine pupils are missing when the register closes, and each is a story of its own.
//!
//! The script speaks to the services as the people at school do, waits for what it can see outside,
//! and never for a guess of time. Who plays which part stands in `cast.csv`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use jiff::Timestamp;
use proto::absences::v1::Mark;
use proto::directory::v1::PupilSummary;
use simulator::{Message, Simulator};
use tokio::time::Instant;

use super::office::Office;
use super::phones;
use super::school::Cast;
use super::settling::{State, Watch, settle};
use super::story::Story;
use super::witness::roster::Roster;
use super::witness::{Missing, Verdict};

/// How long people at home may take to be told before the script goes on without them.
const TOLD_WITHIN: Duration = Duration::from_secs(30);
/// How long the dispatcher may take to hear of the close; well inside the gathering.
const HEARD_WITHIN: Duration = Duration::from_secs(1);
const LOOKS_EVERY: Duration = Duration::from_millis(50);
const PRESENT: &str = "/";
const NO_REASON_YET: &str = "N";
const ILL: &str = "I";

/// A morning that is over.
pub struct Judged {
    /// Facts that absences said: a pupil is missing without a reason, or is in school after all.
    pub facts: i32,
    /// What the systems say at the end.
    pub state: State,
    /// What the witness says.
    pub verdict: Verdict,
}

/// Everybody and everything on stage.
#[derive(Clone, Copy)]
pub struct Script<'a> {
    /// The people at school.
    pub office: &'a Office,
    /// The outside world.
    pub simulator: &'a Simulator,
    /// The school.
    pub roster: &'a Roster,
    /// Who plays which part.
    pub cast: &'a Cast,
    /// Who tells it.
    pub story: &'a Story,
}

/// What is known so far.
struct Progress<'a> {
    pupils: BTreeMap<String, PupilSummary>,
    watch: Watch<'a>,
    facts: i32,
    /// Lines of the outside world's log that the story has told.
    shown: usize,
}

impl Script<'_> {
    /// Plays the morning on the files of this folder.
    pub async fn play(&self, files: &Path) -> anyhow::Result<Judged> {
        self.import(files).await?;
        let mut progress = self.meet().await?;
        let reason_known_at = self.a_mother_rings(&progress).await?;
        self.registers(&progress).await?;
        self.close(&mut progress).await?;
        progress.of(self.cast.pupil("explained")?)?.reason_known_at = Some(reason_known_at);
        self.until_heard(progress.facts).await?;
        self.somebody_comes_in_early(&mut progress).await?;
        self.somebody_comes_in_late(&mut progress).await?;
        self.story.say("Waiting until every message has found its end …")?;
        let (state, verdict) = settle(self.office, self.simulator, &progress.watch).await?;
        self.show_messages(&mut progress)?;
        for task in &state.tasks {
            self.story.say(&format!("A task for the {}: {}", role(task), task.why))?;
        }
        for part in ["barred_father", "dead_numbers"] {
            self.explain(part, &progress, &state).await?;
        }
        Ok(Judged { facts: progress.facts, state, verdict })
    }

    async fn import(&self, files: &Path) -> anyhow::Result<()> {
        let answer = self.office.import(files).await?;
        if let Some(fault) = answer.faults.first() {
            bail!("{}:{}: {}: expected {}", fault.file, fault.line, fault.column, fault.expected);
        }
        if !answer.loaded {
            bail!("the roster was not loaded");
        }
        self.story.say(&format!(
            "The school's files are imported: {} pupils, {} people at home, {} links between them.",
            answer.pupils, answer.contacts, answer.links
        ))
    }

    /// Learns by which ids the systems know whom the script speaks of.
    async fn meet(&self) -> anyhow::Result<Progress<'_>> {
        let mut watch = Watch::new(self.roster, self.cast);
        let mut pupils = BTreeMap::new();
        for pupil in self.office.pupils().await? {
            watch.source_ids.insert(pupil.id.clone(), pupil.source_id.clone());
            pupils.insert(pupil.source_id.clone(), pupil);
        }
        for source_id in self.cast.missing() {
            let pupil = pupils.get(source_id).with_context(|| format!("{source_id} is not on roll"))?;
            for link in self.office.links(&pupil.id).await? {
                watch.source_ids.insert(link.contact_id, link.contact_source_id);
            }
        }
        Ok(Progress { pupils, watch, facts: 0, shown: 0 })
    }

    async fn a_mother_rings(&self, progress: &Progress<'_>) -> anyhow::Result<Timestamp> {
        let pupil = progress.pupil(self.cast.pupil("explained")?)?;
        self.office.report_absence(&pupil.id, ILL).await?;
        let known_at = self.story.real();
        self.story
            .say(&format!("{}'s mother rings: {0} is ill. Nobody needs to be asked.", pupil.first_name))?;
        Ok(known_at)
    }

    async fn registers(&self, progress: &Progress<'_>) -> anyhow::Result<()> {
        let missing: BTreeSet<&str> = self.cast.missing().collect();
        let mut classes: BTreeMap<&str, Vec<Mark>> = BTreeMap::new();
        for pupil in progress.pupils.values() {
            let code = if missing.contains(pupil.source_id.as_str()) { NO_REASON_YET } else { PRESENT };
            let mark = Mark { pupil_id: pupil.id.clone(), code: code.to_owned() };
            classes.entry(&pupil.class_id).or_default().push(mark);
        }
        let count = classes.len();
        for (class_id, marks) in classes {
            let answer = self.office.post_register(class_id, marks).await?;
            if !answer.pupils_without_mark.is_empty() {
                bail!("a class has pupils without a mark");
            }
        }
        self.story
            .say(&format!("{count} teachers post their registers; {} pupils are missing.", missing.len()))
    }

    async fn close(&self, progress: &mut Progress<'_>) -> anyhow::Result<()> {
        let closed_at = self.story.real();
        let answer = self.office.close_register().await?;
        progress.facts += answer.announced;
        progress.watch.missing = self
            .cast
            .missing()
            .map(|pupil| Missing {
                pupil: pupil.to_owned(),
                closed_at,
                reason_known_at: None,
                arrived_at: None,
            })
            .collect();
        self.story.say(&format!(
            "The register closes for the whole school: {} absences to be told, {} for a person.",
            answer.announced, answer.person_only
        ))
    }

    /// Waits until the dispatcher has heard so many facts, so that an arrival finds its notice gathering.
    async fn until_heard(&self, facts: i32) -> anyhow::Result<()> {
        let facts = usize::try_from(facts).unwrap_or_default();
        let deadline = Instant::now() + HEARD_WITHIN;
        let mut looks = tokio::time::interval(LOOKS_EVERY);
        while Instant::now() < deadline && self.office.notices().await?.len() < facts {
            looks.tick().await;
        }
        Ok(())
    }

    async fn somebody_comes_in_early(&self, progress: &mut Progress<'_>) -> anyhow::Result<()> {
        let name = self.comes_in(progress, "arrives_early").await?;
        self.story.say(&format!("{name} comes in while the messages still gather: nobody should be told."))
    }

    async fn somebody_comes_in_late(&self, progress: &mut Progress<'_>) -> anyhow::Result<()> {
        let source_id = self.cast.pupil("arrives_late")?;
        let name = &progress.pupil(source_id)?.first_name;
        let at_home: Vec<&[String]> = self
            .roster
            .links_of_pupil(source_id)
            .filter_map(|link| self.roster.contacts.get(&link.contact))
            .map(|contact| contact.addresses.as_slice())
            .collect();
        let told = |messages: &[Message], addresses: &[String]| {
            messages
                .iter()
                .map(|message| &message.accepted)
                .any(|accepted| addresses.contains(&accepted.to) && accepted.body.contains(name.as_str()))
        };
        let all_told = |messages: &[Message]| at_home.iter().all(|addresses| told(messages, addresses));
        match self.simulator.wait_until(TOLD_WITHIN, all_told).await {
            Ok(_) | Err(simulator::Error::TimedOut { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        self.show_messages(progress)?;
        let name = self.comes_in(progress, "arrives_late").await?;
        self.story.say(&format!("{name} comes in after all: whoever was told should hear that."))
    }

    /// Asks the systems why the contact of this part was told, or was not.
    async fn explain(&self, part: &str, progress: &Progress<'_>, state: &State) -> anyhow::Result<()> {
        let contact = self.cast.contact(part)?;
        let pupil = progress.pupil(self.cast.pupil(part)?)?;
        let about = phones::about(self.roster, contact);
        let contact_id = progress.watch.source_ids.iter().find(|(_, source_id)| *source_id == contact);
        let notice = state.notices.iter().find(|notice| notice.subjects.contains(&pupil.id));
        let (Some((contact_id, _)), Some(notice)) = (contact_id, notice) else {
            return self.story.say(&format!("There is nothing to explain about the {about}."));
        };
        self.story.say(&format!("Asked about the {about}, the dispatcher explains:"))?;
        for sentence in self.office.explain(contact_id, &notice.id).await? {
            self.story.aside(&sentence)?;
        }
        Ok(())
    }

    async fn comes_in(&self, progress: &mut Progress<'_>, part: &str) -> anyhow::Result<String> {
        let source_id = self.cast.pupil(part)?;
        let pupil = progress.pupil(source_id)?;
        let (id, name) = (pupil.id.clone(), pupil.first_name.clone());
        let answer = self.office.record_arrival(&id).await?;
        let known_at = self.story.real();
        // The close has announced every case that is still open, so an arrival that closes one is said.
        progress.facts += i32::from(!answer.case_id.is_empty());
        progress.of(source_id)?.arrived_at = Some(known_at);
        Ok(name)
    }

    fn show_messages(&self, progress: &mut Progress<'_>) -> anyhow::Result<()> {
        let log = simulator::read_log(self.simulator.log_path())?;
        for entry in log.get(progress.shown..).unwrap_or_default() {
            self.story.outside(self.roster, entry)?;
        }
        progress.shown = log.len();
        Ok(())
    }
}

impl Progress<'_> {
    fn pupil(&self, source_id: &str) -> anyhow::Result<&PupilSummary> {
        self.pupils.get(source_id).with_context(|| format!("{source_id} is not on roll"))
    }

    fn of(&mut self, source_id: &str) -> anyhow::Result<&mut Missing> {
        let found = self.watch.missing.iter_mut().find(|missing| missing.pupil == source_id);
        found.with_context(|| format!("{source_id} is not missing"))
    }
}

fn role(task: &proto::tasks::v1::Task) -> String {
    kit::identity::role_name(task.role()).replace('_', " ")
}
