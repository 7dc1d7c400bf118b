//! Other children's names in a text that goes home: an account names nobody but its own child.
//!
//! A first name counts when all of it stands there as whole words, in any capitals and with or
//! without its accents, hyphens and apostrophes; `Ben's` names Ben. Names that are words too (Will,
//! Grace) count as well: a person then says that they were checked. Scripts that write no spaces
//! between words are beyond it.

use std::collections::BTreeSet;
use std::ops::Range;

use kit::words::words;
use proto::ids::PupilId;

use super::Roll;

/// The first names around one child.
#[derive(Debug, Clone)]
pub struct Names {
    own: Spellings,
    others: Spellings,
}

impl Names {
    /// The names of everybody on roll, seen from one child. A child who has left the roll has no
    /// name of its own here.
    #[must_use]
    pub fn around(pupil_id: PupilId, roll: &Roll) -> Self {
        let mut own = Spellings::default();
        roll.get(&pupil_id).into_iter().for_each(|name| own.add(name));
        let mut others = Spellings::default();
        roll.iter().filter(|(id, _)| **id != pupil_id).for_each(|(_, name)| others.add(name));
        Self { own, others }
    }

    /// Whether another child's first name stands in the text. One that stands only inside the
    /// child's own (Anne in Anne-Marie) does not.
    #[must_use]
    pub fn another_stands_in(&self, text: &str) -> bool {
        let words = words(text);
        let own = self.own.places(&words);
        let is_own =
            |place: &Range<usize>| own.iter().any(|own| own.start <= place.start && place.end <= own.end);
        !self.others.places(&words).iter().all(is_own)
    }
}

/// Names as the words that they are written in.
#[derive(Debug, Clone, Default)]
struct Spellings {
    spelt: BTreeSet<Vec<String>>,
    /// How many words the longest has.
    longest: usize,
}

impl Spellings {
    /// A name of several words may also be written as one.
    fn add(&mut self, name: &str) {
        let words = words(name);
        if words.is_empty() {
            return;
        }
        self.longest = self.longest.max(words.len());
        self.spelt.insert(vec![words.concat()]);
        self.spelt.insert(words);
    }

    /// Where among the words one of them stands.
    fn places(&self, words: &[String]) -> Vec<Range<usize>> {
        let starts = 0..words.len();
        let places = starts.flat_map(|start| (1..=self.longest).map(move |length| start..start + length));
        places
            .filter(|place| words.get(place.clone()).is_some_and(|words| self.spelt.contains(words)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(own: &str, other: &str, text: &str) -> bool {
        let (child, neighbour) = (PupilId::generate(), PupilId::generate());
        let roll = Roll::from([(child, own.to_owned()), (neighbour, other.to_owned())]);
        Names::around(child, &roll).another_stands_in(text)
    }

    #[test]
    fn another_childs_first_name_is_found_as_a_whole_word() {
        for (other, text) in [
            ("Ben", "Ben pushed her"),
            ("Ben", "ran into BEN."),
            ("ben", "hit by Ben's elbow"),
            ("Ben", "hit by Ben’s elbow"),
            ("Ben", "(ben)"),
            ("Ben", "Ben/another child"),
            ("Mary Jane", "collided with Mary  Jane"),
            ("Mary Jane", "collided with mary-jane"),
            ("Mary Jane", "collided with Maryjane"),
            ("Anne-Marie", "collided with Anne Marie"),
            ("Anne-Marie", "collided with ANNE\u{2011}MARIE"),
            ("Jean Luc Marie", "Jean-Luc Marie fell on her"),
            ("D'Arcy", "D’Arcy threw the ball"),
            ("D’Arcy", "darcy threw the ball"),
            ("Zoë", "zoe fell too"),
            ("Zoe", "Zoe\u{308} fell too"),
            ("Michał", "MICHAL fell too"),
            ("Işıl", "IŞIL fell too"),
            ("İpek", "ipek fell too"),
            ("Ben", "B\u{ad}en fell too"),
            ("Σπύρος", "ΣΠΥΡΟΣ fell too"),
            ("Will", "it will be fine"),
        ] {
            assert!(finds("Amy", other, text), "{other} in {text}");
        }
    }

    #[test]
    fn parts_of_words_and_of_names_are_no_names() {
        for (other, text) in [
            ("Ben", "sat on the bench"),
            ("Ben", "Benjamin is nobody here"),
            ("Ina", "fell in a puddle"),
            ("Mary Jane", "Mary is not her name, nor is Jane"),
            ("D'Arcy", "d and arcy"),
            ("", "nobody"),
            (" - ", "nobody - at all"),
            ("Ben", ""),
        ] {
            assert!(!finds("Amy", other, text), "{other} in {text}");
        }
    }

    #[test]
    fn the_childs_own_name_is_no_other_childs() {
        for (own, other, text) in [
            ("Amy", "Amy", "Amy fell"),
            ("Amy", "AMY", "amy fell"),
            ("Anne-Marie", "Anne", "Anne-Marie fell on Anne Marie's arm"),
            ("Mary Jane", "Jane", "Mary Jane fell"),
        ] {
            assert!(!finds(own, other, text), "{own} beside {other}: {text}");
        }
        for (own, other, text) in [
            ("Jane", "Mary Jane", "pushed by Mary Jane"),
            ("Anne", "Anne-Marie", "pushed by Anne-Marie"),
            ("Anne-Marie", "Anne", "Anne-Marie was pushed by Anne"),
        ] {
            assert!(finds(own, other, text), "{own} beside {other}: {text}");
        }
    }

    #[test]
    fn of_a_child_who_left_every_name_on_roll_is_anothers() {
        let roll = Roll::from([(PupilId::generate(), "Amy".to_owned())]);
        assert!(Names::around(PupilId::generate(), &roll).another_stands_in("Amy fell"));
    }
}
