//! Break: a child is hurt, two run into each other, and the office writes to a class.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use proto::incidents::v1::AccidentKind;

use super::super::office::{Account, Letter};
use super::super::witness::{Accident, Announcement, Injury, Scope};
use super::{Progress, Script};

/// How long ago it happened when the first-aider comes to write it down.
const AGO: SignedDuration = SignedDuration::from_mins(2);

const TRIP: Letter<'_> = Letter {
    subject: "Our trip to the museum on Friday",
    body: "Dear parents and carers,\n\nOn Friday the class visits the museum. Please send a packed lunch, a drink and \
           a warm coat.\n\nThe coach leaves at 09:15.",
    text: "On Friday the class visits the museum: please send a packed lunch, a drink and a warm coat.",
};

impl Script<'_> {
    /// An accident, and a collision of two children: each home hears of its own child only.
    pub(super) async fn the_playground(&self, progress: &mut Progress<'_>) -> anyhow::Result<()> {
        let what = "Tripped over a skipping rope and scraped an elbow.";
        let aid = "The scrape was washed and a plaster put on.";
        let name = self.is_hurt(progress, "accident", (Injury::Minor, what, aid)).await?;
        self.story.say(&format!(
            "{name} has scraped an elbow: one parent should get an e-mail, the other, who has no mailbox, a text."
        ))?;
        let what = "Ran into another child while playing tag and bumped foreheads.";
        let aid = "A cold compress for ten minutes, then watched for half an hour.";
        let bumped = self.is_hurt(progress, "head_bump", (Injury::Head, what, aid)).await?;
        let what = "Fell in a collision during a game and grazed a knee.";
        let aid = "The graze was cleaned and covered.";
        let grazed = self.is_hurt(progress, "head_bump_partner", (Injury::Minor, what, aid)).await?;
        self.story.say(&format!(
            "{bumped} and {grazed} have run into each other: a bumped head and a grazed knee, two records. Neither home \
             should read the other's name, and {bumped}'s father, who is barred, nothing at all."
        ))?;
        self.until_told(progress).await
    }

    async fn is_hurt(
        &self,
        progress: &mut Progress<'_>,
        part: &str,
        (injury, what, first_aid): (Injury, &str, &str),
    ) -> anyhow::Result<String> {
        let pupil = progress.pupil(self.world.cast.pupil(part)?)?;
        let kind = match injury {
            Injury::Minor => AccidentKind::Minor,
            Injury::Head => AccidentKind::HeadInjury,
        };
        let (id, source_id, name) = (pupil.id.clone(), pupil.source_id.clone(), pupil.first_name.clone());
        let asked_at = self.story.real();
        let happened_at = self.story.now() - AGO;
        self.office.record_accident(&id, Account { kind, what, first_aid, happened_at }).await?;
        progress.facts += 1;
        progress.watch.facts.accidents.push(Accident {
            pupil: source_id,
            injury,
            what: what.to_owned(),
            first_aid: first_aid.to_owned(),
            asked_at,
        });
        Ok(name)
    }

    /// To the class of the child whose father is barred: what is said to a class is not for him.
    pub(super) async fn a_letter(&self, progress: &mut Progress<'_>) -> anyhow::Result<()> {
        let pupil = progress.pupil(self.world.cast.pupil("barred_father")?)?;
        let (class_id, class) = (pupil.class_id.clone(), pupil.class_source_id.clone());
        let asked_at = self.story.real();
        let pupils = self.office.announce(&class_id, TRIP).await?;
        progress.facts += 1;
        progress.watch.facts.announcements.push(Announcement {
            scope: Scope::Classes(BTreeSet::from([class])),
            body: TRIP.body.to_owned(),
            text: TRIP.text.to_owned(),
            asked_at,
        });
        self.story.say(&format!("The office writes to the homes of a class of {pupils} about a trip."))?;
        self.until_told(progress).await
    }
}
