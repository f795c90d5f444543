terraform {
  required_providers {
    justiam = {
      source = "justiam/justiam"
    }
  }
}

# The server's address and the token come from JUSTIAM_ENDPOINT and JUSTIAM_TOKEN.
provider "justiam" {}

variable "emails" {
  description = "Addresses of the users to create."
  type        = list(string)
  default     = ["alice@gmail.com", "bob@gmail.com"]
}

variable "user_state" {
  description = "`active`, or `inactive` for users who may not log in yet."
  type        = string
  default     = "active"
}

variable "groups" {
  description = "Names of groups that new users become members of. They must be there."
  type        = list(string)
  default     = ["google-users", "employees"]
}

# The script is that of the product's documentation, as it stands there.
resource "justiam_scheduled_task" "import_google_users" {
  name          = "Import Google Users"
  task_type     = "script"
  schedule_type = "once"
  task_config = {
    emails     = jsonencode(var.emails)
    user_state = var.user_state
    groups     = jsonencode(var.groups)
  }
  script = <<-EOT
    package task
    import (
        "config"
        "fmt"
        "idp"
        "strings"
    )
    func Run() (string, error) {
        emails := config.GetList("emails")
        userState := config.Get("user_state")
        groupNames := config.GetList("groups")
        activate := userState != "inactive"
        var created, skipped, failed int
        var details []string
        for _, email := range emails {
            email = strings.TrimSpace(email)
            if email == "" {
                continue
            }
            if existing, _ := idp.GetUserByEmail(email); existing != nil {
                skipped++
                details = append(details, fmt.Sprintf("skip %s (already exists)", email))
                continue
            }
            u, err := idp.CreateUser(email, "", "", "")
            if err != nil {
                failed++
                details = append(details, fmt.Sprintf("fail %s: %v", email, err))
                continue
            }
            if !activate {
                _ = idp.UpdateUserActive(u.ID, false)
            }
            for _, gname := range groupNames {
                g, err := idp.GetGroupByName(gname)
                if err != nil {
                    details = append(details, fmt.Sprintf("group %q not found: %v", gname, err))
                    continue
                }
                _ = idp.AddUserToGroup(u.ID, g.ID)
            }
            created++
            details = append(details, fmt.Sprintf("created %s", email))
        }
        summary := fmt.Sprintf("%d created, %d skipped, %d failed", created, skipped, failed)
        if len(details) > 0 {
            summary += "\n" + strings.Join(details, "\n")
        }
        return summary, nil
    }
  EOT
}

output "task_id" {
  description = "By which the task can be run at once."
  value       = justiam_scheduled_task.import_google_users.id
}
