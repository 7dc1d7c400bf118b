//! The names of a mixed English town, one list for each heritage, and the languages spoken at home.
//!
//! Lists are words between spaces. A given name may carry its short form after a slash (`Charlotte/Lottie`), a surname its form for
//! women (`Kowalski/Kowalska`). The names are common ones, put together by chance: nobody in particular is meant.

use crate::random::Random;
use crate::school::Sex;

/// What one heritage calls its people, and what it speaks at home.
pub struct Heritage {
    /// Given names of girls, perhaps with a short form after a slash.
    pub girls: &'static str,
    /// Given names of boys, perhaps with a short form after a slash.
    pub boys: &'static str,
    /// Given names of women of the parents' age.
    pub women: &'static str,
    /// Given names of men of the parents' age.
    pub men: &'static str,
    /// Surnames, perhaps with the form for women after a slash.
    pub surnames: &'static str,
    /// The language of the home as a BCP 47 tag.
    pub language: &'static str,
    /// How many of 100 adults want to be written to in that language; the others want English.
    pub prefer_it: usize,
    /// How many of 100 families are of this heritage.
    share: usize,
}

/// Chooses a heritage by its share of the town.
pub fn heritage(random: &mut Random) -> &'static Heritage {
    let mut rest = random.below(TOWN.iter().map(|heritage| heritage.share).sum());
    for heritage in TOWN {
        if rest < heritage.share {
            return heritage;
        }
        rest -= heritage.share;
    }
    &BRITISH
}

/// Splits a given name from its short form.
pub fn with_short_form(name: &'static str) -> (&'static str, Option<&'static str>) {
    match name.split_once('/') {
        Some((full, short)) => (full, Some(short)),
        None => (name, None),
    }
}

