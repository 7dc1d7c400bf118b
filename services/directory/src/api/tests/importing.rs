//! Rosters that are loaded, or not: nothing by halves, nothing twice, and never anything wider.

use jiff::civil::date;
use kit::store::{Commit, Error};
use proto::events::Event;
use proto::events::directory::{SchoolDescribed, Term};

use super::*;
use crate::domain::plan::plan;
use crate::store::present;
use crate::store::write::{self, Import};

#[tokio::test]
async fn a_first_import_makes_the_school_and_everybody_in_it() {
    for desk in desks().await {
        let answer = desk.load(&Sample::new()).await;
        assert_eq!((answer.pupils, answer.contacts, answer.links, answer.tasks), (3, 4, 6, 0));
        assert_eq!(
            answer.changes.iter().filter(|change| change.action == "add").count(),
            1 + 1 + 2 + 3 + 4 + 6
        );

        let school = desk.directory.get_school(desk.request(pb::GetSchoolRequest {})).await;
        let school = school.unwrap().into_inner().school.unwrap();
        assert_eq!(
            (school.name.as_str(), school.phone.as_str()),
            ("Elm Park Primary School", "01632 960001")
        );
        assert_eq!(school.morning.unwrap().closes, "09:15");
        assert_eq!(school.duty_numbers, ["+447700900190", "+447700900191"]);
        assert_eq!((school.terms.len(), school.terms[0].last_day.as_str()), (1, "2026-12-18"));

        let facts: Vec<String> = desk.said().await.into_iter().map(|said| said.subject).collect();
        let subject = |fact| format!("schoolbell.directory.{fact}.{}", desk.caller.tenant);
        assert_eq!(
            facts,
            [subject("school_described"), subject("restricted"), subject("restricted")],
            "the school, the person-only pupil and the barred father"
        );
        let audited = desk.written("ImportRoster").await;
        assert_eq!(audited.len(), 2);
        assert!(audited[1].subjects.contains("pup_") && audited[1].subjects.contains("con_"));
    }
}

#[tokio::test]
async fn importing_twice_changes_nothing() {
    for desk in desks().await {
        desk.load(&Sample::new()).await;
        let before = desk.everything().await;
        let answer = desk.load(&Sample::new()).await;
        assert_eq!(answer.changes, []);
        assert_eq!(desk.everything().await, before, "{}", desk.test.backend);
        let last = desk.written("ImportRoster").await.pop().unwrap();
        assert_eq!(last.subjects, format!("[\"{}\"]", desk.caller.tenant), "nobody's data was changed");
    }
}

/// What the public was told of the school, each time.
async fn told(desk: &Desk) -> Vec<Event<SchoolDescribed>> {
    let said = desk.said().await;
    let about_the_school = said.iter().filter(|said| said.subject.contains("school_described"));
    about_the_school.map(|said| serde_json::from_str(&said.body).unwrap()).collect()
}

#[tokio::test]
async fn a_new_name_or_term_is_said_once_and_a_new_number_is_nobodys_business() {
    for desk in desks().await {
        desk.load(&Sample::new()).await;
        let first = told(&desk).await.pop().unwrap();
        assert_eq!((first.subject.clone(), first.version), (desk.caller.tenant.to_string(), 1));
        assert_eq!(
            (first.data.name.as_str(), first.data.time_zone.as_str()),
            ("Elm Park Primary School", "Europe/London")
        );
        let autumn =
            Term { title: "Autumn".into(), first_day: date(2026, 9, 2), last_day: date(2026, 12, 18) };
        assert_eq!(first.data.terms, std::slice::from_ref(&autumn));

        let moved = Sample::new().with("users.csv", "07700 900101", "07700 900105").with(
            "school.csv",
            "01632 960001",
            "01632 960002",
        );
        desk.load(&moved).await;
        assert_eq!(told(&desk).await.len(), 1, "{}", desk.test.backend);

        let longer = moved
            .clone()
            .with_line("academicSessions.csv", "t0,,,Summer,term,2026-06-01,2026-07-21,y26,2027");
        desk.load(&longer).await;
        desk.load(&longer).await;
        let said = told(&desk).await;
        let summer =
            Term { title: "Summer".into(), first_day: date(2026, 6, 1), last_day: date(2026, 7, 21) };
        assert_eq!((said.len(), said[1].version > 1), (2, true));
        assert_eq!(said[1].data.terms, [summer, autumn.clone()], "in their order");

        desk.load(&moved).await;
        desk.load(&moved.with("school.csv", "Park Primary School", "Park Academy")).await;
        let said = told(&desk).await;
        assert_eq!((said.len(), said[2].data.terms.as_slice()), (4, &[autumn][..]));
        assert_eq!(said[3].data.name, "Elm Park Academy");
        assert!(said.windows(2).all(|two| two[0].version < two[1].version));
    }
}

