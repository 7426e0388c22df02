//! Who lives, who owns which shard, and who should.
//!
//! Owners and sessions decide only who serves and how much is wasted when a node dies. No permit depends on their being right: each
//! is booked in the store before it is granted. Modules stand in reading order, bottom first; `pace`, `record`, `plan`, `orders`, `wall`
//! and `campaign` are pure.

mod pace;
mod record;

mod plan;
mod wall;

mod orders;

mod view;

mod campaign;

mod claims;
mod placement;
mod probe;
mod shards;
mod table;

mod driver;
mod node;

#[cfg(test)]
mod simulation;

pub use campaign::Served;
pub use node::{Membership, MembershipError, MembershipSettings};
pub use record::NodeRecord;
pub use shards::ShardServer;
pub use table::OwnerTable;
pub use view::{ClusterView, ShardPlace};
