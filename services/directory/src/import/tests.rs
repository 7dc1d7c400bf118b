use super::sample::Sample;
use super::*;
use crate::domain::link::{Bar, Responsibility};
use crate::domain::roster::{PersonOnlyWord, RestrictionWord};

fn faults_of(sample: &Sample) -> Vec<(String, u64, String)> {
    match read(&sample.zip(), TestNumbers::Accepted) {
        Ok(_) => Vec::new(),
        Err(faults) => {
            faults.into_iter().map(|fault| (fault.file.to_owned(), fault.line, fault.column)).collect()
        }
    }
}

#[test]
fn a_roster_without_a_fault_is_read() {
    let Read { roster, warnings } = read(&Sample::new().zip(), TestNumbers::Accepted).unwrap();
    assert_eq!(warnings, []);
    let counts = (
        roster.terms.len(),
        roster.classes.len(),
        roster.pupils.len(),
        roster.contacts.len(),
        roster.links.len(),
    );
    assert_eq!(counts, (1, 2, 3, 4, 6));
    assert_eq!(roster.pupils["amy"].first_name, "Amy", "the name that the child is called by");
    assert_eq!(roster.pupils["ben"].first_name, "Ben");
    assert_eq!(roster.pupils["cal"].person_only, PersonOnlyWord::Yes("child protection plan".to_owned()));
    let dad = &roster.contacts["dad"];
    assert_eq!((dad.reach.language.as_str(), dad.reach.no_voice), ("pl", true));
    assert_eq!(roster.contacts["mum"].reach.email.as_ref().unwrap().as_str(), "family@example.com");
    let link = |pupil: &str, contact: &str| &roster.links[&(pupil.to_owned(), contact.to_owned())];
    assert!(matches!(
        link("amy", "dad").restriction,
        RestrictionWord::Stands { bar: Bar::ChildInformation, .. }
    ));
    assert_eq!(link("ben", "dad").restriction, RestrictionWord::Silent);
    assert_eq!(link("cal", "gran").responsibility, Responsibility::Unknown, "blank is never yes");
}

