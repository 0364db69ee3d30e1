package yamlfile

import (
	"regexp"
	"strconv"
	"strings"
)

// plainName are fields that paths have as they are; others are quoted.
var plainName = regexp.MustCompile(`^[-a-zA-Z0-9_/$<]+$`)

func joinPath(path, name string) string {
	if !plainName.MatchString(name) {
		name = strconv.Quote(name)
	}
	if path == "" {
		return name
	}
	return path + "." + name
}

// Position is where the field of a path is: its value if that is a scalar, and else its
// name. For a field that is not there it is the innermost that is.
func (d *Document) Position(path string) Position {
	at, node := d.Root.Position, d.Root
	for path != "" && node != nil {
		var step string
		step, path = cutStep(path)
		if number, isItem := strings.CutPrefix(step, "["); isItem {
			index, err := strconv.Atoi(number)
			if err != nil || index < 0 || index >= len(node.Items) {
				return at
			}
			node = node.Items[index]
			at = node.Position
			continue
		}
		field := node.findField(step)
		if field == nil {
			return at
		}
		node, at = field.Value, field.Position
		if node.IsScalar() {
			at = node.Position
		}
	}
	return at
}

// Fault is what is wrong with the field of a path.
func (d *Document) Fault(path, problem string) *Fault {
	return &Fault{File: d.File, Position: d.Position(path), Path: path, Problem: problem}
}

// cutStep takes the first step off a path: "nodes", or "[2" for an item.
func cutStep(path string) (step, rest string) {
	if path[0] == '[' {
		step, rest, _ = strings.Cut(path, "]")
		return step, strings.TrimPrefix(rest, ".")
	}
	end := strings.IndexAny(path, ".[")
	if end < 0 {
		return path, ""
	}
	return path[:end], strings.TrimPrefix(path[end:], ".")
}