#[tokio::test]
async fn a_dry_run_says_the_same_and_loads_nothing() {
    for desk in desks().await {
        let empty = desk.everything().await;
        let dry = desk.import(Sample::new().zip(), true).await;
        assert!(!dry.loaded);
        assert_eq!(desk.everything().await, empty);
        assert_eq!(desk.load(&Sample::new()).await.changes, dry.changes);
    }
}

#[tokio::test]
async fn a_roster_with_faults_says_all_of_them_and_loads_nothing() {
    for desk in desks().await {
        desk.load(&Sample::new()).await;
        let before = desk.everything().await;
        let faulty =
            Sample::new().with("users.csv", "07700 900101", "mum").with("school.csv", "09:15", "10:15");
        let answer = desk.import(faulty.zip(), false).await;
        let places: Vec<(&str, i32, &str)> = answer
            .faults
            .iter()
            .map(|fault| (fault.file.as_str(), fault.line, fault.column.as_str()))
            .collect();
        assert_eq!(places, [("school.csv", 2, "amRegisterCloses"), ("users.csv", 5, "sms")]);
        assert!(!answer.loaded && answer.changes.is_empty());
        assert_eq!(desk.everything().await, before);
    }
}

#[tokio::test]
async fn a_change_raises_the_revision_of_whom_it_is_about_and_of_nobody_else() {
    for desk in desks().await {
        desk.load(&Sample::new()).await;
        let before = desk.pupil("amy").await;
        let answer = desk.load(&Sample::new().with("users.csv", "07700 900101", "07700 900105")).await;
        let change = &answer.changes[0];
        assert_eq!((change.what.as_str(), change.action.as_str()), ("contact", "change"));
        assert_eq!((change.source_id.as_str(), change.columns.as_slice()), ("mum", &["sms".to_owned()][..]));
        let after = desk.pupil("amy").await;
        assert_eq!(link(&after, "mum").addresses[0].value, "+447700900105");
        assert_eq!(link(&after, "mum").revision, link(&before, "mum").revision + 1);
        assert_eq!(link(&after, "dad").revision, link(&before, "dad").revision);

        let answer = desk
            .load(&Sample::new().with("users.csv", "07700 900101", "07700 900105").with(
                "contacts.csv",
                "2,yes,false",
                "3,yes,false",
            ))
            .await;
        assert_eq!(answer.changes[0].columns, ["priority"]);
        let moved = desk.pupil("amy").await;
        assert_eq!(link(&moved, "dad").revision, link(&after, "dad").revision + 1);
    }
}

#[tokio::test]
async fn what_would_widen_is_kept_and_becomes_one_task_however_often_it_is_imported() {
    for desk in desks().await {
        desk.load(&Sample::new()).await;
        let wider = Sample::new()
            .with(
                "contacts.csv",
                "no_child_information,court order of 1 September 2026,2026-09-01,2027-09-01",
                "none,,,",
            )
            .with("contacts.csv", "1,no,true", "1,yes,true")
            .with("pupils.csv", "cal,true,child protection plan", "cal,false,");
        let before = desk.pupil("amy").await;
        let answer = desk.load(&wider).await;
        assert_eq!(answer.tasks, 3);
        assert!(answer.changes.iter().all(|change| change.action == "keep"), "{:?}", answer.changes);
        let tasks = desk.opened().await;
        assert_eq!(tasks.len(), 3);
        for task in &tasks {
            assert_eq!(
                (task.kind.as_str(), task.role.as_str()),
                ("import_would_weaken", "designated_safeguarding_lead")
            );
            assert!(task.subjects.contains("pup_") && task.why.contains('='));
        }
        assert_eq!(desk.pupil("amy").await, before);
        assert!(desk.pupil("cal").await.person_only);
        desk.load(&wider).await;
        assert_eq!(desk.opened().await.len(), 3, "the same wish asks once");
    }
}

#[tokio::test]
async fn an_import_that_removes_more_than_a_tenth_asks_first() {
    for desk in desks().await {
        desk.load(&Sample::new()).await;
        let smaller = Sample::new()
            .without_lines("users.csv", "ben")
            .without_lines("roles.csv", "ben")
            .without_lines("enrollments.csv", "ben")
            .without_lines("pupils.csv", "ben")
            .without_lines("contacts.csv", "ben");
        let asked = desk.import(smaller.zip(), false).await;
        assert_eq!((asked.loaded, asked.removals_to_agree, desk.pupils().await.len()), (false, 1, 3));
        let mut request = pb::ImportRosterRequest {
            request_id: request_id(),
            archive: smaller.zip().into(),
            dry_run: false,
            agreed_removals: 1,
        };
        let agreed = desk.directory.import_roster(desk.request(request.clone())).await.unwrap().into_inner();
        assert_eq!((agreed.loaded, desk.pupils().await.len()), (true, 2));
        request.request_id = "short".to_owned();
        let refused = refusal(desk.directory.import_roster(desk.request(request.clone())).await);
        assert_eq!(refused.1, "INVALID_REQUEST_ID");
        request = pb::ImportRosterRequest { request_id: request_id(), agreed_removals: -1, ..request };
        let refused = refusal(desk.directory.import_roster(desk.request(request)).await);
        assert_eq!(refused.2, ["agreed_removals"]);

        let back = desk.load(&Sample::new()).await;
        assert!(back.changes.iter().any(|change| change.what == "pupil" && change.action == "add"));
        assert_eq!(desk.pupils().await.len(), 3, "the same pupil, met again");
    }
}

