//! What people can ask: lists, page by page, and every step for one contact in sentences.

use proto::dispatcher::v1 as pb;
use proto::dispatcher::v1::dispatcher_service_server::DispatcherService;
use proto::events::scope::Scope;
use tonic::{Code, Response};

use super::*;

const MUM: &str = "+447700900001";

async fn deliveries(world: &World, request: pb::ListDeliveriesRequest) -> pb::ListDeliveriesResponse {
    world.api.list_deliveries(world.request(request)).await.unwrap().into_inner()
}

async fn notices(world: &World, request: pb::ListNoticesRequest) -> pb::ListNoticesResponse {
    world.api.list_notices(world.request(request)).await.unwrap().into_inner()
}

async fn explain(world: &World, contact: &str, notice: &str) -> Vec<(String, String)> {
    let request = pb::ExplainRequest { contact_id: contact.to_owned(), notice_id: notice.to_owned() };
    let answer = world.api.explain(world.request(request)).await.unwrap().into_inner();
    let times: Vec<_> = answer.steps.iter().map(|step| step.at.unwrap().seconds).collect();
    assert!(times.is_sorted());
    answer.steps.into_iter().map(|step| (step.reason, step.sentence)).collect()
}

fn reasons(steps: &[(String, String)]) -> Vec<&str> {
    steps.iter().map(|(reason, _)| reason.as_str()).collect()
}

