# By hand: terraform apply -invoke=action.justiam_run_schedule.nightly
action "justiam_run_schedule" "nightly" {
  config {
    schedule_name   = "Nightly"
    timeout_seconds = 3600
  }
}
