// Package socket is the script's end of the connection to the server, which the process inherited.
//
// It is apart from package host, because a script that calls nothing need not wait until that one is interpreted.
package socket

import (
	"encoding/json"
	"errors"
	"os"
	"strconv"
	"sync"
)

// The server ends a run that sends a longer line.
const maxLine = 1 << 20

type message struct {
	ID     int         `json:"id"`
	Method string      `json:"method"`
	Params interface{} `json:"params"`
	Tail   int         `json:"tail,omitempty"`
}

var (
	// File is the socket; only package host may read from it.
	File = open()
	lock sync.Mutex // keeps messages of several goroutines apart
)

func open() *os.File {
	number, err := strconv.Atoi(os.Getenv("HOST_FD"))
	if err != nil {
		panic("HOST_FD does not name the server's socket")
	}
	return os.NewFile(uintptr(number), "server")
}

// Send sends one message as a line, and after it the bytes of tail as they are.
func Send(id int, method string, params interface{}, tail string) error {
	line, err := json.Marshal(message{ID: id, Method: method, Params: params, Tail: len(tail)})
	if err != nil {
		return err
	}
	if len(line) > maxLine {
		return errors.New("the call has " + strconv.Itoa(len(line)) + " bytes as JSON; the limit is " + strconv.Itoa(maxLine) + " (1 MiB)")
	}
	lock.Lock()
	defer lock.Unlock()
	if _, err := File.Write(append(line, '\n')); err != nil {
		return err
	}
	if tail == "" {
		return nil
	}
	_, err = File.WriteString(tail)
	return err
}
