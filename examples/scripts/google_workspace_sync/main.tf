terraform {
  required_providers {
    justiam = {
      source = "justiam/justiam"
    }
  }
}

# The server's address and the token come from JUSTIAM_ENDPOINT and JUSTIAM_TOKEN.
provider "justiam" {}

variable "domain" {
  description = "The Google Workspace domain."
  type        = string
}

variable "provider_id" {
  description = "Id of the federated provider of type google that the users belong to."
  type        = string
}

variable "service_account_key_file" {
  description = "The key of a service account that may read the directory, as Google hands it out."
  type        = string
  default     = "service-account.json"
}

variable "user_state" {
  description = "`active`, or `inactive` for users who may not log in yet."
  type        = string
  default     = "active"
}

variable "groups" {
  description = "Names of groups that the users become members of. Groups that are not there are passed over."
  type        = list(string)
  default     = ["google-users", "employees"]
}

variable "excluded_emails" {
  description = "Addresses of the directory that are no users here."
  type        = list(string)
  default     = []
}

# The script is that of the product's documentation, as it stands there.
resource "justiam_scheduled_task" "gworkspace_sync" {
  name          = "Google Workspace Sync"
  task_type     = "script"
  schedule_type = "cron"
  cron_expr     = "0 3 * * *"
  task_config = {
    domain          = var.domain
    provider_id     = var.provider_id
    user_state      = var.user_state
    groups          = jsonencode(var.groups)
    excluded_emails = jsonencode(var.excluded_emails)
  }
  secrets = {
    SERVICE_ACCOUNT_KEY = file(var.service_account_key_file)
  }
  script = <<-EOT
    package task
    import (
        "config"
        "fmt"
        "gworkspace"
        "idp"
        "secrets"
        "strings"
    )
    func Run() (string, error) {
        serviceAccountKey := secrets.Get("SERVICE_ACCOUNT_KEY")
        if serviceAccountKey == "" {
            return "", fmt.Errorf("SERVICE_ACCOUNT_KEY secret is required")
        }
        domain := config.Get("domain")
        providerID := config.Get("provider_id")
        userState := config.Get("user_state")
        groupNames := config.GetList("groups")
        excluded := config.GetList("excluded_emails")
        activate := userState != "inactive"
        excludedSet := map[string]struct{}{}
        for _, e := range excluded {
            excludedSet[strings.ToLower(strings.TrimSpace(e))] = struct{}{}
        }
        provider, err := idp.GetFederatedProvider(providerID)
        if err != nil {
            return "", fmt.Errorf("provider not found: %v", err)
        }
        if provider.ProviderType != "google" {
            return fmt.Sprintf("provider type %q does not support directory sync", provider.ProviderType), nil
        }
        users, err := gworkspace.ListUsers(serviceAccountKey, domain)
        if err != nil {
            return "", fmt.Errorf("google directory API: %v", err)
        }
        var created, linked, skipped, excludedCount int
        var errs []string
        for _, gu := range users {
            if gu.Email == "" {
                continue
            }
            if _, ok := excludedSet[strings.ToLower(gu.Email)]; ok {
                excludedCount++
                continue
            }
            if synced, _ := idp.GetFederatedUserBySub(providerID, gu.Sub); synced != nil {
                skipped++
                continue
            }
            if existing, _ := idp.GetUserByEmail(gu.Email); existing != nil {
                if err := idp.LinkFederatedIdentity(existing.ID, providerID, gu.Sub); err != nil {
                    errs = append(errs, fmt.Sprintf("link %s: %v", gu.Email, err))
                    continue
                }
                for _, gname := range groupNames {
                    if g, err := idp.GetGroupByName(gname); err == nil {
                        _ = idp.AddUserToGroup(existing.ID, g.ID)
                    }
                }
                linked++
                continue
            }
            u, err := idp.CreateUser(gu.Email, gu.FirstName, gu.LastName, provider.Name)
            if err != nil {
                errs = append(errs, fmt.Sprintf("create %s: %v", gu.Email, err))
                continue
            }
            if !activate {
                _ = idp.UpdateUserActive(u.ID, false)
            }
            if err := idp.LinkFederatedIdentity(u.ID, providerID, gu.Sub); err != nil {
                errs = append(errs, fmt.Sprintf("link new %s: %v", gu.Email, err))
            }
            for _, gname := range groupNames {
                if g, err := idp.GetGroupByName(gname); err == nil {
                    _ = idp.AddUserToGroup(u.ID, g.ID)
                }
            }
            created++
        }
        summary := fmt.Sprintf(
            "sync %q: %d created, %d linked, %d skipped, %d excluded",
            domain, created, linked, skipped, excludedCount,
        )
        if len(errs) > 0 {
            summary += fmt.Sprintf("\nerrors (%d): %s", len(errs), strings.Join(errs, "; "))
        }
        return summary, nil
    }
  EOT
}

output "task_id" {
  description = "By which the task can be run at once."
  value       = justiam_scheduled_task.gworkspace_sync.id
}
