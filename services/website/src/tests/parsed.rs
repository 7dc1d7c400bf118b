//! The documents as others read them: each by a parser that knows nothing of how we write.
//!
//! HTML by html5ever, the parser of Servo; Atom by roxmltree; the calendar by `icalendar`, which is
//! still worked on, where `ical` has been in maintenance mode for years.

use html5ever::tendril::TendrilSink;
use html5ever::{ParseOpts, parse_document};
use icalendar::{CalendarComponent, Component};
use markup5ever_rcdom::{Handle, NodeData, RcDom};

/// An element of an HTML page.
#[derive(Debug, Clone)]
pub struct Element {
    pub name: String,
    pub attributes: Vec<(String, String)>,
    pub text: String,
}

impl Element {
    pub fn attribute(&self, name: &str) -> &str {
        self.attributes.iter().find(|(other, _)| other == name).map_or("", |(_, value)| value.as_str())
    }
}

/// Every element of a page, in its order. A page that a parser has to mend fails.
pub fn html(text: &str) -> Vec<Element> {
    let dom = parse_document(RcDom::default(), ParseOpts::default()).one(text);
    assert!(dom.errors.borrow().is_empty(), "{:?} in {text}", dom.errors.borrow());
    let mut elements = Vec::new();
    collect(&dom.document, &mut elements);
    elements
}

fn collect(node: &Handle, elements: &mut Vec<Element>) {
    if let NodeData::Element { name, attrs, .. } = &node.data {
        let attributes = attrs.borrow();
        let attributes = attributes
            .iter()
            .map(|attribute| (attribute.name.local.to_string(), attribute.value.to_string()));
        let name = name.local.to_string();
        elements.push(Element { name, attributes: attributes.collect(), text: text_of(node) });
    }
    node.children.borrow().iter().for_each(|child| collect(child, elements));
}

fn text_of(node: &Handle) -> String {
    match &node.data {
        NodeData::Text { contents } => contents.borrow().to_string(),
        _ => node.children.borrow().iter().map(text_of).collect(),
    }
}

/// The texts of the elements of one name.
pub fn texts(elements: &[Element], name: &str) -> Vec<String> {
    elements.iter().filter(|element| element.name == name).map(|element| element.text.clone()).collect()
}

/// The texts of a feed's elements of one name, from anywhere in it.
pub fn atom(text: &str, name: &str) -> Vec<String> {
    let document = roxmltree::Document::parse(text).unwrap();
    let root = document.root_element();
    assert_eq!(
        (root.tag_name().name(), root.tag_name().namespace()),
        ("feed", Some("http://www.w3.org/2005/Atom"))
    );
    let found = root.descendants().filter(|node| node.has_tag_name(("http://www.w3.org/2005/Atom", name)));
    found.map(|node| node.text().unwrap_or_default().to_owned()).collect()
}

/// Relation and address of a feed's links, from anywhere in it.
pub fn atom_links(text: &str) -> Vec<(String, String)> {
    let document = roxmltree::Document::parse(text).unwrap();
    let links = document.descendants().filter(|node| node.has_tag_name("link"));
    let attribute = |node: &roxmltree::Node<'_, '_>, name| node.attribute(name).unwrap().to_owned();
    links.map(|link| (attribute(&link, "rel"), attribute(&link, "href"))).collect()
}

/// Fails where an element is missing, or stands twice, that feed and entries must have once.
pub fn atom_is_complete(text: &str) {
    let document = roxmltree::Document::parse(text).unwrap();
    let feed = document.root_element();
    let entries = feed.children().filter(|node| node.has_tag_name("entry"));
    let mut ids = std::collections::BTreeSet::new();
    for node in std::iter::once(feed).chain(entries) {
        let mut texts = ["id", "title", "updated"].map(|name| {
            let mut found = node.children().filter(|child| child.has_tag_name(name));
            let text = found.next().and_then(|child| child.text()).unwrap_or_else(|| panic!("no {name}"));
            assert!(found.next().is_none(), "two of {name}");
            text
        });
        let [id, title, updated] = &mut texts;
        assert!(ids.insert(id.to_owned()) && id.starts_with("urn:uuid:"), "{id}");
        assert!(!title.trim().is_empty());
        updated.parse::<jiff::Timestamp>().unwrap();
    }
    let author = feed.children().find(|node| node.has_tag_name("author")).expect("an author");
    assert!(author.children().any(|node| node.has_tag_name("name")));
}

/// The calendar's name, and day, words and id of every event.
pub fn ics(text: &str) -> (String, Vec<(String, String, String)>) {
    assert!(text.ends_with("\r\n") && !text.replace("\r\n", "").contains(['\r', '\n']), "bare line ends");
    assert!(text.split("\r\n").all(|line| line.len() <= 75), "a line is too long");
    let calendar: icalendar::Calendar = text.parse().unwrap();
    let name = calendar.property_value("X-WR-CALNAME").unwrap_or_default().to_owned();
    let event = |component: &CalendarComponent| {
        let CalendarComponent::Event(event) = component else { panic!("only events") };
        assert!(event.get_timestamp().is_some());
        let day = event.properties().get("DTSTART").unwrap();
        assert_eq!(day.params().get("VALUE").unwrap().value(), "DATE");
        let summary = event.get_summary().unwrap().to_owned();
        (day.value().to_owned(), summary, event.get_uid().unwrap().to_owned())
    };
    (name, calendar.components.iter().map(event).collect())
}
