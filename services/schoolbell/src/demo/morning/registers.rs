//! The register: nine pupils are missing when it closes, and each is a story of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, bail};
use jiff::Timestamp;
use proto::absences::v1::Mark;
use tokio::time::Instant;

use super::super::witness::Missing;
use super::{Progress, Script};

/// How long the dispatcher may take to hear of the close; well inside the gathering.
const HEARD_WITHIN: Duration = Duration::from_secs(1);
const LOOKS_EVERY: Duration = Duration::from_millis(50);
const PRESENT: &str = "/";
const NO_REASON_YET: &str = "N";
const ILL: &str = "I";

impl Script<'_> {
    /// From the first call to the last who comes in.
    pub(super) async fn the_register(&self, progress: &mut Progress<'_>) -> anyhow::Result<()> {
        let reason_known_at = self.a_mother_rings(progress).await?;
        self.registers(progress).await?;
        self.close(progress).await?;
        progress.missing(self.world.cast.pupil("explained")?)?.reason_known_at = Some(reason_known_at);
        self.until_heard(progress.facts).await?;
        self.somebody_comes_in_early(progress).await?;
        self.until_told(progress).await?;
        self.somebody_comes_in_late(progress).await
    }

    async fn a_mother_rings(&self, progress: &Progress<'_>) -> anyhow::Result<Timestamp> {
        let pupil = progress.pupil(self.world.cast.pupil("explained")?)?;
        self.office.report_absence(&pupil.id, ILL).await?;
        let known_at = self.story.real();
        self.story
            .say(&format!("{}'s mother rings: {0} is ill. Nobody needs to be asked.", pupil.first_name))?;
        Ok(known_at)
    }

    async fn registers(&self, progress: &Progress<'_>) -> anyhow::Result<()> {
        let missing: BTreeSet<&str> = self.world.cast.missing().collect();
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
        progress.watch.facts.missing = self
            .world
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
        let name = self.comes_in(progress, "arrives_late").await?;
        self.story.say(&format!("{name} comes in after all: whoever was told should hear that."))
    }

    async fn comes_in(&self, progress: &mut Progress<'_>, part: &str) -> anyhow::Result<String> {
        let source_id = self.world.cast.pupil(part)?;
        let pupil = progress.pupil(source_id)?;
        let (id, name) = (pupil.id.clone(), pupil.first_name.clone());
        let answer = self.office.record_arrival(&id).await?;
        let known_at = self.story.real();
        // The close has announced every case that is still open, so an arrival that closes one is said.
        progress.facts += i32::from(!answer.case_id.is_empty());
        progress.missing(source_id)?.arrived_at = Some(known_at);
        Ok(name)
    }
}

impl Progress<'_> {
    fn missing(&mut self, source_id: &str) -> anyhow::Result<&mut Missing> {
        let found = self.watch.facts.missing.iter_mut().find(|missing| missing.pupil == source_id);
        found.with_context(|| format!("{source_id} is not missing"))
    }
}
