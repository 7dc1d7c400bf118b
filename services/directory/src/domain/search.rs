//! Finding people by the beginnings of their names, as somebody types.

use kit::words::words;

/// What was typed.
#[derive(Debug, Clone)]
pub struct Query(Vec<String>);

impl Query {
    /// The words of it; none when there is no letter and no digit in it.
    pub fn read(text: &str) -> Option<Self> {
        let words = words(text);
        (!words.is_empty()).then_some(Self(words))
    }

    /// Whether every word of it is the beginning of a word in one of these.
    pub fn finds<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> bool {
        let names: Vec<String> = names.into_iter().flat_map(words).collect();
        self.0.iter().all(|typed| names.iter().any(|name| name.starts_with(typed.as_str())))
    }
}

/// By family name, then by the other, as people look for them in a list.
pub fn order(family_name: &str, other_name: &str) -> (Vec<String>, Vec<String>) {
    (words(family_name), words(other_name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_that_was_typed_begins_some_word_of_the_names() {
        for (typed, finds) in [
            ("am", true),
            ("SUT", true),
            ("sutton amy", true),
            ("amy 3", true),
            ("zoe", true),
            ("amz", false),
            ("utton", false),
            ("amy ben", false),
        ] {
            let query = Query::read(typed).unwrap();
            assert_eq!(query.finds(["Amy Zoë", "Sutton", "3B"]), finds, "{typed}");
        }
        assert!(Query::read(" .'- ").is_none());
    }

    #[test]
    fn the_order_is_that_of_a_list_of_names() {
        let mut names = [("Zábransky", "Al"), ("adams", "Zoe"), ("Adams", "Amy")];
        names.sort_by_key(|(family, other)| order(family, other));
        assert_eq!(names, [("Adams", "Amy"), ("adams", "Zoe"), ("Zábransky", "Al")]);
    }
}
