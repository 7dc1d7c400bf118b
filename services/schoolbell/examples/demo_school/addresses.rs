//! Numbers and mailboxes that belong to nobody: each is handed out once.
//!
//! Mobiles and landlines are of the ranges that Ofcom keeps for drama (07700 900xxx, 01632 960xxx), mailboxes at the domains that
//! RFC 2606 and RFC 6761 keep for examples. GOV.UK Notify treats 07700 900000, 900002, 900003, 900111 and 900222 in ways of its
//! own, so they are left out.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use crate::school::Adult;

const NOTIFYS_OWN: [u32; 2] = [900_111, 900_222];
const MAIL_DOMAINS: [&str; 3] = ["example.com", "example.org", "example.test"];

/// By which kinds of address an adult can be reached.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// A mobile and a mailbox.
    MobileAndMail,
    /// A mobile and nothing else.
    Mobile,
    /// A mobile, a landline and a mailbox.
    MobileLandlineAndMail,
    /// Two mobiles and a mailbox.
    TwoMobilesAndMail,
    /// A landline and a mailbox: no text can be sent.
    LandlineAndMail,
    /// A landline and nothing else.
    Landline,
    /// A mailbox and nothing else.
    Mail,
}

/// What has not been handed out yet.
pub struct Addresses {
    mobiles: RangeInclusive<u32>,
    landlines: RangeInclusive<u32>,
    mailboxes: BTreeSet<String>,
}

impl Addresses {
    /// The whole of the ranges, but for the school's own numbers.
    pub fn new() -> Self {
        Self { mobiles: 900_100..=900_989, landlines: 960_100..=960_999, mailboxes: BTreeSet::new() }
    }

    /// Gives the adult addresses of these kinds.
    pub fn give(&mut self, adult: &mut Adult, reach: Reach) {
        if matches!(
            reach,
            Reach::Mobile | Reach::MobileAndMail | Reach::MobileLandlineAndMail | Reach::TwoMobilesAndMail
        ) {
            adult.mobile = self.mobile();
        }
        adult.second = match reach {
            Reach::TwoMobilesAndMail => self.mobile(),
            Reach::MobileLandlineAndMail | Reach::LandlineAndMail | Reach::Landline => self.landline(),
            Reach::Mobile | Reach::MobileAndMail | Reach::Mail => None,
        };
        if !matches!(reach, Reach::Mobile | Reach::Landline) {
            adult.email = Some(self.mailbox(adult.given, adult.surname));
        }
    }

    /// A mailbox of that name, with a number behind the name where it is taken.
    pub fn mailbox(&mut self, given: &str, surname: &str) -> String {
        let name = format!("{}.{}", ascii(given), ascii(surname));
        let domain = MAIL_DOMAINS.iter().cycle().nth(self.mailboxes.len() % 3).copied().unwrap_or_default();
        let mut mailbox = format!("{name}@{domain}");
        for number in 2.. {
            if self.mailboxes.insert(mailbox.clone()) {
                break;
            }
            mailbox = format!("{name}{number}@{domain}");
        }
        mailbox
    }

    fn mobile(&mut self) -> Option<String> {
        self.mobiles.find(|number| !NOTIFYS_OWN.contains(number)).map(|number| format!("07700 {number}"))
    }

    fn landline(&mut self) -> Option<String> {
        self.landlines.next().map(|number| format!("01632 {number}"))
    }
}

/// The name as a mailbox can carry it: small letters without accents.
fn ascii(name: &str) -> String {
    let plain = |letter: char| match letter {
        'ą' => Some('a'),
        'ć' => Some('c'),
        'ę' => Some('e'),
        'ł' => Some('l'),
        'ń' => Some('n'),
        'ó' => Some('o'),
        'ś' | 'ș' => Some('s'),
        'ț' => Some('t'),
        'ź' | 'ż' => Some('z'),
        other => (other.is_ascii_alphabetic() || other == '-').then_some(other),
    };
    name.to_lowercase().chars().filter_map(plain).collect()
}
