//! A pupil's marks over weeks, and the story of a day's.

use super::fixture::{AFTERNOON, MORNING, TODAY, World};
use kit::testing::answers::{fields, sealed};
use proto::absences::v1 as pb;
use proto::absences::v1::absences_service_server::AbsencesService;
use proto::ids::PupilId;
use tonic::Status;

async fn attendance(
    world: &World,
    pupil: PupilId,
    date: &str,
    weeks: i32,
) -> Result<pb::GetAttendanceResponse, Status> {
    let request = pb::GetAttendanceRequest { pupil_id: pupil.to_string(), date: date.to_owned(), weeks };
    sealed(world.api.get_attendance(world.request(request)).await)
}

#[tokio::test]
async fn marks_count_as_what_is_known_and_the_changes_of_a_day_are_its_story() {
    for world in World::each().await {
        let (class_id, pupils) = world.class(3);
        world.post(class_id, &[(pupils[0], "N"), (pupils[1], "/")]).await.unwrap();
        world.close().await.unwrap();
        world.at("09:40");
        world.arrive(pupils[0]).await.unwrap();
        world.report(pupils[1], "I", AFTERNOON).await.unwrap();
        let late = attendance(&world, pupils[0], TODAY, 0).await.unwrap();
        let marks: Vec<_> =
            late.marks.iter().map(|mark| (mark.session, mark.code.as_str(), mark.attendance())).collect();
        assert_eq!(marks, [(MORNING, "U", pb::Attendance::UnauthorisedAbsence)], "{}", world.backend);
        let story: Vec<_> = late.changes.iter().map(|change| change.code.as_str()).collect();
        assert_eq!(story, ["N", "U"]);
        assert!(late.changes[0].at.unwrap().seconds < late.changes[1].at.unwrap().seconds);
        assert_eq!(late.changes[1].meaning, "arrived after the register closed");
        let ill = attendance(&world, pupils[1], TODAY, 0).await.unwrap().marks;
        let ill: Vec<_> = ill.iter().map(|mark| (mark.session, mark.attendance())).collect();
        let expected = [(AFTERNOON, pb::Attendance::AuthorisedAbsence), (MORNING, pb::Attendance::Present)];
        assert_eq!(ill, expected, "the later session first");
        // Who was reported ill and came all the same is in school, in both.
        world.report(pupils[2], "I", MORNING).await.unwrap();
        world.post(class_id, &[(pupils[2], "/")]).await.unwrap();
        let came = attendance(&world, pupils[2], TODAY, 0).await.unwrap();
        assert_eq!(came.marks[0].attendance(), pb::Attendance::Present);
        let story: Vec<_> = came.changes.iter().map(|change| change.code.as_str()).collect();
        assert_eq!(story, ["I", "/"], "{}", world.backend);
        assert_eq!(
            attendance(&world, pupils[0], "2026-11-23", 0).await.unwrap(),
            pb::GetAttendanceResponse::default()
        );
        let odd = attendance(&world, pupils[0], "today", 0).await.unwrap_err();
        assert_eq!(fields(&odd), ["date"]);
        assert_eq!(fields(&attendance(&world, pupils[0], TODAY, -1).await.unwrap_err()), ["weeks"]);
    }
}
