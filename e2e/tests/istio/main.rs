//! Scenarios under real Istio.

mod common;
mod consumers;
mod providers;
mod rollout;
mod traffic;
