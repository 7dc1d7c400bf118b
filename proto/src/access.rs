//! What each RPC says about itself, read back from the descriptor set.
//!
//! The options stand beside the RPC in its `.proto` file; this is the only place that reads them.

use std::collections::HashMap;

use prost_reflect::{DescriptorPool, DynamicMessage, MethodDescriptor};

use crate::options::v1::Role;

/// Who may call an RPC, and whether the call is written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// The caller needs one of these.
    pub any_of: Vec<Role>,
    /// Who looked at or changed whose data is recorded by the owning service.
    pub audited: bool,
    /// It changes something: its request carries a `request_id`.
    pub changes: bool,
}

/// Why the descriptor set cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bytes are not a descriptor set.
    #[error("the descriptor set cannot be decoded")]
    Descriptors(#[from] prost_reflect::DescriptorError),
    /// The option's definition is not among them.
    #[error("the option schoolbell.options.v1.access is not in the descriptor set")]
    NoOption,
    /// An RPC does not say who may call it.
    #[error("{rpc} does not say which roles may call it")]
    NoRoles {
        /// The RPC's full name.
        rpc: String,
    },
}

/// The access of every RPC of Schoolbell, by its HTTP/2 path
/// (`/schoolbell.absences.v1.AbsencesService/PostRegister`).
pub fn by_path() -> Result<HashMap<String, Access>, Error> {
    let pool = DescriptorPool::decode(crate::DESCRIPTORS)?;
    let option = pool.get_extension_by_name("schoolbell.options.v1.access").ok_or(Error::NoOption)?;
    let mut access = HashMap::new();
    for service in pool.services() {
        for method in service.methods() {
            let path = format!("/{}/{}", service.full_name(), method.name());
            let found = read(&method, &option)
                .ok_or_else(|| Error::NoRoles { rpc: method.full_name().to_owned() })?;
            access.insert(path, found);
        }
    }
    Ok(access)
}

fn read(method: &MethodDescriptor, option: &prost_reflect::ExtensionDescriptor) -> Option<Access> {
    let options: DynamicMessage = method.options();
    let value = options.get_extension(option);
    let message = value.as_message()?;
    let any_of: Vec<Role> = message
        .get_field_by_name("any_of")?
        .as_list()?
        .iter()
        .filter_map(|role| Role::try_from(role.as_enum_number()?).ok())
        .collect();
    let audited = message.get_field_by_name("audited")?.as_bool()?;
    let changes = method.input().get_field_by_name("request_id").is_some();
    (!any_of.is_empty()).then_some(Access { any_of, audited, changes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_options_beside_an_rpc_are_read_back() {
        let access = by_path().unwrap();
        let set_restriction = &access["/schoolbell.directory.v1.DirectoryService/SetRestriction"];
        assert_eq!(set_restriction.any_of, [Role::Head, Role::DesignatedSafeguardingLead]);
        assert!(set_restriction.audited && set_restriction.changes);
        let clear = &access["/schoolbell.directory.v1.DirectoryService/ClearContacts"];
        assert_eq!(clear, &Access { any_of: vec![Role::Service], audited: false, changes: false });
    }

    #[test]
    fn every_rpc_has_roles_and_none_is_open_to_an_unspecified_one() {
        for (path, access) in by_path().unwrap() {
            assert!(!access.any_of.is_empty(), "{path}");
            assert!(!access.any_of.contains(&Role::Unspecified), "{path}");
        }
    }
}
