//! `meshlane render`: configuration made of Kubernetes resources and of lane groups.

mod hosts;
mod inventory;
mod lanes;
mod resources;
pub(crate) mod yaml;

pub use inventory::Inventory;
pub use lanes::Lanes;
pub use resources::Resources;
