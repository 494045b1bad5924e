//! Scenarios under real Istio.

mod common;
mod consumers;
mod traffic;
