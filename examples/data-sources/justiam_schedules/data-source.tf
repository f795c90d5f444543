data "justiam_schedules" "sync" {
  search = "sync"
}

# Which of them do not fire by themselves?
output "disabled" {
  value = [for schedule in data.justiam_schedules.sync.schedules : schedule.name if !schedule.is_enabled]
}
