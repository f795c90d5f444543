// Package host carries calls from a script to the server.
//
// Scripts should use the packages built on it. Using it directly does no harm: the server decides by the run, that is
// by the socket, and not by who is calling, what may be asked for.
package host

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"justiam/socket"
	"strconv"
	"sync"
)

// The server ends a run that sends a longer line.
const maxLine = 1 << 20

type reply struct {
	ID     int             `json:"id"`
	Result json.RawMessage `json:"result"`
	Error  string          `json:"error"`
	Tail   int             `json:"tail"`
	bytes  []byte          // so many follow the line
}

var (
	lock    sync.Mutex // guards the variables below
	lastID  int
	waiting map[int]chan reply // nil until the first call starts the reader
	broken  string             // why no call can succeed any more
)

// Call asks the server for method and decodes the answer into result, which is a pointer.
// Calls from several goroutines do not wait for one another.
func Call(method string, params interface{}, result interface{}) error {
	_, err := Exchange(method, params, "", result)
	return err
}

// Exchange is Call for bytes that are no JSON: tail goes with the call, and what comes with the answer is returned.
func Exchange(method string, params interface{}, tail string, result interface{}) (string, error) {
	sent, err := json.Marshal(params)
	if err != nil {
		return "", err
	}
	id, answer, err := register()
	if err != nil {
		return "", err
	}
	message := `{"id":` + strconv.Itoa(id) + `,"method":"` + method + `","params":` + string(sent)
	if tail != "" {
		message += `,"tail":` + strconv.Itoa(len(tail))
	}
	message += "}"
	if len(message) > maxLine {
		forget(id)
		return "", errors.New("the call has " + strconv.Itoa(len(message)) + " bytes as JSON; the limit is " + strconv.Itoa(maxLine) + " (1 MiB)")
	}
	if err := socket.Send(message, tail); err != nil {
		forget(id)
		return "", err
	}
	got := <-answer
	if got.Error != "" {
		return "", errors.New(got.Error)
	}
	return string(got.bytes), json.Unmarshal(got.Result, result)
}

// Must is Call for functions that have no error to return: a script must not take a lost connection for a missing value.
func Must(method string, params interface{}, result interface{}) {
	if err := Call(method, params, result); err != nil {
		panic(method + ": " + err.Error())
	}
}

func register() (int, chan reply, error) {
	lock.Lock()
	defer lock.Unlock()
	if broken != "" {
		return 0, nil, errors.New(broken)
	}
	if waiting == nil {
		waiting = map[int]chan reply{}
		go listen()
	}
	lastID++
	answer := make(chan reply, 1)
	waiting[lastID] = answer
	return lastID, answer, nil
}

func forget(id int) chan reply {
	lock.Lock()
	defer lock.Unlock()
	answer := waiting[id]
	delete(waiting, id)
	return answer
}

// listen hands each answer to the call that waits for it.
func listen() {
	lines := bufio.NewReader(socket.File)
	for {
		line, err := lines.ReadBytes('\n')
		var got reply
		if err == nil {
			err = json.Unmarshal(line, &got)
		}
		if err == nil && got.Tail > 0 {
			got.bytes = make([]byte, got.Tail)
			_, err = io.ReadFull(lines, got.bytes)
		}
		if err != nil {
			fail("the server closed the connection")
			return
		}
		if answer := forget(got.ID); answer != nil {
			answer <- got
		}
	}
}

// fail ends all calls, also those to come.
func fail(why string) {
	lock.Lock()
	defer lock.Unlock()
	broken = why
	// Not a range over the map: now and then that fails in the interpreter when another goroutine panics meanwhile.
	for id := 1; id <= lastID; id++ {
		if answer := waiting[id]; answer != nil {
			answer <- reply{Error: why}
		}
	}
}
