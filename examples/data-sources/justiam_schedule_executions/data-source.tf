data "justiam_schedule" "daily" {
  name = "Daily Delta Sync"
}

data "justiam_schedule_executions" "failed" {
  schedule_id = data.justiam_schedule.daily.id
  status      = "Failed"
  limit       = 5
}

output "failures" {
  value = [for execution in data.justiam_schedule_executions.failed.executions : execution.error_message]
}
