package task

import "time"

func Run() (string, error) {
	return "ran at " + time.Now().UTC().Format(time.RFC3339), nil
}
