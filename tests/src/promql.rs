//! PromQL, read just far enough to say which metrics and labels an expression asks for, and Prometheus'
//! text format, read for what is exported. What this does not know is an error, not a guess.

use std::collections::{BTreeMap, BTreeSet};

/// The functions and aggregations that our expressions use.
const FUNCTIONS: [&str; 9] =
    ["absent", "histogram_quantile", "increase", "max", "min", "rate", "sum", "time", "vector"];
/// What stands before a list of labels.
const GROUPINGS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];
const OPERATORS: [&str; 5] = ["and", "or", "unless", "bool", "offset"];

/// What an expression asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// The metrics, with the labels that choose among their series.
    pub metrics: BTreeMap<String, BTreeSet<String>>,
    /// The labels by which they are grouped.
    pub grouped_by: BTreeSet<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Sign(char),
}

/// Reads an expression.
pub fn asked(expression: &str) -> Result<Asked, String> {
    let tokens = tokens(expression)?;
    let (mut asked, mut depth, mut at) = (Asked::default(), 0_i32, 0);
    while let Some(token) = tokens.get(at) {
        let next = tokens.get(at + 1);
        let calls = next == Some(&Token::Sign('('));
        match token {
            Token::Sign('(') => depth += 1,
            Token::Sign(')') => depth -= 1,
            Token::Sign(_) => {}
            Token::Word(word) if GROUPINGS.contains(&word.as_str()) => {
                let (labels, end) = list(&tokens, at + 1, ')')?;
                asked.grouped_by.extend(labels);
                at = end;
            }
            Token::Word(word) if OPERATORS.contains(&word.as_str()) => {}
            Token::Word(word) if FUNCTIONS.contains(&word.as_str()) => {
                let grouped = matches!(next, Some(Token::Word(word)) if GROUPINGS.contains(&word.as_str()));
                if !calls && !grouped {
                    return Err(format!("{word} is not called"));
                }
            }
            Token::Word(word) if calls => return Err(format!("{word} is no function known here")),
            Token::Word(word) => {
                let labels = asked.metrics.entry(word.clone()).or_default();
                if next == Some(&Token::Sign('{')) {
                    let (chosen, end) = list(&tokens, at + 1, '}')?;
                    labels.extend(chosen);
                    at = end;
                }
            }
        }
        at += 1;
    }
    if depth == 0 { Ok(asked) } else { Err("its parentheses do not match".to_owned()) }
}

/// The words between an opening sign and `closing`, and where that stands.
fn list(tokens: &[Token], open: usize, closing: char) -> Result<(BTreeSet<String>, usize), String> {
    let end = tokens.iter().skip(open).position(|token| *token == Token::Sign(closing));
    let end = open + end.ok_or("a list does not end")?;
    let inside = tokens.get(open + 1..end).unwrap_or_default();
    if inside.iter().any(|token| matches!(token, Token::Sign('(' | '{'))) {
        return Err("a list holds another".to_owned());
    }
    let words = inside.iter().filter_map(|token| match token {
        Token::Word(word) => Some(word.clone()),
        Token::Sign(_) => None,
    });
    Ok((words.collect(), end))
}

/// Words and signs, without numbers, texts and ranges.
fn tokens(expression: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut letters = expression.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            ' ' | '\n' => {}
            '"' => while letters.next().ok_or("a text does not end")? != '"' {},
            '[' => while letters.next().ok_or("a range does not end")? != ']' {},
            '0'..='9' => {
                while letters.next_if(|next| next.is_ascii_alphanumeric() || *next == '.').is_some() {}
            }
            'a'..='z' | 'A'..='Z' | '_' => {
                let mut word = String::from(letter);
                while let Some(next) = letters.next_if(|next| next.is_ascii_alphanumeric() || *next == '_') {
                    word.push(next);
                }
                tokens.push(Token::Word(word));
            }
            '(' | ')' | '{' | '}' | ',' | '=' | '!' | '~' | '<' | '>' | '+' | '-' | '*' | '/' => {
                tokens.push(Token::Sign(letter));
            }
            other => return Err(format!("{other} is not known here")),
        }
    }
    Ok(tokens)
}

/// The labels of every series, by the name of its metric as a query spells it.
pub fn exported(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut exported: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let series = line.rsplit_once(' ').map_or(line, |(series, _)| series);
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let labels = labels.trim_end_matches('}').split("\",");
        let names = labels.filter_map(|pair| pair.split_once('=').map(|(label, _)| label.to_owned()));
        exported.entry(name.to_owned()).or_default().extend(names);
    }
    exported
}

/// The names of the metrics that are described, whatever their series are called.
pub fn described(text: &str) -> BTreeSet<String> {
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    types.filter_map(|line| line.split_once(' ').map(|(name, _)| name.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(words: &[&str]) -> BTreeSet<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn metrics_their_labels_and_groups_are_found_and_nothing_else() {
        let found = asked(
            "histogram_quantile(0.95, sum by (channel, le) (rate(a_seconds_bucket{lane=\"urgent\", x!~\"y\"}[5m]))) > 5 \
             and sum(rate(b_total[$__rate_interval])) == 0",
        );
        let metrics = [("a_seconds_bucket", &["lane", "x"][..]), ("b_total", &[])];
        let metrics = metrics.map(|(name, labels)| (name.to_owned(), set(labels)));
        assert_eq!(found, Ok(Asked { metrics: metrics.into(), grouped_by: set(&["channel", "le"]) }));
        assert_eq!(asked("time() - max(a)").unwrap().metrics.keys().collect::<Vec<_>>(), ["a"]);
    }

    #[test]
    fn what_cannot_be_read_is_an_error() {
        for wrong in ["sum(a", "rat(a[5m])", "sum by (a (b)", "a{b=\"c}", "a[5m", "sum", "a # b"] {
            assert!(asked(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_exported_is_found() {
        let text = "# HELP a_total A.\n# TYPE a_total counter\na_total{b=\"x, y\",c=\"1\"} 3\n\n# TYPE d gauge\nd 1e-3\n";
        let exported = exported(text);
        assert_eq!(exported["a_total"], set(&["b", "c"]));
        assert_eq!(exported["d"], set(&[]));
        assert_eq!(described(text), set(&["a_total", "d"]));
    }
}
