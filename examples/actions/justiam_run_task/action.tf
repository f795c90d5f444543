resource "justiam_scheduled_task" "sync" {
  name          = "Sync"
  task_type     = "script"
  schedule_type = "cron"
  cron_expr     = "0 3 * * *"
  script        = <<-EOT
    package task

    func Run() (string, error) {
      return "nothing to do", nil
    }
  EOT

  # Runs each time that the task was created or changed, without waiting for the night.
  lifecycle {
    action_trigger {
      events  = [after_create, after_update]
      actions = [action.justiam_run_task.sync]
    }
  }
}

action "justiam_run_task" "sync" {
  config {
    task_name       = "Sync"
    timeout_seconds = 60
  }
}
