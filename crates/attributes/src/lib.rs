//! The facts about a request that conditions and rules can name.
