//! By what a contact would rather be told: said by a person or by a file, and never forgotten
//! because a file does not say it.

use super::*;

/// The sample with the column that a file may have, the same word on every line of the mother.
fn with_preferences(word: &str) -> Sample {
    let mut sample = Sample::new().with("contacts.csv", "language,noVoice\n", "language,noVoice,prefers\n");
    for (line, said) in [
        ("amy,mum,mother,1,yes,true,false,none,,,,en,false", word),
        ("ben,mum,mother,1,yes,true,,none,,,,en,false", word),
        ("2026-09-01,2027-09-01,pl,true", ""),
        ("ben,dad,father,2,yes,false,,,,,,pl,true", ""),
        ("cal,gran,grandparent,2,,false,true,,,,,,", ""),
        ("cal,carer,foster_carer,1,no,true,false,none,,,,,", ""),
    ] {
        sample = sample.with("contacts.csv", &format!("{line}\n"), &format!("{line},{said}\n"));
    }
    sample
}

async fn prefers(desk: &Desk) -> (pb::Preference, i64) {
    let amy = desk.pupil("amy").await;
    (link(&amy, "mum").prefers(), link(&amy, "mum").revision)
}

#[tokio::test]
async fn a_person_says_it_and_no_import_forgets_it() {
    for desk in desks().await {
        desk.load(&Sample::new()).await;
        let (before, revision) = prefers(&desk).await;
        assert_eq!(before, pb::Preference::None);
        let update = async |prefers: pb::Preference| {
            let request = pb::UpdateContactRequest {
                request_id: request_id(),
                contact_id: link(&desk.pupil("amy").await, "mum").contact_id.clone(),
                prefers: prefers.into(),
                ..Default::default()
            };
            desk.directory.update_contact(desk.request(request)).await.unwrap().into_inner().revision
        };
        assert_eq!(update(pb::Preference::Email).await, revision + 1);
        desk.load(&Sample::new()).await;
        assert_eq!(prefers(&desk).await, (pb::Preference::Email, revision + 1));
        assert_eq!(update(pb::Preference::Unspecified).await, revision + 1, "nothing is said");
        desk.load(&with_preferences("")).await;
        assert_eq!(prefers(&desk).await.0, pb::Preference::Email);
        update(pb::Preference::None).await;
        assert_eq!(prefers(&desk).await.0, pb::Preference::None);
    }
}

#[tokio::test]
async fn a_file_may_say_it_in_a_column_of_its_own() {
    for desk in desks().await {
        desk.load(&with_preferences("text")).await;
        assert_eq!(prefers(&desk).await.0, pb::Preference::Text);
        desk.load(&with_preferences("email")).await;
        assert_eq!(prefers(&desk).await.0, pb::Preference::Email);
        let wrong = desk.import(with_preferences("pigeon").zip(), false).await;
        let faults: Vec<&str> = wrong.faults.iter().map(|fault| fault.column.as_str()).collect();
        assert_eq!((wrong.loaded, faults), (false, vec!["prefers", "prefers"]));
    }
}
