# By identity, with Terraform 1.12 and later.
import {
  to = justiam_task_run.report
  identity = {
    id = "0198f2c4-7d7e-7c0a-8c1e-5b6f0c1d2e3f"
  }
}
