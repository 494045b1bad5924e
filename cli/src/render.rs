//! `meshlane render`: configuration made of Kubernetes resources.

mod hosts;
mod inventory;
mod resources;
mod yaml;

pub use inventory::Inventory;
pub use resources::Resources;
