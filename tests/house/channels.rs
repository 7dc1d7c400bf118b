//! Channels: one provider, one file, and its name wherever a list of channels is written down.

use syn::spanned::Spanned;

use crate::{
    rust,
    tree::{Finding, Source, Tree, assert_none},
};

const FOLDER: &str = "services/dispatcher/src/channels/";

/// The files that implement a channel; what several of them share stands beside them and is none.
fn channels(tree: &Tree) -> Vec<&Source> {
    let implements = |source: &&Source| {
        let Ok(file) = rust::parse(source) else { return false };
        file.items.iter().any(|item| match item {
            syn::Item::Impl(item) => {
                let of = item.trait_.as_ref().and_then(|(of, _)| of.segments.last());
                of.is_some_and(|of| of.ident == "Channel")
            }
            _ => false,
        })
    };
    tree.under(FOLDER, ".rs")
        .filter(|source| !matches!(source.stem(), "mod" | "contract"))
        .filter(implements)
        .collect()
}

fn every_channel_stands_in_every_list(tree: &Tree) -> Vec<Finding> {
    let all = tree.get(&format!("{FOLDER}mod.rs")).and_then(body_of_all).unwrap_or_default();
    let text = |path: &str| tree.get(path).map_or("", |source| source.text.as_str());
    let mut findings = Vec::new();
    for source in channels(tree) {
        let stem = source.stem();
        // email_smtp is email.smtp: a medium and its provider.
        let name = stem.replacen('_', ".", 1);
        let contract = format!("{FOLDER}contract.rs");
        let lists = [
            ("all()", all.contains(stem)),
            (
                "deploy/schoolbell.toml",
                [stem, &name].iter().any(|name| text("deploy/schoolbell.toml").contains(name)),
            ),
            ("the dispatcher's README", text("services/dispatcher/README.md").contains(&name)),
            ("the contract test", [stem, &name].iter().any(|name| text(&contract).contains(name))),
        ];
        let missing = lists.into_iter().filter(|(_, stands)| !stands);
        findings
            .extend(missing.map(|(list, _)| source.finding(1, format!("{name} does not stand in {list}"))));
    }
    findings
}

fn body_of_all(source: &Source) -> Option<String> {
    let file = rust::parse(source).ok()?;
    file.items.iter().find_map(|item| match item {
        syn::Item::Fn(function) if function.sig.ident == "all" => {
            let (first, last) = (function.span().start().line, function.span().end().line);
            Some(source.text.lines().skip(first - 1).take(last + 1 - first).collect::<Vec<_>>().join("\n"))
        }
        _ => None,
    })
}

#[test]
fn every_channel_is_listed_configured_described_and_tested() {
    let tree = Tree::real();
    assert!(!channels(&tree).is_empty(), "no channel found: this rule sees nothing");
    assert_none(&every_channel_stands_in_every_list(&tree));
}

#[test]
fn a_channel_that_a_list_forgot_is_found() {
    let count = |all: &str, config: &str, readme: &str, contract: &str| {
        let tree = Tree::of(&[
            (
                "services/dispatcher/src/channels/mod.rs",
                &format!("mod sms_notify;\npub fn all() {{ {all} }}"),
            ),
            ("services/dispatcher/src/channels/sms_notify.rs", "impl super::Channel for SmsNotify {}"),
            ("services/dispatcher/src/channels/notify.rs", "pub struct Client;"),
            ("services/dispatcher/src/channels/contract.rs", contract),
            ("deploy/schoolbell.toml", config),
            ("services/dispatcher/README.md", readme),
        ]);
        every_channel_stands_in_every_list(&tree).len()
    };
    assert_eq!(
        count("sms_notify::open();", "[dispatcher.channels.sms_notify]", "sms.notify", "\"sms.notify\""),
        0
    );
    assert_eq!(count("", "[dispatcher.channels.sms_notify]", "sms.notify", "sms_notify"), 1);
    assert_eq!(count("", "", "", ""), 4);
}
