//! Questions that many callers ask at once, each about something else: one actor takes a question, drains
//! what waits behind it and asks all of it in one statement.
//!
//! For the few reads that every command begins with. A long one would keep the others waiting.

use sea_orm::{ConnectionTrait, DbErr, QueryResult};
use tokio::sync::{mpsc, oneshot};

use super::Error;
use super::lending::Readers;
use super::together::{Row, Together};

/// How many questions go together at most.
const MOST: usize = 256;

type Answer = Result<Vec<QueryResult>, Error>;

struct Question {
    statement: &'static Together,
    row: Row,
    reply: oneshot::Sender<Answer>,
}

/// Where the questions wait. The actor ends when nobody can ask any more.
pub(super) struct Reader {
    queue: mpsc::Sender<Question>,
}

impl Reader {
    #[expect(clippy::disallowed_methods, reason = "the actor lives as long as the store, and writes nothing")]
    pub fn start(db: Readers) -> Self {
        let (queue, waiting) = mpsc::channel(4 * MOST);
        tokio::spawn(run(db, waiting));
        Self { queue }
    }

    /// The rows that belong to this row of the question.
    pub async fn ask(&self, statement: &'static Together, row: Row) -> Answer {
        let (reply, answer) = oneshot::channel();
        self.queue.send(Question { statement, row, reply }).await.map_err(|_| Error::Stopping)?;
        answer.await.map_err(|_| Error::Stopping)?
    }
}

async fn run(db: Readers, mut waiting: mpsc::Receiver<Question>) {
    let mut questions = Vec::with_capacity(MOST);
    while waiting.recv_many(&mut questions, MOST).await > 0 {
        while let Some(statement) = questions.first().map(|question| question.statement) {
            let same = |question: &mut Question| std::ptr::eq(question.statement, statement);
            let together: Vec<Question> = questions.extract_if(.., same).collect();
            answer(&db, statement, together).await;
        }
    }
}

async fn answer(db: &Readers, statement: &Together, questions: Vec<Question>) {
    let rows: Vec<&Row> = questions.iter().map(|question| &question.row).collect();
    let asked = db.query_all_raw(statement.with(db.get_database_backend(), &rows)).await;
    let mut answers: Vec<Answer> = Vec::new();
    match asked.and_then(|found| by_place(found, questions.len())) {
        Ok(found) => answers.extend(found.into_iter().map(Ok)),
        Err(error) => {
            let error = Error::Database(error);
            answers.extend(questions.iter().map(|_| Err(error.copy())));
        }
    }
    for (question, answer) in questions.into_iter().zip(answers) {
        // Whoever has gone away needs no answer.
        let _ = question.reply.send(answer);
    }
}

fn by_place(found: Vec<QueryResult>, questions: usize) -> Result<Vec<Vec<QueryResult>>, DbErr> {
    let mut places: Vec<Vec<QueryResult>> = Vec::new();
    places.resize_with(questions, Vec::new);
    for row in found {
        let place: i64 = row.try_get_by_index(0)?;
        if let Some(rows) = usize::try_from(place).ok().and_then(|place| places.get_mut(place)) {
            rows.push(row);
        }
    }
    Ok(places)
}
