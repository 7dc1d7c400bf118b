//! What a previewed notice would say, as far as the request has it: how large its texts are, and
//! what all of them cost.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use kit::rejection::{Rejection, failure};
use proto::dispatcher::v1 as pb;
use proto::dispatcher::v1::preview_request::Words;
use proto::events::absences::Session;
use proto::events::messaging::AnnouncementSent;
use proto::events::scheduling::{Closure, ClosureEnded};
use proto::events::scope::Scope;
use tonic::Status;

use super::Previewed;
use crate::api::Api;
use crate::channels::{Channel, Medium};
use crate::directory::School;
use crate::domain::clearance::{Readers, clear};
use crate::domain::plan::Planned;
use crate::domain::{About, AddressKind, NoticeKind};
use crate::render::{Error, MOST_CHARACTERS, Wording};
use crate::text::fragments::{Encoding, Fragments};

/// What the notice would be about, if the request says its words.
pub(in crate::api) fn about(
    kind: NoticeKind,
    scope: &Scope,
    request: &pb::PreviewRequest,
) -> Result<Option<About>, Status> {
    let day = |field: &str, text: &str| -> Result<Date, Status> {
        text.parse().map_err(|_| Rejection::invalid("INVALID_DATE", field, "must be an ISO date").into())
    };
    let (scope, tell_until) = (scope.clone(), Timestamp::MAX);
    Ok(Some(match (&request.words, kind) {
        (None, _) => return Ok(None),
        (Some(Words::Text(text)), NoticeKind::Announcement | NoticeKind::AnnouncementCorrection) => {
            let text = Some(text.clone());
            About::Announcement(AnnouncementSent { scope, email: None, text, tell_until })
        }
        (Some(Words::Closure(words)), NoticeKind::ClosureDeclared | NoticeKind::ClosureChanged) => {
            let collection = Some(words.collection.clone()).filter(|words| !words.is_empty());
            About::Closure(Closure {
                scope,
                first_day: day("closure.first_day", &words.first_day)?,
                from: if words.from_afternoon { Session::Afternoon } else { Session::Morning },
                last_day: day("closure.last_day", &words.last_day)?,
                reason: words.reason.clone(),
                collection,
                tell_until,
            })
        }
        (Some(Words::OpenOn(open_on)), NoticeKind::Reopening) => {
            let open_on = day("open_on", open_on)?;
            About::Reopening(ClosureEnded { scope, open_on, not_closed_from: open_on, tell_until })
        }
        (Some(_), _) => {
            return Err(Rejection::invalid("WRONG_WORDS", "words", "are those of another kind").into());
        }
    }))
}

/// The size of every text, and what they cost together.
pub(super) struct Sizes {
    pub text: Option<Fragments>,
    pub fragments: u64,
    pub cost: Option<u64>,
}

/// Words each text as it would be worded now, for whoever would read it.
pub(super) async fn sizes(api: &Api, about: &About, previewed: &Previewed<'_>) -> Result<Sizes, Status> {
    let school = api.directory.school(previewed.school).await.map_err(|error| super::refused(&error))?;
    let texts = api.ways.iter().find(|way| way.name().medium() == Medium::Text);
    let Some(way) = texts else { return Ok(Sizes { text: None, fragments: 0, cost: None }) };
    let entitled = size(api, (about, &school), (previewed, Readers::Entitled), &**way)?;
    let barred = size(api, (about, &school), (previewed, Readers::Barred), &**way)?;
    let same = entitled == barred;
    let texts = previewed.plan.messages.iter().filter(|message| message.address.kind == AddressKind::Mobile);
    let fragments = texts.map(|message| match readers(previewed, message) {
        _ if same => entitled,
        Readers::Entitled => entitled,
        Readers::Barred => barred,
    });
    let fragments = fragments.map(|size| u64::try_from(size.fragments).unwrap_or(u64::MAX)).sum();
    let cost = way.tariff().map(|tariff| tariff.cost(fragments));
    Ok(Sizes { text: Some(entitled), fragments, cost })
}

/// Who would read a message, by the rules of the last look before it leaves.
fn readers(previewed: &Previewed<'_>, message: &Planned) -> Readers {
    let about: BTreeSet<_> = message.members.iter().map(|(_, pupil)| *pupil).collect();
    let pupils: Vec<_> =
        about.iter().filter_map(|id| previewed.by_id.get(id).map(|pupil| (*pupil).clone())).collect();
    clear(previewed.matter, &message.address.value, &message.members, &pupils).readers
}

fn size(
    api: &Api,
    (about, school): (&About, &School),
    (previewed, readers): (&Previewed<'_>, Readers),
    way: &dyn Channel,
) -> Result<Fragments, Status> {
    let (kind, now) = (previewed.matter.kind, previewed.now);
    let wording = Wording { kind, medium: Medium::Text, about, names: &[], school, readers, now };
    let words = api.renderer.words(&wording).map_err(|error| match error {
        Error::TooLong { characters } => {
            let most =
                format!("makes a text of {characters} characters; at most {MOST_CHARACTERS} are taken");
            Rejection::invalid("TOO_LONG", "words", most).into()
        }
        Error::Template(_) => failure(&error),
    })?;
    let missing = crate::channels::why::ADDRESS_UNUSABLE;
    way.size(&words.body).ok_or_else(|| failure(&missing))
}

/// A size as it stands on the wire.
pub(in crate::api) fn on_the_wire(size: Fragments) -> pb::TextSize {
    let encoding = match size.encoding {
        Encoding::Gsm7 => pb::TextEncoding::Gsm7,
        Encoding::Ucs2 => pb::TextEncoding::Ucs2,
    };
    let (characters, fragments) = (super::count(size.characters), super::count(size.fragments));
    pb::TextSize { encoding: encoding.into(), characters, fragments }
}
