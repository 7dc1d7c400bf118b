//! Asks the office after closures whose last day has passed and that nobody has ended.
//!
//! The loop looks every minute. Two replicas may look at once; the one that commits second finds
//! that the question was asked. It never ends a closure.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{ToSpan, tz::TimeZone};
use kit::Tenant;
use kit::clock::Clock;
use kit::rejection::failure;
use kit::store::{Commit, Error, Store};
use tokio::time::MissedTickBehavior;
use tonic::Status;

use crate::api::Api;
use crate::directory::Directory;
use crate::domain::{Calendar, Closure, to_end};
use crate::store::{changes, read};

const LOOKS_EVERY: Duration = Duration::from_mins(1);

/// Asks after closures.
#[derive(Clone)]
pub struct Asker {
    store: Store,
    directory: Directory,
    clock: Clock,
}

impl Asker {
    /// One that stands on the same as the gRPC face.
    pub fn of(api: &Api) -> Self {
        Self { store: api.store.clone(), directory: api.directory.clone(), clock: api.clock.clone() }
    }

    /// Asks until it is asked to stop.
    pub async fn run(self, stop: impl Future<Output = ()> + Send + 'static) -> anyhow::Result<()> {
        let mut looks = tokio::time::interval(LOOKS_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        tokio::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => return Ok(()),
                _ = looks.tick() => self.ask_due().await,
            }
        }
    }

    /// Asks after every closure whose morning has come. What cannot be asked now is asked at the
    /// next look.
    pub async fn ask_due(&self) {
        // No school is further ahead than a day of the world's clock.
        let ahead = self.clock.now().to_zoned(TimeZone::UTC).date().saturating_add(1.day());
        let passed = match read::passed(&self.store, ahead).await {
            Ok(passed) => passed,
            Err(error) => {
                failure(&error);
                return;
            }
        };
        let mut by_school: BTreeMap<Tenant, Vec<Closure>> = BTreeMap::new();
        for passed in passed {
            by_school.entry(passed.school).or_default().push(passed.closure);
        }
        for (school, closures) in by_school {
            if let Err(status) = self.ask_after(school, &closures).await {
                tracing::warn!(
                    school = %school,
                    grpc.code = ?status.code(),
                    "closures could not be asked about; tried again in a minute"
                );
            }
        }
    }

    async fn ask_after(&self, school: Tenant, passed: &[Closure]) -> Result<(), Status> {
        let described = self.directory.school(school).await?;
        let set_asides = read::set_asides(&self.store, school).await?;
        let calendar = Calendar::new(described.described, set_asides);
        let declared = read::declared(&self.store, school).await?;
        let now = self.clock.now();
        for closure in passed {
            let asked_at = to_end::asked_at(closure, &calendar, &described.clocks, &declared);
            if asked_at.is_none_or(|at| now < at) {
                continue;
            }
            let commit = Commit::new().task(to_end::task(school, closure, now));
            match self.store.commit(changes::asked(commit, &self.store, closure)).await {
                Ok(_) | Err(Error::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}
