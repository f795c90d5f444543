# Built-in tasks are found as well.
data "justiam_scheduled_task" "audit" {
  name = "audit_log_cleanup"
}

output "next_cleanup" {
  value = data.justiam_scheduled_task.audit.next_run_at
}
