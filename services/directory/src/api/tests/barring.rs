//! What a barred person may still read: addresses that are lost, gained or spelt otherwise, and
//! pupils who come back under another id.

use proto::events::Event;
use proto::events::directory::Restricted;

use super::*;

const FAMILY: &str = "family@example.com";

/// How the father loses the mailbox that he shares with the mother.
#[derive(Debug, Clone, Copy)]
enum Loss {
    BlankedByAFile,
    ChangedByAFile,
    BlankedByTheOffice,
    ChangedByTheOffice,
}

impl Loss {
    const ALL: [Self; 4] =
        [Self::BlankedByAFile, Self::ChangedByAFile, Self::BlankedByTheOffice, Self::ChangedByTheOffice];

    async fn happens(self, desk: &Desk) {
        let file = |mailbox: &str| Sample::new().with("users.csv", FAMILY, mailbox);
        match self {
            Self::BlankedByAFile => assert_kept(&desk.load(&file("")).await),
            Self::ChangedByAFile => assert_kept(&desk.load(&file("dan@example.com")).await),
            Self::BlankedByTheOffice => {
                update(desk, |request| request.email = Some(String::new())).await;
            }
            Self::ChangedByTheOffice => {
                update(desk, |request| request.email = Some("dan@example.com".to_owned())).await;
            }
        }
    }
}

fn assert_kept(answer: &pb::ImportRosterResponse) {
    let lines: Vec<_> = answer
        .changes
        .iter()
        .map(|change| (change.what.as_str(), change.action.as_str(), change.columns.as_slice()))
        .collect();
    let email = &["email".to_owned()][..];
    assert_eq!(lines, [("contact", "change", email), ("contact", "keep", email)]);
    assert_eq!(answer.tasks, 1);
}

/// The office changes how the father is reached.
async fn update(desk: &Desk, change: impl FnOnce(&mut pb::UpdateContactRequest)) -> i64 {
    let contact_id = link(&desk.pupil("amy").await, "dad").contact_id.clone();
    let mut request = pb::UpdateContactRequest { request_id: request_id(), contact_id, ..Default::default() };
    change(&mut request);
    desk.directory.update_contact(desk.request(request)).await.unwrap().into_inner().revision
}

async fn decide(desk: &Desk, pupil: &str, restriction: pb::Restriction) {
    let pupil = desk.pupil(pupil).await;
    let request = pb::SetRestrictionRequest {
        request_id: request_id(),
        pupil_id: pupil.pupil_id.clone(),
        contact_id: link(&pupil, "dad").contact_id.clone(),
        restriction: restriction.into(),
        evidence: "order of 23 November 2026".to_owned(),
        ..Default::default()
    };
    desk.directory.set_restriction(desk.request(request)).await.unwrap();
}

/// Whether the mother's mailbox is barred for what is about this pupil.
async fn mailbox_is_barred(desk: &Desk, pupil: &str) -> bool {
    let pupil = desk.pupil(pupil).await;
    let mailbox = link(&pupil, "mum").addresses.iter().find(|address| address.value == FAMILY);
    mailbox.unwrap().barred
}

async fn tasks_of(desk: &Desk, kind: &str) -> Vec<Opened> {
    desk.opened().await.into_iter().filter(|task| task.kind == kind).collect()
}

