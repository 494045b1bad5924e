//! Resources of Alibaba Cloud Service Mesh.

mod lanes;
mod traffic_label;

pub(super) use lanes::lane_groups;
pub(super) use traffic_label::traffic_label;
