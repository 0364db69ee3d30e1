package scenario

import "fmt"

// cordonNodes lets nodes take nothing new.
//
// Example:
//
//	cordon h-0 h-1
func (e *Environment) cordonNodes(args *commandArguments, _ []string) (string, error) {
	return "", e.setSchedulable(args, false)
}

// uncordonNodes undoes cordon.
//
// Example:
//
//	uncordon h-0
func (e *Environment) uncordonNodes(args *commandArguments, _ []string) (string, error) {
	return "", e.setSchedulable(args, true)
}

func (e *Environment) setSchedulable(args *commandArguments, schedulable bool) error {
	names := args.bareNames()
	if len(names) == 0 {
		return fmt.Errorf("want the names of nodes")
	}
	nodes, err := e.nodeNumbers(names)
	for _, node := range nodes {
		e.snapshot.SetSchedulable(node, schedulable)
	}
	return err
}
