//! What the generator knows of a family: children, the adults around them, and the bond between each adult and each child.
//!
//! A [`Family`] refers to its own members by position; ids come when all families are put together in [`roster`](crate::roster).

/// The classes, two for each year group from Reception (R) to Year 6: name and number of seats.
pub const CLASSES: [(&str, usize); 14] = [
    ("Apple", 30),
    ("Rowan", 30),
    ("Hazel", 29),
    ("Willow", 30),
    ("Cherry", 30),
    ("Maple", 31),
    ("Birch", 30),
    ("Alder", 30),
    ("Beech", 29),
    ("Larch", 31),
    ("Aspen", 30),
    ("Poplar", 30),
    ("Oak", 30),
    ("Sycamore", 30),
];

/// The year group of a class, 0 for Reception.
pub fn year_of(class: usize) -> usize {
    class / 2
}

/// As the birth certificate says; it decides names here, nothing else.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Sex {
    /// Written `female`.
    Female,
    /// Written `male`.
    Male,
}

/// What an adult is to a child, in the words of contacts.csv.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Mother,
    Father,
    Parent,
    StepParent,
    Guardian,
    FosterCarer,
    Grandparent,
    Relative,
    Childminder,
    Friend,
    Other,
}

/// Parental responsibility as the school has it on file, in the words of contacts.csv.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Responsibility {
    Yes,
    No,
    Unknown,
}

/// Where an adult stands to a child's home.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The child lives with this adult, perhaps only for a part of the week.
    Home,
    /// The child does not live with this adult.
    Away,
    /// Only to be rung when nobody else can be reached.
    EmergencyOnly,
}

/// What a court or the police have limited, with the paper that says so.
#[derive(Clone, Copy)]
pub struct Restriction {
    /// `no_child_information` or `no_contact`.
    pub kind: &'static str,
    /// The paper that the school has seen.
    pub evidence: &'static str,
    /// ISO date.
    pub from: &'static str,
    /// ISO date, or empty for as long as nobody ends it.
    pub until: &'static str,
}

/// The bond between an adult and one child of the family.
#[derive(Clone, Copy)]
pub struct Bond {
    /// The child's position in its family.
    pub child: usize,
    /// What the adult is to that child.
    pub role: Role,
    /// Whether the adult has parental responsibility for that child.
    pub responsibility: Responsibility,
    /// Where the adult stands to that child's home.
    pub standing: Standing,
    /// What is limited between the two, if anything.
    pub restriction: Option<Restriction>,
}

/// A child at the school.
pub struct Child {
    /// The given name in the admission register.
    pub given: &'static str,
    /// The name that the child is called by, if another.
    pub called: Option<&'static str>,
    /// The surname.
    pub surname: &'static str,
    /// Decides the surname's form and the demographics row.
    pub sex: Sex,
    /// A position in [`CLASSES`].
    pub class: usize,
    /// ISO date.
    pub born: String,
    /// Why no automation may run about this child, if so.
    pub person_only: Option<&'static str>,
}

/// Whether an adult can use a voice call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Hearing {
    /// Can be rung up.
    Voice,
    /// Deaf: never a voice call.
    NoVoice,
}

/// An adult whom the school may have to tell something.
pub struct Adult {
    /// The given name.
    pub given: &'static str,
    /// The surname.
    pub surname: &'static str,
    /// BCP 47 tag.
    pub language: &'static str,
    /// Whether a voice call is of any use.
    pub hearing: Hearing,
    /// The first mobile, in national format.
    pub mobile: Option<String>,
    /// A second number, mobile or landline, in national format.
    pub second: Option<String>,
    /// The mailbox, perhaps shared with another adult of the family.
    pub email: Option<String>,
    /// One for each child that the adult has to do with.
    pub bonds: Vec<Bond>,
}

impl Adult {
    /// An adult who can be rung up, without addresses and bonds as yet.
    pub fn new(given: &'static str, surname: &'static str, language: &'static str) -> Self {
        let hearing = Hearing::Voice;
        Self { given, surname, language, hearing, mobile: None, second: None, email: None, bonds: Vec::new() }
    }

    /// Binds the adult to these children of the family, in one and the same way.
    pub fn of(
        mut self,
        children: std::ops::Range<usize>,
        role: Role,
        responsibility: Responsibility,
        standing: Standing,
    ) -> Self {
        let bond = |child| Bond { child, role, responsibility, standing, restriction: None };
        self.bonds.extend(children.map(bond));
        self
    }

    /// Puts a restriction on every bond that the adult has so far.
    pub fn restricted(mut self, restriction: Restriction) -> Self {
        for bond in &mut self.bonds {
            bond.restriction = Some(restriction);
        }
        self
    }
}

/// A line of the demo morning's cast; members by their position in the family.
pub struct CastLine {
    /// The name by which the demo's script finds the line.
    pub part: &'static str,
    /// The child it is about.
    pub child: usize,
    /// The adult that the part turns on, if one does.
    pub adult: Option<usize>,
    /// The address that the part turns on, if one does.
    pub address: Option<String>,
    /// What should happen, in a sentence.
    pub note: &'static str,
}

/// Children who share adults.
#[derive(Default)]
pub struct Family {
    /// The children at this school.
    pub children: Vec<Child>,
    /// In the order in which the school would ring them.
    pub adults: Vec<Adult>,
    /// The family's lines in the cast of the demo morning.
    pub cast: Vec<CastLine>,
}
