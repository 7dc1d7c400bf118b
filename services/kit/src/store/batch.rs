//! One batch of commits in one transaction.
//!
//! Each commit is written as it would be alone, but what several have in common goes in statements
//! that they share: the rows of the common tables, and the steps of those commits that are
//! [alone](Commit::alone_on) on what they change, which cannot get into each other's way. SQLite takes
//! all of that as one [script](super::script).

use std::collections::HashSet;

use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend};

use super::commit::{Commit, Committed, Step};
use super::script::Script;
use super::together::{Row, Together};
use super::{Error, begin, common};
use crate::metrics::TASKS_OPENED;

/// What came of each commit. Only a conflict within the batch is an error here: it spoils nobody else.
pub(super) type Outcomes = Vec<Result<Committed, Error>>;

pub(super) async fn write(db: &DatabaseConnection, commits: &[&Commit]) -> Result<Outcomes, Error> {
    let tx = begin(db).await?;
    let outcomes = first_of_their_kind(commits);
    let at_once: Vec<&Commit> = match tx.get_database_backend() {
        DbBackend::Sqlite => {
            still_to_write(commits, &outcomes).filter(|commit| commit.goes_at_once()).collect()
        }
        _ => Vec::new(),
    };
    if at_once.is_empty() {
        return write_left(tx, commits, outcomes, |_| true).await;
    }
    if script_of(&at_once).run(&tx).await? {
        return write_left(tx, commits, outcomes, |commit| !commit.goes_at_once()).await;
    }
    // Something was written before, or has changed: what, is found out in single steps.
    tx.rollback().await?;
    write_left(begin(db).await?, commits, outcomes, |_| true).await
}

/// Writes those commits of a batch that are left, and commits the transaction.
async fn write_left(
    tx: DatabaseTransaction,
    commits: &[&Commit],
    mut outcomes: Outcomes,
    is_left: impl Fn(&Commit) -> bool,
) -> Result<Outcomes, Error> {
    let left = still_to_write(commits, &outcomes).filter(|commit| is_left(commit));
    let keys: Vec<_> = left.filter_map(|commit| commit.key.as_ref()).collect();
    let claimed = common::claim(&tx, &keys).await?;
    for (commit, outcome) in commits.iter().zip(&mut outcomes).filter(|(commit, _)| is_left(commit)) {
        let before = commit.key.as_ref().is_some_and(|key| !claimed.contains(&common::name(key)));
        if before && matches!(outcome, Ok(Committed::Now)) {
            *outcome = Ok(Committed::Before);
        }
    }
    let left: Vec<&Commit> = still_to_write(commits, &outcomes).filter(|commit| is_left(commit)).collect();
    let (side_by_side, one_by_one): (Vec<&Commit>, Vec<&Commit>) =
        left.iter().partition(|commit| commit.goes_side_by_side());
    for (statement, rows) in side_by_side_steps(&side_by_side) {
        common::execute(&tx, statement, &rows).await?;
    }
    for commit in one_by_one {
        take_in_turn(&tx, &commit.steps).await?;
    }
    let opened = common::write(&tx, &left).await?;
    tx.commit().await?;
    for kind in opened {
        metrics::counter!(TASKS_OPENED.name, "kind" => kind).increment(1);
    }
    Ok(outcomes)
}

fn script_of(commits: &[&Commit]) -> Script {
    let mut script = Script::default();
    let keys: Vec<_> = commits.iter().filter_map(|commit| commit.key.as_ref()).collect();
    common::begin(&mut script, &keys);
    for (statement, rows) in side_by_side_steps(commits) {
        script.add(statement, &rows);
    }
    common::end(&mut script, commits);
    script
}

fn still_to_write<'a>(commits: &[&'a Commit], outcomes: &Outcomes) -> impl Iterator<Item = &'a Commit> {
    commits
        .iter()
        .zip(outcomes)
        .filter(|(_, outcome)| matches!(outcome, Ok(Committed::Now)))
        .map(|(commit, _)| *commit)
}

/// Of commits with the same key the first is written. Of those that are alone on the same thing too, and
/// the others were decided on what the first one changes.
fn first_of_their_kind(commits: &[&Commit]) -> Outcomes {
    let (mut keys, mut things) = (HashSet::new(), HashSet::new());
    let mut outcomes = Vec::with_capacity(commits.len());
    for commit in commits {
        let key = commit.key.as_ref().map(common::name);
        let is_known = key.as_ref().is_some_and(|key| keys.contains(key));
        outcomes.push(if is_known {
            Ok(Committed::Before)
        } else if commit.alone_on.as_ref().is_some_and(|thing| !things.insert(thing.as_str())) {
            // Its key stays free: nothing of it is written.
            Err(Error::Conflict)
        } else {
            keys.extend(key);
            Ok(Committed::Now)
        });
    }
    outcomes
}

/// The first steps of all, then the second ones: the steps of each commit stay in their order.
fn side_by_side_steps<'a>(commits: &[&'a Commit]) -> Vec<(&'static Together, Vec<&'a Row>)> {
    let longest = commits.iter().map(|commit| commit.steps.len()).max().unwrap_or(0);
    let mut steps: Vec<(&'static Together, Vec<&Row>)> = Vec::new();
    for place in 0..longest {
        let begin = steps.len();
        for (statement, row) in commits.iter().filter_map(|commit| commit.steps.get(place)?.row()) {
            match steps.iter_mut().skip(begin).find(|(other, _)| std::ptr::eq(*other, statement)) {
                Some((_, rows)) => rows.push(row),
                None => steps.push((statement, vec![row])),
            }
        }
    }
    steps
}

/// One step after the other; rows of the same statement that follow each other go together.
async fn take_in_turn(tx: &DatabaseTransaction, steps: &[Step]) -> Result<(), Error> {
    for steps in steps.chunk_by(Step::goes_with) {
        match steps {
            [Step::Row(statement, _), ..] => {
                let rows: Vec<&Row> = steps.iter().filter_map(Step::row).map(|(_, row)| row).collect();
                common::execute(tx, statement, &rows).await?;
            }
            [Step::Work(work), ..] => work(tx).await?,
            [] => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_that_meets_another_leaves_its_key_to_those_that_follow() {
        let heard = |event: &str, thing: &str| Commit::new().inbox(event.to_owned(), 1).alone_on(thing);
        let commits = [heard("a", "x"), heard("b", "x"), heard("b", "y"), heard("b", "z")];
        let outcomes = first_of_their_kind(&commits.iter().collect::<Vec<_>>());
        let expected = [Some(Committed::Now), None, Some(Committed::Now), Some(Committed::Before)];
        let outcomes: Vec<_> = outcomes.into_iter().map(Result::ok).collect();
        assert_eq!(outcomes, expected, "nothing was written of the second");
    }
}
