//! A preview says what would be sent, and sends nothing.

use std::collections::BTreeSet;

use proto::directory::v1::{Audience, Link, Restriction};
use proto::dispatcher::v1 as pb;
use proto::dispatcher::v1::dispatcher_service_server::DispatcherService;
use proto::events::scope::Scope;
use proto::ids::ClassId;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::said::{letter, snow};
use super::*;

async fn preview(world: &World, request: pb::PreviewRequest) -> Result<pb::PreviewResponse, Status> {
    Ok(world.api.preview(world.request(request)).await?.into_inner())
}

fn of(kind: &str, scope: &Scope) -> pb::PreviewRequest {
    pb::PreviewRequest {
        kind: kind.to_owned(),
        audience: Some(scope.audience()),
        by_text: true,
        by_email: true,
    }
}

/// A class with everybody in it whom a count could get wrong.
fn school(world: &World) -> (ClassId, PupilId) {
    let class = ClassId::generate();
    let barred = Link { restriction: Restriction::NoChildInformation.into(), ..parent(&["+447700900003"]) };
    let nothing =
        Link { restriction: Restriction::NoContact.into(), no_contact: true, ..parent(&["+447700900004"]) };
    let grandmother = Link { emergency_only: true, ..parent(&["+447700900005"]) };
    let landline = parent(&["+441632960001"]);
    let family = [
        parent(&["+447700900001", "family@example.org"]),
        parent(&["+447700900002", "Family@Example.org"]),
        barred,
        nothing,
        grandmother.clone(),
        landline,
    ];
    let pupils = [
        world.directory.add("Amy", &family),
        world.directory.add("Ben", &family),
        world.directory.add("Cem", &[grandmother]),
    ];
    for pupil in pupils {
        world.directory.change(pupil, |pupil| pupil.class_id = class.to_string());
    }
    world.directory.add("Dua", &[parent(&["dua@example.org"])]);
    (class, pupils[2])
}

/// What was planned since: texts, e-mails, contacts.
async fn planned(world: &World) -> (i32, i32, i32) {
    let deliveries = world.messages().await;
    let members = world.members().await;
    let by = |channel: &str| deliveries.iter().filter(|row| row.channel == channel).count();
    let contacts: BTreeSet<_> = members.iter().map(|member| &member.contact_id).collect();
    let [texts, emails, contacts] =
        [by("sms.notify"), by("email.smtp"), contacts.len()].map(|number| i32::try_from(number).unwrap());
    (texts, emails, contacts)
}

#[tokio::test]
async fn its_counts_are_those_of_what_is_sent_then() {
    for part in [false, true] {
        for kind in ["closure_declared", "announcement"] {
            for world in quiet_worlds().await {
                let (class, alone) = school(&world);
                let scope = if part { Scope::Classes(vec![class]) } else { Scope::WholeSchool };
                let said = preview(&world, of(kind, &scope)).await.unwrap();
                assert!(world.notices().await.is_empty() && world.deliveries().await.is_empty());
                if kind == "announcement" {
                    world.announced(letter(scope)).await;
                } else {
                    world.closed(snow(scope)).await;
                }
                world.sweep().await;
                assert_eq!((said.texts, said.emails, said.contacts), planned(&world).await, "{kind}");
                assert_eq!(said.pupils, if part { 3 } else { 4 });
                assert_eq!(said.nobody_to_tell, [alone.to_string()]);
                let everybody = if part { 6 } else { 7 };
                let skipped: i32 = said.skipped.iter().map(|skipped| skipped.contacts).sum();
                assert_eq!(said.contacts + skipped, everybody, "{said:?}");
                let why = |reason: &str| said.skipped.iter().any(|skipped| skipped.reason == reason);
                assert!(why("NO_CONTACT") && why("EMERGENCY_ONLY") && why("NO_ADDRESS"), "{said:?}");
                assert_eq!(why("NO_CHILD_INFORMATION"), part);
                let looked = "SELECT COUNT(*) AS number FROM audit WHERE rpc = 'Preview'";
                assert_eq!(world.number(looked).await, 1);
                world.end().await;
            }
        }
    }
}

#[tokio::test]
async fn the_media_of_an_announcement_are_those_that_were_chosen() {
    for world in quiet_worlds().await {
        school(&world);
        let everybody = of("announcement", &Scope::WholeSchool);
        let texts =
            preview(&world, pb::PreviewRequest { by_email: false, ..everybody.clone() }).await.unwrap();
        assert_eq!((texts.texts, texts.emails), (3, 0));
        let emails = preview(&world, pb::PreviewRequest { by_text: false, ..everybody }).await.unwrap();
        assert_eq!((emails.texts, emails.emails), (0, 2));
        world.end().await;
    }
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_and_a_directory_that_is_away_is_said_to_be() {
    for world in quiet_worlds().await {
        let whole = Scope::WholeSchool;
        let silent = pb::PreviewRequest { by_text: false, by_email: false, ..of("announcement", &whole) };
        let nobody = pb::PreviewRequest { audience: None, ..of("announcement", &whole) };
        let empty =
            pb::PreviewRequest { audience: Some(Audience::default()), ..of("closure_declared", &whole) };
        let none = of("announcement", &Scope::Classes(Vec::new()));
        for (request, reason) in [
            (of("absence_unexplained", &whole), "UNKNOWN_KIND"),
            (of("snow", &whole), "UNKNOWN_KIND"),
            (silent, "REQUIRED"),
            (nobody, "INVALID_AUDIENCE"),
            (empty, "INVALID_AUDIENCE"),
            (none, "INVALID_AUDIENCE"),
        ] {
            let refused = preview(&world, request).await.unwrap_err();
            assert_eq!(refused.code(), Code::InvalidArgument);
            assert_eq!(refused.get_error_details().error_info().unwrap().reason, reason);
        }
        world.directory.go_away();
        let refused = preview(&world, of("announcement", &whole)).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unavailable);
        assert_eq!(refused.get_error_details().error_info().unwrap().reason, "DIRECTORY_UNAVAILABLE");
        world.end().await;
    }
}
