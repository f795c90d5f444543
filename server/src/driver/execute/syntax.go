// Package task is a script of the server itself: it parses a source and returns what is wrong with it, as a JSON array of
// texts `line:column: message`. At most ten, which is where the parser gives up.
package task

import (
	"config"
	"encoding/json"
	"errors"
	"fmt"
	"go/parser"
	"go/scanner"
	"go/token"
)

// As much of a message as is returned: one that names a literal can be as long as the source.
const maxMessage = 300

func Run() (string, error) {
	found := []string{}
	_, err := parser.ParseFile(token.NewFileSet(), "", config.Get("source"), parser.SkipObjectResolution)
	if err != nil {
		var list scanner.ErrorList
		if !errors.As(err, &list) {
			return "", err
		}
		for _, one := range list {
			found = append(found, fmt.Sprintf("%d:%d: %s", one.Pos.Line, one.Pos.Column, short(one.Msg)))
		}
	}
	text, err := json.Marshal(found)
	return string(text), err
}

func short(message string) string {
	runes := []rune(message)
	if len(runes) <= maxMessage {
		return message
	}
	return string(runes[:maxMessage]) + "…"
}
