//! The staff console with fifty people on it, beside a file that the same process serves: the home page, a
//! pupil's page and the list of four hundred pupils.

use std::time::Duration;

use anyhow::{Context, ensure};
use hyper::body::Bytes;
use hyper::{Method, StatusCode, header};
use proto::options::v1::Role;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::{Plan, installed, percentile};
use crate::figures::Figure;
use crate::http::{Asked, Connection};
use crate::load::per_second;
use crate::roster::{Reach, Roster};
use crate::schoolbell::Backend;
use crate::tools::{say, show};

const PEOPLE: usize = 50;
const PUPILS: u64 = 400;
/// Pages that each person opens, one after the other; of the file that is the limit more, because it takes no time.
const PAGES: usize = 200;
const FILES: usize = 800;
const FILE: &str = "/console/console.css";

pub(super) async fn measure(plan: &Plan) -> anyhow::Result<Vec<Figure>> {
    let place = plan.place("console")?;
    let schoolbell = installed(&place, &Backend::Sqlite, "")?.start().await?;
    let roster = Roster { school: "console".to_owned(), contacts: 0..2 * PUPILS, reach: Reach::Mailbox };
    let school = schoolbell.import(&roster).await?;
    let pupils = schoolbell.pupils(school, usize::try_from(PUPILS)?).await?;
    let (_, pupil) = pupils.first().context("a school without pupils")?;
    let mut cookies = Vec::with_capacity(PEOPLE);
    for _ in 0..PEOPLE {
        cookies.push(sign_in(&schoolbell.http, &schoolbell.token(school, Role::Head)?).await?);
    }
    let mut figures = Vec::new();
    for (name, page) in [
        ("console_home", "/console".to_owned()),
        ("console_pupil", format!("/console/pupils/{pupil}")),
        ("console_pupils", "/console/pupils".to_owned()),
    ] {
        let (file, _) = visit(&schoolbell.http, &cookies, FILE, FILES).await?;
        let (rate, p95) = visit(&schoolbell.http, &cookies, &page, PAGES).await?;
        say(&format!(
            "{name}: {} a second, p95 {} ms; the file {} a second",
            show(rate),
            show(p95),
            show(file)
        ));
        figures.push(Figure::new(name, rate, Some(file)));
        figures.push(Figure::told(&format!("{name}_p95"), p95, "ms"));
    }
    schoolbell.end().await?;
    Ok(figures)
}

async fn sign_in(host: &str, token: &str) -> anyhow::Result<String> {
    let mut connection = Connection::open(host).await?;
    let form = [(header::CONTENT_TYPE, "application/x-www-form-urlencoded")];
    let body = Bytes::from(format!("token={token}"));
    let answer = connection.send(Method::POST, "/console/enter", Asked { headers: &form, body }).await?;
    let cookie = answer.headers().get(header::SET_COOKIE).context("nobody was signed in")?;
    Ok(cookie.to_str()?.split(';').next().unwrap_or_default().to_owned())
}

/// Everybody opens a page so many times, one after the other: pages a second, and the time that all but five of
/// a hundred took at most, in milliseconds.
async fn visit(host: &str, cookies: &[String], page: &str, times: usize) -> anyhow::Result<(f64, f64)> {
    let began = Instant::now();
    let mut visiting = JoinSet::new();
    for cookie in cookies {
        visiting.spawn(person(host.to_owned(), cookie.clone(), page.to_owned(), times));
    }
    let mut took = Vec::new();
    while let Some(visited) = visiting.join_next().await {
        took.extend(visited??);
    }
    let rate = per_second(u64::try_from(took.len())?, began.elapsed());
    Ok((rate, percentile(took, 95).context("nobody came")?))
}

async fn person(host: String, cookie: String, page: String, times: usize) -> anyhow::Result<Vec<f64>> {
    let mut connection = Connection::open(&host).await?;
    let mut took = Vec::with_capacity(times);
    for _ in 0..times {
        let asked_at = Instant::now();
        let headers = [(header::COOKIE, cookie.as_str())];
        let (status, _) =
            connection.fetch(Method::GET, &page, Asked { headers: &headers, body: Bytes::new() }).await?;
        ensure!(status == StatusCode::OK, "{page} was answered {status}");
        took.push(milliseconds(asked_at.elapsed()));
    }
    Ok(took)
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