#[tokio::test]
async fn lists_are_walked_page_by_page_newest_first() {
    for world in quiet_worlds().await {
        for parent in parents(7) {
            world.missing(world.directory.add("Amy", &[parent])).await;
        }
        world.gathered();
        world.sweep().await;
        let (mut walked, mut token) = (Vec::new(), String::new());
        loop {
            let request =
                pb::ListDeliveriesRequest { page_size: 3, page_token: token.clone(), ..Default::default() };
            let page = deliveries(&world, request).await;
            assert!(page.deliveries.len() <= 3);
            walked.extend(page.deliveries.into_iter().map(|delivery| delivery.id));
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        let mut all: Vec<_> = world.deliveries().await.into_iter().map(|delivery| delivery.id).collect();
        all.reverse();
        assert_eq!(walked, all);

        let page = notices(&world, pb::ListNoticesRequest { page_size: 5, ..Default::default() }).await;
        assert_eq!(page.notices.len(), 5);
        let rest = pb::ListNoticesRequest {
            page_size: 5,
            page_token: page.next_page_token.clone(),
            ..Default::default()
        };
        assert_eq!(notices(&world, rest).await.notices.len(), 2);
        // A token is good for its own question only.
        let other = pb::ListNoticesRequest {
            pupil_id: page.notices[0].subjects[0].clone(),
            page_token: page.next_page_token,
            ..Default::default()
        };
        let refused = world.api.list_notices(world.request(other)).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        world.end().await;
    }
}

#[tokio::test]
async fn lists_are_narrowed_by_gathering_contact_and_pupil_and_show_who_was_reached() {
    for world in worlds(&Setup::default()).await {
        let (mother, father) = (parent(&[MUM]), parent(&["dad@example.org"]));
        let amy = world.directory.add("Amy", &[mother.clone(), father.clone()]);
        world.missing(amy).await;
        world.missing(world.directory.add("Ben", std::slice::from_ref(&mother))).await;
        world.gathered();
        world.until_states(&["delivered", "accepted"]).await;
        let gathering = world.gatherings().await.remove(0).id;
        let all = deliveries(
            &world,
            pb::ListDeliveriesRequest { gathering_id: gathering.clone(), ..Default::default() },
        );
        let all = all.await.deliveries;
        assert_eq!(all.len(), 2);
        assert!(all.iter().all(|delivery| delivery.reached));
        let his = pb::ListDeliveriesRequest { contact_id: father.contact_id.clone(), ..Default::default() };
        let his = deliveries(&world, his).await.deliveries;
        assert_eq!(his.len(), 1);
        assert_eq!(
            (his[0].subjects.as_slice(), his[0].address.as_str()),
            (&[amy.to_string()][..], "dad@example.org")
        );
        assert_eq!(his[0].state(), pb::DeliveryState::Accepted);
        let about = pb::ListDeliveriesRequest { pupil_id: amy.to_string(), ..Default::default() };
        assert_eq!(deliveries(&world, about).await.deliveries.len(), 2);
        let nobody =
            pb::ListDeliveriesRequest { pupil_id: PupilId::generate().to_string(), ..Default::default() };
        assert!(deliveries(&world, nobody).await.deliveries.is_empty());
        let about = pb::ListNoticesRequest { pupil_id: amy.to_string(), ..Default::default() };
        let found = notices(&world, about).await.notices;
        assert_eq!((found.len(), found[0].state()), (1, pb::NoticeState::Planned));
        assert_eq!(found[0].gathering_id, gathering);
        world.end().await;
    }
}

#[tokio::test]
async fn another_school_sees_nothing_and_every_look_is_written_down() {
    for world in quiet_worlds().await {
        let mother = parent(&[MUM]);
        let amy = world.directory.add("Amy", std::slice::from_ref(&mother));
        world.missing(amy).await;
        world.gathered();
        world.sweep().await;
        let notice = world.notices().await.remove(0).id;
        let stranger = Caller { tenant: SchoolId::generate(), ..world.caller() };
        let strange = |mut request: tonic::Request<pb::ListDeliveriesRequest>| {
            request.extensions_mut().insert(stranger.clone());
            request
        };
        let about = pb::ListDeliveriesRequest { pupil_id: amy.to_string(), ..Default::default() };
        let answer = world.api.list_deliveries(strange(world.request(about.clone()))).await.unwrap();
        assert!(answer.into_inner().deliveries.is_empty());
        let request = pb::ExplainRequest { contact_id: mother.contact_id.clone(), notice_id: notice.clone() };
        let mut asked = world.request(request);
        asked.extensions_mut().insert(stranger.clone());
        assert_eq!(world.api.explain(asked).await.unwrap_err().code(), Code::NotFound);
        let mut asked = world.request(pb::ListNoticesRequest::default());
        asked.extensions_mut().insert(stranger.clone());
        assert!(world.api.list_notices(asked).await.unwrap().into_inner().notices.is_empty());

        deliveries(&world, about).await;
        explain(&world, &mother.contact_id, &notice).await;
        notices(&world, pb::ListNoticesRequest::default()).await;
        for (rpc, number) in [("ListDeliveries", 1), ("Explain", 1), ("ListNotices", 1)] {
            let sql = format!(
                "SELECT COUNT(*) AS number FROM audit WHERE rpc = '{rpc}' AND tenant = '{}' \
                 AND who = 'person-1' AND subjects LIKE '%{amy}%'",
                world.school
            );
            assert_eq!(world.number(&sql).await, number, "{rpc}");
        }
        for id in ["nonsense", "ntc_1"] {
            let request = pb::ListNoticesRequest { gathering_id: id.into(), ..Default::default() };
            let refused = world.api.list_notices(world.request(request)).await.unwrap_err();
            assert_eq!(refused.code(), Code::InvalidArgument);
            let request = pb::ListDeliveriesRequest { contact_id: id.into(), ..Default::default() };
            let refused = world.api.list_deliveries(world.request(request)).await.unwrap_err();
            assert_eq!(refused.code(), Code::InvalidArgument);
        }
        for (contact, notice) in [("", notice.as_str()), (mother.contact_id.as_str(), "ntc_1")] {
            let request = pb::ExplainRequest { contact_id: contact.into(), notice_id: notice.into() };
            let refused = world.api.explain(world.request(request)).await.unwrap_err();
            assert_eq!(refused.code(), Code::InvalidArgument);
        }
        world.end().await;
    }
}

#[tokio::test]
async fn every_step_and_every_silence_is_explained_in_a_sentence() {
    for world in worlds(&Setup::default()).await {
        world.dead(MUM);
        let mother = parent(&[MUM, "mum@example.org"]);
        let barred = proto::directory::v1::Link {
            restriction: proto::directory::v1::Restriction::NoChildInformation.into(),
            ..parent(&["+447700900003"])
        };
        let grandmother = proto::directory::v1::Link { emergency_only: true, ..parent(&["+447700900004"]) };
        let links = [mother.clone(), barred.clone(), grandmother.clone()];
        let case = world.missing(world.directory.add("Amy", &links)).await;
        world.gathered();
        world.until_states(&["failed", "accepted"]).await;
        world.until_quiet().await;
        let notice = world.notices().await.remove(0).id;

        let gathering_id = world.gatherings().await.remove(0).id;
        let asked = world.request(pb::GetProgressRequest { gathering_id: gathering_id.clone() });
        let come = world.api.get_progress(asked).await.unwrap().into_inner();
        assert_eq!((come.reached, come.waiting, come.unclear, come.not_reached), (1, 0, 0, 0));
        let skipped: Vec<(&str, i32)> =
            come.skipped.iter().map(|skipped| (skipped.reason.as_str(), skipped.contacts)).collect();
        assert_eq!(skipped, [("EMERGENCY_ONLY", 1), ("NO_CHILD_INFORMATION", 1)]);
        let channels: Vec<(&str, pb::DeliveryState, i32)> =
            come.channels.iter().map(|by| (by.channel.as_str(), by.state(), by.messages)).collect();
        assert_eq!(
            channels,
            [("email.smtp", pb::DeliveryState::Accepted, 1), ("sms.notify", pb::DeliveryState::Failed, 1)],
            "whoever was reached by the second way was reached"
        );
        let mut asked = world.request(pb::GetProgressRequest { gathering_id });
        asked.extensions_mut().insert(Caller { tenant: SchoolId::generate(), ..world.caller() });
        let elsewhere = world.api.get_progress(asked).await.unwrap().into_inner();
        assert_eq!(elsewhere, pb::GetProgressResponse::default(), "another school's is nobody's business");

        let steps = explain(&world, &mother.contact_id, &notice).await;
        let mut seen = reasons(&steps);
        seen.sort_unstable();
        let mut expected =
            ["HEARD", "ENTITLED", "DUE", "SENT", "PERMANENT_FAILURE", "NEXT_ADDRESS", "DUE", "SENT"];
        expected.sort_unstable();
        assert_eq!(seen, expected);
        assert!(steps.contains(&(
            "PERMANENT_FAILURE".to_owned(),
            "receipt of the text: the network says that this address does not exist".to_owned()
        )));
        assert!(steps.contains(&(
            "SENT".to_owned(),
            "by e-mail, accepted: the provider accepted the message".to_owned()
        )));
        let steps = explain(&world, &barred.contact_id, &notice).await;
        assert_eq!(reasons(&steps), ["HEARD", "NO_CHILD_INFORMATION"]);
        let steps = explain(&world, &grandmother.contact_id, &notice).await;
        assert_eq!(reasons(&steps), ["HEARD", "EMERGENCY_ONLY"]);
        for (_, sentence) in steps {
            assert!(!sentence.contains("is not known here") && !sentence.contains("07700"), "{sentence}");
        }
        world.pass(60);
        world.explained(&case, 2).await;
        let steps = explain(&world, &barred.contact_id, &notice).await;
        assert_eq!(
            steps.last().unwrap(),
            &("EXPLAINED".to_owned(), "withdrawn: a reason for the absence is known now".to_owned())
        );
        world.end().await;
    }
}

#[tokio::test]
async fn what_was_said_can_be_read_as_each_channel_said_it() {
    for world in worlds(&Setup::default()).await {
        let amy = world.directory.add("Amy", &[parent(&[MUM])]);
        world.missing(amy).await;
        world.gathered();
        world.until_all_are_out(1).await;
        let words = async |gathering_id: String| {
            let request = world.request(pb::GetWordsRequest { gathering_id });
            world.api.get_words(request).await.map(Response::into_inner)
        };
        let gathering = world.notices().await[0].gathering_id.clone();
        let said = words(gathering.clone()).await.unwrap();
        let [text] = &said.words[..] else { panic!("one in {said:?}") };
        assert_eq!((text.medium.as_str(), text.shortened), ("text", false));
        // The provider puts its own name for us before it.
        assert_eq!(world.received()[MUM], [format!("Schoolbell: {}", text.body)]);
        assert_eq!(text.size.as_ref().unwrap().fragments, 1);
        assert_eq!(
            words(proto::ids::GatheringId::generate().to_string()).await.unwrap_err().code(),
            Code::NotFound
        );
        assert_eq!(words("gth_1".to_owned()).await.unwrap_err().code(), Code::InvalidArgument);
        let mut elsewhere = world.request(pb::GetWordsRequest { gathering_id: gathering });
        elsewhere.extensions_mut().get_mut::<kit::identity::Caller>().unwrap().tenant = SchoolId::generate();
        assert_eq!(world.api.get_words(elsewhere).await.unwrap_err().code(), Code::NotFound);
        world.end().await;
    }
}

#[tokio::test]
async fn what_only_some_may_read_is_told_apart_and_the_website_says_what_everybody_may_know() {
    for world in worlds(&Setup::default()).await {
        world.directory.add("Amy", &[parent(&[MUM, "mum@example.org"])]);
        world.closed(said::snow(Scope::WholeSchool)).await;
        world.until_all_are_out(2).await;
        let gathering_id = world.notices().await[0].gathering_id.clone();
        let request = world.request(pb::GetWordsRequest { gathering_id });
        let said = world.api.get_words(request).await.unwrap().into_inner().words;
        let by: Vec<_> = said.iter().map(|one| (one.medium.as_str(), one.shortened)).collect();
        assert_eq!(
            by,
            [("text", false), ("text", true), ("email", false), ("email", true), ("website", false)]
        );
        for one in &said {
            let where_children_are = one.body.contains("from the hall");
            assert_eq!(where_children_are, !one.shortened && one.medium != "website", "{one:?}");
        }
        world.end().await;
    }
}
