# The id is the task's UUID or its exact name.
import {
  to = justiam_scheduled_task.weekly_report
  id = "0199f2a6-0000-7000-8000-000000000001"
}
