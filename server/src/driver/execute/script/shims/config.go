// Package config reads the configuration values of the task.
package config

import "justiam/host"

// Get returns a value as it is stored, or "" when it is absent.
func Get(key string) string {
	var value string
	host.Must("config.get", map[string]string{"key": key}, &value)
	return value
}

// GetList returns the items of a JSON array or of a comma-separated text; none when the value is absent or empty.
func GetList(key string) []string {
	var value []string
	host.Must("config.get_list", map[string]string{"key": key}, &value)
	return value
}

// GetBool tells whether a value is true, 1 or yes, in any letter case.
func GetBool(key string) bool {
	var value bool
	host.Must("config.get_bool", map[string]string{"key": key}, &value)
	return value
}

// GetInt returns a value as a number, or 0 when it is absent or no whole number.
func GetInt(key string) int {
	var value int
	host.Must("config.get_int", map[string]string{"key": key}, &value)
	return value
}
