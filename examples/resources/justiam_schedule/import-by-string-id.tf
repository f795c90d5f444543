# The id is the schedule's UUID or its exact name.
import {
  to = justiam_schedule.delta_sync
  id = "0199f2a6-0000-7000-8000-000000000001"
}
