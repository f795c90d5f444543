# By identity, with Terraform 1.12 and later.
import {
  to = justiam_run_profile.hr_full_import
  identity = {
    connected_system_id = 3
    id                  = 7
  }
}
