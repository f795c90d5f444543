# By identity, with Terraform 1.12 and later.
import {
  to = justiam_scheduled_task.weekly_report
  identity = {
    id = "0199f2a6-0000-7000-8000-000000000001"
  }
}
