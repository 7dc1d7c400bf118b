//! The wire: every fact is frozen in a golden file and has a subject of its own; every RPC says who may call it, every command can
//! be repeated, every list has pages.

use syn::{Expr, ExprLit, ImplItem, Item, ItemImpl, Lit, Type, spanned::Spanned};

use crate::{
    rust,
    schema::{Rpc, Schema},
    tree::{Finding, Source, Tree, assert_none},
};

pub struct Fact<'a> {
    pub source: &'a Source,
    pub line: usize,
    /// The Rust type, for example `Unexplained`.
    pub kind: String,
    /// The service that says it and the fact's name: together its subject.
    pub subject: (String, String),
}

/// Every `impl Fact for …` below `proto/src/events`.
pub fn facts(tree: &Tree) -> (Vec<Fact<'_>>, Vec<Finding>) {
    let (mut facts, mut findings) = (Vec::new(), Vec::new());
    for source in tree.under("proto/src/events/", ".rs") {
        let items = match rust::parse(source) {
            Ok(file) => file.items,
            Err(finding) => {
                findings.push(finding);
                continue;
            }
        };
        for item in &items {
            let Item::Impl(item) = item else { continue };
            let Some(kind) = fact_type(item) else { continue };
            let line = item.span().start().line;
            match (constant(item, "SERVICE"), constant(item, "NAME")) {
                (Some(service), Some(name)) => {
                    facts.push(Fact { source, line, kind, subject: (service, name) });
                }
                _ => findings.push(
                    source.finding(line, format!("{kind} has no subject (SERVICE and NAME, as literals)")),
                ),
            }
        }
    }
    (facts, findings)
}

fn fact_type(item: &ItemImpl) -> Option<String> {
    let (of, _) = item.trait_.as_ref()?;
    let Type::Path(of_type) = &*item.self_ty else { return None };
    let is_fact = of.segments.last()?.ident == "Fact";
    is_fact.then(|| of_type.path.segments.last().map(|segment| segment.ident.to_string()))?
}