#[test]
fn every_fault_says_file_line_and_column() {
    type Row = (&'static str, &'static str, &'static str, u64, &'static str);
    let rows: &[Row] = &[
        ("manifest.csv", "oneroster.version,1.2", "oneroster.version,1.1", 3, "value"),
        ("manifest.csv", "manifest.version,1.0\n", "", 0, "propertyName"),
        ("manifest.csv", "file.users,bulk", "file.users,delta", 10, "value"),
        ("manifest.csv", "file.users,bulk", "file.users,absent", 10, "value"),
        ("manifest.csv", "file.courses,absent", "file.courses,delta", 6, "value"),
        ("manifest.csv", "file.courses,absent", "file.orgs,bulk", 8, "propertyName"),
        ("orgs.csv", ",trust\n", ",nowhere\n", 3, "parentSourcedId"),
        ("orgs.csv", "School,school", "School,place", 3, "type"),
        ("orgs.csv", "School,school", "School,district", 3, "type"),
        ("orgs.csv", "trust,,,Elm", "trust,retired,,Elm", 2, "status"),
        ("academicSessions.csv", "2026-12-18", "18/12/2026", 3, "endDate"),
        ("academicSessions.csv", "2026-12-18", "2026-08-18", 3, "endDate"),
        ("academicSessions.csv", "Autumn,term", "Autumn,semester", 0, "type"),
        ("academicSessions.csv", "y26,2027\n", "y99,2027\n", 3, "parentSourcedId"),
        ("users.csv", "sms", "text", 1, "sms"),
        ("users.csv", "username", "sms", 1, "sms"),
        ("users.csv", ",Ben,Jones", ",,Jones", 3, "givenName"),
        ("users.csv", "Family@Example.com", "Mum <family@example.com>", 5, "email"),
        ("users.csv", "07700 900101", "07700 900101 mum", 5, "sms"),
        ("users.csv", "01632 960101", "01632", 5, "phone"),
        ("users.csv", "\"gran,carer\"", "\"gran,nobody\"", 4, "agentSourcedIds"),
        ("users.csv", "tom,,,true", "gran,,,true", 9, "sourcedId"),
        ("users.csv", "ben,,,true,ben", "ben,,true,ben", 3, ""),
        ("roles.csv", "ben,primary", "nobody,primary", 3, "userSourcedId"),
        ("roles.csv", "tom,primary,teacher", "tom,primary,caretaker", 9, "role"),
        ("roles.csv", "tom,primary", "tom,first", 9, "roleType"),
        ("roles.csv", "2026-09-02", "2 September", 2, "beginDate"),
        ("classes.csv", "Oak,,,,homeroom", "Oak,,,,lesson", 2, "classType"),
        ("classes.csv", "elm,t1", "elm,t9", 2, "termSourcedIds"),
        ("enrollments.csv", "oak,elm,tom", "elder,elm,tom", 5, "classSourcedId"),
        ("enrollments.csv", "oak,elm,tom", "oak,trust,tom", 5, "schoolSourcedId"),
        ("enrollments.csv", "oak,elm,tom", "oak,elm,nobody", 5, "userSourcedId"),
        ("enrollments.csv", "tom,teacher", "tom,cook", 5, "role"),
        ("enrollments.csv", "e4,,,oak,elm,tom,teacher", "e4,,,oak,elm,amy,student", 5, "userSourcedId"),
        ("school.csv", "08:50", "8.50", 2, "amRegisterOpens"),
        ("school.csv", "09:15", "09:21", 2, "amRegisterCloses"),
        ("school.csv", "09:15", "08:50", 2, "amRegisterCloses"),
        ("school.csv", "12:00", "09:00", 2, "amSessionEnds"),
        ("school.csv", "13:00", "11:55", 2, "pmRegisterOpens"),
        ("school.csv", "07700 900191", "01632 960191", 2, "dutyNumbers"),
        ("school.csv", "01632 960001", "", 2, "phone"),
        ("pupils.csv", "amy,false", "amy,no", 2, "personOnly"),
        ("pupils.csv", "amy,false,", "amy,,looked after", 2, "personOnly"),
        ("pupils.csv", "child protection plan", "", 4, "personOnlyReason"),
        ("pupils.csv", ",3,oak", ",Year 3,oak", 2, "yearGroup"),
        ("pupils.csv", ",3,oak", ",3,ash", 2, "class"),
        ("pupils.csv", "cal,true", "amy,true", 4, "sourcedId"),
        ("contacts.csv", "amy,mum,mother", "amy,mum,Mother", 2, "role"),
        ("contacts.csv", "amy,mum,mother,1", "amy,mum,mother,first", 2, "priority"),
        ("contacts.csv", "amy,mum,mother,1,yes", "amy,mum,mother,1,true", 2, "parentalResponsibility"),
        ("contacts.csv", "1,yes,true", "1,yes,yes", 2, "livesWith"),
        ("contacts.csv", "no_child_information", "partial", 3, "restriction"),
        ("contacts.csv", "no_child_information", "", 3, "restriction"),
        ("contacts.csv", "court order of 1 September 2026", "", 3, "restrictionEvidence"),
        ("contacts.csv", "2026-09-01", "01-09-2026", 3, "restrictionFrom"),
        ("contacts.csv", "2027-09-01", "2025-09-01", 3, "restrictionUntil"),
        ("contacts.csv", ",pl,true", ",polish,true", 3, "language"),
        ("contacts.csv", ",pl,true", ",ur,true", 5, "language"),
        ("contacts.csv", "cal,carer", "cal,tom", 7, "contactSourcedId"),
    ];
    for (file, old, new, line, column) in rows {
        let faults = faults_of(&Sample::new().with(file, old, new));
        let expected = ((*file).to_owned(), *line, (*column).to_owned());
        assert!(faults.contains(&expected), "{file}: {old} → {new}: {faults:?}");
    }
}

#[test]
fn faults_of_all_files_are_said_at_once() {
    let sample = Sample::new()
        .with("users.csv", "07700 900101", "mum")
        .with("school.csv", "09:15", "10:15")
        .with("contacts.csv", "amy,mum,mother", "amy,mum,mum")
        .with("pupils.csv", "amy,false", "amy,perhaps");
    let files: Vec<String> = faults_of(&sample).into_iter().map(|(file, _, _)| file).collect();
    assert_eq!(files, ["contacts.csv", "pupils.csv", "school.csv", "users.csv"]);
}