#[tokio::test]
async fn a_shared_mailbox_that_the_barred_father_loses_stays_barred_until_a_person_ends_the_restriction() {
    for loss in Loss::ALL {
        for desk in desks().await {
            desk.load(&Sample::new()).await;
            loss.happens(&desk).await;
            let dad = link(&desk.pupil("amy").await, "dad").clone();
            assert!(dad.addresses.iter().all(|address| address.value != FAMILY), "{loss:?}");
            assert!(mailbox_is_barred(&desk, "amy").await, "{loss:?} on {}", desk.test.backend);
            assert!(!mailbox_is_barred(&desk, "ben").await, "nothing stands about the brother");

            let tasks = tasks_of(&desk, "barred_address_given_up").await;
            assert_eq!((tasks.len(), tasks[0].role.as_str()), (1, "designated_safeguarding_lead"));
            assert!(tasks[0].subjects.contains("pup_") && tasks[0].subjects.contains(&dad.contact_id));
            assert!(tasks[0].why.contains("email") && !tasks[0].why.contains('@'));
            update(&desk, |request| request.email = Some("Family@Example.com".to_owned())).await;
            loss.happens_again(&desk).await;
            assert_eq!(tasks_of(&desk, "barred_address_given_up").await.len(), 1, "{loss:?} asks once");

            decide(&desk, "ben", pb::Restriction::NoChildInformation).await;
            decide(&desk, "amy", pb::Restriction::None).await;
            assert!(mailbox_is_barred(&desk, "ben").await, "another restriction of his stands");
            decide(&desk, "ben", pb::Restriction::None).await;
            for pupil in ["amy", "ben"] {
                assert!(!mailbox_is_barred(&desk, pupil).await, "{loss:?}: nobody ends it but a person");
            }
            let left = desk.everything().await;
            assert!(left.iter().any(|(table, rows)| *table == "barred_addresses" && rows.is_empty()));
            decide(&desk, "amy", pb::Restriction::NoChildInformation).await;
            assert!(!mailbox_is_barred(&desk, "amy").await, "it was his before, under another restriction");
        }
    }
}

impl Loss {
    /// The second time, when the address is known to bar.
    async fn happens_again(self, desk: &Desk) {
        match self {
            Self::BlankedByAFile | Self::ChangedByAFile => {
                desk.load(&Sample::new().with("users.csv", FAMILY, "")).await;
            }
            Self::BlankedByTheOffice | Self::ChangedByTheOffice => self.happens(desk).await,
        }
    }
}

#[tokio::test]
async fn a_number_that_moves_to_another_column_bars_on_and_asks_nobody() {
    for desk in desks().await {
        let shared = Sample::new().with("users.csv", "07700 900101", "07700 900102");
        desk.load(&shared).await;
        let mobile_is_barred = || async {
            let amy = desk.pupil("amy").await;
            link(&amy, "mum")
                .addresses
                .iter()
                .any(|address| address.value == "+447700900102" && address.barred)
        };
        update(&desk, |request| {
            request.first_phone = Some(String::new());
            request.second_phone = Some("07700 900102".to_owned());
        })
        .await;
        assert!(mobile_is_barred().await);
        let moved =
            shared.with("users.csv", "family@example.com,07700 900102,", "family@example.com,,07700 900102");
        desk.load(&moved).await;
        assert!(mobile_is_barred().await);
        assert_eq!(desk.opened().await.len(), 0);
    }
}

#[tokio::test]
async fn an_address_shared_with_somebody_to_whom_nothing_may_go_says_so() {
    for desk in desks().await {
        desk.load(&Sample::new()).await;
        let mailbox = |contact: &'static str, pupil: &'static str| {
            let desk = &desk;
            async move {
                let pupil = desk.pupil(pupil).await;
                let mut addresses = link(&pupil, contact).addresses.iter();
                let mailbox = addresses.find(|address| address.value == FAMILY).unwrap();
                (mailbox.barred, mailbox.no_contact)
            }
        };
        assert_eq!(mailbox("mum", "amy").await, (true, false), "he may not learn of this child only");
        assert_eq!(mailbox("mum", "ben").await, (false, false));
        decide(&desk, "ben", pb::Restriction::NoContact).await;
        for pupil in ["amy", "ben"] {
            assert_eq!(mailbox("mum", pupil).await, (true, true), "{pupil} on {}", desk.test.backend);
        }
        assert_eq!(mailbox("dad", "ben").await, (false, false), "on his own link his restriction says it");
        desk.load(&Sample::new().with("users.csv", FAMILY, "dad@example.com")).await;
        assert_eq!(mailbox("mum", "ben").await, (true, true), "he may still read what he gave up");
        decide(&desk, "ben", pb::Restriction::None).await;
        assert_eq!(mailbox("mum", "amy").await, (true, false));
    }
}

