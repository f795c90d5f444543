data "justiam_task_runs" "errors" {
  status = "error"
  limit  = 10
}

output "errors" {
  value = [for run in data.justiam_task_runs.errors.runs : "${run.task_name}: ${run.error}"]
}
