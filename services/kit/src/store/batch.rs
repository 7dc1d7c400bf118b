//! One batch of commits in one transaction.
//!
//! Each commit is written as it would be alone, but what several have in common goes in statements
//! that they share: the rows of the common tables, and the steps of those commits that are
//! [alone](Commit::alone_on) on what they change, which cannot get into each other's way.

use std::collections::HashSet;

use sea_orm::{DatabaseConnection, DatabaseTransaction};

use super::commit::{Commit, Committed, Step};
use super::together::{Row, Together};
use super::{Error, begin, common};
use crate::metrics::TASKS_OPENED;

/// What came of each commit. Only a conflict within the batch is an error here: it spoils nobody else.
pub(super) type Outcomes = Vec<Result<Committed, Error>>;

pub(super) async fn write(db: &DatabaseConnection, commits: &[&Commit]) -> Result<Outcomes, Error> {
    let tx = begin(db).await?;
    let mut outcomes = first_of_their_kind(commits);
    let keys: Vec<_> = still_to_write(commits, &outcomes).filter_map(|commit| commit.key.as_ref()).collect();
    let claimed = common::claim(&tx, &keys).await?;
    for (commit, outcome) in commits.iter().zip(&mut outcomes) {
        let before = commit.key.as_ref().is_some_and(|key| !claimed.contains(&common::name(key)));
        if before && matches!(outcome, Ok(Committed::Now)) {
            *outcome = Ok(Committed::Before);
        }
    }
    let fresh: Vec<&Commit> = still_to_write(commits, &outcomes).collect();
    let (side_by_side, one_by_one): (Vec<_>, Vec<_>) =
        fresh.iter().partition(|commit| commit.goes_side_by_side());
    take_side_by_side(&tx, &side_by_side).await?;
    for commit in one_by_one {
        take_in_turn(&tx, &commit.steps).await?;
    }
    let opened = common::write(&tx, &fresh).await?;
    tx.commit().await?;
    for kind in opened {
        metrics::counter!(TASKS_OPENED.name, "kind" => kind).increment(1);
    }
    Ok(outcomes)
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
        outcomes.push(if commit.key.as_ref().is_some_and(|key| !keys.insert(common::name(key))) {
            Ok(Committed::Before)
        } else if commit.alone_on.as_ref().is_some_and(|thing| !things.insert(thing.as_str())) {
            Err(Error::Conflict)
        } else {
            Ok(Committed::Now)
        });
    }
    outcomes
}

/// The first steps of all, then the second ones: the steps of each commit stay in their order.
async fn take_side_by_side(tx: &DatabaseTransaction, commits: &[&&Commit]) -> Result<(), Error> {
    let longest = commits.iter().map(|commit| commit.steps.len()).max().unwrap_or(0);
    for place in 0..longest {
        let mut shared: Vec<(&'static Together, Vec<&Row>)> = Vec::new();
        for (statement, row) in commits.iter().filter_map(|commit| commit.steps.get(place)?.row()) {
            match shared.iter_mut().find(|(other, _)| std::ptr::eq(*other, statement)) {
                Some((_, rows)) => rows.push(row),
                None => shared.push((statement, vec![row])),
            }
        }
        for (statement, rows) in shared {
            common::execute(tx, statement, &rows).await?;
        }
    }
    Ok(())
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
