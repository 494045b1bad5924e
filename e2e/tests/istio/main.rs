//! Scenarios under real Istio.

mod consumers;
