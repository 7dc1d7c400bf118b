//! Whom something concerns that is said to many: as a form asks it, and as a page shows it.

use proto::directory::v1::{Audience, Classes, WholeSchool, YearGroups, audience};

use super::closures::counted;
use super::form::Form;

/// What the fields `whom`, `years` and `class` of a form say.
pub fn audience_of(form: &mut Form) -> Audience {
    let scope = match form.value("whom") {
        "years" => {
            let years = form.needs("years", "Enter the year groups, as in 1, 2");
            let year_groups = years.split([',', ' ']).map(str::trim).filter(|year| !year.is_empty());
            audience::Scope::YearGroups(YearGroups { year_groups: year_groups.map(str::to_owned).collect() })
        }
        "classes" => {
            let class_ids = form.typed.several("class").to_vec();
            if class_ids.is_empty() {
                form.wrong("class", "Choose the classes");
            }
            audience::Scope::Classes(Classes { class_ids })
        }
        _ => audience::Scope::WholeSchool(WholeSchool {}),
    };
    Audience { scope: Some(scope) }
}

/// Nobody on roll is in it, which is known before anything is sent.
pub fn nobody(form: &mut Form) {
    let (field, words) = match form.value("whom") {
        "years" => ("years", "Nobody on roll is in these year groups"),
        "classes" => ("class", "Nobody on roll is in these classes"),
        _ => ("", "Nobody is on roll yet, so that there is nobody to tell"),
    };
    form.wrong(field, words);
}

/// An audience in words. Classes are called by these titles, if they are known: pairs of a title and an id.
pub fn shown(audience: Option<&Audience>, titles: &[(String, String)]) -> String {
    match audience.and_then(|audience| audience.scope.as_ref()) {
        None | Some(audience::Scope::WholeSchool(_)) => "The whole school".to_owned(),
        Some(audience::Scope::YearGroups(years)) => {
            let several = if years.year_groups.len() == 1 { "" } else { "s" };
            format!("Year{several} {}", years.year_groups.join(", "))
        }
        Some(audience::Scope::Classes(classes)) => {
            let title = |id: &String| titles.iter().find(|(_, known)| known == id).map(|(title, _)| title);
            let named: Option<Vec<&str>> =
                classes.class_ids.iter().map(|id| title(id).map(String::as_str)).collect();
            let several = if classes.class_ids.len() == 1 { "Class" } else { "Classes" };
            match named {
                Some(named) => format!("{several} {}", named.join(", ")),
                None => counted(length(&classes.class_ids), "class", "classes"),
            }
        }
        Some(audience::Scope::Pupils(pupils)) => counted(length(&pupils.pupil_ids), "pupil", "pupils"),
    }
}

fn length<T>(all: &[T]) -> i64 {
    i64::try_from(all.len()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_called_by_their_names_where_all_are_known() {
        let classes = |ids: &[&str]| {
            let class_ids = ids.iter().map(|id| (*id).to_owned()).collect();
            Audience { scope: Some(audience::Scope::Classes(Classes { class_ids })) }
        };
        let titles = [("Oak".to_owned(), "1".to_owned()), ("Elm".to_owned(), "2".to_owned())];
        for (audience, wanted) in [
            (Some(classes(&["2"])), "Class Elm"),
            (Some(classes(&["2", "1"])), "Classes Elm, Oak"),
            (Some(classes(&["2", "3"])), "2 classes"),
            (None, "The whole school"),
        ] {
            assert_eq!(shown(audience.as_ref(), &titles), wanted);
        }
    }
}
