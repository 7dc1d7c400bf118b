//! Snow: the school is to close from the afternoon on, for longer than it thought, and is open after
//! all. The website says so at once; everybody at home is told of each, before the next is said.

use anyhow::{Context, bail};
use jiff::Timestamp;
use jiff::civil::Date;

use super::super::office::Closing;
use super::super::stage::DAY;
use super::super::witness::{Closure, Is, Public, Scope, Session, Stage};
use super::{Progress, Script};

const REASON: &str = "Heavy snow is on its way";
const COLLECTION: &str = "Please collect your child from the hall doors at 12:30";

impl Script<'_> {
    /// Declared, extended to a second day, and ended.
    pub(super) async fn the_snow(&self, progress: &mut Progress<'_>) -> anyhow::Result<()> {
        let tomorrow = DAY.tomorrow()?;
        let asked_at = self.story.real();
        let closing = Closing { first_day: DAY, last_day: DAY, reason: REASON, collection: COLLECTION };
        let closure = self.office.declare_closure(closing).await?;
        progress.watch.facts.closures.push(Closure { scope: Scope::WholeSchool, stages: Vec::new() });
        self.story.say(
            "It snows. The head closes the school from this afternoon on: everybody should hear of it, but only those \
             who may know where a child is hear when and where children are collected.",
        )?;
        self.said(progress, (closed_until(DAY), asked_at)).await?;

        let asked_at = self.story.real();
        self.office.change_closure(&closure, tomorrow).await?;
        self.story.say("It goes on snowing: the school stays closed tomorrow too.")?;
        self.said(progress, (closed_until(tomorrow), asked_at)).await?;

        let asked_at = self.story.real();
        self.office.end_closure(&closure, DAY).await?;
        self.story
            .say("The snow turns to rain: the head takes the closure back, and school stays open today.")?;
        self.said(progress, (Is::Open { on: DAY }, asked_at)).await
    }

    /// Writes down what the school said when it has been answered, looks at the website, and waits
    /// until everybody has been told.
    async fn said(&self, progress: &mut Progress<'_>, (is, asked_at): (Is, Timestamp)) -> anyhow::Result<()> {
        let answered_at = self.story.real();
        progress.facts += 1;
        let says_open = matches!(is, Is::Open { .. });
        let closure = progress.watch.facts.closures.last_mut().context("no closure was declared")?;
        closure.stages.push(Stage { is, asked_at, answered_at });
        let version = u64::try_from(closure.stages.len())?;
        let Some(alert) = self.website.until(version, self.pace.shown_within).await? else {
            bail!("the website does not show what the school has said");
        };
        if (alert.kind == "reopening") != says_open {
            bail!("the website shows a {}", alert.kind);
        }
        let words = format!("{}\n{}", alert.headline, alert.body);
        self.story
            .say(&format!("The website says: {}.", words.replace('\n', ". ").trim_end_matches(['.', ' '])))?;
        progress.watch.facts.public.push(Public { says_open, words });
        self.until_told(progress).await
    }
}

fn closed_until(last_day: Date) -> Is {
    Is::Closed {
        first_day: DAY,
        from: Session::Afternoon,
        last_day,
        reason: REASON.to_owned(),
        collection: Some(COLLECTION.to_owned()),
    }
}
