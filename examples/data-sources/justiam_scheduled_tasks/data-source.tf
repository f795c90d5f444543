data "justiam_scheduled_tasks" "scripts" {
  task_type = "script"
  enabled   = true
}

output "scripts" {
  value = { for task in data.justiam_scheduled_tasks.scripts.tasks : task.name => task.cron_expr }
}
