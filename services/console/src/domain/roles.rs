//! What the roles are called.

use kit::identity::role_name;
use proto::options::v1::Role;

/// The roles that a person may have, as a list shows them.
pub const OF_PEOPLE: [Role; 8] = [
    Role::AttendanceOfficer,
    Role::FirstAider,
    Role::ClassTeacher,
    Role::Office,
    Role::Head,
    Role::DesignatedSafeguardingLead,
    Role::TrustAdministrator,
    Role::SystemAdministrator,
];

/// In words.
pub fn label(role: Role) -> &'static str {
    match role {
        Role::AttendanceOfficer => "attendance officer",
        Role::FirstAider => "first-aider",
        Role::ClassTeacher => "class teacher",
        Role::Office => "office",
        Role::Head => "head or senior leader",
        Role::DesignatedSafeguardingLead => "designated safeguarding lead",
        Role::TrustAdministrator => "trust administrator",
        Role::SystemAdministrator => "system administrator",
        Role::Service | Role::Unspecified => "no person",
    }
}

/// Several, in words.
pub fn labels(roles: &[Role]) -> String {
    roles.iter().map(|role| label(*role)).collect::<Vec<_>>().join(", ")
}

/// The role of a name in a form, if a person may have it.
pub fn of_name(name: &str) -> Option<Role> {
    OF_PEOPLE.into_iter().find(|role| role_name(*role) == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_never_a_service() {
        assert_eq!(of_name("head"), Some(Role::Head));
        assert_eq!(of_name("service"), None);
        assert_eq!(of_name("unspecified"), None);
    }
}
