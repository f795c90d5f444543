// Package secrets reads the secrets of the task.
package secrets

import "justiam/host"

// Get returns the value of a secret, or "" when the task has no such secret.
func Get(key string) string {
	var value string
	host.Must("secrets.get", map[string]string{"key": key}, &value)
	return value
}
