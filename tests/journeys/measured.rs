//! What operators look at and are woken by is what a running installation says.

use std::collections::BTreeSet;
use std::path::Path;

use proto::incidents::v1::AccidentKind;
use serde::Deserialize;
use tests::promql::{asked, described, exported};
use tests::roster::Contact;
use tests::school::stories::account;
use tests::wait::until;
use tests::{Roster, School};

const DASHBOARD: &str = "deploy/grafana/dispatcher.json";
const ALARMS: &str = "deploy/prometheus/alerts.yml";
/// Whose metrics an operator of the dispatcher looks at.
const OURS: [&str; 2] = ["dispatcher_", "kit_"];

/// An expression, and the labels that the words beside it name.
struct Question {
    place: String,
    expression: String,
    named: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Alarms {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
struct Rule {
    alert: String,
    expr: String,
    labels: std::collections::BTreeMap<String, String>,
    annotations: std::collections::BTreeMap<String, String>,
}

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)).unwrap()
}

/// What stands between these in a text, each time.
fn between(text: &str, open: &str, close: &str) -> BTreeSet<String> {
    let pieces = text.split(open).skip(1);
    pieces.filter_map(|piece| piece.split_once(close)).map(|(word, _)| word.trim().to_owned()).collect()
}

fn panels() -> Vec<Question> {
    let dashboard: serde_json::Value = serde_json::from_str(&read(DASHBOARD)).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.filter_map(|panel| Some((panel["title"].as_str()?, panel["targets"].as_array()?)));
    let question = |title: &str, target: &serde_json::Value| Question {
        place: format!("{DASHBOARD}: {title}"),
        expression: target["expr"].as_str().unwrap().to_owned(),
        named: between(target["legendFormat"].as_str().unwrap(), "{{", "}}"),
    };
    targets.flat_map(|(title, targets)| targets.iter().map(move |target| question(title, target))).collect()
}

fn alarms() -> Vec<Question> {
    let alarms: Alarms = serde_saphyr::from_str(&read(ALARMS)).unwrap();
    let rules = alarms.groups.into_iter().flat_map(|group| group.rules);
    let question = |rule: Rule| {
        assert!(["page", "morning"].contains(&rule.labels["severity"].as_str()), "{}", rule.alert);
        let words: Vec<&str> = rule.annotations.values().map(String::as_str).collect();
        Question {
            place: format!("{ALARMS}: {}", rule.alert),
            expression: rule.expr,
            named: between(&words.concat(), "$labels.", " }}"),
        }
    };
    rules.map(question).collect()
}

/// What is asked for and not said, and what is said and nobody asks for.
fn differences(questions: &[Question], text: &str) -> Vec<String> {
    let (said, mut wrong, mut used) = (exported(text), Vec::new(), BTreeSet::new());
    for Question { place, expression, named } in questions {
        let asked = match asked(expression) {
            Ok(asked) => asked,
            Err(error) => {
                wrong.push(format!("{place}: {error}"));
                continue;
            }
        };
        for (name, labels) in &asked.metrics {
            let Some(carried) = said.get(name) else {
                wrong.push(format!("{place}: nothing exports {name}"));
                continue;
            };
            let lacks = labels.union(&asked.grouped_by).filter(|label| !carried.contains(*label));
            wrong.extend(lacks.map(|label| format!("{place}: {name} has no label {label}")));
            used.insert(name.clone());
        }
        let lost = named.difference(&asked.grouped_by);
        wrong.extend(lost.map(|label| format!("{place}: {label} is named and grouped away")));
    }
    let is_used = |name: &String| used.iter().any(|used| used.starts_with(name.as_str()));
    let ours = described(text).into_iter().filter(|name| OURS.iter().any(|own| name.starts_with(own)));
    wrong.extend(ours.filter(|name| !is_used(name)).map(|name| format!("nobody looks at {name}")));
    wrong
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dashboard_and_the_alarms_ask_for_what_a_running_installation_says_and_for_all_of_it() {
    let anna = Contact::parent("Anna").phone("07700900201").email("anna@example.org");
    let silent = Contact::parent("Bert");
    let school = School::start(Roster::new().pupil("Maya", "oak", [anna, silent])).await;
    school.close_without(&["Maya"]).await;
    school.records("Maya", account(AccidentKind::HeadInjury, "Fell")).await;
    school.task("ring_about_head_injury").await;
    school.settles().await;
    let page = || async {
        reqwest::get(format!("http://{}/metrics", school.http)).await.unwrap().text().await.unwrap()
    };
    let questions: Vec<Question> = panels().into_iter().chain(alarms()).collect();
    assert!(questions.len() > 30, "{}", questions.len());
    // What waits is counted every few seconds.
    let look = || async { differences(&questions, &page().await) };
    until("the metrics that are asked for", look, Vec::is_empty).await;
    let (text, renamed) = (page().await, "dispatcher_deliveries_total");
    let elsewhere = text.replace(renamed, "dispatcher_messages_total");
    assert!(differences(&questions, &elsewhere).iter().any(|wrong| wrong.contains(renamed)));
    let relabelled = text.replace("lane=\"", "queue=\"");
    assert!(differences(&questions, &relabelled).iter().any(|wrong| wrong.contains("has no label lane")));
    school.ends_clean().await;
}
