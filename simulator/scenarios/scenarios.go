package scenarios

import (
	"embed"
	"fmt"
	"strings"
)

//go:embed *.yaml
var files embed.FS

// Default is the scenario that is run if none is named.
const Default = "llm-fleet"

// Names lists the scenarios: the default first, then sorted.
func Names() []string {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic(err) // the folder is part of the program
	}
	var names []string
	for _, entry := range entries {
		if name := strings.TrimSuffix(entry.Name(), ".yaml"); name != Default {
			names = append(names, name)
		}
	}
	return append([]string{Default}, names...)
}

// Text is the YAML of a scenario.
func Text(name string) ([]byte, error) {
	text, err := files.ReadFile(name + ".yaml")
	if err != nil {
		return nil, fmt.Errorf("unknown scenario %q: want one of %s", name, strings.Join(Names(), ", "))
	}
	return text, nil
}
