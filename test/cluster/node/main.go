//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

const usage = `usage: node run -dir DIR [flags] -- KUBELET FLAGS
       node enter DIR COMMAND [arguments]
       node check`

var errUsage = errors.New(usage)

// The main goroutine stays on the main thread: a child ends with the thread that started
// it, and namespaces are entered by thread.
func init() { runtime.LockOSThread() }

func main() {
	run := runCommand
	switch {
	case filepath.Base(os.Args[0]) == runtimeName:
		run = becomeRuntime
	case os.Getenv(cniCommand) != "":
		run = func([]string) error { return runPlugin() }
	}
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

func runCommand(args []string) error {
	if len(args) == 0 {
		return errUsage
	}
	switch args[0] {
	case "run":
		return runNode(args[1:])
	case "init":
		return initNode(args[1:])
	case "enter":
		return enterNode(args[1:])
	case "bound":
		return becomeCommand(args[1:])
	case "check":
		return checkMachine()
	case "check-inside":
		return mountPrivately()
	}
	return errUsage
}
