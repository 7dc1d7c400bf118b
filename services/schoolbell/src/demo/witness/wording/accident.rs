//! A child had a minor accident, or bumped their head: one child, and a number to ring.

use super::{Fault, Said, names, sentence};

/// What it says of an accident, if anything.
pub fn read<'a>(body: &'a str, phone: &str) -> Option<Result<Said<'a>, Fault>> {
    let minor = body.find(" had a minor accident at school");
    let head = body.find(" has bumped their head").or_else(|| body.find(" bumped their head"));
    let (at, say): (usize, fn(&'a str) -> Said<'a>) = match (minor, head) {
        (Some(at), None) => (at, Said::FirstAid),
        (None, Some(at)) => (at, Said::HeadInjury),
        (Some(_), Some(_)) => return Some(Err(Fault::SeveralChildren)),
        (None, None) => return None,
    };
    Some(match names(sentence(body, at).0).as_deref() {
        Err(fault) => Err(*fault),
        Ok(_) if !body.contains(phone) => Err(Fault::NoPhone),
        Ok([child]) => Ok(say(child)),
        Ok(_) => Err(Fault::SeveralChildren),
    })
}