#[test]
fn a_missing_file_is_one_fault() {
    for (file, _) in
        [("users.csv", 0), ("roles.csv", 0), ("contacts.csv", 0), ("school.csv", 0), ("orgs.csv", 0)]
    {
        assert_eq!(faults_of(&Sample::new().without(file)), [(file.to_owned(), 0, String::new())]);
    }
}

#[test]
fn people_who_are_forgotten_in_one_of_two_files_are_a_fault() {
    let no_pupil = Sample::new().without_lines("pupils.csv", "ben");
    assert_eq!(faults_of(&no_pupil), [("users.csv".to_owned(), 3, "sourcedId".to_owned())]);
    let no_link = Sample::new().without_lines("contacts.csv", "ben,dad");
    assert_eq!(faults_of(&no_link), [("users.csv".to_owned(), 3, "agentSourcedIds".to_owned())]);
    let unknown_pupil = Sample::new().with_line("pupils.csv", "zoe,false,,3,oak");
    assert!(faults_of(&unknown_pupil).contains(&("pupils.csv".to_owned(), 5, "sourcedId".to_owned())));
    let twice = Sample::new().with_line("contacts.csv", "amy,mum,mother,1,yes,true,false,none,,,,en,false");
    assert_eq!(faults_of(&twice), [("contacts.csv".to_owned(), 8, "contactSourcedId".to_owned())]);
}

#[test]
fn a_pupil_of_another_school_is_a_fault() {
    let sample = Sample::new().with("roles.csv", "ben,primary,student,,,elm", "ben,primary,student,,,trust");
    assert!(faults_of(&sample).contains(&("roles.csv".to_owned(), 3, "orgSourcedId".to_owned())));
}

#[test]
fn a_byte_order_mark_other_capitals_and_another_order_of_columns_are_read() {
    let sample = Sample::new()
        .with("users.csv", "sourcedId,status", "\u{feff}SOURCEDID,Status")
        .with(
            "pupils.csv",
            "sourcedId,personOnly,personOnlyReason,yearGroup,class",
            "sourcedId,personOnly,personOnlyReason,class,yearGroup",
        )
        .with("pupils.csv", ",3,oak", ",oak,3")
        .with("pupils.csv", ",1,ash", ",ash,1")
        .with("pupils.csv", ",1,ash", ",ash,1");
    assert_eq!(faults_of(&sample), []);
}

#[test]
fn a_lost_zero_is_a_warning_and_a_test_number_a_fault_in_production() {
    let sample = Sample::new().with("users.csv", "07700 900101", "7700900101");
    let warnings = read(&sample.zip(), TestNumbers::Accepted).unwrap().warnings;
    assert_eq!((warnings[0].line, warnings[0].column.as_str()), (5, "sms"));
    let faults = read(&Sample::new().zip(), TestNumbers::Refused).unwrap_err();
    assert!(faults.iter().any(|fault| fault.expected.contains("production")));
}

#[test]
fn no_fault_repeats_a_cell() {
    let sample = Sample::new()
        .with("users.csv", "07700 900101", "Grandma's 4455667")
        .with("users.csv", "Family@Example.com", "secretmailbox")
        .with("contacts.csv", "amy,mum,mother", "amy,mum,stepmonster");
    for fault in read(&sample.zip(), TestNumbers::Accepted).unwrap_err() {
        let text = format!("{fault:?}");
        assert!(
            !["4455667", "secretmailbox", "stepmonster"].iter().any(|cell| text.contains(cell)),
            "{text}"
        );
    }
}

#[test]
fn text_that_is_not_utf_8_is_a_fault_where_it_stands() {
    let mut files = archive::open(&Sample::new().zip(), &mut Faults::default());
    let users = files.get_mut("users.csv").unwrap();
    let place = users.windows(4).position(|bytes| bytes == b"Mary").unwrap();
    users[place] = 0xe9;
    let mut faults = Faults::default();
    csv_file::CsvFile::read(&files, "users.csv", &[("sourcedId", csv_file::Need::Required)], &mut faults);
    assert_eq!(faults.into_sorted()[0].line, 5);
}

#[test]
fn the_demo_school_is_read_without_a_fault() {
    let Read { roster, warnings } = read(&sample::demo_school(), TestNumbers::Accepted).unwrap();
    assert_eq!(warnings, []);
    assert!(roster.pupils.len() > 400, "{} pupils", roster.pupils.len());
}
