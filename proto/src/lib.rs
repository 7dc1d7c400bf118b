//! All that Schoolbell's services may say to each other: questions and commands as gRPC,
//! facts as CloudEvents, and the ids that both speak of.
//!
//! This crate holds no logic. What stands here is a promise on the wire: a field is never
//! renumbered, an event never loses a field, and the examples in `golden/` parse for ever.

pub mod access;
pub mod events;
pub mod ids;

/// The compiled descriptor set of every `.proto` file, with custom options and imports.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

macro_rules! generated {
    ($(#[$doc:meta])* $name:ident, $($lint:path),+) => {
        $(#[$doc])*
        pub mod $name {
            #[expect($($lint),+, reason = "generated; the words stand in the .proto file")]
            /// The first version on the wire.
            pub mod v1 {
                include!(concat!(env!("OUT_DIR"), "/schoolbell.", stringify!($name), ".v1.rs"));
            }
        }
    };
    ($(#[$doc:meta])* $name:ident) => {
        generated!($(#[$doc])* $name, missing_docs, clippy::pedantic, clippy::allow_attributes);
    };
}

generated!(
    /// Roles, and what an RPC says about itself.
    options, missing_docs, clippy::pedantic
);
generated!(
    /// Tasks for people.
    tasks
);
generated!(
    /// Dead letters.
    operations
);
generated!(
    /// Schools, pupils, contacts, links.
    directory
);
generated!(
    /// Registers and absences.
    absences
);
generated!(
    /// Notices and deliveries.
    dispatcher
);
generated!(
    /// Accidents and first aid.
    incidents
);
generated!(
    /// Calendar and closures.
    scheduling
);
generated!(
    /// Announcements.
    messaging
);