#[tokio::test]
async fn an_org_belongs_to_one_school_and_a_school_to_one_org() {
    for mut desk in desks().await {
        desk.load(&Sample::new()).await;
        let first = desk.caller.tenant;
        desk.caller.tenant = SchoolId::generate();
        let answer = desk.import(Sample::new().zip(), false).await;
        assert_eq!((answer.loaded, answer.faults[0].column.as_str()), (false, "orgSourcedId"));
        desk.caller.tenant = first;
        let renamed = Sample::new().with("orgs.csv", "elm,,,Elm", "oakwood,,,Elm").with(
            "school.csv",
            "elm,Elm",
            "oakwood,Elm",
        );
        let mut moved = renamed;
        for _ in 0..7 {
            moved = moved.with("roles.csv", ",elm,", ",oakwood,");
        }
        for _ in 0..4 {
            moved = moved.with("enrollments.csv", ",elm,", ",oakwood,");
        }
        for _ in 0..4 {
            moved = moved.with("users.csv", ",elm,", ",oakwood,");
        }
        for _ in 0..2 {
            moved = moved.with("classes.csv", ",elm,", ",oakwood,");
        }
        let answer = desk.import(moved.zip(), false).await;
        assert_eq!((answer.loaded, answer.faults.len()), (false, 1));
    }
}

#[tokio::test]
async fn what_is_repeated_under_one_request_id_happens_once() {
    for desk in desks().await {
        let request = pb::ImportRosterRequest {
            request_id: request_id(),
            archive: Sample::new().zip().into(),
            dry_run: false,
            agreed_removals: 0,
        };
        let first = desk.directory.import_roster(desk.request(request.clone())).await.unwrap().into_inner();
        let again = desk.directory.import_roster(desk.request(request.clone())).await.unwrap().into_inner();
        assert_eq!(first, again);
        let other = pb::ImportRosterRequest { dry_run: true, ..request };
        let refused = refusal(desk.directory.import_roster(desk.request(other)).await);
        assert_eq!((refused.0, refused.1.as_str()), (Code::InvalidArgument, "REQUEST_ID_REUSED"));
    }
}

#[tokio::test]
async fn an_archive_that_is_too_large_is_refused() {
    for desk in desks().await {
        let request = pb::ImportRosterRequest {
            request_id: request_id(),
            archive: vec![0; crate::api::LARGEST_ARCHIVE + 1].into(),
            ..Default::default()
        };
        let refused = refusal(desk.directory.import_roster(desk.request(request)).await);
        assert_eq!((refused.1.as_str(), refused.2), ("TOO_LARGE", vec!["archive".to_owned()]));
    }
}

#[tokio::test]
async fn an_import_that_was_planned_on_an_older_state_is_a_conflict_and_loads_nothing() {
    for desk in desks().await {
        desk.load(&Sample::new()).await;
        let moved = Sample::new().with("users.csv", "07700 900101", "07700 900105");
        let roster = crate::import::read(&moved.zip(), TestNumbers::Accepted).unwrap().roster;
        let mut snapshot = present::snapshot(&desk.store, desk.caller.tenant).await.unwrap();
        let plan = plan(&snapshot.present, &roster, date(2026, 11, 24));
        desk.load(&Sample::new().with("users.csv", "07700 900102", "07700 900106")).await;
        let before = desk.everything().await;
        let import =
            Import { school: desk.caller.tenant, by: "person-1".to_owned(), at: desk.test.clock.now() };
        let commit = write::import(&desk.store, Commit::new(), &mut snapshot, &plan, &import).unwrap();
        assert!(matches!(desk.store.commit(commit).await, Err(Error::Conflict)), "{}", desk.test.backend);
        assert_eq!(desk.everything().await, before);
    }
}

#[tokio::test]
async fn when_a_roster_was_loaded_last_is_known_also_when_it_changed_nothing() {
    for desk in desks().await {
        desk.load(&Sample::new()).await;
        let imported_at = async || {
            let school = desk.directory.get_school(desk.request(pb::GetSchoolRequest {})).await;
            school.unwrap().into_inner().imported_at.unwrap().seconds
        };
        let first = imported_at().await;
        desk.test.clock.set(desk.test.clock.now() + jiff::SignedDuration::from_hours(1));
        desk.import(Sample::new().zip(), true).await;
        assert_eq!(imported_at().await, first, "what was only looked at was not loaded");
        assert_eq!(desk.load(&Sample::new()).await.changes, []);
        assert_eq!(imported_at().await, first + 3_600);
    }
}
