//! Journeys: a person's story, against the whole of Schoolbell in one process.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first thing that is not as it should be"
)]

mod absence;
mod accident;
mod announcement;
mod apart;
mod arrival;
mod checked;
mod closure;
mod console;
mod console_announcements;
mod console_overtaken;
mod console_schools;
mod console_stories;
mod distrusted;
mod measured;
mod nothing_personal;
mod openid;
mod out_of_the_box;
mod protected;
mod put_back;
mod recall;
mod refusals;
mod restore;
mod restore_again;
mod restriction;
mod routes_home;
mod spans;
