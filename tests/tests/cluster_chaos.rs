//! A cluster of real processes, to which is done whatever breaks clusters, in short; `make chaos` does it at length.

use apportion_tests::chaos::{Form, run, table};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_survives_whatever_is_done_to_it_and_grants_no_permit_too_many() {
    // Also builds it, for nodes whose clock is off.
    assert!(std::path::Path::new(env!("CARGO_BIN_EXE_chaos")).exists());
    let rows = run(Form::Short, &[]).await;
    table::print(&rows);
    let missed: Vec<_> = rows.iter().filter(|row| !row.missed.is_empty()).collect();
    assert!(missed.is_empty() && !rows.is_empty(), "{missed:#?}");
}
