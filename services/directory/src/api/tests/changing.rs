//! What people decide by hand: it acts at once, is written down with its evidence, and meets the
//! next import.

use proto::events::Event;
use proto::events::directory::Restricted;

use super::*;

fn restriction(
    pupil: &pb::AudiencePupil,
    contact: &str,
    restriction: pb::Restriction,
) -> pb::SetRestrictionRequest {
    pb::SetRestrictionRequest {
        request_id: request_id(),
        pupil_id: pupil.pupil_id.clone(),
        contact_id: link(pupil, contact).contact_id.clone(),
        restriction: restriction.into(),
        evidence: "non-molestation order of 20 November 2026".to_owned(),
        from: String::new(),
        until: String::new(),
    }
}

async fn decisions(desk: &Desk) -> Vec<(String, String)> {
    #[derive(FromQueryResult)]
    struct Row {
        value: String,
        decided_by: String,
    }
    let rows: Vec<Row> = desk.rows("SELECT value, decided_by FROM decisions ORDER BY id").await;
    rows.into_iter().map(|row| (row.value, row.decided_by)).collect()
}

#[tokio::test]
async fn a_restriction_acts_at_once_is_said_and_is_kept_with_its_evidence() {
    for desk in desks().await {
        desk.load(&Sample::new()).await;
        let (before, facts) = (desk.pupil("ben").await, desk.said().await.len());
        let request = restriction(&before, "dad", pb::Restriction::NoContact);
        let answer = desk.directory.set_restriction(desk.request(request)).await.unwrap().into_inner();

        let after = desk.pupil("ben").await;
        let barred = link(&after, "dad");
        assert_eq!(barred.restriction(), pb::Restriction::NoContact);
        assert_eq!((barred.no_contact, barred.revision), (true, answer.revision));
        assert_eq!(answer.revision, link(&before, "dad").revision + 1);
        assert!(link(&desk.pupil("amy").await, "dad").no_contact, "on every link of the contact");

        let said = desk.said().await;
        assert_eq!(said.len(), facts + 1);
        let event: Event<Restricted> = serde_json::from_str(&said[facts].body).unwrap();
        assert_eq!(event.data.pupil_id.to_string(), before.pupil_id);
        assert_eq!(event.data.contact_id.unwrap().to_string(), barred.contact_id);
        assert_eq!((event.data.no_contact, event.version), (true, u64::try_from(answer.revision).unwrap()));
        assert_eq!(event.time, desk.test.clock.now());
        assert!(desk.written("SetRestriction").await[0].subjects.contains(&barred.contact_id));
        let last = decisions(&desk).await.pop().unwrap();
        assert_eq!(last, ("no_contact".to_owned(), "person-1".to_owned()));
    }
}

#[tokio::test]
async fn a_person_may_end_what_an_import_may_not_and_says_on_what_evidence() {
    for desk in desks().await {
        desk.load(&Sample::new()).await;
        let amy = desk.pupil("amy").await;
        assert_eq!(link(&amy, "dad").restriction(), pb::Restriction::NoChildInformation);
        let facts = desk.said().await.len();
        let mut request = restriction(&amy, "dad", pb::Restriction::None);
        request.evidence = " ".to_owned();
        let refused = refusal(desk.directory.set_restriction(desk.request(request.clone())).await);
        assert_eq!(refused, (Code::InvalidArgument, "REQUIRED".to_owned(), vec!["evidence".to_owned()]));
        request.evidence = "order discharged on 23 November 2026".to_owned();
        desk.directory.set_restriction(desk.request(request)).await.unwrap();
        assert_eq!(link(&desk.pupil("amy").await, "dad").restriction(), pb::Restriction::None);
        assert_eq!(desk.said().await.len(), facts, "nobody is barred by an end");
        assert_eq!(decisions(&desk).await.pop().unwrap().0, "none");
        let open = Sample::new().with(
            "contacts.csv",
            "no_child_information,court order of 1 September 2026,2026-09-01,2027-09-01",
            ",,,",
        );
        desk.load(&open).await;
        assert_eq!(link(&desk.pupil("amy").await, "dad").restriction(), pb::Restriction::None);
    }
}