/// The form of a surname that a person of this sex bears.
pub fn surname_for(surname: &'static str, sex: Sex) -> &'static str {
    match (surname.split_once('/'), sex) {
        (Some((_, female)), Sex::Female) => female,
        (Some((male, _)), Sex::Male) => male,
        (None, _) => surname,
    }
}

const TOWN: &[Heritage] =
    &[BRITISH, POLISH, PAKISTANI, INDIAN, BANGLADESHI, WEST_AFRICAN, ROMANIAN, ARAB, CHINESE];

/// Families whose names have long been heard in England, Ireland, Wales, Scotland and the Caribbean; the staff's names too.
pub const BRITISH: Heritage = Heritage {
    girls: "Olivia/Liv Amelia/Millie Isla Ava Lily Freya Florence/Flo Willow Isabella/Bella Evie Daisy Charlotte/Lottie Poppy \
            Phoebe Matilda/Tilly Elsie Harriet/Hattie Rosie Alice Ruby Erin Niamh Imogen/Immy Eliza Martha Nancy Bonnie Esme Thea \
            Orla Eleanor/Ellie Jasmine Summer Penelope/Penny Beatrice/Bea Edith Robyn Heidi Scarlett Tiana Kezia Shanice Abigail/Abi",
    boys: "Noah Theodore/Theo George Arthur Freddie Archie Henry Oscar Jack Charlie Harry Thomas/Tom Alfie Finley/Fin Logan Jacob \
           William/Will Joseph/Joe Edward/Teddy Alexander/Alex Reuben Toby Isaac Max Harrison Callum Rory Cian Dylan Jude Albert/Bertie \
           Sebastian/Seb Benjamin/Ben Louis Kai Tyrell Micah Marcus Jayden Samuel/Sam Frankie Stanley Ralph Hugo",
    women: "Emma Laura Rebecca Claire Gemma Rachel Kelly Victoria Katie Lisa Natalie Hannah Stacey Amy Jessica Louise Nicola Siobhan \
            Zoe Kirsty Holly Danielle Michelle Jade Leanne Samantha Charlene Bethan Fiona Chantelle Naomi Lucy Catherine Heather",
    men: "James Paul Andrew Christopher Matthew Lee Craig Stuart Gareth Richard Adam Ryan Simon Liam Kevin Neil Darren Scott Peter \
          Jonathan Robert Ashley Dean Sean Nathan Gavin Carl Martin Jermaine Leon Philip Alan Ian Luke",
    surnames: "Smith Jones Taylor Brown Williams Wilson Johnson Davies Robinson Wright Thompson Evans Walker White Roberts Green Hall \
               Wood Jackson Turner Hill Cooper Ward Morris Moore King Watson Baker Harrison Morgan Allen Parker Cook Edwards Collins \
               O'Brien O'Connor Murphy Kelly Campbell Stewart Reid Murray Grant Francis Palmer Barker Holmes Chapman Mills Fox Rose \
               Booth Pearson Gibson Whitehead Sutton Fletcher Barrett Kaye-Lewis Byrne Lloyd Webb-Hart Simmonds Hinds Gayle Marshall",
    language: "en",
    prefer_it: 100,
    share: 50,
};

const POLISH: Heritage = Heritage {
    girls: "Zuzanna/Zuzia Julia Hanna/Hania Maja Aleksandra/Ola Oliwia Wiktoria Antonina/Tosia Lena Małgorzata/Gosia Nadia Iga",
    boys: "Antoni/Antek Jakub/Kuba Szymon Filip Mikołaj Stanisław/Staś Michał Kacper Łukasz Wojciech/Wojtek Oskar Igor Tymon",
    women: "Katarzyna Monika Joanna Magdalena Ewelina Beata Karolina Dorota Justyna Sylwia Izabela Marta",
    men: "Piotr Paweł Marcin Krzysztof Grzegorz Rafał Dariusz Sławomir Kamil Mariusz Artur Bartosz",
    surnames: "Nowak Wiśniewski/Wiśniewska Wójcik Kamiński/Kamińska Lewandowski/Lewandowska Zieliński/Zielińska Woźniak \
               Szymański/Szymańska Dąbrowski/Dąbrowska Mazur Krawczyk Piotrowski/Piotrowska Jabłoński/Jabłońska Król Pawlak",
    language: "pl",
    prefer_it: 80,
    share: 10,
};

const PAKISTANI: Heritage = Heritage {
    girls: "Fatima Maryam Zainab Hafsa Ayesha Inaya Amna Khadija Sana Hira Noor Safa Mahnoor Aleena",
    boys: "Muhammad Ibrahim Ali Umar Hassan Zayan Musa Bilal Ahmad Haris Faizan Subhan Rayyan Shahzaib",
    women: "Shazia Nasreen Rubina Samina Farah Uzma Nadia Rukhsana Asma Sobia Bushra Shabana Tahira",
    men: "Tariq Asif Nadeem Kashif Waqar Shahid Zahid Naveed Rashid Adnan Faisal Javed Amjad",
    surnames: "Khan Hussain Ahmed Mahmood Iqbal Akhtar Shah Mirza Qureshi Butt Chaudhry Raja Siddiqui Aslam Bashir Javed",
    language: "ur",
    prefer_it: 60,
    share: 14,
};

const INDIAN: Heritage = Heritage {
    girls: "Anaya Diya Aarohi Saanvi Ishani Kiran Jasleen Simran Meera Riya",
    boys: "Arjun Dev Vihaan Aarav Kabir Ishaan Gurpreet Harjot Krish Veer",
    women: "Priya Deepa Sunita Kavita Harpreet Manjit Neha Pooja Rekha Rajvinder",
    men: "Sanjay Rajesh Amit Vikram Sukhdeep Manpreet Anil Suresh Harish Jaspal",
    surnames: "Shah Singh Kaur-Gill Sharma Desai Mistry Sandhu Dhillon Reddy Nair Chauhan Joshi",
    language: "en",
    prefer_it: 100,
    share: 8,
};

const BANGLADESHI: Heritage = Heritage {
    girls: "Tasnim Sumaiya Nusrat Raisa Anika Labiba Tahmina",
    boys: "Tahmid Rayhan Samiul Nafis Zakir Shafin Arif",
    women: "Shirin Nazma Rokeya Salma Farhana Jahanara Taslima",
    men: "Kamal Abdul Mizanur Shahin Rezaul Jamal Habib",
    surnames: "Miah Begum-Ali Chowdhury Uddin Islam Rahman Hoque Sarkar",
    language: "en",
    prefer_it: 100,
    share: 5,
};

const WEST_AFRICAN: Heritage = Heritage {
    girls: "Temitope/Temi Chidinma Adaeze/Ada Abena Ama Ifeoluwa/Ife Blessing Esther Kemi",
    boys: "Oluwaseun/Seun Chukwuemeka/Emeka Kwame Kofi Tobiloba/Tobi David Ayomide/Ayo Emmanuel Nana",
    women: "Funmilayo Chioma Akosua Adwoa Folake Patience Mercy Yetunde",
    men: "Babatunde Chinedu Kwabena Kwaku Olumide Samuel Emeka Yaw",
    surnames: "Adeyemi Mensah Boateng Eze Owusu Balogun Nwosu Asante Ogunleye Appiah",
    language: "en",
    prefer_it: 100,
    share: 6,
};

const ROMANIAN: Heritage = Heritage {
    girls: "Ioana Sofia Andreea Daria Bianca",
    boys: "Andrei Matei Ștefan Luca Vlad",
    women: "Elena Mihaela Cristina Alina Raluca",
    men: "Ionuț Cristian Bogdan Florin Adrian",
    surnames: "Popescu Ionescu Dumitru Stan Munteanu Radu Marin",
    language: "en",
    prefer_it: 100,
    share: 3,
};

const ARAB: Heritage = Heritage {
    girls: "Layla Yasmin Salma Rania Jana",
    boys: "Omar Karim Zaid Adam Khalid",
    women: "Huda Rasha Dalia Mona Lina",
    men: "Samir Mazen Nabil Tamer Bassam",
    surnames: "Haddad Saleh Nasser Al-Masri Darwish Khoury",
    language: "en",
    prefer_it: 100,
    share: 2,
};

const CHINESE: Heritage = Heritage {
    girls: "Mei Jia Xinyi/Cindy Ling",
    boys: "Jun Haoran/Howard Wei Ming",
    women: "Li-Hua Fang Xia Yan",
    men: "Jian Kwok-Wai Lei Tao",
    surnames: "Chen Wong Li Zhang Lam Cheung",
    language: "en",
    prefer_it: 100,
    share: 2,
};
