//! What is refused, and with which reason.

use proto::absences::v1::{CloseRegisterRequest, ListOpenCasesRequest, Mark, PostRegisterRequest, Session};
use proto::ids::SchoolId;
use proto::options::v1::Role;
use proto::tasks::v1::ListTasksRequest;
use proto::tasks::v1::tasks_service_client::TasksServiceClient;
use tests::roster::Contact;
use tests::school::{DAY, fresh};
use tests::{Roster, School};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

fn roster() -> Roster {
    Roster::new().pupil("Maya", "oak", [Contact::parent("Anna").phone("07700900201")])
}

fn reason(status: &Status) -> (Code, String) {
    (
        status.code(),
        status.get_error_details().error_info().map(|info| info.reason.clone()).unwrap_or_default(),
    )
}

fn register(school: &School) -> PostRegisterRequest {
    PostRegisterRequest {
        request_id: fresh(),
        class_id: school.classes["oak"].clone(),
        date: DAY.to_owned(),
        session: Session::Morning.into(),
        marks: vec![Mark { pupil_id: school.pupil("Maya"), code: "/".to_owned() }],
    }
}

type Change = fn(&mut PostRegisterRequest);

#[tokio::test(flavor = "multi_thread")]
async fn a_register_that_cannot_be_is_refused_with_the_field_and_a_stable_reason() {
    let school = School::start(roster()).await;
    let changes: [(Change, &str); 9] = [
        (|register| register.marks[0].code = "?".to_owned(), "UNKNOWN_CODE"),
        (|register| register.marks[0].code = "H".to_owned(), "WITHDRAWN_CODE"),
        (
            |register| register.marks[0].pupil_id = proto::ids::PupilId::generate().to_string(),
            "UNKNOWN_PUPIL",
        ),
        (|register| register.marks[0].pupil_id = "Maya".to_owned(), "INVALID_ID"),
        (|register| register.date = "2026-10-28".to_owned(), "PAST_SESSION"),
        (|register| register.date = "2026-12-24".to_owned(), "OUTSIDE_TERM"),
        (|register| register.date = "yesterday".to_owned(), "INVALID_DATE"),
        (|register| register.marks.push(register.marks[0].clone()), "DUPLICATE_PUPIL"),
        (|register| register.request_id = "short".to_owned(), "INVALID_REQUEST_ID"),
    ];
    for (change, expected) in changes {
        let mut request = register(&school);
        change(&mut request);
        let refused =
            school.absences().post_register(school.by(Role::ClassTeacher, request)).await.unwrap_err();
        assert_eq!(reason(&refused), (Code::InvalidArgument, expected.to_owned()), "{}", refused.message());
        let details = refused.get_error_details();
        assert!(!details.bad_request().unwrap().field_violations.is_empty(), "{expected}");
    }
    school.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_register_takes_no_other_marks_and_a_request_id_no_other_content() {
    let school = School::start(roster()).await;
    let first = register(&school);
    school.absences().post_register(school.by(Role::ClassTeacher, first.clone())).await.unwrap();
    // The same again is answered the same; the same id with other content is a mistake.
    school.absences().post_register(school.by(Role::ClassTeacher, first.clone())).await.unwrap();
    let mut other = first;
    other.marks[0].code = "N".to_owned();
    let refused = school.absences().post_register(school.by(Role::ClassTeacher, other)).await.unwrap_err();
    assert_eq!(reason(&refused), (Code::InvalidArgument, "REQUEST_ID_REUSED".to_owned()));
    school.close().await;
    let mut late = register(&school);
    late.marks[0].code = "N".to_owned();
    let refused = school.absences().post_register(school.by(Role::ClassTeacher, late)).await.unwrap_err();
    assert_eq!(reason(&refused), (Code::InvalidArgument, "REGISTER_CLOSED".to_owned()));
    school.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_token_a_wrong_role_or_another_school_gets_nowhere() {
    let school = School::start(roster()).await;
    let close = || CloseRegisterRequest {
        request_id: fresh(),
        date: DAY.to_owned(),
        session: Session::Morning.into(),
    };
    let refused = school.absences().close_register(Request::new(close())).await.unwrap_err();
    assert_eq!(reason(&refused), (Code::Unauthenticated, "NO_TOKEN".to_owned()));
    let refused = school.absences().close_register(school.by_token("rubbish", close())).await.unwrap_err();
    assert_eq!(reason(&refused), (Code::Unauthenticated, "INVALID_TOKEN".to_owned()));
    let refused = school.absences().close_register(school.by(Role::FirstAider, close())).await.unwrap_err();
    assert_eq!(reason(&refused), (Code::PermissionDenied, "ROLE_MISSING".to_owned()));
    // A service's role cannot be had from the people's issuer.
    let refused = school.absences().close_register(school.by(Role::Service, close())).await.unwrap_err();
    assert_eq!(reason(&refused), (Code::Unauthenticated, "ROLE_NOT_GRANTED".to_owned()));

    school.post_register("oak", &["Maya"]).await;
    school.close().await;
    school.messages(1).await;
    let stranger = school.token(SchoolId::generate(), Role::Head);
    let cases = school.by_token(&stranger, ListOpenCasesRequest::default());
    assert_eq!(school.absences().list_open_cases(cases).await.unwrap().into_inner().cases, []);
    let request = ListTasksRequest { service: "absences".to_owned(), ..Default::default() };
    let mut tasks = TasksServiceClient::new(school.channel.clone());
    assert_eq!(tasks.list_tasks(school.by_token(&stranger, request)).await.unwrap().into_inner().tasks, []);
    let mut foreign = register(&school);
    foreign.marks[0].code = "/".to_owned();
    let refused = school.absences().post_register(school.by_token(&stranger, foreign)).await.unwrap_err();
    assert_eq!(reason(&refused), (Code::FailedPrecondition, "NO_ROSTER".to_owned()));
    school.ends_clean().await;
}
