//! The same path for ever more contacts: whether the rate stays, and how much memory it takes.

use super::{Plan, UNLIMITED, installed};
use crate::figures::Figure;
use crate::load::{self, Outcome};
use crate::picture::{self, Point};
use crate::provider::Provider;
use crate::roster::{Reach, Roster};
use crate::schoolbell::Backend;
use crate::tools::say;

/// Where the picture begins.
const FEWEST: u64 = 1_000;

pub(super) async fn measure(plan: &Plan) -> anyhow::Result<Vec<Figure>> {
    let tenfolds = std::iter::successors(Some(FEWEST), |contacts| contacts.checked_mul(10));
    let mut sizes: Vec<u64> = tenfolds.take_while(|contacts| *contacts < plan.most).collect();
    sizes.extend([plan.contacts, plan.most]);
    sizes.sort_unstable();
    sizes.dedup();
    let (mut figures, mut points) = (Vec::new(), Vec::new());
    let (mut large, mut largest) = (None, None);
    for contacts in sizes {
        let outcome = run(plan, contacts).await?;
        figures.push(Figure::told(&format!("growth_{contacts}"), outcome.rate(), "texts/s"));
        figures.push(Figure::told(&format!("growth_processor_{contacts}"), outcome.each(), "µs each"));
        points.push(Point { contacts: load::number(contacts), rate: outcome.rate(), memory: outcome.memory });
        if contacts == plan.contacts {
            large = Some(outcome.rate());
        }
        largest = Some(outcome);
    }
    if let Some(largest) = largest {
        figures.push(Figure::new("growth_rate", largest.rate(), large));
        figures.push(Figure::new("growth_memory", largest.memory, None));
    }
    let picture = plan.folder.join("growth.svg");
    std::fs::write(&picture, picture::of(&points)?)?;
    say(&format!("the picture of growth is {}", picture.display()));
    Ok(figures)
}

async fn run(plan: &Plan, contacts: u64) -> anyhow::Result<Outcome> {
    let place = plan.place(&format!("growth-{contacts}"))?;
    let mut provider = Provider::start(&place.log()).await?;
    let installation = installed(&place, &Backend::Sqlite, &provider.settings(UNLIMITED))?;
    let rosters = Roster::many(contacts, plan.school, Reach::Mobile);
    let outcome = load::whole((place.path(), &installation), &mut provider, &rosters, plan.patience).await?;
    provider.end().await?;
    Ok(outcome)
}
