package scenario

import "fmt"

// openFork begins to note what changes. Forks nest.
//
// Example:
//
//	fork
func (e *Environment) openFork(*commandArguments, []string) (string, error) {
	e.snapshot.Fork()
	e.forks++
	return e.forkWords(), nil
}

// revertFork takes back what changed since the last fork.
//
// Example:
//
//	revert
func (e *Environment) revertFork(*commandArguments, []string) (string, error) {
	if e.forks == 0 {
		return "", fmt.Errorf("no fork is open")
	}
	e.snapshot.Revert()
	e.forks--
	return e.forkWords(), nil
}

// commitFork keeps what changed since the last fork; a fork around it can still take it back.
//
// Example:
//
//	commit
func (e *Environment) commitFork(*commandArguments, []string) (string, error) {
	if e.forks == 0 {
		return "", fmt.Errorf("no fork is open")
	}
	e.snapshot.Commit()
	e.forks--
	return e.forkWords(), nil
}

func (e *Environment) forkWords() string {
	if e.forks == 1 {
		return "1 fork open"
	}
	return fmt.Sprintf("%d forks open", e.forks)
}
