resource "justiam_connected_system" "hr" {
  name = "HR"

  csv = {
    file_path    = "/srv/justiam/hr.csv"
    id_column    = "employee_id"
    email_column = "email"
  }
}

resource "justiam_run_profile" "hr_full_import" {
  connected_system_id = justiam_connected_system.hr.id
  name                = "Full import"
  run_type            = "FullImport"

  # It is deleted after the steps that used it are gone.
  lifecycle {
    create_before_destroy = true
  }
}

# Only what has changed, in a file of its own and in larger pages.
resource "justiam_run_profile" "hr_delta_import" {
  connected_system_id = justiam_connected_system.hr.id
  name                = "Delta import"
  run_type            = "DeltaImport"
  file_path           = "/srv/justiam/hr-changes.csv"
  page_size           = 1000
}

resource "justiam_run_profile" "hr_delta_sync" {
  connected_system_id = justiam_connected_system.hr.id
  name                = "Delta sync"
  run_type            = "DeltaSynchronisation"
}
