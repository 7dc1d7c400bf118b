//! The school's public website, as any visitor's program sees it: without a token, over HTTP.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use proto::ids::SchoolId;
use serde::Deserialize;
use tokio::time::Instant;

const LOOKS_EVERY: Duration = Duration::from_millis(100);

/// The pages of one school.
pub struct Website {
    client: reqwest::Client,
    /// Where a visitor looks.
    pub address: String,
}

/// What stands there.
#[derive(Debug, Clone, Deserialize)]
pub struct Alert {
    /// Rises with every change of what it is about.
    pub version: u64,
    /// `closure` or `reopening`.
    pub kind: String,
    /// One line.
    pub headline: String,
    /// Further lines.
    pub body: String,
}

#[derive(Deserialize)]
struct Alerts {
    alerts: Vec<Alert>,
}

impl Website {
    /// The pages of a school on the website that is served there.
    pub fn at(website: SocketAddr, school: SchoolId) -> anyhow::Result<Self> {
        let client =
            reqwest::Client::builder().no_proxy().build().context("nothing to look at pages with")?;
        Ok(Self { client, address: format!("http://{website}/website/{school}/") })
    }

    /// Looks until an alert of this version stands there; none when it does not come about in time.
    /// Fails when the website does not answer at the end.
    pub async fn until(&self, version: u64, within: Duration) -> anyhow::Result<Option<Alert>> {
        let deadline = Instant::now() + within;
        let mut looks = tokio::time::interval(LOOKS_EVERY);
        loop {
            looks.tick().await;
            let seen = self.alerts().await;
            let overdue = Instant::now() >= deadline;
            if seen.is_err() && !overdue {
                continue;
            }
            let found = seen?.into_iter().find(|alert| alert.version >= version);
            if found.is_some() || overdue {
                return Ok(found);
            }
        }
    }

    /// A school of which nothing has been heard yet has no page.
    async fn alerts(&self) -> anyhow::Result<Vec<Alert>> {
        let answer = self.client.get(format!("{}alerts.json", self.address)).send().await;
        let answer = answer.context("the website does not answer")?;
        if answer.status() == reqwest::StatusCode::NOT_FOUND {
            return Ok(Vec::new());
        }
        let alerts: Alerts =
            answer.error_for_status()?.json().await.context("alerts.json is not understood")?;
        Ok(alerts.alerts)
    }
}
