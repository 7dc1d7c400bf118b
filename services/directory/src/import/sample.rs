//! A small school for tests: three pupils in two classes, four contacts. Tests change a cell.

use std::collections::BTreeMap;
use std::io::{Cursor, Write};

/// A zip of these files.
pub fn zip_of(entries: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (path, text) in entries {
        zip.start_file(*path, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// The demonstration's school as it is imported.
pub fn demo_school() -> Vec<u8> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../schoolbell/demo-school");
    let files = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    let texts: Vec<(String, String)> = files
        .map(|file| (file.file_name().into_string().unwrap(), std::fs::read_to_string(file.path()).unwrap()))
        .collect();
    let entries: Vec<(&str, &str)> =
        texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    zip_of(&entries)
}

/// The files of the small school, by name.
#[derive(Clone)]
pub struct Sample(BTreeMap<&'static str, String>);

impl Sample {
    /// Without a fault.
    pub fn new() -> Self {
        Self(FILES.iter().map(|(name, text)| (*name, (*text).to_owned())).collect())
    }

    /// With one text of a file put in place of another, which must be there.
    pub fn with(mut self, file: &str, old: &str, new: &str) -> Self {
        let text = self.0.get_mut(file).unwrap_or_else(|| panic!("no {file}"));
        assert!(text.contains(old), "{file} does not contain {old}");
        *text = text.replacen(old, new, 1);
        self
    }

    /// Without a file.
    pub fn without(mut self, file: &str) -> Self {
        self.0.remove(file).unwrap();
        self
    }

    /// Without the lines of a file that contain this text.
    pub fn without_lines(mut self, file: &str, text: &str) -> Self {
        let kept: Vec<&str> = self.0[file].lines().filter(|line| !line.contains(text)).collect();
        let kept = kept.join("\n") + "\n";
        self.0.entry(FILES.iter().find(|(name, _)| *name == file).unwrap().0).insert_entry(kept);
        self
    }

    /// With a line at the end of a file.
    pub fn with_line(mut self, file: &str, line: &str) -> Self {
        let text = self.0.get_mut(file).unwrap_or_else(|| panic!("no {file}"));
        text.push_str(line);
        text.push('\n');
        self
    }

    /// As it is sent.
    pub fn zip(&self) -> Vec<u8> {
        let entries: Vec<(&str, &str)> = self.0.iter().map(|(name, text)| (*name, text.as_str())).collect();
        zip_of(&entries)
    }
}

const FILES: [(&str, &str); 10] = [
    (
        "manifest.csv",
        "propertyName,value\n\
         manifest.version,1.0\n\
         oneroster.version,1.2\n\
         file.academicSessions,bulk\n\
         file.classes,bulk\n\
         file.courses,absent\n\
         file.enrollments,bulk\n\
         file.orgs,bulk\n\
         file.roles,bulk\n\
         file.users,bulk\n",
    ),
    (
        "orgs.csv",
        "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId\n\
         trust,,,Elm Trust,district,,\n\
         elm,,,Elm Park Primary School,school,,trust\n",
    ),
    (
        "academicSessions.csv",
        "sourcedId,status,dateLastModified,title,type,startDate,endDate,parentSourcedId,schoolYear\n\
         y26,,,2026/27,schoolYear,2026-09-01,2027-07-31,,2027\n\
         t1,,,Autumn,term,2026-09-02,2026-12-18,y26,2027\n",
    ),
    (
        "users.csv",
        "sourcedId,status,dateLastModified,enabledUser,username,userIds,givenName,familyName,middleName,identifier,email,sms,phone,agentSourcedIds,grades,password,userMasterIdentifier,preferredGivenName,preferredMiddleName,preferredFamilyName,primaryOrgSourcedId,pronouns\n\
         amy,,,true,amy,,Amelia,Jones,,,,,,\"mum,dad\",,,,Amy,,,elm,\n\
         ben,,,true,ben,,Ben,Jones,,,,,,\"mum,dad\",,,,,,,elm,\n\
         cal,,,true,cal,,Cal,Reed,,,,,,\"gran,carer\",,,,,,,elm,\n\
         mum,,,true,mum,,Mary,Jones,,,Family@Example.com,07700 900101,01632 960101,,,,,,,,,\n\
         dad,,,true,dad,,Dan,Jones,,,family@example.com,07700 900102,,,,,,,,,,\n\
         gran,,,true,gran,,Grace,Reed,,,,,01632 960102,,,,,,,,,\n\
         carer,,,true,carer,,Carla,Fox,,,carla@example.org,,,,,,,,,,,\n\
         tom,,,true,tom,,Tom,Teach,,,rubbish,rubbish,,,,,,,,,elm,\n",
    ),
    (
        "roles.csv",
        "sourcedId,status,dateLastModified,userSourcedId,roleType,role,beginDate,endDate,orgSourcedId,userProfileSourcedId\n\
         r1,,,amy,primary,student,2026-09-02,,elm,\n\
         r2,,,ben,primary,student,,,elm,\n\
         r3,,,cal,primary,student,,,elm,\n\
         r4,,,mum,primary,parent,,,elm,\n\
         r5,,,dad,primary,parent,,,elm,\n\
         r6,,,gran,primary,relative,,,trust,\n\
         r7,,,carer,primary,guardian,,,elm,\n\
         r8,,,tom,primary,teacher,,,elm,\n",
    ),
    (
        "classes.csv",
        "sourcedId,status,dateLastModified,title,grades,courseSourcedId,classCode,classType,location,schoolSourcedId,termSourcedIds,subjects,subjectCodes,periods\n\
         oak,,,Oak,,,,homeroom,,elm,t1,,,\n\
         ash,,,Ash,,,,homeroom,,elm,t1,,,\n",
    ),
    (
        "enrollments.csv",
        "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,endDate\n\
         e1,,,oak,elm,amy,student,,,\n\
         e2,,,ash,elm,ben,student,,,\n\
         e3,,,ash,elm,cal,student,,,\n\
         e4,,,oak,elm,tom,teacher,,,\n",
    ),
    (
        "school.csv",
        "orgSourcedId,name,phone,amRegisterOpens,amRegisterCloses,amSessionEnds,pmRegisterOpens,pmRegisterCloses,pmSessionEnds,dutyNumbers\n\
         elm,Elm Park Primary School,01632 960001,08:50,09:15,12:00,13:00,13:20,15:20,07700 900190;07700 900191\n",
    ),
    (
        "pupils.csv",
        "sourcedId,personOnly,personOnlyReason,yearGroup,class\n\
         amy,false,,3,oak\n\
         ben,false,,1,ash\n\
         cal,true,child protection plan,1,ash\n",
    ),
    (
        "contacts.csv",
        "pupilSourcedId,contactSourcedId,role,priority,parentalResponsibility,livesWith,emergencyOnly,restriction,restrictionEvidence,restrictionFrom,restrictionUntil,language,noVoice\n\
         amy,mum,mother,1,yes,true,false,none,,,,en,false\n\
         amy,dad,father,2,yes,false,false,no_child_information,court order of 1 September 2026,2026-09-01,2027-09-01,pl,true\n\
         ben,mum,mother,1,yes,true,,none,,,,en,false\n\
         ben,dad,father,2,yes,false,,,,,,pl,true\n\
         cal,gran,grandparent,2,,false,true,,,,,,\n\
         cal,carer,foster_carer,1,no,true,false,none,,,,,\n",
    ),
];
