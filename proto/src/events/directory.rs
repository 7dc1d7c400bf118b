//! What `directory` says.

use serde::{Deserialize, Serialize};

use super::Fact;
use crate::ids::{ContactId, PupilId};

/// Somebody may be told less than before: a restriction was set on a link, or the pupil became
/// person only. The subject is the link or the pupil. Whoever has just sent something must look
/// at what left within the last seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restricted {
    /// The pupil.
    pub pupil_id: PupilId,
    /// The contact; none when it is the pupil who became person only.
    pub contact_id: Option<ContactId>,
    /// Everything from this school is barred for the contact, not only this pupil.
    pub no_contact: bool,
}

impl Fact for Restricted {
    const SERVICE: &'static str = "directory";
    const NAME: &'static str = "restricted";
    const SAFETY: bool = true;
}
