//! Both bridges between a client and a provider, with bytes that pass as they do in Envoy: what
//! a bridge has for a side leaves it only while bytes pass towards that side.

mod chain;
mod drain;
mod flow;
pub(crate) mod frames;
mod limits;
mod scenarios;
