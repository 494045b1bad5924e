//! Scenarios under real Istio.

mod common;
mod consumers;
mod identity;
mod providers;
mod rollout;
mod traffic;
