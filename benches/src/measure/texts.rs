//! Texts a second over the whole path, beside `wrk` on the same sink.

use super::{Plan, UNLIMITED, installed, mean};
use crate::figures::Figure;
use crate::load;
use crate::provider::Provider;
use crate::roster::{Reach, Roster};
use crate::schoolbell::Backend;

pub(super) async fn measure(plan: &Plan, name: &str, backend: &Backend) -> anyhow::Result<Vec<Figure>> {
    let place = plan.place(name)?;
    let mut provider = Provider::start(&place.log()).await?;
    let limit = provider.limit(place.path()).await?;
    let installation = installed(&place, backend, &provider.settings(UNLIMITED))?;
    let rosters = Roster::many(plan.contacts, plan.school, Reach::Mobile);
    let outcome = load::whole((place.path(), &installation), &mut provider, &rosters, plan.patience).await?;
    let limit = mean(limit, provider.limit(place.path()).await?);
    provider.end().await?;
    Ok(vec![
        Figure::new(name, outcome.rate(), limit),
        Figure::told(&format!("{name}_until_last_request"), outcome.sent_rate(), "texts/s"),
        Figure::told(&format!("{name}_processor"), outcome.each(), "µs each"),
    ])
}
