package simulator

import (
	"encoding/json"
	"strings"
)

// linesOf reads a log.
func linesOf(log string) []logLine {
	var lines []logLine
	decoder := json.NewDecoder(strings.NewReader(log))
	for decoder.More() {
		var l logLine
		if err := decoder.Decode(&l); err != nil {
			panic(err)
		}
		lines = append(lines, l)
	}
	return lines
}
