// The program that the interpreter starts: it runs the script and tells the server how that ended.
package main

import (
	"encoding/json"
	"fmt"
	"justiam/socket"
	"strconv"
	"task"
)

// The server takes no more than this; more is only counted, so that nothing huge crosses the socket.
const (
	maxOutput = 1 << 20
	maxText   = 8 << 10
)

func main() {
	done := make(chan bool)
	// In a goroutine of its own, because nothing could be reported after runtime.Goexit in the main one.
	go func() {
		attempt(task.Run)
		// Not deferred: after a panic here, the process must not end as if all were well.
		close(done)
	}()
	<-done
}

func attempt(script func() (string, error)) {
	finished := false
	defer func() {
		if finished {
			return
		}
		value := recover()
		if value == nil {
			report("run.exited", "{}", "")
			return
		}
		// The type tells a panic of the interpreter, which is how os.Exit and log.Fatal arrive, from one of the script.
		report("run.panicked", text(fmt.Sprint(value), `,"type":`+quoted(fmt.Sprintf("%T", value))), "")
	}()
	output, err := script()
	finished = true
	if err != nil {
		report("run.failed", text(err.Error(), ""), "")
		return
	}
	sent := output
	if len(output) > maxOutput {
		sent = ""
	}
	report("run.returned", `{"bytes":`+strconv.Itoa(len(output))+"}", sent)
}

func text(whole, more string) string {
	kept := whole
	if len(kept) > maxText {
		kept = kept[:maxText]
	}
	return `{"text":` + quoted(kept) + `,"bytes":` + strconv.Itoa(len(whole)) + more + "}"
}

func quoted(text string) string {
	json, _ := json.Marshal(text)
	return string(json)
}

func report(method, params, tail string) {
	if err := socket.Send(`{"method":"`+method+`","params":`+params+"}", tail); err != nil {
		// A string, because an error that nothing recovers is printed without its text.
		panic("could not tell the server how the script ended: " + err.Error())
	}
}
