// The program that the interpreter starts to look at a script. It never gets beyond its imports: either the interpreter refuses
// the script, or package check reports and waits for its end.
package main

import (
	// First, so that the script is parsed before the interpreter meets it.
	_ "justiam/check"
	_ "task"
)

func main() {}
