# All scripts that fire by themselves. Terraform 1.14 and later: `terraform query`.
list "justiam_scheduled_task" "scripts" {
  provider = justiam
  limit    = 50

  # With it, `terraform query -generate-config-out=tasks.tf` writes complete configurations.
  include_resource = true

  config {
    task_type = "script"
    enabled   = true
  }
}
