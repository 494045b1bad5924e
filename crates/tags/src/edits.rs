use std::borrow::Cow;

use meshlane_attributes::Headers;
use serde::Serialize;

/// A change to one request header; lines of that name that are already there are replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mutation {
    /// The header's name, in lower case.
    pub name: String,
    /// The new value; nothing to remove the header.
    pub value: Option<Vec<u8>>,
}

/// A header that is set or removed, as people read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeaderWrite {
    /// The header's name.
    pub name: String,
    /// Its new value; nothing when it is removed.
    pub value: Option<String>,
}

/// The request headers with the changes so far: two tags in one `baggage` see each other.
#[derive(Debug, Clone)]
pub struct Edits<'h> {
    headers: &'h Headers,
    mutations: Vec<Mutation>,
}

impl<'h> Edits<'h> {
    /// No changes yet.
    pub fn new(headers: &'h Headers) -> Self {
        Self {
            headers,
            mutations: Vec::new(),
        }
    }

    /// The header as it stands now.
    pub fn current(&self, name: &str) -> Option<Cow<'_, [u8]>> {
        match self.mutation(name) {
            Some(mutation) => mutation.value.as_deref().map(Cow::Borrowed),
            None => self.headers.joined(name),
        }
    }

    /// Sets or removes a header, unless it is so already.
    pub fn set(&mut self, name: &str, value: Option<Vec<u8>>) {
        if self.current(name).as_deref() == value.as_deref() {
            return;
        }
        match self
            .mutations
            .iter_mut()
            .find(|mutation| mutation.name == name)
        {
            Some(mutation) => mutation.value = value,
            None => self.mutations.push(Mutation {
                name: name.to_owned(),
                value,
            }),
        }
    }

    /// The changes, each header at most once.
    pub fn into_mutations(self) -> Vec<Mutation> {
        self.mutations
    }

    fn mutation(&self, name: &str) -> Option<&Mutation> {
        self.mutations.iter().find(|mutation| mutation.name == name)
    }
}

impl HeaderWrite {
    /// A header that is set.
    pub fn set(name: String, value: String) -> Self {
        let value = Some(value);
        Self { name, value }
    }
}

impl From<Mutation> for HeaderWrite {
    fn from(mutation: Mutation) -> Self {
        let text = |value: Vec<u8>| String::from_utf8_lossy(&value).into_owned();
        Self {
            name: mutation.name,
            value: mutation.value.map(text),
        }
    }
}
