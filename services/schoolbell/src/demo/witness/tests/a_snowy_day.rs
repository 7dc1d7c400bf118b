//! A day in a small school as it should be: an accident, a collision, a letter to a class, and a
//! closure that is declared, extended and ended. Tests break it.

use super::*;

pub const ROBYN: &str = "pupil-0321";
pub const BERTIE: &str = "pupil-0281";
pub const KABIR: &str = "pupil-0267";
/// Nobody but a grandmother for emergencies.
pub const ALONE: &str = "pupil-0413";

pub const ROBYNS_MOTHER: &str = "jade.moore@example.org";
pub const ROBYNS_FATHER: &str = "+447700900462";
pub const ROBYNS_GRANDMOTHER: &str = "+447700900463";
pub const BERTIES_MOTHER: [&str; 2] = ["+447700900381", "catherine.green@example.test"];
pub const BERTIES_FATHER: &str = "+447700900382";
pub const KABIRS_MOTHER: &str = "+447700900383";
/// His mother reads it, and his father, who may not.
pub const KABIRS_MAILBOX: &str = "family.sharma@example.com";

pub const SCRAPE: [&str; 2] = ["Tripped over a rope.", "A plaster was put on."];
pub const BUMP: [&str; 2] = ["Bumped foreheads while playing tag.", "A cold compress."];
pub const GRAZE: [&str; 2] = ["Fell in a game.", "The knee was cleaned."];
pub const COLLECTION: &str = "Please collect your child from the hall at 12:30";
pub const LETTER: &str = "Please send a packed lunch on Friday.";
pub const TUESDAY: &str = "on the afternoon of Tuesday 24 November";
pub const BOTH_DAYS: &str = "from the afternoon of Tuesday 24 November to Wednesday 25 November";

impl Morning {
    pub fn snowy() -> Self {
        let mut day =
            Self { roster: small_school(), facts: Facts::default(), log: Vec::new(), ..Self::good() };
        day.tasks.clear();
        day.the_accidents();
        day.the_letter();
        day.the_closure();
        day
    }

    fn the_accidents(&mut self) {
        for (pupil, injury, [what, first_aid]) in
            [(ROBYN, Injury::Minor, SCRAPE), (BERTIE, Injury::Head, BUMP), (KABIR, Injury::Minor, GRAZE)]
        {
            let (pupil, what, first_aid) = (pupil.to_owned(), what.to_owned(), first_aid.to_owned());
            self.facts.accidents.push(Accident { pupil, injury, what, first_aid, asked_at: at(10.0) });
        }
        self.mail(11.0, ROBYNS_MOTHER, &minor("Robyn", SCRAPE));
        self.text(11.0, ROBYNS_FATHER, &looked_after("Robyn"));
        self.text(11.0, BERTIES_MOTHER[0], BUMPED);
        self.mail(11.0, BERTIES_MOTHER[1], &head("Bertie", BUMP));
        self.text(11.0, KABIRS_MOTHER, &looked_after("Kabir"));
        self.task(&[BERTIE, "contact-0591"]);
    }

    fn the_letter(&mut self) {
        self.facts.announcements.push(Announcement {
            scope: class_of(&self.roster, CHLOE),
            body: LETTER.to_owned(),
            text: LETTER.to_owned(),
            asked_at: at(20.0),
        });
        self.text(21.0, HUGHES_MOTHER, LETTER);
        self.mail(
            21.0,
            "sarah.hughes@example.org",
            &format!("{LETTER}\n\nElm Park Primary School\n01632 960001"),
        );
    }

    fn the_closure(&mut self) {
        let closed = |last_day| Is::Closed {
            first_day: DAY,
            from: Session::Afternoon,
            last_day,
            reason: "Heavy snow".to_owned(),
            collection: Some(COLLECTION.to_owned()),
        };
        let open = Is::Open { on: date(2026, 11, 25) };
        let stages = [(30.0, closed(DAY)), (40.0, closed(date(2026, 11, 25))), (50.0, open)]
            .map(|(second, is)| Stage { is, asked_at: at(second), answered_at: at(second + 0.1) });
        self.facts.closures.push(Closure { scope: Scope::WholeSchool, stages: stages.into() });
        self.tell_everybody(31.0, |barred| closed_words("School is closed", TUESDAY, barred));
        self.tell_everybody(41.0, |barred| closed_words("Update: school is now closed", BOTH_DAYS, barred));
        self.tell_everybody(51.0, |_| OPEN.to_owned());
        self.task(&["contact-0013", GRACE]);
        self.task(&[ALONE]);
    }

