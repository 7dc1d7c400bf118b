//! Whether everything works: what each service put aside, with trying it again.

use askama::Template;
use axum::extract::Query;
use axum::response::Response;
use futures::future::join_all;
use proto::operations::v1::{ListDeadLettersRequest, ReplayDeadLetterRequest};

use super::form::{Form, capital};
use super::frame::{Frame, Place};
use super::home::Said;
use super::stopped::rendered;
use super::{Posted, Stopped, Visitor, when};
use crate::asking::{NAMES, Trouble, service};

const NEWEST: i32 = 50;

struct Letter {
    id: String,
    what: String,
    why: String,
    at: String,
    replayed: Option<String>,
    can_replay: bool,
}

struct Part {
    name: &'static str,
    answers: bool,
    letters: Vec<Letter>,
}

#[derive(Template)]
#[template(path = "system.html")]
struct Page {
    frame: Frame,
    form: Form,
    parts: Vec<Part>,
}

/// `GET /console/system`
pub async fn page(visitor: Visitor, Query(said): Query<Said>) -> Result<Response, Stopped> {
    show(&visitor, Form::new(), said.said.as_deref()).await
}

async fn show(visitor: &Visitor, form: Form, said: Option<&str>) -> Result<Response, Stopped> {
    let frame = visitor.frame(Place::System).await.saying(said);
    let asked = NAMES.map(|name| {
        let request = ListDeadLettersRequest {
            service: name.to_owned(),
            page_size: NEWEST,
            ..ListDeadLettersRequest::default()
        };
        let asking = visitor.ask();
        async move {
            asking
                .operations(name, request, |mut client, request| async move {
                    client.list_dead_letters(request).await
                })
                .await
        }
    });
    let mut parts = Vec::new();
    for (name, answer) in NAMES.into_iter().zip(join_all(asked).await) {
        let letters = match answer {
            Ok(answer) => Some(answer.dead_letters),
            Err(Trouble::NotAllowed) => return Err(Trouble::NotAllowed.into()),
            Err(_) => None,
        };
        let answers = letters.is_some();
        let letters = letters.unwrap_or_default().into_iter().map(|letter| Letter {
            what: letter.subject,
            why: capital(&letter.why),
            at: frame.when(when::of(letter.died_at.as_ref())),
            replayed: letter.replayed_at.as_ref().map(|at| frame.when(when::of(Some(at)))),
            can_replay: letter.replayed_at.is_none() && letter.erased_at.is_none(),
            id: letter.id,
        });
        parts.push(Part { name, answers, letters: letters.collect() });
    }
    Ok(rendered(&Page { frame, form, parts }))
}

/// `POST /console/system/replay`
pub async fn replay(Posted { visitor, typed }: Posted) -> Result<Response, Stopped> {
    let mut form = Form::with(typed);
    let name = service(form.value("service"))?;
    let request = ReplayDeadLetterRequest {
        request_id: form.request_id.clone(),
        service: name.to_owned(),
        dead_letter_id: form.value("letter").to_owned(),
    };
    let asked = visitor.ask().operations(name, request, |mut client, request| async move {
        client.replay_dead_letter(request).await
    });
    match asked.await {
        Ok(_) => Ok(visitor.done("/console/system", "replayed")),
        Err(trouble) => {
            form.refused(&trouble, &[]);
            show(&visitor, form, None).await
        }
    }
}
