//! What a plan knows besides who there is: what time it is for texts of the kind, and which addresses
//! are not used like others. Previews and redeliveries plan under the same.

use jiff::Timestamp;
use kit::store::Store;
use proto::ids::SchoolId;

use super::Error;
use crate::directory::Directory;
use crate::domain::{NoticeKind, Suppressed, Texts};
use crate::routes::Timing;

/// What a plan is made under.
#[derive(Debug, Clone)]
pub struct Circumstances {
    /// What becomes of texts now.
    pub texts: Texts,
    /// The addresses that are not used like others.
    pub suppressed: Suppressed,
}

/// What is to be told, as far as the circumstances depend on it: where, what, and until when.
pub type Telling = (SchoolId, NoticeKind, Timestamp);

impl Circumstances {
    /// Reads them. The directory is asked for the school's clocks only where a kind has quiet hours.
    pub(crate) async fn read(
        (store, directory): (&Store, &Directory),
        timing: &Timing,
        (school, kind, valid_until): Telling,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let texts = match timing.quiet_hours.hours(kind) {
            Some(hours) => hours.texts(&directory.school(school).await?.zone, now, valid_until),
            None => Texts::Go,
        };
        Ok(Self { texts, suppressed: crate::store::suppressions::of(store, school).await? })
    }
}
