//! What providers do to words: pure rules about text, no IO.
//!
//! Called by the channels (to refuse what a provider would refuse) and by rendering and previews (to say what a text will cost).
//! Nothing here knows a pupil, a contact or a provider's API.

pub mod fragments;
pub mod markdown;
