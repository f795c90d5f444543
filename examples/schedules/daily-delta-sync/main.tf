# "Daily Delta Sync": what has changed in HR is imported, synchronised, and written to the directory, at 06:00 on working days. The server
# reads the files where its operator allows it: `--step-folders /srv/identities`.

terraform {
  required_providers {
    justiam = {
      source = "justiam/justiam"
    }
  }
}

resource "justiam_connected_system" "hr" {
  name = "HR"
  csv = {
    file_path    = "/srv/identities/hr.csv"
    id_column    = "id"
    email_column = "mail"
  }
}

resource "justiam_connected_system" "directory" {
  name      = "Directory"
  direction = "Outbound"
  csv = {
    file_path    = "/srv/identities/directory.csv"
    id_column    = "id"
    email_column = "mail"
  }
}

resource "justiam_run_profile" "hr" {
  for_each            = toset(["DeltaImport", "DeltaSynchronisation"])
  connected_system_id = justiam_connected_system.hr.id
  name                = each.key
  run_type            = each.key

  # It is deleted after the steps that used it are gone.
  lifecycle {
    create_before_destroy = true
  }
}

resource "justiam_run_profile" "directory" {
  for_each            = toset(["DeltaSynchronisation", "Export"])
  connected_system_id = justiam_connected_system.directory.id
  name                = each.key
  run_type            = each.key

  # It is deleted after the steps that used it are gone.
  lifecycle {
    create_before_destroy = true
  }
}

resource "justiam_schedule" "daily_delta_sync" {
  name         = "Daily Delta Sync"
  description  = "Import, sync, and export changes from all connected systems"
  trigger_type = "Cron"
  pattern_type = "SpecificTimes"
  days_of_week = [1, 2, 3, 4, 5]
  run_times    = ["06:00"]
  is_enabled   = true

  steps = [
    {
      step_type           = "RunProfile"
      connected_system_id = justiam_connected_system.hr.id
      run_profile_id      = justiam_run_profile.hr["DeltaImport"].id
    },
    {
      step_type           = "RunProfile"
      connected_system_id = justiam_connected_system.hr.id
      run_profile_id      = justiam_run_profile.hr["DeltaSynchronisation"].id
    },
    {
      step_type           = "RunProfile"
      connected_system_id = justiam_connected_system.directory.id
      run_profile_id      = justiam_run_profile.directory["DeltaSynchronisation"].id
    },
    {
      step_type           = "RunProfile"
      connected_system_id = justiam_connected_system.directory.id
      run_profile_id      = justiam_run_profile.directory["Export"].id
    },
  ]
}
