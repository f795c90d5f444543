data "justiam_schedule" "daily" {
  name = "Daily Delta Sync"
}

output "next_run" {
  value = data.justiam_schedule.daily.next_run_time
}

output "steps" {
  value = [for step in data.justiam_schedule.daily.steps : "${step.step_index}: ${step.step_type}"]
}
