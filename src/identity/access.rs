//! The ways in: what a caller has to show before a route signs for them.

/// What callers have to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Nothing: whoever reaches the address may upload. Written out as `anonymous`, never a default.
    Anonymous,
}

/// Who is asking, as far as they have shown it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// The name that a caller has proved; none for an anonymous one.
    pub subject: Option<String>,
}

impl Access {
    /// Reads the name of a way in; an unknown one is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        (text == "anonymous").then_some(Self::Anonymous)
    }

    /// Lets a caller in.
    #[must_use]
    pub fn admit(self) -> Caller {
        match self {
            Self::Anonymous => Caller::default(),
        }
    }
}
