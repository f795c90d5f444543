// Package check looks at a script instead of running it.
//
// Imported first, it parses the script and tells the server what is wrong, as a JSON array of texts `line:column: message`;
// at most ten, which is where the parser gives up. A script without such errors is compiled by the interpreter, which has two
// files of the server beside it: before the first line of the script would run, one of them calls Done.
package check

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/parser"
	"go/scanner"
	"go/token"
	"justiam/socket"
	"os"
	"path/filepath"
	"strconv"
)

// As much of a message as is returned: one that names a literal can be as long as the source.
const maxMessage = 300

func init() {
	file := filepath.Join(os.Getenv("GOPATH"), "src", "task", "script.go")
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	var list scanner.ErrorList
	switch {
	case errors.As(err, &list):
		found := []string{}
		for _, one := range list {
			found = append(found, fmt.Sprintf("%d:%d: %s", one.Pos.Line, one.Pos.Column, short(one.Msg)))
		}
		end(found)
	case err != nil:
		panic("the script could not be parsed: " + err.Error())
	case parsed.Name.Name != "task":
		// Whoever looks at the header says so in better words, and the interpreter could not go on.
		end([]string{})
	}
}

// Done tells the server that the script compiles. It does not return.
func Done() bool {
	end([]string{})
	return true
}

// Entry takes what a script's Run must be.
func Entry(run func() (string, error)) bool {
	return true
}

// end reports what was found and waits for the server, which ends the process.
func end(found []string) {
	text, err := json.Marshal(found)
	if err == nil {
		err = socket.Send(`{"method":"run.returned","params":{"bytes":`+strconv.Itoa(len(text))+"}}", string(text))
	}
	if err != nil {
		panic("could not tell the server what was found: " + err.Error())
	}
	select {}
}

func short(message string) string {
	runes := []rune(message)
	if len(runes) <= maxMessage {
		return message
	}
	return string(runes[:maxMessage]) + "…"
}
