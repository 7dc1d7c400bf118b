//! How a contact would rather be told. The dispatcher respects it where safety allows.

/// By what a contact would rather be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Preference {
    /// Nobody has said.
    #[default]
    None,
    /// By text.
    Text,
    /// By e-mail.
    Email,
}

impl Preference {
    /// Every preference.
    pub const ALL: [Self; 3] = [Self::None, Self::Text, Self::Email];

    /// As it stands in rows and files; blank says nothing.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Text => "text",
            Self::Email => "email",
        }
    }

    /// The preference of a word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|preference| preference.word() == word)
    }

    /// A file that says nothing leaves what people have said.
    #[must_use]
    pub const fn or(self, standing: Self) -> Self {
        match self {
            Self::None => standing,
            Self::Text | Self::Email => self,
        }
    }
}
