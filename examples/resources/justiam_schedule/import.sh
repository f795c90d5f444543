# By id, a UUID.
terraform import justiam_schedule.delta_sync 0199f2a6-0000-7000-8000-000000000001

# By name, exactly as the server has it.
terraform import justiam_schedule.delta_sync "Delta sync"
