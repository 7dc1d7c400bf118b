//! Pages of a list: a size with a cap, and an opaque token that remembers where it stopped and
//! what was asked for. A token carries no authority.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::fingerprint;
use crate::rejection::Rejection;

const DEFAULT: u64 = 50;
const MOST: u64 = 500;

/// Which page is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// How many rows.
    pub size: u64,
    /// The key after which it starts; none is the beginning.
    pub after: Option<String>,
    arguments: String,
}

impl Page {
    /// Reads `page_size` and `page_token`. `arguments` is everything else that was asked for: a
    /// token is refused when it comes with other arguments than those that it was made for.
    pub fn read(size: i32, token: &str, arguments: &str) -> Result<Self, Rejection> {
        let size = match u64::try_from(size) {
            Err(_) => {
                return Err(Rejection::invalid("INVALID_PAGE_SIZE", "page_size", "must not be negative"));
            }
            Ok(0) => DEFAULT,
            Ok(size) => size.min(MOST),
        };
        let arguments = short_hash(arguments);
        if token.is_empty() {
            return Ok(Self { size, after: None, arguments });
        }
        let refused =
            || Rejection::invalid("INVALID_PAGE_TOKEN", "page_token", "is not a token of this list");
        let decoded = URL_SAFE_NO_PAD.decode(token).map_err(|_| refused())?;
        let text = String::from_utf8(decoded).map_err(|_| refused())?;
        if text.chars().any(char::is_control) {
            return Err(refused());
        }
        let (hash, after) = text.split_once(' ').ok_or_else(refused)?;
        if hash != arguments {
            return Err(refused());
        }
        Ok(Self { size, after: Some(after.to_owned()), arguments })
    }

    /// Cuts rows that were read with a limit of `size + 1` to the page, and makes the next token.
    pub fn cut<T>(&self, mut rows: Vec<T>, key: impl Fn(&T) -> String) -> (Vec<T>, String) {
        let size = usize::try_from(self.size).unwrap_or(usize::MAX);
        let more = rows.len() > size;
        rows.truncate(size);
        let token = rows.last().filter(|_| more).map_or_else(String::new, |last| {
            URL_SAFE_NO_PAD.encode(format!("{} {}", self.arguments, key(last)))
        });
        (rows, token)
    }
}

fn short_hash(text: &str) -> String {
    fingerprint::of(&[text.as_bytes()]).chars().take(16).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_walked_to_its_end() {
        let all: Vec<u32> = (1..=7).collect();
        let (mut token, mut walked) = (String::new(), Vec::new());
        loop {
            let page = Page::read(3, &token, "class=1").unwrap();
            let after: u32 = page.after.as_deref().unwrap_or("0").parse().unwrap();
            let rows: Vec<u32> = all.iter().copied().filter(|row| *row > after).take(4).collect();
            let (rows, next) = page.cut(rows, u32::to_string);
            walked.extend(rows);
            if next.is_empty() {
                break;
            }
            token = next;
        }
        assert_eq!(walked, all);
    }

    #[test]
    fn a_token_for_other_arguments_is_refused() {
        let (_, token) = Page::read(1, "", "class=1").unwrap().cut(vec![1, 2], i32::to_string);
        assert!(Page::read(1, &token, "class=1").is_ok());
        for (size, token, arguments) in [(1, token.as_str(), "class=2"), (1, "rubbish", ""), (-1, "", "")] {
            assert!(Page::read(size, token, arguments).is_err());
        }
    }

    #[test]
    fn a_page_is_never_larger_than_the_cap() {
        assert_eq!(Page::read(0, "", "").unwrap().size, DEFAULT);
        assert_eq!(Page::read(9_999, "", "").unwrap().size, MOST);
    }
}
