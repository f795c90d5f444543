resource "justiam_scheduled_task" "report" {
  name          = "Report"
  task_type     = "script"
  schedule_type = "once"
  enabled       = false
  script        = <<-EOT
    package task

    import "config"

    func Run() (string, error) {
      return "report of " + config.Get("group"), nil
    }
  EOT

  task_config = {
    group = "staff"
  }
}

# Runs when it is created, and again whenever the script or its entries change.
resource "justiam_task_run" "report" {
  task_id = justiam_scheduled_task.report.id

  triggers = {
    script = sha256(justiam_scheduled_task.report.script)
    group  = justiam_scheduled_task.report.task_config.group
  }
}

output "report" {
  value = justiam_task_run.report.output
}
