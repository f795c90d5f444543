//! Steps: their order, and that those that stay are the same ones.

use futures::TryStreamExt as _;
use justiam_sdk::api::executions::{Execution, ExecutionQuery};
use justiam_sdk::api::ids::StepId;
use justiam_tests::server::TestServer;
use justiam_tests::soon;
use justiam_tests::terraform::Workspace;

use super::super::world;
use super::{ADDRESS, apply, program, stored, stored_steps, with_steps};

/// Applies steps that run these programs, and says which ids they have.
async fn apply_programs(server: &TestServer, workspace: &Workspace, paths: &[&str]) -> Vec<StepId> {
    let steps: Vec<String> = paths.iter().map(|path| program(path, "")).collect();
    apply(workspace, &with_steps(&steps.iter().map(String::as_str).collect::<Vec<_>>())).await;
    let stored = stored_steps(server).await;
    assert_eq!(stored.iter().filter_map(|step| step.executable_path.as_deref()).collect::<Vec<_>>(), paths);
    stored.iter().map(|step| step.id).collect()
}

#[tokio::test]
async fn an_insert_keeps_the_ids_of_the_steps_that_stay() {
    let (server, workspace) = world().await;
    let [a, b, c] = apply_programs(&server, &workspace, &["/a", "/b", "/c"]).await[..] else { panic!() };
    let ids = apply_programs(&server, &workspace, &["/a", "/new", "/b", "/c"]).await;
    assert_eq!((ids[0], ids[2], ids[3]), (a, b, c));
    assert!(![a, b, c].contains(&ids[1]));
    // At the front, after a removal, in another order.
    let ids = apply_programs(&server, &workspace, &["/first", "/a", "/b", "/c"]).await;
    assert_eq!(ids[1..], [a, b, c]);
    assert_eq!(apply_programs(&server, &workspace, &["/a", "/c"]).await, [a, c]);
    assert_eq!(apply_programs(&server, &workspace, &["/c", "/a"]).await, [c, a]);
    // A step whose program changes is the same step.
    assert_eq!(apply_programs(&server, &workspace, &["/c", "/other"]).await, [c, a]);
}

#[tokio::test]
async fn an_insert_does_not_touch_the_history() {
    let (server, workspace) = world().await;
    apply_programs(&server, &workspace, &["/a", "/b"]).await;
    let schedule = stored(&server).await.id;
    let run = server.client.schedules().run(schedule).await.unwrap();
    let ended = soon("the end of the execution", server.client.executions().wait(run.execution_id)).await.unwrap();
    apply_programs(&server, &workspace, &["/new", "/b"]).await;
    assert_eq!(server.client.executions().get(run.execution_id).await.unwrap(), ended);
    let all: Vec<Execution> = server.client.executions().list(ExecutionQuery::default()).try_collect().await.unwrap();
    assert_eq!(all.len(), 1);
}

#[tokio::test]
async fn order_and_modes_give_the_place_of_a_step() {
    let (server, workspace) = world().await;
    let beside = ", execution_mode = \"ParallelWithPrevious\"";
    let steps = [program("/a", ""), program("/b", beside), program("/c", ""), program("/d", beside), program("/e", "")];
    apply(&workspace, &with_steps(&steps.iter().map(String::as_str).collect::<Vec<_>>())).await;
    let stored = stored_steps(&server).await;
    assert_eq!(stored.iter().map(|step| step.step_index).collect::<Vec<_>>(), [0, 0, 1, 1, 2]);
    assert_eq!(stored[1].execution_mode.to_string(), "ParallelWithPrevious");
}

#[tokio::test]
async fn an_index_that_is_set_is_kept_as_it_is() {
    let (server, workspace) = world().await;
    let steps = |indexes: [Option<i64>; 3]| {
        let index = |index: Option<i64>| index.map_or_else(String::new, |index| format!(", step_index = {index}"));
        let steps: Vec<String> =
            ["/a", "/b", "/c"].iter().zip(indexes).map(|(path, at)| program(path, &index(at))).collect();
        with_steps(&steps.iter().map(String::as_str).collect::<Vec<_>>())
    };
    apply(&workspace, &steps([Some(0), Some(500), Some(1000)])).await;
    let first = stored(&server).await;
    let indexes: Vec<i64> = first.steps.iter().flatten().map(|step| step.step_index).collect();
    assert_eq!(indexes, [0, 500, 1000]);
    // Without indexes the order gives others, and the steps are the same ones.
    apply(&workspace, &steps([None, None, None])).await;
    let second = stored(&server).await;
    let step = |schedule: &justiam_sdk::api::schedules::Schedule| -> Vec<(StepId, i64)> {
        schedule.steps.iter().flatten().map(|step| (step.id, step.step_index)).collect()
    };
    let ids: Vec<StepId> = step(&first).iter().map(|(id, _)| *id).collect();
    assert_eq!(step(&second), ids.iter().copied().zip([0, 1, 2]).collect::<Vec<_>>());
    // Writing down what the order says is a change of the configuration, and nothing for the server.
    apply(&workspace, &steps([Some(0), Some(1), Some(2)])).await;
    assert_eq!(workspace.attributes(ADDRESS).unwrap()["steps"][2]["step_index"], 2);
    assert_eq!(stored(&server).await.revision, second.revision);
}