    /// At every address of everybody who is told of closures; whether somebody barred reads it.
    pub fn tell_everybody(&mut self, seconds: f64, words: impl Fn(bool) -> String) {
        let roster = self.roster.clone();
        let mut addresses = BTreeSet::new();
        for (contact, person) in &roster.contacts {
            let mut links = roster.links_of_contact(contact);
            if !links.any(|link| link.emergency_only || link.restriction == "no_contact") {
                addresses
                    .extend(person.addresses.iter().filter(|address| !address.starts_with("+441")).cloned());
            }
        }
        for address in addresses {
            let barred = roster.links_at(&address).any(|link| link.restriction != "none");
            self.tell(seconds, &address, &words(barred));
        }
    }
}

pub const BUMPED: &str = "Bertie has bumped their head at school. Please ring us now on 01632 960001.";
pub const OPEN: &str = "Good news: school is open on Wednesday 25 November. Please send your child as usual.";

pub fn closed_words(start: &str, days: &str, barred: bool) -> String {
    let collection = if barred { String::new() } else { format!(" {COLLECTION}.") };
    format!("{start} {days}: Heavy snow.{collection} We will tell you when school opens again.")
}

pub fn minor(name: &str, account: [&str; 2]) -> String {
    told("had a minor accident at school at 10:40 on Tuesday 24 November", name, account)
}

pub fn head(name: &str, account: [&str; 2]) -> String {
    told("bumped their head at school at 10:40 on Tuesday 24 November", name, account)
}

fn told(happened: &str, name: &str, [what, first_aid]: [&str; 2]) -> String {
    format!(
        "Dear parent or carer,\n\n{name} {happened} (Playground).\n\nWhat happened: {what}\n\nFirst aid given: \
         {first_aid}\n\nPlease ring us on 01632 960001.\n\nElm Park Primary School"
    )
}

pub fn looked_after(name: &str) -> String {
    format!(
        "{name} had a minor accident at school today and was looked after. To hear more, please ring us on 01632 960001."
    )
}

pub fn class_of(roster: &Roster, pupil: &str) -> Scope {
    Scope::Classes(BTreeSet::from([roster.pupils[pupil].class.clone()]))
}

/// A few pupils of the demo school, with everybody they have at home.
fn small_school() -> Roster {
    let pupils = [ROBYN, BERTIE, KABIR, ALONE, CHLOE, GRACE, ETHAN, LEO, "pupil-0042"];
    let of_them = |text: &str| {
        let mut lines = text.lines();
        let header = lines.next().unwrap().to_owned();
        let kept = lines.filter(|line| pupils.iter().any(|pupil| line.starts_with(&format!("{pupil},"))));
        std::iter::once(header.as_str()).chain(kept).collect::<Vec<_>>().join("\n")
    };
    let files = FILES.map(|(name, text)| match name {
        "pupils.csv" | "contacts.csv" => (name, of_them(text)),
        _ => (name, text.to_owned()),
    });
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    Roster::read(&files).unwrap()
}

#[test]
fn a_snowy_day_as_it_should_be_has_four_zeros() {
    Morning::snowy().has([0, 0, 0, 0]);
}

#[test]
fn the_father_without_child_information_hears_that_school_is_closed_and_not_where_children_are() {
    let day = Morning::snowy();
    let to_him = |words: &str| {
        let accepted = day.log.iter().filter_map(Entry::accepted);
        accepted.filter(|accepted| accepted.to == BARRED_FATHER && accepted.body.contains(words)).count()
    };
    assert_eq!((to_him("closed"), to_him("collect"), to_him("school is open")), (2, 0, 1));
}
