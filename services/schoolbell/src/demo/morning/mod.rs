//! The morning: nine pupils are missing when the register closes, three have accidents, and it snows.
//!
//! The script speaks to the services as the people at school do, waits for what it can see outside,
//! and never for a guess of time. Who plays which part stands in `cast.csv`.

mod playground;
mod registers;
mod snow;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, bail};
use proto::directory::v1::PupilSummary;
use simulator::{Entry, Medium};

use super::office::Office;
use super::pace::Pace;
use super::phones;
use super::public::Website;
use super::settling::{State, Watch, settle, until_told};
use super::stage::World;
use super::story::Story;
use super::witness::Verdict;

/// More messages than these are not told one by one.
const MOST_TOLD: usize = 40;

/// A morning that is over.
pub struct Judged {
    /// Facts that the services said: each of them is something to be told, or to be taken back.
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
    /// The school and the world around it.
    pub world: &'a World,
    /// What anybody can read.
    pub website: &'a Website,
    /// Who tells it.
    pub story: &'a Story,
    /// How patient they all are.
    pub pace: Pace,
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
        self.the_register(&mut progress).await?;
        self.the_playground(&mut progress).await?;
        self.a_letter(&mut progress).await?;
        self.the_snow(&mut progress).await?;
        self.story.say("Waiting until every message has found its end …")?;
        let (state, verdict) = settle(self.office, &self.world.simulator, &mut progress.watch).await?;
        self.show_messages(&mut progress)?;
        self.show_tasks(&state)?;
        for (part, kind) in [
            ("barred_father", "absence_unexplained"),
            ("dead_numbers", "absence_unexplained"),
            ("head_bump", "head_injury"),
        ] {
            self.explain((part, kind), &progress, &state).await?;
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
        let mut watch = Watch::new(&self.world.roster, &self.world.cast, (self.pace, self.story.ahead()));
        let mut pupils = BTreeMap::new();
        for pupil in self.office.pupils().await? {
            watch.meet_pupil(&pupil);
            pupils.insert(pupil.source_id.clone(), pupil);
        }
        for source_id in self.world.cast.everybody() {
            let pupil = pupils.get(source_id).with_context(|| format!("{source_id} is not on roll"))?;
            watch.meet_family(self.office, &pupil.id).await?;
        }
        Ok(Progress { pupils, watch, facts: 0, shown: 0 })
    }

    /// Waits until nobody is left who should know and does not.
    async fn until_told(&self, progress: &mut Progress<'_>) -> anyhow::Result<()> {
        let told = until_told(self.office, &self.world.simulator, &mut progress.watch).await?;
        self.show_messages(progress)?;
        if told { Ok(()) } else { self.story.say("Not everybody has been told in time; the school goes on.") }
    }

    /// Asks the systems why the contact of this part was told of a kind of notice, or was not.
    async fn explain(
        &self,
        (part, kind): (&str, &str),
        progress: &Progress<'_>,
        state: &State,
    ) -> anyhow::Result<()> {
        let contact = self.world.cast.contact(part)?;
        let pupil = progress.pupil(self.world.cast.pupil(part)?)?;
        let about = phones::about(&self.world.roster, contact);
        let contact_id = progress.watch.id_of(contact);
        let is_it = |kind_of: &str, subjects: &[String]| kind_of == kind && subjects.contains(&pupil.id);
        let notice = state.notices.iter().find(|notice| is_it(&notice.kind, &notice.subjects));
        let (Some(contact_id), Some(notice)) = (contact_id, notice) else {
            return self.story.say(&format!("There is nothing to explain about the {about}."));
        };
        self.story.say(&format!("Asked about the {about}, the dispatcher explains:"))?;
        for sentence in self.office.explain(contact_id, &notice.id).await? {
            self.story.aside(&sentence)?;
        }
        Ok(())
    }

    /// What people must do, the same only once.
    fn show_tasks(&self, state: &State) -> anyhow::Result<()> {
        let mut tasks: BTreeMap<(String, &str), usize> = BTreeMap::new();
        for task in &state.tasks {
            *tasks.entry((role(task), &task.why)).or_default() += 1;
        }
        for ((role, why), count) in tasks {
            let tasks = if count == 1 { "A task".to_owned() } else { format!("{count} tasks") };
            self.story.say(&format!("{tasks} for the {role}: {why}"))?;
        }
        Ok(())
    }

    /// Each message, or when there are very many those to one family that a court order divides.
    fn show_messages(&self, progress: &mut Progress<'_>) -> anyhow::Result<()> {
        let log = simulator::read_log(self.world.simulator.log_path())?;
        let entries = log.get(progress.shown..).unwrap_or_default();
        let of = |medium: Medium| {
            let accepted = entries.iter().filter_map(Entry::accepted);
            accepted.filter(|accepted| accepted.channel == medium).count()
        };
        let (texts, mails) = (of(Medium::Sms), of(Medium::Email));
        let many = texts + mails > MOST_TOLD;
        if many {
            self.story.say(&format!("{texts} texts and {mails} e-mails have left. To one family of all:"))?;
        }
        let divided = self.world.cast.pupil("barred_father")?;
        for entry in entries {
            let to = entry.accepted().map(|accepted| accepted.to.as_str());
            let to_them = |to| self.world.roster.links_at(to).any(|link| link.pupil == divided);
            if !many || to.is_some_and(to_them) {
                self.story.outside(&self.world.roster, entry)?;
            }
        }
        progress.shown = log.len();
        Ok(())
    }
}

impl Progress<'_> {
    fn pupil(&self, source_id: &str) -> anyhow::Result<&PupilSummary> {
        self.pupils.get(source_id).with_context(|| format!("{source_id} is not on roll"))
    }
}

fn role(task: &proto::tasks::v1::Task) -> String {
    kit::identity::role_name(task.role()).replace('_', " ")
}
