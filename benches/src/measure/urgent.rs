//! From the RPC that says that a child bumped its head to the first request to the provider: when nothing else happens,
//! and while an announcement to a whole town leaves.

use std::time::Duration;

use jiff::Timestamp;
use kit::clock::{Clock, to_proto};
use proto::ids::SchoolId;
use proto::incidents::v1::incidents_service_client::IncidentsServiceClient;
use proto::incidents::v1::{AccidentKind, Account, RecordAccidentRequest};
use proto::options::v1::Role;
use tokio::time::{Instant, interval};

use super::{Plan, UNLIMITED, installed, percentile};
use crate::figures::Figure;
use crate::load::{self, Running};
use crate::provider::Provider;
use crate::roster::{Reach, Roster};
use crate::schoolbell::{Backend, RECEIPTS_TOKEN, Schoolbell, fresh};
use crate::sink::{Run, URGENT};
use crate::tools::{say, show};

/// How long one may take before it counts as so long.
const LONGEST: Duration = Duration::from_mins(1);
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// The clock of the school, when it is started.
const MORNING: &str = "2026-11-24T08:55:00Z";

/// Whose children fall, and how many have.
struct Playground<'a> {
    schoolbell: &'a Schoolbell,
    school: SchoolId,
    /// A pupil's id, and the number of the first contact.
    pupils: Vec<(String, u64)>,
}

pub(super) async fn measure(plan: &Plan) -> anyhow::Result<Vec<Figure>> {
    let place = plan.place("urgent")?;
    let mut provider = Provider::start(&place.log()).await?;
    let installation = installed(&place, &Backend::Sqlite, &provider.settings(UNLIMITED))?;
    let mut rosters = Roster::many(plan.contacts, plan.school, Reach::Mobile);
    // Two contacts for a pupil, and a pupil for each accident of either kind of run.
    let children = u64::try_from(4 * plan.urgent)?;
    let contacts = URGENT..URGENT + children;
    rosters.push(Roster { school: "playground".to_owned(), contacts, reach: Reach::Mobile });
    let (mut schoolbell, mut schools) = load::settled(&installation, &rosters).await?;
    let (Some(school), many) = (schools.pop(), schools) else { anyhow::bail!("no school was loaded") };
    let mut ids = Vec::with_capacity(2 * plan.urgent);
    for (source, id) in schoolbell.pupils(school, 2 * plan.urgent).await? {
        let pupil: u64 = source.trim_start_matches('p').parse()?;
        ids.push((id, URGENT + 2 * pupil));
    }
    let (first, second) = ids.split_at(plan.urgent.min(ids.len()));
    let receipts_to = Some((schoolbell.http.clone(), RECEIPTS_TOKEN.to_owned()));
    provider.begin(&Run { limit: None, receipts_to }).await?;
    let idle = Playground { schoolbell: &schoolbell, school, pupils: first.to_vec() };
    let idle = idle.fall(&mut provider, None).await?;
    let run =
        Running::begin((&schoolbell, &many), &mut provider, (plan.contacts, None), plan.patience).await?;
    begun(&mut provider, plan.patience).await?;
    let busy = Playground { schoolbell: &schoolbell, school, pupils: second.to_vec() };
    let busy = busy.fall(&mut provider, Some(plan.contacts)).await?;
    run.end(&mut provider, &mut schoolbell).await?.say("beside the urgent ones");
    schoolbell.end().await?;
    provider.end().await?;
    for (what, times) in [("idle", &idle), ("busy", &busy)] {
        let at = |percent| percentile(times.clone(), percent).map_or_else(String::new, show);
        say(&format!("{what}: {} texts, p50 {} ms, p99 {} ms", times.len(), at(50), at(99)));
    }
    let p99 = percentile(busy, 99).ok_or_else(|| anyhow::anyhow!("the announcement was over at once"))?;
    Ok(vec![Figure::new("urgent", p99, percentile(idle, 99))])
}

/// Waits until the announcement leaves.
async fn begun(provider: &mut Provider, patience: Duration) -> anyhow::Result<()> {
    let (mut ticks, until) = (interval(LOOK_EVERY), Instant::now() + patience);
    while provider.seen().await?.told == 0 {
        anyhow::ensure!(Instant::now() < until, "the announcement does not begin");
        ticks.tick().await;
    }
    Ok(())
}

impl Playground<'_> {
    /// One accident after the other; ends early when everybody of the announcement is told. In milliseconds.
    async fn fall(&self, provider: &mut Provider, beside: Option<u64>) -> anyhow::Result<Vec<f64>> {
        let mut times = Vec::with_capacity(self.pupils.len());
        for (pupil, contact) in &self.pupils {
            let from = Clock::system().real();
            self.record(pupil).await?;
            let (mut ticks, until) = (interval(LOOK_EVERY), Instant::now() + LONGEST);
            let at = loop {
                ticks.tick().await;
                // Whoever of the two at home is asked for first.
                let at = (provider.urgent_at(*contact).await?, provider.urgent_at(contact + 1).await?);
                let at = at.0.into_iter().chain(at.1).min();
                if at.is_some() || Instant::now() > until {
                    break at;
                }
            };
            if let Some(contacts) = beside
                && provider.seen().await?.told >= contacts
            {
                break;
            }
            let took = match at {
                Some(at) => Timestamp::from_microsecond(at)?.duration_since(from).unsigned_abs(),
                None => LONGEST,
            };
            times.push(took.as_secs_f64() * 1_000.0);
        }
        Ok(times)
    }

    async fn record(&self, pupil: &str) -> anyhow::Result<()> {
        let account = Account {
            kind: AccidentKind::HeadInjury.into(),
            what: "bumped a head on the climbing frame".to_owned(),
            place: "playground".to_owned(),
            happened_at: Some(to_proto(MORNING.parse()?)),
            first_aid: "a cold pack for ten minutes".to_owned(),
            no_first_aid_because: String::new(),
            first_aider: "Mx Green".to_owned(),
            names_checked: true,
        };
        let request =
            RecordAccidentRequest { request_id: fresh(), pupil_id: pupil.to_owned(), account: Some(account) };
        let request = self.schoolbell.by(self.school, Role::FirstAider, request)?;
        IncidentsServiceClient::new(self.schoolbell.channel.clone()).record_accident(request).await?;
        Ok(())
    }
}
