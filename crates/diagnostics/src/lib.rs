//! Configuration errors with their place, and the reason codes that every decision carries.
