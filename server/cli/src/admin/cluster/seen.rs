//! The cluster as the server sees it.

use crate::connection::{Client, refused};
use apportion_proto::v1;

/// The cluster as the server sees it now.
pub(super) async fn cluster(client: &mut Client) -> Result<v1::Cluster, String> {
    let shown = client.get_cluster(v1::GetClusterRequest {}).await.map_err(|status| refused(&status))?;
    shown.into_inner().cluster.ok_or_else(|| "the server shows no cluster".into())
}
