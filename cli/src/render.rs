//! `meshlane render`: configuration made of Kubernetes resources and of lane groups.

mod hosts;
mod inventory;
mod istio;
mod lanes;
mod resources;
pub(crate) mod yaml;

pub use inventory::Inventory;
pub use istio::{Api, Documents, Options, Place, Rendering, Resource, Routing, mesh_config};
pub use lanes::Lanes;
pub use resources::Resources;
