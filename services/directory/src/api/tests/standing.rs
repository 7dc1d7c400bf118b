//! Who counts as responsible for a child, as the dispatcher reads it, whatever a file says next.

use std::collections::{BTreeMap, BTreeSet};

use futures::TryStreamExt;
use pb::audience::Scope;

use super::*;
use crate::domain::link::{Responsibility, Role};

type Standing = (Role, Responsibility);

/// The small school, and one more contact of Cal's for each of these.
fn with_contacts(standings: impl Iterator<Item = Standing>) -> Sample {
    standings.enumerate().fold(Sample::new(), |sample, (place, (role, responsibility))| {
        let standing = format!("{},1,{}", role.word(), responsibility.word());
        sample
            .with_line("users.csv", &format!("x{place},,,true,x{place},,Alex,Reed{}", ",".repeat(14)))
            .with_line("roles.csv", &format!("rx{place},,,x{place},primary,relative,,,elm,"))
            .with_line("contacts.csv", &format!("cal,x{place},{standing},false,false,,,,,,"))
    })
}

#[tokio::test]
async fn no_other_role_in_a_file_makes_somebody_responsible_who_was_not() {
    let responsible = |link: &pb::Link| match link.parental_responsibility() {
        pb::ParentalResponsibility::Yes => true,
        pb::ParentalResponsibility::Unknown => link.parent_or_guardian,
        pb::ParentalResponsibility::No | pb::ParentalResponsibility::Unspecified => false,
    };
    let roles = Role::ALL.iter().copied();
    let standings: Vec<Standing> =
        roles.flat_map(|role| Responsibility::ALL.iter().map(move |known| (role, *known))).collect();
    let number = standings.len();
    let before = with_contacts(standings.iter().flat_map(|standing| std::iter::repeat_n(*standing, number)));
    let after = with_contacts(standings.iter().flat_map(|_| standings.clone()));
    for desk in desks().await {
        let mut seen = Vec::new();
        for sample in [&before, &after] {
            desk.load(sample).await;
            let pupils = pb::Pupils { pupil_ids: vec![desk.pupil("cal").await.pupil_id] };
            let audience = Some(pb::Audience { scope: Some(Scope::Pupils(pupils)) });
            let request = pb::ResolveAudienceRequest { audience };
            let stream = desk.directory.resolve_audience(desk.request(request)).await.unwrap().into_inner();
            let batches: Vec<pb::ResolveAudienceResponse> = stream.try_collect().await.unwrap();
            let links = batches.into_iter().flat_map(|batch| batch.pupils).flat_map(|pupil| pupil.links);
            seen.push(links.map(|link| (link.contact_source_id.clone(), link)).collect::<BTreeMap<_, _>>());
        }
        let [before, after] = seen.as_slice() else { unreachable!() };
        assert_eq!((before.len(), after.len()), (number * number + 2, number * number + 2));
        for (source_id, was) in before {
            let is = &after[source_id];
            assert!(
                responsible(was) || !responsible(is),
                "{}: {} {:?} became {} {:?}",
                desk.test.backend,
                was.role,
                was.parental_responsibility(),
                is.role,
                is.parental_responsibility()
            );
        }
        let by_role: BTreeSet<&str> =
            before.values().filter(|link| link.parent_or_guardian).map(|link| link.role.as_str()).collect();
        assert_eq!(by_role, BTreeSet::from(["father", "guardian", "mother", "parent"]));
        let changed = before.iter().filter(|(source_id, was)| after[*source_id].role != was.role);
        assert!(changed.count() > 400, "a file may still change a role");
    }
}
