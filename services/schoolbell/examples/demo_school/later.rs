//! Who plays the parts of the later morning: an accident, and two children who run into each other.
//!
//! Unlike the [`cast`](crate::cast) they are not written by hand but found in the town, by what their families are like; so the
//! rest of the school stays as it was before they had a part. Their contacts want English too.

use crate::roster::{CastRow, Contact, Link, Pupil, Roster, international};
use crate::school::{Responsibility, Standing, year_of};

/// The rows of the later morning; a part that nobody in the town can play has none.
pub fn rows(roster: &Roster) -> Vec<CastRow> {
    let mut rows = Vec::new();
    if let Some((pupil, father)) = accident(roster) {
        let note = "A minor accident: one parent hears by e-mail, the other, here, has only a mobile and hears by text; the \
                    grandmother, emergency only, hears nothing.";
        rows.push(row("accident", pupil, father, father.adult.mobile.clone(), note));
    }
    if let Some(((bumped, barred), (grazed, shares))) = collision(roster) {
        let note = "A bump of the head: the mother gets a text and an e-mail at once and is rung; the father, here, is barred \
                    by a court order and is sent nothing.";
        rows.push(row("head_bump", bumped, barred, barred.adult.mobile.clone(), note));
        let note = "A grazed knee in the same collision, told without a word of the other child; the father, here, is barred \
                    and reads the mother's mailbox too, so that only her mobile can carry it.";
        rows.push(row("head_bump_partner", grazed, shares, shares.adult.email.clone(), note));
    }
    rows
}

/// Parents apart, of whom the one who lives elsewhere has no mailbox, and somebody for emergencies.
fn accident(roster: &Roster) -> Option<(&Pupil, &Contact)> {
    roster.pupils.iter().find_map(|pupil| {
        let links = free(roster, pupil)?;
        let [(home, at_home), (away, elsewhere), (emergency, grandmother)] = links.as_slice() else {
            return None;
        };
        let fits = home.bond.standing == Standing::Home
            && away.bond.standing == Standing::Away
            && away.bond.responsibility == Responsibility::Yes
            && emergency.bond.standing == Standing::EmergencyOnly
            && links.iter().all(|(link, _)| link.bond.restriction.is_none())
            && at_home.adult.email.is_some()
            && elsewhere.adult.email.is_none()
            && grandmother.adult.mobile.is_some();
        fits.then_some((pupil, *elsewhere))
    })
}

type Part<'a> = (&'a Pupil, &'a Contact);

/// Two of one year group who each have a contact that may know nothing of the child: the one with a mailbox of their own, the
/// other with a mailbox that somebody shares who may know.
fn collision(roster: &Roster) -> Option<(Part<'_>, Part<'_>)> {
    let barred = |pupil| {
        let links = free(roster, pupil)?;
        let is_barred = |(link, _): &&(&Link, &Contact)| {
            link.bond.restriction.is_some_and(|restriction| restriction.kind == "no_child_information")
        };
        let (_, barred) = links.iter().find(is_barred)?;
        let sharing = links.iter().filter(|(_, other)| other.adult.email == barred.adult.email).count();
        Some((pupil, *barred, sharing > 1))
    };
    let found: Vec<_> = roster.pupils.iter().filter_map(barred).collect();
    found.iter().filter(|(.., shares)| *shares).find_map(|(grazed, shares, _)| {
        let in_year = |other: &&(&Pupil, &Contact, bool)| {
            !other.2 && year_of(other.0.child.class) == year_of(grazed.child.class)
        };
        let (bumped, barred, _) = found.iter().find(in_year)?;
        Some(((*bumped, *barred), (*grazed, *shares)))
    })
}

/// The links of a pupil who has no part yet and whose contacts read English.
fn free<'a>(roster: &'a Roster, pupil: &Pupil) -> Option<Vec<(&'a Link, &'a Contact)>> {
    let links = roster.links.iter().filter(|link| link.pupil == pupil.id);
    let with_contact = links.filter_map(|link| {
        let contact = roster.contacts.iter().find(|contact| contact.id == link.contact)?;
        Some((link, contact))
    });
    let links: Vec<_> = with_contact.collect();
    let english = links.iter().all(|(link, _)| link.language == "en");
    let taken = roster.cast.iter().any(|row| row.pupil == pupil.id);
    (english && !taken && pupil.child.person_only.is_none()).then_some(links)
}

fn row(
    part: &'static str,
    pupil: &Pupil,
    contact: &Contact,
    address: Option<String>,
    note: &'static str,
) -> CastRow {
    let address = address.map(international).unwrap_or_default();
    CastRow { part, pupil: pupil.id.clone(), contact: contact.id.clone(), address, note }
}