#[tokio::test]
async fn a_barred_contact_who_comes_to_an_address_is_said_by_the_office_and_by_a_file() {
    for desk in desks().await {
        desk.load(&Sample::new()).await;
        let facts = desk.said().await.len();
        let revision = update(&desk, |request| request.second_phone = Some("07700 900101".to_owned())).await;
        let amy = desk.pupil("amy").await;
        assert!(link(&amy, "mum").addresses[0].barred, "the mother's own mobile");
        let said = desk.said().await;
        assert_eq!(said.len(), facts + 1);
        let event: Event<Restricted> = serde_json::from_str(&said[facts].body).unwrap();
        let dad = &link(&amy, "dad").contact_id;
        assert_eq!(event.subject, format!("{}/{dad}", amy.pupil_id));
        assert_eq!((event.version, event.data.no_contact), (u64::try_from(revision).unwrap(), false));

        update(&desk, |request| request.language = Some("en".to_owned())).await;
        update(&desk, |request| request.second_phone = Some(String::new())).await;
        assert_eq!(desk.said().await.len(), facts + 1, "no address was gained");
        desk.load(&Sample::new().with("users.csv", "07700 900102", "07700 900107")).await;
        let said = desk.said().await;
        assert_eq!(said.len(), facts + 2);
        let event: Event<Restricted> = serde_json::from_str(&said[facts + 1].body).unwrap();
        let dad = link(&desk.pupil("amy").await, "dad").clone();
        assert_eq!(event.data.contact_id.unwrap().to_string(), dad.contact_id);
        assert_eq!(event.version, u64::try_from(dad.revision).unwrap());
    }
}

#[tokio::test]
async fn a_mailbox_is_one_mailbox_however_it_is_spelt() {
    for desk in desks().await {
        desk.load(&Sample::new()).await;
        update(&desk, |request| request.email = Some("FAMILY@EXAMPLE.COM".to_owned())).await;
        let amy = desk.pupil("amy").await;
        for contact in ["mum", "dad"] {
            assert!(link(&amy, contact).addresses.iter().any(|address| address.value == FAMILY), "{contact}");
        }
        assert!(mailbox_is_barred(&desk, "amy").await);
    }
}

#[tokio::test]
async fn a_pupil_who_comes_back_under_another_id_keeps_what_stood_and_the_task_names_both() {
    for desk in desks().await {
        desk.load(&Sample::new()).await;
        let amy = desk.pupil("amy").await;
        let back = Sample::new()
            .with("users.csv", "amy,,,true", "amy-2,,,true")
            .with("roles.csv", ",amy,", ",amy-2,")
            .with("enrollments.csv", ",amy,", ",amy-2,")
            .with("pupils.csv", "amy,false", "amy-2,false")
            .with("contacts.csv", "amy,mum", "amy-2,mum")
            .with(
                "contacts.csv",
                "amy,dad,father,2,yes,false,false,no_child_information,court order of 1 September 2026,2026-09-01,2027-09-01",
                "amy-2,dad,father,2,yes,false,false,none,,,",
            );
        let request = pb::ImportRosterRequest {
            request_id: request_id(),
            archive: back.zip().into(),
            dry_run: false,
            agreed_removals: 1,
        };
        let answer = desk.directory.import_roster(desk.request(request)).await.unwrap().into_inner();
        assert_eq!((answer.loaded, answer.tasks), (true, 1));
        let kept: Vec<&str> = answer
            .changes
            .iter()
            .filter(|change| change.action == "keep")
            .map(|change| change.source_id.as_str())
            .collect();
        assert_eq!(kept, ["amy", "amy-2/dad"]);
        let again = desk.pupil("amy-2").await;
        assert_eq!(link(&again, "dad").restriction(), pb::Restriction::NoChildInformation);
        assert!(mailbox_is_barred(&desk, "amy-2").await);
        let tasks = tasks_of(&desk, "restricted_pupil_withdrawn").await;
        assert_eq!((tasks.len(), tasks[0].role.as_str()), (1, "designated_safeguarding_lead"));
        assert!(tasks[0].subjects.contains(&amy.pupil_id) && tasks[0].subjects.contains(&again.pupil_id));
        let said = desk.said().await;
        assert!(said.last().unwrap().body.contains(&again.pupil_id));

        decide(&desk, "amy-2", pb::Restriction::None).await;
        desk.load(&back).await;
        assert_eq!(
            link(&desk.pupil("amy-2").await, "dad").restriction(),
            pb::Restriction::None,
            "a person has decided"
        );
        assert_eq!(tasks_of(&desk, "restricted_pupil_withdrawn").await.len(), 1);
    }
}
