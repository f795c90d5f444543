# By the run's id. The task is not run again, whatever the configured triggers are.
terraform import justiam_task_run.report 0198f2c4-7d7e-7c0a-8c1e-5b6f0c1d2e3f