#[tokio::test]
async fn a_person_raises_what_an_import_may_not_and_the_import_finds_it_so() {
    for desk in desks().await {
        desk.load(&Sample::new()).await;
        let wider = Sample::new().with("contacts.csv", "carer,foster_carer,1,no", "carer,foster_carer,1,yes");
        assert_eq!(desk.load(&wider).await.tasks, 1);
        let cal = desk.pupil("cal").await;
        let carer = link(&cal, "carer");
        assert_eq!(carer.parental_responsibility(), pb::ParentalResponsibility::No);
        let request = pb::SetStandingRequest {
            request_id: request_id(),
            pupil_id: cal.pupil_id.clone(),
            contact_id: carer.contact_id.clone(),
            parental_responsibility: pb::ParentalResponsibility::Yes.into(),
            evidence: "special guardianship order of 2 November 2026".to_owned(),
            ..Default::default()
        };
        let set = |message| desk.directory.set_standing(desk.request(message));
        let answer = set(request.clone()).await.unwrap().into_inner();
        assert_eq!(answer.revision, carer.revision + 1);
        let cal = desk.pupil("cal").await;
        assert_eq!(link(&cal, "carer").parental_responsibility(), pb::ParentalResponsibility::Yes);
        assert_eq!(link(&cal, "carer").role, "foster_carer");
        assert_eq!(desk.load(&wider).await.changes, []);
        assert_eq!(decisions(&desk).await.pop().unwrap().0, "foster_carer yes emergency_only=false");
        let wrong = pb::SetStandingRequest { request_id: request_id(), ..request };
        let spoilt = |role: Option<&str>, evidence: &str| pb::SetStandingRequest {
            role: role.map(str::to_owned),
            evidence: evidence.to_owned(),
            ..wrong.clone()
        };
        assert_eq!(refusal(set(spoilt(Some("king"), "seen")).await).2, ["role"]);
        assert_eq!(refusal(set(spoilt(None, "")).await).2, ["evidence"]);
    }
}

#[tokio::test]
async fn a_restriction_of_tomorrow_bars_from_the_schools_midnight_and_its_review_date_ends_nothing() {
    for desk in desks().await {
        desk.load(&Sample::new()).await;
        let ben = desk.pupil("ben").await;
        let facts = desk.said().await.len();
        let mut request = restriction(&ben, "dad", pb::Restriction::NoContact);
        (request.from, request.until) = ("2026-11-25".to_owned(), "2026-11-26".to_owned());
        desk.directory.set_restriction(desk.request(request)).await.unwrap();
        assert_eq!(desk.said().await.len(), facts);
        for (at, barred) in
            [("2026-11-24T23:59:59Z", false), ("2026-11-25T00:00:00Z", true), ("2027-06-01T00:00:00Z", true)]
        {
            desk.test.clock.set(at.parse().unwrap());
            assert_eq!(link(&desk.pupil("ben").await, "dad").no_contact, barred, "{at}");
        }
    }
}

#[tokio::test]
async fn person_only_starts_and_ends_by_a_person_with_a_reason() {
    for desk in desks().await {
        desk.load(&Sample::new()).await;
        let amy = desk.pupil("amy").await;
        let facts = desk.said().await.len();
        let request = |person_only, reason: &str| pb::SetPersonOnlyRequest {
            request_id: request_id(),
            pupil_id: amy.pupil_id.clone(),
            person_only,
            reason: reason.to_owned(),
        };
        let set = |message| desk.directory.set_person_only(desk.request(message));
        assert_eq!(refusal(set(request(true, "")).await).2, ["reason"]);
        assert_eq!(refusal(set(request(true, &"a".repeat(501))).await).1, "TOO_LONG");
        set(request(true, "social worker asks")).await.unwrap();
        assert!(desk.pupil("amy").await.person_only);
        let said = desk.said().await;
        assert_eq!(said.len(), facts + 1);
        let event: Event<Restricted> = serde_json::from_str(&said[facts].body).unwrap();
        assert_eq!((event.data.contact_id, event.subject), (None, amy.pupil_id.clone()));
        set(request(true, "social worker asks")).await.unwrap();
        assert_eq!(desk.said().await.len(), facts + 1, "the same again says nothing");
        set(request(false, "the plan has ended")).await.unwrap();
        assert!(!desk.pupil("amy").await.person_only);
    }
}

#[tokio::test]
async fn a_contact_is_changed_field_by_field() {
    for desk in desks().await {
        desk.load(&Sample::new()).await;
        let amy = desk.pupil("amy").await;
        let mum = link(&amy, "mum");
        let request = pb::UpdateContactRequest {
            request_id: request_id(),
            contact_id: mum.contact_id.clone(),
            first_phone: Some("07700 900155".to_owned()),
            second_phone: Some(String::new()),
            language: Some("UR".to_owned()),
            ..Default::default()
        };
        let update = |message| desk.directory.update_contact(desk.request(message));
        let answer = update(request.clone()).await.unwrap().into_inner();
        assert_eq!(answer.revision, mum.revision + 1);
        let after = desk.pupil("amy").await;
        let values: Vec<&str> =
            link(&after, "mum").addresses.iter().map(|address| address.value.as_str()).collect();
        assert_eq!(values, ["+447700900155", "family@example.com"]);
        assert_eq!(link(&after, "mum").language, "ur");
        let again = pb::UpdateContactRequest { request_id: request_id(), ..request.clone() };
        assert_eq!(update(again).await.unwrap().into_inner(), answer, "nothing changes, nothing rises");
        let wrong = pb::UpdateContactRequest {
            request_id: request_id(),
            first_phone: Some("07700 900155 mum".to_owned()),
            email: Some("Mum <mum@example.com>".to_owned()),
            language: Some("Urdu".to_owned()),
            ..request
        };
        let refused = refusal(update(wrong).await);
        assert_eq!((refused.0, refused.1.as_str()), (Code::InvalidArgument, "INVALID_CONTACT"));
        assert_eq!(refused.2, ["first_phone", "email", "language"]);
    }
}

