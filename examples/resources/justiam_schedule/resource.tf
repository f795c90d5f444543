variable "report_database" {
  description = "Such as postgres://reports:password@db.example.com/reports"
  type        = string
  sensitive   = true
}

resource "justiam_connected_system" "hr" {
  name = "HR"
  csv = {
    file_path    = "/srv/identities/hr.csv"
    id_column    = "id"
    email_column = "mail"
  }
}

resource "justiam_run_profile" "hr_import" {
  connected_system_id = justiam_connected_system.hr.id
  name                = "Delta import"
  run_type            = "DeltaImport"

  # It is deleted after the steps that used it are gone.
  lifecycle {
    create_before_destroy = true
  }
}

resource "justiam_run_profile" "hr_synchronisation" {
  connected_system_id = justiam_connected_system.hr.id
  name                = "Delta synchronisation"
  run_type            = "DeltaSynchronisation"

  # It is deleted after the steps that used it are gone.
  lifecycle {
    create_before_destroy = true
  }
}

# At 06:00 and 12:30 on working days: import, synchronise, then two things side by side.
resource "justiam_schedule" "delta_sync" {
  name         = "Delta sync"
  description  = "Changes in HR reach users and groups"
  trigger_type = "Cron"
  pattern_type = "SpecificTimes"
  days_of_week = [1, 2, 3, 4, 5]
  run_times    = ["06:00", "12:30"]
  timezone     = "Europe/Zurich"
  is_enabled   = true

  steps = [
    {
      step_type           = "RunProfile"
      connected_system_id = justiam_connected_system.hr.id
      run_profile_id      = justiam_run_profile.hr_import.id
    },
    {
      step_type           = "RunProfile"
      connected_system_id = justiam_connected_system.hr.id
      run_profile_id      = justiam_run_profile.hr_synchronisation.id
    },
    {
      name                = "Report"
      step_type           = "Executable"
      executable_path     = "/srv/bin/report"
      arguments           = "--title 'Delta sync'"
      timeout_seconds     = 600
      continue_on_failure = true
    },
    {
      name                  = "Clean up"
      step_type             = "SqlScript"
      execution_mode        = "ParallelWithPrevious"
      sql_connection_string = var.report_database
      sql_script_path       = "/srv/sql/cleanup.sql"
    },
  ]
}

# Every 15 minutes from 22:00 until 04:00 of the next day, in windows that start on Friday and Saturday.
resource "justiam_schedule" "weekend_nights" {
  name                  = "Weekend nights"
  trigger_type          = "Cron"
  pattern_type          = "Interval"
  days_of_week          = [5, 6]
  interval_value        = 15
  interval_unit         = "Minutes"
  interval_window_start = "22:00"
  interval_window_end   = "04:00"
  is_enabled            = true

  steps = [
    { step_type = "PowerShell", script_path = "/srv/scripts/check.ps1", arguments = "-Quiet" },
  ]
}

# On the first day of the month, by a cron expression.
resource "justiam_schedule" "monthly" {
  name            = "Monthly"
  trigger_type    = "Cron"
  pattern_type    = "Custom"
  cron_expression = "0 3 1 * *"
  is_enabled      = true

  steps = [
    { step_type = "Executable", executable_path = "/srv/bin/month-end" },
  ]
}
