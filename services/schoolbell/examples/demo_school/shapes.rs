//! The shapes of families, and the papers on which the school keeps something from somebody.
//!
//! How many of each there are stands in [`town`](crate::town); who belongs to a family of a shape, in
//! [`households`](crate::households).

use crate::school::Restriction;

/// How a family lives, as far as it decides who may be told what.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Couple,
    DeafCouple,
    TwoMothers,
    TwoFathers,
    ParentsApart,
    LoneMother,
    LoneFather,
    StepFamily,
    FatherUnknown,
    AuntAtHome,
    Grandparents,
    FosterCare,
    FatherNoInformation,
    MotherNoInformation,
    FatherNoInformationSameMailbox,
    FatherNoContact,
    EmergencyOnlyAlone,
}

/// The father may be told nothing about the child, for as long as nobody ends it.
pub const CHILD_ARRANGEMENTS: Restriction = Restriction {
    kind: "no_child_information",
    evidence: "Child arrangements order of the Family Court, copy on file",
    from: "2025-03-14",
    until: "",
};
/// The same for a mother, until a day that the court has named.
pub const PROHIBITED_STEPS: Restriction = Restriction {
    kind: "no_child_information",
    evidence: "Prohibited steps order of the Family Court, copy on file",
    from: "2026-06-01",
    until: "2027-08-31",
};
/// Nothing at all may be sent.
pub const NON_MOLESTATION: Restriction = Restriction {
    kind: "no_contact",
    evidence: "Non-molestation order of the Family Court, copy on file",
    from: "2026-02-09",
    until: "",
};

/// Why no automation runs about a child in foster care.
pub const LOOKED_AFTER: &str =
    "Looked-after child: the designated teacher speaks to the carer and the social worker";
