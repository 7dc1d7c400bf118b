//! The children who are missing this morning without a reason, and what can be done about each.

use askama::Template;
use axum::extract::{Path, Query};
use axum::response::Response;
use proto::absences::v1::{
    Case, CloseRegisterRequest, ExplainAbsenceRequest, ListOpenCasesRequest, RecordArrivalRequest, Session,
};

use super::form::Form;
use super::frame::{Frame, Place};
use super::home::Said;
use super::stopped::rendered;
use super::{Posted, Stopped, Visitor, when};
use crate::asking::{Trouble, ask};

const PAGE: i32 = 500;
/// Whoever may do this closes a register.
const CLOSE: &str = "absences.v1.AbsencesService/CloseRegister";

/// The codes by which a missing child is explained most often, with what they mean, from the School
/// Attendance (Pupil Registration) (England) Regulations 2024.
const REASONS: [(&str, &str); 9] = [
    ("I", "Ill"),
    ("M", "Medical or dental appointment"),
    ("C", "Leave for an exceptional circumstance"),
    ("R", "Religious observance"),
    ("S", "Study leave"),
    ("E", "Suspended or excluded"),
    ("T", "Traveller child, parent travels for work"),
    ("G", "Holiday that was not granted"),
    ("O", "Another reason, not authorised"),
];

struct Missing {
    pupil: String,
    pupil_id: String,
    case_id: String,
    session: &'static str,
    session_word: &'static str,
    since: String,
    told_at: Option<String>,
}

#[derive(Template)]
#[template(path = "absences.html")]
struct Page {
    frame: Frame,
    form: Form,
    missing: Vec<Missing>,
    may_close: bool,
    may_explain: bool,
    may_look: bool,
    date: String,
    today: String,
}

/// `GET /console/absences`
pub async fn page(visitor: Visitor, Query(said): Query<Said>) -> Result<Response, Stopped> {
    show(&visitor, Form::new(), said.said.as_deref()).await
}

async fn show(visitor: &Visitor, form: Form, said: Option<&str>) -> Result<Response, Stopped> {
    let frame = visitor.frame(Place::Absences).await.saying(said);
    let missing = missing(visitor, &frame).await?;
    let page = Page {
        form,
        missing,
        may_close: visitor.may(CLOSE),
        may_explain: visitor.may("absences.v1.AbsencesService/ExplainAbsence"),
        may_look: visitor.may("directory.v1.DirectoryService/GetPupil"),
        date: day_of(&frame),
        today: frame.today().to_string(),
        frame,
    };
    Ok(rendered(&page))
}

fn day_of(frame: &Frame) -> String {
    frame.today().strftime("%A %-d %B").to_string()
}

async fn missing(visitor: &Visitor, frame: &Frame) -> Result<Vec<Missing>, Trouble> {
    let (mut cases, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListOpenCasesRequest { date: frame.today().to_string(), page_size: PAGE, page_token };
        let answer = ask!(visitor, absences.list_open_cases(request)).await?;
        cases.extend(answer.cases);
        page_token = answer.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    let names = visitor.names(cases.iter().map(|case| case.pupil_id.clone()).collect()).await;
    let mut missing: Vec<Missing> = cases
        .into_iter()
        .map(|case: Case| Missing {
            pupil: names.of(&case.pupil_id).unwrap_or("A pupil whose name cannot be read now").to_owned(),
            session: session_label(case.session()),
            session_word: session_word(case.session()),
            since: frame.when(when::of(case.opened_at.as_ref())),
            told_at: case.announced_at.as_ref().map(|at| frame.when(when::of(Some(at)))),
            pupil_id: case.pupil_id,
            case_id: case.id,
        })
        .collect();
    missing.sort_by_key(|missing| missing.pupil.to_lowercase());
    Ok(missing)
}

fn session_label(session: Session) -> &'static str {
    if session == Session::Afternoon { "afternoon" } else { "morning" }
}

fn session_word(session: Session) -> &'static str {
    if session == Session::Afternoon { "pm" } else { "am" }
}

fn session_of(word: &str) -> Session {
    if word == "pm" { Session::Afternoon } else { Session::Morning }
}

/// A page of yesterday that is still open does nothing about today.
fn is_of_today(form: &mut Form, frame: &Frame) -> bool {
    let is_of_today = form.value("date") == frame.today().to_string();
    if !is_of_today {
        form.wrong("", "This was pressed on a page of another day, and nothing was done. Look at the list of today, and press it there");
    }
    is_of_today
}