type Spoil = Box<dyn Fn(&mut pb::SetRestrictionRequest)>;

#[tokio::test]
async fn what_cannot_be_taken_is_refused_with_its_field() {
    for desk in desks().await {
        desk.load(&Sample::new()).await;
        let amy = desk.pupil("amy").await;
        let good = || restriction(&amy, "dad", pb::Restriction::NoContact);
        let gran = link(&desk.pupil("cal").await, "gran").contact_id.clone();
        let rows: Vec<(Spoil, Code, &str, &str)> = vec![
            (
                Box::new(|request| request.pupil_id = "amy".to_owned()),
                Code::InvalidArgument,
                "INVALID_ID",
                "pupil_id",
            ),
            (
                Box::new(|request| request.contact_id = String::new()),
                Code::InvalidArgument,
                "INVALID_ID",
                "contact_id",
            ),
            (
                Box::new(|request| request.restriction = 0),
                Code::InvalidArgument,
                "UNKNOWN_RESTRICTION",
                "restriction",
            ),
            (
                Box::new(|request| request.restriction = 9),
                Code::InvalidArgument,
                "UNKNOWN_RESTRICTION",
                "restriction",
            ),
            (
                Box::new(|request| request.evidence = "a".repeat(501)),
                Code::InvalidArgument,
                "TOO_LONG",
                "evidence",
            ),
            (
                Box::new(|request| request.from = "24/11/2026".to_owned()),
                Code::InvalidArgument,
                "INVALID_DATE",
                "from",
            ),
            (
                Box::new(|request| request.until = "2026-11-23".to_owned()),
                Code::InvalidArgument,
                "INVALID_DATE",
                "until",
            ),
            (
                Box::new(|request| request.request_id = String::new()),
                Code::InvalidArgument,
                "INVALID_REQUEST_ID",
                "request_id",
            ),
            (
                Box::new(move |request| request.contact_id.clone_from(&gran)),
                Code::NotFound,
                "UNKNOWN_LINK",
                "",
            ),
        ];
        for (spoil, code, reason, field) in rows {
            let mut request = good();
            spoil(&mut request);
            let fields: Vec<String> =
                [field.to_owned()].into_iter().filter(|field| !field.is_empty()).collect();
            let refused = refusal(desk.directory.set_restriction(desk.request(request)).await);
            assert_eq!(refused, (code, reason.to_owned(), fields));
        }
    }
}

#[tokio::test]
async fn another_school_sees_and_changes_nobody_here() {
    for mut desk in desks().await {
        desk.load(&Sample::new()).await;
        let amy = desk.pupil("amy").await;
        desk.caller.tenant = SchoolId::generate();
        let request = restriction(&amy, "dad", pb::Restriction::None);
        assert_eq!(
            refusal(desk.directory.set_restriction(desk.request(request.clone())).await).1,
            "NO_ROSTER"
        );
        let other = Sample::new();
        let other =
            ["orgs.csv", "school.csv"].iter().fold(other, |sample, file| sample.with(file, "elm,", "yew,"));
        let other = (0..7).fold(other, |sample, _| sample.with("roles.csv", ",elm,", ",yew,"));
        let other = (0..4).fold(other, |sample, _| sample.with("enrollments.csv", ",elm,", ",yew,"));
        let other = (0..4).fold(other, |sample, _| sample.with("users.csv", ",elm,", ",yew,"));
        let other = (0..2).fold(other, |sample, _| sample.with("classes.csv", ",elm,", ",yew,"));
        desk.load(&other).await;
        assert_eq!(refusal(desk.directory.set_restriction(desk.request(request)).await).1, "UNKNOWN_LINK");
        let look = pb::GetPupilRequest { pupil_id: amy.pupil_id.clone() };
        assert_eq!(refusal(desk.directory.get_pupil(desk.request(look)).await).1, "UNKNOWN_PUPIL");
        let update = pb::UpdateContactRequest {
            request_id: request_id(),
            contact_id: link(&amy, "dad").contact_id.clone(),
            ..Default::default()
        };
        assert_eq!(refusal(desk.directory.update_contact(desk.request(update)).await).1, "UNKNOWN_CONTACT");
    }
}

#[tokio::test]
async fn two_who_decide_at_once_are_both_heard() {
    for desk in desks().await {
        desk.load(&Sample::new()).await;
        let (amy, ben) = (desk.pupil("amy").await, desk.pupil("ben").await);
        let calls = [(&amy, "mum"), (&amy, "dad"), (&ben, "mum"), (&ben, "dad")].map(|(pupil, contact)| {
            let request = restriction(pupil, contact, pb::Restriction::NoContact);
            desk.directory.set_restriction(desk.request(request))
        });
        for answer in futures::future::join_all(calls).await {
            answer.unwrap();
        }
        for pupil in ["amy", "ben"] {
            let pupil = desk.pupil(pupil).await;
            assert!(pupil.links.iter().all(|link| link.restriction() == pb::Restriction::NoContact));
        }
    }
}
