//! What came of a morning: counts from the systems' answers, and the witness's four figures.
//!
//! For people it is a table, for machines one line of JSON. What was found is said with the ids of the
//! school's files, never with names.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use anyhow::bail;
use serde::Serialize;

use super::morning::Judged;
use super::story::Story;
use super::witness::Verdict;

/// The counts, in the order in which they are read.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Facts that the services said.
    facts: i32,
    /// Things to be told because of them.
    notices: usize,
    /// Messages by channel and state.
    deliveries: BTreeMap<String, BTreeMap<String, usize>>,
    told_twice: usize,
    barred_told: usize,
    told_wrongly: usize,
    not_told: usize,
    /// Open tasks of all services.
    tasks: usize,
    /// From the start to the verdict.
    seconds: f64,
}

impl Report {
    /// Counts.
    pub fn of(judged: &Judged, took: Duration) -> Self {
        let (state, verdict) = (&judged.state, &judged.verdict);
        let mut deliveries: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
        for delivery in &state.deliveries {
            let name = delivery.state().as_str_name().trim_start_matches("DELIVERY_STATE_").to_lowercase();
            *deliveries.entry(delivery.channel.clone()).or_default().entry(name).or_default() += 1;
        }
        Self {
            facts: judged.facts,
            notices: state.notices.len(),
            deliveries,
            told_twice: verdict.told_twice.len(),
            barred_told: verdict.barred_told.len(),
            told_wrongly: verdict.told_wrongly.len(),
            not_told: verdict.not_told.len(),
            tasks: state.tasks.len(),
            seconds: (took.as_secs_f64() * 10.0).round() / 10.0,
        }
    }

    /// The table, and what the witness has found.
    pub fn tell(&self, story: &Story, verdict: &Verdict) -> anyhow::Result<()> {
        story.line("")?;
        for line in self.table() {
            story.line(&format!("  {line}"))?;
        }
        for (figure, found) in verdict.figures() {
            for one in found {
                story.line(&format!("  {figure}: {one}"))?;
            }
        }
        story.line("")
    }

    fn table(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut row = |what: &str, value: String| lines.push(format!("{what:<14}{value}"));
        row("facts", self.facts.to_string());
        row("notices", self.notices.to_string());
        for (channel, states) in &self.deliveries {
            let states: Vec<String> =
                states.iter().map(|(state, count)| format!("{count} {state}")).collect();
            row(channel, states.join(", "));
        }
        row("tasks", self.tasks.to_string());
        row("told twice", self.told_twice.to_string());
        row("barred told", self.barred_told.to_string());
        row("told wrongly", self.told_wrongly.to_string());
        row("not told", self.not_told.to_string());
        row("seconds", format!("{:.1}", self.seconds));
        lines
    }

    /// One line.
    pub fn write_json(&self, out: &mut impl Write) -> anyhow::Result<()> {
        serde_json::to_writer(&mut *out, self)?;
        Ok(writeln!(out)?)
    }
}

/// Fails unless all four figures are 0, and says which are not.
pub fn pass(verdict: &Verdict) -> anyhow::Result<()> {
    let wrong: Vec<String> = verdict
        .figures()
        .iter()
        .filter(|(_, found)| !found.is_empty())
        .map(|(figure, found)| format!("{figure} {}", found.len()))
        .collect();
    if wrong.is_empty() {
        return Ok(());
    }
    bail!("the witness found {}", wrong.join(", "))
}

#[cfg(test)]
mod tests {
    use proto::dispatcher::v1::{Delivery, DeliveryState};

    use super::*;
    use crate::demo::settling::State;

    fn judged(verdict: Verdict) -> Judged {
        let delivery = |channel: &str, state: DeliveryState| Delivery {
            channel: channel.to_owned(),
            state: state.into(),
            ..Default::default()
        };
        let deliveries = vec![
            delivery("sms.notify", DeliveryState::Delivered),
            delivery("sms.notify", DeliveryState::Failed),
            delivery("sms.notify", DeliveryState::Delivered),
            delivery("email.smtp", DeliveryState::Failed),
        ];
        Judged { facts: 9, state: State { notices: Vec::new(), deliveries, tasks: Vec::new() }, verdict }
    }

    #[test]
    fn the_json_is_one_line_with_the_figures_in_their_order() {
        let verdict = Verdict { not_told: vec!["a".to_owned(), "b".to_owned()], ..Verdict::default() };
        let mut line = Vec::new();
        let report = Report::of(&judged(verdict), Duration::from_millis(14_260));
        report.write_json(&mut line).unwrap();
        let expected = concat!(
            r#"{"facts":9,"notices":0,"deliveries":{"email.smtp":{"failed":1},"sms.notify":{"delivered":2,"failed":1}},"#,
            r#""told_twice":0,"barred_told":0,"told_wrongly":0,"not_told":2,"tasks":0,"seconds":14.3}"#,
            "\n"
        );
        assert_eq!(String::from_utf8(line).unwrap(), expected);
    }

    #[test]
    fn the_table_says_the_same() {
        let table = Report::of(&judged(Verdict::default()), Duration::from_secs(1)).table().join("\n");
        assert!(table.contains("sms.notify    2 delivered, 1 failed"), "{table}");
        assert!(table.contains("told twice    0"), "{table}");
    }

    #[test]
    fn one_finding_is_enough_to_fail_and_is_named() {
        assert!(pass(&Verdict::default()).is_ok());
        let found = vec!["x".to_owned()];
        for (verdict, name) in [
            (Verdict { told_twice: found.clone(), ..Verdict::default() }, "told_twice 1"),
            (Verdict { barred_told: found.clone(), ..Verdict::default() }, "barred_told 1"),
            (Verdict { told_wrongly: found.clone(), ..Verdict::default() }, "told_wrongly 1"),
            (Verdict { not_told: found.clone(), ..Verdict::default() }, "not_told 1"),
        ] {
            assert_eq!(pass(&verdict).unwrap_err().to_string(), format!("the witness found {name}"));
        }
    }
}
