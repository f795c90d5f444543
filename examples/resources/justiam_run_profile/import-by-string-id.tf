# The connected system and the run profile, each by its id or its exact name; or the run profile's id alone.
import {
  to = justiam_run_profile.hr_full_import
  id = "HR/Full import"
}
