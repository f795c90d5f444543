# Every Terraform example of the product's own documentation of scheduled tasks, as printed there. Where the documentation elides
# something, and only there, the gap is filled and a comment says so.

terraform {
  required_providers {
    justiam = {
      source = "justiam/justiam"
    }
  }
}

# The server's address and the token come from JUSTIAM_ENDPOINT and JUSTIAM_TOKEN.
provider "justiam" {}

resource "justiam_scheduled_task" "my_task" {
  name           = "My Task"
  task_type      = "script"
  schedule_type  = "cron"
  cron_expr      = "0 * * * *"
  overlap_policy = "queue"
  # The documentation elides this script.
  script = "package task\n\nfunc Run() (string, error) { return \"my task ran\", nil }\n"
}

resource "justiam_scheduled_task" "hello" {
  name          = "Hello Script"
  task_type     = "script"
  schedule_type = "cron"
  cron_expr     = "0 * * * *"
  script        = <<-EOT
    package task
    import "fmt"
    func Run() (string, error) {
        return fmt.Sprintf("hello from terraform"), nil
    }
  EOT
}

resource "justiam_scheduled_task" "fetch_data" {
  name          = "Fetch External Data"
  task_type     = "script"
  schedule_type = "cron"
  cron_expr     = "0 6 * * *"
  script        = <<-EOT
    package task
    import (
        "fmt"
        "secrets"
    )
    func Run() (string, error) {
        token := secrets.Get("BEARER_TOKEN")
        return fmt.Sprintf("token length: %d", len(token)), nil
    }
  EOT
  secrets = {
    BEARER_TOKEN = "my-long-lived-token"
  }
}

resource "justiam_scheduled_task" "sync" {
  # The documentation elides the lines from here to task_config.
  name          = "Sync"
  task_type     = "script"
  schedule_type = "cron"
  cron_expr     = "30 * * * *"
  script        = <<-EOT
    package task

    import (
        "config"
        "fmt"
    )

    func Run() (string, error) {
        return fmt.Sprintf("%s: %d groups, %s", config.Get("domain"), len(config.GetList("group_ids")), config.Get("user_state")), nil
    }
  EOT
  task_config = {
    domain      = "example.com"
    provider_id = "<uuid>"
    user_state  = "active"
    group_ids   = jsonencode(["<group-uuid>"])
  }
}

resource "justiam_scheduled_task" "import_google_users" {
  name          = "Import Google Users"
  task_type     = "script"
  schedule_type = "once"
  task_config = {
    emails     = jsonencode(["alice@gmail.com", "bob@gmail.com"])
    user_state = "active"
    groups     = jsonencode(["google-users", "employees"])
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

resource "justiam_scheduled_task" "gworkspace_sync" {
  name          = "Google Workspace Sync"
  task_type     = "script"
  schedule_type = "cron"
  cron_expr     = "0 3 * * *"
  task_config = {
    domain          = "example.com"
    provider_id     = "<federated-provider-uuid>"
    user_state      = "active"
    groups          = jsonencode(["google-users", "employees"])
    excluded_emails = jsonencode(["svc@example.com"])
  }
  secrets = {
    SERVICE_ACCOUNT_KEY = file("service-account.json")
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
