//! Envoy filter for traffic tagging.
