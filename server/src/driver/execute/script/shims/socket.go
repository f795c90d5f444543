// Package socket is the script's end of the connection to the server, which the process inherited.
//
// It is apart from package host, because a script that calls nothing need not wait until that one is interpreted. It and main
// are small and write JSON by hand for the same reason: their interpretation is a good part of a short run.
package socket

import (
	"os"
	"strconv"
	"sync"
)

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

// Send sends a message, which is one line of JSON, and after it the bytes of tail as they are.
func Send(message, tail string) error {
	lock.Lock()
	defer lock.Unlock()
	_, err := File.WriteString(message + "\n" + tail)
	return err
}
