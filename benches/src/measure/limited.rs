//! A provider that takes 50 texts a second and 1,000 after a rest: how much of that is used, and how often it refuses.

use super::{Plan, installed};
use crate::figures::Figure;
use crate::load::{Running, per_second, settled};
use crate::provider::Provider;
use crate::roster::{Reach, Roster};
use crate::schoolbell::Backend;

/// GOV.UK Notify's own limits.
const PER_SECOND: u32 = 50;
const BURST: u32 = 1_000;

pub(super) async fn measure(plan: &Plan) -> anyhow::Result<Vec<Figure>> {
    let place = plan.place("limited")?;
    let mut provider = Provider::start(&place.log()).await?;
    let installation = installed(&place, &Backend::Sqlite, &provider.settings((PER_SECOND, BURST)))?;
    let roster = Roster { school: "school-0".to_owned(), contacts: 0..plan.limited, reach: Reach::Mobile };
    let (mut schoolbell, schools) = settled(&installation, &[roster]).await?;
    let limit = Some((PER_SECOND, BURST));
    let run =
        Running::begin((&schoolbell, &schools), &mut provider, (plan.limited, limit), plan.patience).await?;
    let outcome = run.end(&mut provider, &mut schoolbell).await?;
    outcome.say("limited");
    let seen = provider.seen().await?;
    schoolbell.end().await?;
    provider.end().await?;
    // What a client with a clock of the provider's own could have sent in this time.
    let permitted = f64::from(BURST) / outcome.sending.as_secs_f64() + f64::from(PER_SECOND);
    let refusals = per_second(seen.refused, std::time::Duration::from_secs(1));
    let accepted = per_second(seen.accepted, std::time::Duration::from_secs(1));
    Ok(vec![
        Figure::new("permitted_rate", per_second(seen.accepted, outcome.sending), Some(permitted)),
        Figure::new("refusals", refusals / accepted * 10_000.0, None),
    ])
}
