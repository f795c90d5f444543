# The run's id. The task is not run again, whatever the configured triggers are.
import {
  to = justiam_task_run.report
  id = "0198f2c4-7d7e-7c0a-8c1e-5b6f0c1d2e3f"
}
