// The program that the interpreter starts: it runs the script and tells the server how that ended.
package main

import (
	"fmt"
	"justiam/socket"
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
			report("run.exited", map[string]interface{}{}, "")
			return
		}
		// The type tells a panic of the interpreter, which is how os.Exit and log.Fatal arrive, from one of the script.
		params := text(fmt.Sprint(value))
		params["type"] = fmt.Sprintf("%T", value)
		report("run.panicked", params, "")
	}()
	output, err := script()
	if err != nil {
		params := text(err.Error())
		finished = true
		report("run.failed", params, "")
		return
	}
	finished = true
	sent := output
	if len(output) > maxOutput {
		sent = ""
	}
	report("run.returned", map[string]interface{}{"bytes": len(output)}, sent)
}

func text(whole string) map[string]interface{} {
	kept := whole
	if len(kept) > maxText {
		kept = kept[:maxText]
	}
	return map[string]interface{}{"text": kept, "bytes": len(whole)}
}

func report(method string, params interface{}, tail string) {
	if err := socket.Send(0, method, params, tail); err != nil {
		// A string, because an error that nothing recovers is printed without its text.
		panic("could not tell the server how the script ended: " + err.Error())
	}
}
