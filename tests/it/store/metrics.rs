//! Figures for monitoring.

use justiam_sdk::api::executions::ExecutionStatus;
use justiam_sdk::api::values::OverlapPolicy;
use justiam_server::store::metrics::{self, ActiveExecutions, ActiveRuns, ActiveSteps};
use justiam_server::store::runs::Fate;
use justiam_server::store::{Db, executions};
use justiam_tests::backend::Backend;
use justiam_tests::both_databases;

use super::executions::{claim_steps, execution_of};
use super::support::{add_runs, add_tasks, at, claim, id, run, task_with, write};

both_databases!(
    active_runs_are_counted_by_where_they_stand,
    active_steps_are_counted_by_where_they_stand,
    active_executions_are_counted_by_where_they_stand,
);

async fn counted(db: &Db) -> ActiveRuns {
    metrics::active_runs(&mut db.read().await.unwrap()).await.unwrap()
}

async fn active_runs_are_counted_by_where_they_stand(backend: Backend) {
    let db = backend.store().await;
    assert_eq!(counted(&db).await, ActiveRuns::default());
    add_tasks(&db, &[task_with(1, OverlapPolicy::Queue)]).await;
    let new = [
        run(1, id(1), Fate::Ready),
        run(2, id(1), Fate::Waiting),
        run(3, id(1), Fate::Waiting),
        run(4, id(1), Fate::Cancelled("why".into())),
    ];
    add_runs(&db, &new).await;
    assert_eq!(counted(&db).await, ActiveRuns { queued: 3, ready: 1, running: 0 });
    claim(&db, "w", 9).await;
    assert_eq!(counted(&db).await, ActiveRuns { queued: 2, ready: 0, running: 1 });
}

async fn active_steps_are_counted_by_where_they_stand(backend: Backend) {
    let db = backend.store().await;
    execution_of(&db, 1, &[0, 0, 0, 1]).await;
    claim_steps(&db, "w", 1).await;
    let counted = metrics::active_steps(&mut db.read().await.unwrap()).await.unwrap();
    assert_eq!(counted, ActiveSteps { queued: 2, processing: 1 });
}

async fn active_executions_are_counted_by_where_they_stand(backend: Backend) {
    let db = backend.store().await;
    let counted = async || metrics::active_executions(&mut db.read().await.unwrap()).await.unwrap();
    assert_eq!(counted().await, ActiveExecutions::default());
    execution_of(&db, 1, &[0]).await;
    execution_of(&db, 2, &[0]).await;
    execution_of(&db, 3, &[0]).await;
    claim_steps(&db, "w", 1).await;
    write(&db, async |tx| executions::end(tx, id(3), &ExecutionStatus::Failed, None, at(9)).await.unwrap()).await;
    assert_eq!(counted().await, ActiveExecutions { queued: 1, in_progress: 1 });
}
