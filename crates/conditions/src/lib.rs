//! Conditions over request attributes: operators, boolean logic, sticky buckets.