#[derive(Template)]
#[template(path = "register_close.html")]
struct Closing {
    frame: Frame,
    session: &'static str,
    session_word: &'static str,
    date: String,
    today: String,
    /// So many children are missing without a reason, and nobody is told of them yet.
    untold: usize,
}

/// `GET /console/absences/close/{session}`: asks once more, and says whom it concerns.
pub async fn before_close(visitor: Visitor, Path(session): Path<String>) -> Result<Response, Stopped> {
    visitor.must(CLOSE)?;
    let frame = visitor.frame(Place::Absences).await;
    let session_word = session_word(session_of(&session));
    let missing = missing(&visitor, &frame).await?;
    let untold = missing.iter().filter(|one| one.session_word == session_word && one.told_at.is_none());
    let page = Closing {
        untold: untold.count(),
        session: session_label(session_of(&session)),
        session_word,
        date: day_of(&frame),
        today: frame.today().to_string(),
        frame,
    };
    Ok(rendered(&page))
}

/// `POST /console/absences/close`
pub async fn close(Posted { visitor, typed }: Posted) -> Result<Response, Stopped> {
    let mut form = Form::with(typed);
    let frame = visitor.frame(Place::Absences).await;
    if !is_of_today(&mut form, &frame) {
        return show(&visitor, form, None).await;
    }
    let request = CloseRegisterRequest {
        request_id: form.request_id.clone(),
        date: frame.today().to_string(),
        session: session_of(form.value("session")).into(),
    };
    let asked = ask!(visitor, absences.close_register(request));
    match asked.await {
        Ok(closed) => {
            let key = if closed.already_closed { "closed-before" } else { "closed" };
            Ok(visitor.done("/console/absences", key))
        }
        Err(trouble) => {
            form.refused(&trouble, &[]);
            show(&visitor, form, None).await
        }
    }
}

/// `POST /console/absences/{pupil}/arrived`
pub async fn arrived(
    Path(pupil_id): Path<String>,
    Posted { visitor, typed }: Posted,
) -> Result<Response, Stopped> {
    let mut form = Form::with(typed);
    let frame = visitor.frame(Place::Absences).await;
    if !is_of_today(&mut form, &frame) {
        return show(&visitor, form, None).await;
    }
    let request = RecordArrivalRequest {
        request_id: form.request_id.clone(),
        pupil_id,
        date: frame.today().to_string(),
        session: session_of(form.value("session")).into(),
    };
    let asked = ask!(visitor, absences.record_arrival(request));
    match asked.await {
        Ok(_) => Ok(visitor.done("/console/absences", "arrived")),
        Err(trouble) => {
            form.refused(&trouble, &[]);
            show(&visitor, form, None).await
        }
    }
}

#[derive(Template)]
#[template(path = "reason.html")]
struct Reason {
    frame: Frame,
    form: Form,
    pupil: String,
    reasons: [(&'static str, &'static str); 9],
}

/// `GET /console/absences/{pupil}/{case}`: giving a missing child's absence its reason.
pub async fn reason(visitor: Visitor, Path((pupil, _)): Path<(String, String)>) -> Result<Response, Stopped> {
    ask_why(&visitor, &pupil, Form::new()).await
}

async fn ask_why(visitor: &Visitor, pupil_id: &str, form: Form) -> Result<Response, Stopped> {
    visitor.must("absences.v1.AbsencesService/ExplainAbsence")?;
    let frame = visitor.frame(Place::Absences).await;
    let names = visitor.names(vec![pupil_id.to_owned()]).await;
    let pupil = names.of(pupil_id).unwrap_or("this pupil").to_owned();
    Ok(rendered(&Reason { frame, form, pupil, reasons: REASONS }))
}

/// `POST /console/absences/{pupil}/{case}`
pub async fn explain(
    Path((pupil, case_id)): Path<(String, String)>,
    Posted { visitor, typed }: Posted,
) -> Result<Response, Stopped> {
    let mut form = Form::with(typed);
    let code = form.needs("code", "Choose the reason");
    if form.is_good() {
        let request = ExplainAbsenceRequest {
            request_id: form.request_id.clone(),
            case_id,
            code,
            note: form.value("note").to_owned(),
        };
        let asked = ask!(visitor, absences.explain_absence(request));
        match asked.await {
            Ok(_) => {
                return Ok(visitor.done("/console/absences", "explained"));
            }
            Err(trouble @ (Trouble::NotAllowed | Trouble::Unknown)) => return Err(trouble.into()),
            Err(trouble) => form.refused(&trouble, &[("code", "code", "Reason"), ("note", "note", "Note")]),
        }
    }
    ask_why(&visitor, &pupil, form).await
}
