# The connected system and the run profile, each by its id or its exact name.
terraform import justiam_run_profile.hr_full_import "HR/Full import"

# By id alone, a number.
terraform import justiam_run_profile.hr_full_import 7
