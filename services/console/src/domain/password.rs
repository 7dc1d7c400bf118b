//! What a password must be, as the National Cyber Security Centre advises: long enough, and not what
//! everybody can see beside it. No rules about digits and signs, and it never has to be changed.

/// Characters.
const SHORTEST: usize = 12;
const LONGEST: usize = 200;

/// What is wrong with a password, in words beside its field.
pub fn fault(password: &str, username: &str) -> Option<String> {
    let characters = password.chars().count();
    if characters < SHORTEST {
        return Some(format!("Use at least {SHORTEST} characters. Three random words are good"));
    }
    if characters > LONGEST {
        return Some(format!("Use at most {LONGEST} characters"));
    }
    let (plain, name) = (password.to_lowercase(), username.to_lowercase());
    if !name.is_empty() && plain.contains(&name) {
        return Some("Do not use your user name in your password".to_owned());
    }
    let mut letters = plain.chars();
    let first = letters.next();
    if letters.all(|letter| Some(letter) == first) {
        return Some("Use more than one character".to_owned());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_long_and_not_what_stands_beside_it() {
        assert_eq!(fault("rabbit lamp snow", "j.okafor"), None);
        for bad in ["", "elevenchars", "aaaaaaaaaaaaa", "J.Okafor is the best", &"x1".repeat(101)] {
            assert!(fault(bad, "j.okafor").is_some(), "{bad}");
        }
    }
}
