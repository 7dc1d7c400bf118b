//! Sameness: whoever knows one service finds their way in every other. A service that differs says so in its README.

use crate::tree::{Finding, Tree, assert_none};

/// No services: machinery, the outside world, and the binary.
const NOT_SERVICES: [&str; 3] = ["kit", "simulator", "schoolbell"];
/// They serve people's browsers over HTTP instead of other services over gRPC.
const PAGES: [&str; 2] = ["website", "console"];
const PAGES_PARTS: [&str; 3] = ["lib", "http", "store"];
const PARTS: [&str; 5] = ["lib", "api", "reactions", "domain", "store"];
const README_LINES: usize = 40;
const README_SAYS: [&str; 5] = ["Owns", "Asked", "Hears", "Says", "Never"];

fn services_are_alike(tree: &Tree) -> Vec<Finding> {
    let services = tree.service_folders();
    services
        .into_iter()
        .filter(|name| !NOT_SERVICES.contains(name))
        .flat_map(|name| differences(tree, name))
        .collect()
}

/// Where a newcomer or an operator looks for the list of services.
const LISTS: [&str; 5] =
    ["README.md", "services/README.md", "deploy/schoolbell.toml", "deploy/nats.conf", "docker-compose.yml"];
/// The one image is built from all of them.
const IMAGE: &str = "deploy/Dockerfile";

fn services_stand_in_every_list(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for path in LISTS {
        let Some(list) = tree.get(path) else {
            findings.push(Finding::missing(path, "is missing"));
            continue;
        };
        let services = tree.service_folders().into_iter().filter(|name| !NOT_SERVICES.contains(name));
        let forgotten = services.filter(|name| !list.text.contains(name));
        findings.extend(forgotten.map(|name| list.finding(1, format!("does not name {name}"))));
    }
    let whole = tree.get(IMAGE).is_some_and(|image| {
        image.text.lines().filter_map(|line| line.strip_prefix("COPY ")).any(|copy| {
            let sources = copy.trim_end().rsplit_once(' ').map_or("", |(sources, _)| sources);
            sources.split_whitespace().any(takes_all)
        })
    });
    if !whole {
        findings.push(Finding::missing(IMAGE, "does not copy all services"));
    }
    findings
}

fn takes_all(word: &str) -> bool {
    matches!(word.trim_end_matches('/'), "." | "services" | "./services")
}

fn differences(tree: &Tree, name: &str) -> Vec<Finding> {
    let folder = format!("services/{name}");
    let path = format!("{folder}/README.md");
    let readme = tree.get(&path).map_or("", |source| source.text.as_str());
    let excused = |part: &str| {
        let mut differs =
            readme.lines().filter(|line| line.trim_start_matches(['-', '*', ' ']).starts_with("Differs:"));
        differs.any(|line| line.contains(part))
    };
    let parts: &[&str] = if PAGES.contains(&name) { &PAGES_PARTS } else { &PARTS };
    let stands = |part: &str| {
        let module = format!("{folder}/src/{part}");
        tree.get(&format!("{module}.rs")).is_some() || tree.get(&format!("{module}/mod.rs")).is_some()
    };
    let missing = parts.iter().filter(|part| !stands(part) && !excused(part));
    let mut findings: Vec<Finding> = missing
        .map(|part| {
            Finding::missing(
                &folder,
                format!("has no src/{part} and no line 'Differs: … {part} …' in its README"),
            )
        })
        .collect();
    if readme.is_empty() {
        findings.push(Finding::missing(&path, "is missing"));
        return findings;
    }
    if readme.lines().count() > README_LINES {
        findings.push(Finding {
            path: path.clone(),
            line: README_LINES,
            what: format!("is over {README_LINES} lines"),
        });
    }
    let says = |word: &str| {
        readme
            .lines()
            .any(|line| line.starts_with('#') && line.contains(word) || line.contains(&format!("**{word}")))
    };
    let silent = README_SAYS.iter().filter(|word| !says(word));
    findings.extend(
        silent.map(|word| Finding::missing(&path, format!("does not say what it {}", word.to_lowercase()))),
    );
    findings
}

#[test]
fn every_service_has_the_same_parts_and_says_the_same_things() {
    assert_none(&services_are_alike(&Tree::real()));
}

#[test]
fn every_service_stands_in_the_map_and_in_the_configuration() {
    assert_none(&services_stand_in_every_list(&Tree::real()));
}

#[test]
fn a_service_that_a_list_forgot_is_found() {
    let count = |files: &[(&str, &str)]| {
        let service = ("services/bell/Cargo.toml", "");
        services_stand_in_every_list(&Tree::of(&[&[service], files].concat())).len()
    };
    let lists = LISTS.map(|path| (path, "[bell]"));
    let all = [&lists[..], &[(IMAGE, "COPY services services")]].concat();
    assert_eq!(count(&all), 0);
    for path in LISTS {
        let without: Vec<_> = all.iter().copied().filter(|(other, _)| *other != path).collect();
        assert_eq!(count(&without), 1, "{path} is missing");
        let silent: Vec<_> = [&without[..], &[(path, "")]].concat();
        assert_eq!(count(&silent), 1, "{path} does not name it");
    }
    assert_eq!(count(&lists), 1, "no image");
    assert_eq!(count(&[&lists[..], &[(IMAGE, "COPY services/bell .")]].concat()), 1, "an image of one");
}

#[test]
fn a_service_that_differs_without_saying_so_is_found() {
    let readme = "# Bell\n\n**Owns** a\n## Asked\n## Hears\n## Says\n- **Never:** b\n";
    let count = |readme: &str| {
        let files = [
            ("services/bell/Cargo.toml", ""),
            ("services/bell/src/lib.rs", ""),
            ("services/bell/src/api/mod.rs", ""),
            ("services/bell/src/domain.rs", ""),
            ("services/bell/src/store.rs", ""),
            ("services/bell/README.md", readme),
            ("services/kit/Cargo.toml", ""),
        ];
        services_are_alike(&Tree::of(&files)).len()
    };
    assert_eq!(count(readme), 1, "no reactions");
    assert_eq!(count(&format!("{readme}Differs: no reactions, for it hears nothing.\n")), 0);
    assert_eq!(count(&format!("{readme}Differs: no store.\n")), 1, "says the wrong thing");
    assert_eq!(count(&readme.replace("## Says\n", "")), 2, "silent on what it says");
    assert_eq!(count(&format!("{readme}{}", "\n".repeat(40))), 2, "too long");
    assert_eq!(count(""), 2, "no README");
}
