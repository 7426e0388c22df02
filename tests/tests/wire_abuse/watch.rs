//! Requests to watch a workspace.

use apportion_proto::v1;
use tonic::Code;

use crate::world::{World, is_malformed, is_refused, span};

#[tokio::test]
async fn a_watch_is_checked_and_starts_with_a_snapshot() {
    let mut world = World::new();
    let watch = |workspace: &str, min_interval| v1::WatchWorkspaceRequest {
        workspace: workspace.into(),
        min_interval,
    };
    is_malformed(world.client.watch_workspace(watch("a/b", None)).await, "workspace");
    let nowhere = world.client.watch_workspace(watch("nowhere", None)).await;
    is_refused(nowhere, Code::NotFound, "UNKNOWN_WORKSPACE", "");
    for interval in [span(0, 0), span(0, 249_999_999), span(60, 1), span(-1, 0), span(i64::MAX, i32::MAX)] {
        let refused = world.client.watch_workspace(watch("", Some(interval))).await;
        is_malformed(refused, "min_interval");
    }
    let mut snapshots = world.client.watch_workspace(watch("", None)).await.expect("a stream").into_inner();
    let first =
        snapshots.message().await.expect("no error").expect("a snapshot").snapshot.expect("a snapshot");
    assert_eq!((first.version, first.workspace.as_str()), (1, "default"));
    drop(snapshots);
    world.serves_as_before().await;
}
