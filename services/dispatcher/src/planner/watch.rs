//! Restrictions that were set while messages left: what reached a person in those seconds is the
//! safeguarding lead's task at once, also when it went to an address that somebody else uses.

use std::collections::BTreeSet;

use jiff::Timestamp;
use kit::store::Commit;
use proto::ids::{ContactId, PupilId, SchoolId};

use super::{Error, Planner};
use crate::domain::Address;
use crate::store::restrictions;

impl Planner {
    pub(super) async fn watch_restrictions(&self, now: Timestamp) -> Result<(), Error> {
        let young = restrictions::young(&self.store, now).await?;
        let mut tasks = restrictions::left_too_late(&self.store, &young, now).await?;
        let mut outcome = Ok(());
        for restriction in &young {
            let Some(barred) = restriction.wanted()? else { continue };
            match self.addresses_of(barred).await {
                Ok(addresses) => {
                    tasks.extend(restrictions::left_to_their_address(restriction, &addresses, now)?);
                }
                // The next sweep asks again. What is known without the directory does not wait for it.
                Err(error) => {
                    outcome = Err(error);
                    break;
                }
            }
        }
        if !tasks.is_empty() {
            let commit = tasks.into_iter().fold(Commit::new(), Commit::task);
            self.store.commit(commit).await?;
        }
        outcome
    }

    /// By what the addresses of a contact are compared, as the directory knows them now.
    async fn addresses_of(
        &self,
        (school, contact, pupil): (SchoolId, ContactId, PupilId),
    ) -> Result<BTreeSet<String>, Error> {
        let pupils =
            self.directory.clear(school, &BTreeSet::from([contact]), &BTreeSet::from([pupil])).await?;
        let links = pupils.iter().flat_map(|pupil| &pupil.links).filter(|link| link.contact == contact);
        Ok(links.flat_map(|link| &link.addresses).map(Address::key).collect())
    }
}
