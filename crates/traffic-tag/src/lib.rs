//! Traffic tagging: which tags a request gets, and what is written to its carriers.