fn constant(item: &ItemImpl, name: &str) -> Option<String> {
    item.items.iter().find_map(|inside| match inside {
        ImplItem::Const(constant) if constant.ident == name => match &constant.expr {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    })
}

fn facts_are_frozen(tree: &Tree) -> Vec<Finding> {
    let (facts, mut findings) = facts(tree);
    for (index, fact) in facts.iter().enumerate() {
        let (service, name) = &fact.subject;
        let kind = format!("\"schoolbell.{service}.{name}.v1\"");
        if !tree.under("proto/golden/", ".json").any(|golden| golden.text.contains(&kind)) {
            findings.push(
                fact.source.finding(
                    fact.line,
                    format!("{} has no golden of type {kind} in proto/golden", fact.kind),
                ),
            );
        }
        if facts.iter().take(index).any(|other| other.subject == fact.subject) {
            findings.push(
                fact.source.finding(fact.line, format!("{} shares its subject with another fact", fact.kind)),
            );
        }
        if fact.source.stem() != service {
            findings.push(fact.source.finding(
                fact.line,
                format!("{} is said by {service} and stands in another's file", fact.kind),
            ));
        }
    }
    findings
}

/// RPCs that only look. Everything else changes something and is a command; `Explain` alone asks, `ExplainAbsence` acts.
fn is_query(name: &str) -> bool {
    let asks = |verb: &str| {
        name.strip_prefix(verb).is_some_and(|rest| rest.starts_with(|next: char| next.is_ascii_uppercase()))
    };
    ["Get", "List", "Check", "Count", "Find"].into_iter().any(asks)
        || matches!(name, "Explain" | "Preview" | "ResolveAudience" | "ClearContacts" | "Trace")
}

fn rpcs_are_complete(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree.under("proto/schoolbell/", ".proto") {
        let schema = Schema::read(source);
        for rpc in &schema.rpcs {
            findings.extend(
                lacks(&schema, rpc)
                    .into_iter()
                    .map(|what| source.finding(rpc.line, format!("{} {what}", rpc.name))),
            );
        }
    }
    findings
}

fn lacks(schema: &Schema, rpc: &Rpc) -> Vec<String> {
    let has = |message: &str, field: &str| schema.fields_of(message).iter().any(|other| other == field);
    let mut lacks = Vec::new();
    if !rpc.options.iter().any(|option| option == "schoolbell.options.v1.access") {
        lacks.push("does not say who may call it (option schoolbell.options.v1.access)".to_owned());
    }
    if !is_query(&rpc.name) && !has(&rpc.request, "request_id") {
        lacks.push("is a command without request_id".to_owned());
    }
    if rpc.name.starts_with("List") {
        let pages =
            [(&rpc.request, "page_size"), (&rpc.request, "page_token"), (&rpc.response, "next_page_token")];
        lacks.extend(
            pages
                .iter()
                .filter(|(message, field)| !has(message, field))
                .map(|(_, field)| format!("is a list without {field}")),
        );
    }
    lacks
}

#[test]
fn every_fact_has_a_golden_and_a_subject_of_its_own() {
    let tree = Tree::real();
    assert!(!facts(&tree).0.is_empty(), "no fact found: this rule sees nothing");
    assert_none(&facts_are_frozen(&tree));
}

#[test]
fn every_rpc_names_its_roles_and_every_command_and_list_has_its_fields() {
    let tree = Tree::real();
    assert!(
        tree.under("proto/schoolbell/", ".proto").any(|source| !Schema::read(source).rpcs.is_empty()),
        "no RPC found"
    );
    assert_none(&rpcs_are_complete(&tree));
}

#[test]
fn a_fact_without_golden_or_with_a_borrowed_subject_is_found() {
    let fact = |kind: &str, name: &str| {
        format!(
            "impl Fact for {kind} {{ const SERVICE: &'static str = \"absences\"; const NAME: &'static str = \"{name}\"; }}\n"
        )
    };
    let golden = ("proto/golden/arrived.json", "{\"type\": \"schoolbell.absences.arrived.v1\"}");
    let count = |path: &str, text: &str| facts_are_frozen(&Tree::of(&[(path, text), golden])).len();
    let path = "proto/src/events/absences.rs";
    assert_eq!(count(path, &fact("Arrived", "arrived")), 0);
    assert_eq!(count(path, &fact("Explained", "explained")), 1, "no golden");
    assert_eq!(
        count(path, &format!("{}{}", fact("Arrived", "arrived"), fact("Came", "arrived"))),
        1,
        "one subject twice"
    );
    assert_eq!(
        count("proto/src/events/directory.rs", &fact("Arrived", "arrived")),
        1,
        "another service's file"
    );
    assert_eq!(count(path, "impl Fact for A { const SERVICE: &'static str = OTHER; }"), 1, "no subject");
}

#[test]
fn an_rpc_without_roles_request_id_or_pages_is_found() {
    let check = |name: &str, body: &str, fields: &str| {
        let text = format!(
            "service S {{ rpc {name}(Q) returns (R) {body} }}\nmessage Q {{ {fields} }}\nmessage R {{ string next_page_token = 1; }}\n"
        );
        rpcs_are_complete(&Tree::of(&[("proto/schoolbell/s/v1/s.proto", &text)])).len()
    };
    let access = "{ option (schoolbell.options.v1.access) = { any_of: [ROLE_HEAD] }; }";
    assert_eq!(check("CloseRegister", access, "string request_id = 1;"), 0);
    assert_eq!(check("CloseRegister", ";", "string request_id = 1;"), 1);
    assert_eq!(check("CloseRegister", access, ""), 1);
    assert_eq!(check("ExplainAbsence", access, ""), 1);
    assert_eq!(check("Explain", access, ""), 0);
    assert_eq!(check("ListTasks", access, "int32 page_size = 1; string page_token = 2;"), 0);
    assert_eq!(check("ListTasks", access, "int32 page_size = 1;"), 1);
}
