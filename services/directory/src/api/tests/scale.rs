use std::fmt::Write;

use super::*;

#[tokio::test]
async fn scale() {
    let pupils = 50_000;
    let sample = Sample::new();
    let mut users = String::new();
    let mut roles = String::new();
    let mut enrol = String::new();
    let mut pup = String::new();
    let mut con = String::new();
    for n in 0..pupils {
        writeln!(users, "p{n},,,true,x,,Kid,Jones,,,,,,\"m{n},f{n}\",,,,,,,elm,").unwrap();
        writeln!(users, "m{n},,,true,x,,Mary,Jones,,,m{n}@example.com,+999{:012},,,,,,,,,,", n * 2).unwrap();
        writeln!(users, "f{n},,,true,x,,Fred,Jones,,,,+999{:012},,,,,,,,,,", n * 2 + 1).unwrap();
        writeln!(roles, "rp{n},,,p{n},primary,student,,,elm,\nrm{n},,,m{n},primary,parent,,,elm,\nrf{n},,,f{n},primary,parent,,,elm,").unwrap();
        writeln!(enrol, "ep{n},,,oak,elm,p{n},student,,,").unwrap();
        writeln!(pup, "p{n},false,,3,oak").unwrap();
        writeln!(con, "p{n},m{n},mother,1,yes,true,false,none,,,,en,false\np{n},f{n},father,1,yes,true,false,none,,,,en,false").unwrap();
    }
    let sample = sample
        .with_line("users.csv", users.trim_end())
        .with_line("roles.csv", roles.trim_end())
        .with_line("enrollments.csv", enrol.trim_end())
        .with_line("pupils.csv", pup.trim_end())
        .with_line("contacts.csv", con.trim_end());
    let zip = sample.zip();
    println!("zip {} bytes", zip.len());
    let start = std::time::Instant::now();
    crate::import::read(&zip, TestNumbers::Accepted).unwrap();
    println!("read {:?}", start.elapsed());
    for desk in desks().await {
        let start = std::time::Instant::now();
        let answer = desk.import(zip.clone(), false).await;
        println!("{} import {:?} loaded {} answer {} bytes", desk.test.backend, start.elapsed(), answer.loaded, prost::Message::encoded_len(&answer));
        let start = std::time::Instant::now();
        let answer = desk.import(zip.clone(), false).await;
        println!("again {:?} changes {}", start.elapsed(), answer.changes.len());
        let start = std::time::Instant::now();
        let request = pb::ResolveAudienceRequest { scope: Some(pb::resolve_audience_request::Scope::WholeSchool(pb::WholeSchool {})) };
        let stream = desk.directory.resolve_audience(desk.request(request)).await.unwrap().into_inner();
        let batches: Vec<pb::ResolveAudienceResponse> = futures::TryStreamExt::try_collect(stream).await.unwrap();
        println!("resolve {:?} batches {}", start.elapsed(), batches.len());
        let some: Vec<_> = batches.iter().flat_map(|b| &b.pupils).take(1000).collect();
        let request = pb::ClearContactsRequest {
            contact_ids: some.iter().filter_map(|p| p.links.first()).map(|l| l.contact_id.clone()).collect(),
            pupil_ids: some.iter().map(|p| p.pupil_id.clone()).collect(),
        };
        for _ in 0..3 {
        let start = std::time::Instant::now();
        let n = desk.directory.clear_contacts(desk.request(request.clone())).await.unwrap().into_inner().pupils.len();
        println!("clear {n} {:?}", start.elapsed());
        }
    }
}
