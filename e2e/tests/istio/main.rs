//! Scenarios under real Istio.

mod access;
mod common;
mod consumers;
mod drains;
mod gateway;
mod identity;
mod images;
mod lane;
mod providers;
mod registry;
mod rendered;
mod rollout;
mod routing;
mod soak;
mod traffic;
