package cluster

import (
	"encoding/json"
	"regexp"
	"strings"
)

// complaintLines is how many lines of a log an error message carries at most.
const complaintLines = 3

// klogError is the head of an error line of the Kubernetes components.
var klogError = regexp.MustCompile(`^[EF]\d{4} \S+ +\d+ [^\]]*\] `)

// firstComplaint returns the last lines of a log that say what went wrong, without
// their time stamps, or its last lines of any kind if none does. A program that
// explains its usage has said before what it did not understand.
func firstComplaint(log string) string {
	var errors, lines []string
	for line := range strings.Lines(log) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		if line == "Usage:" && len(lines) > 0 {
			break
		}
		lines = append(lines, line)
		if text, ok := errorText(line); ok {
			errors = append(errors, text)
		}
	}
	if len(errors) > 0 {
		lines = errors
	}
	return strings.Join(lines[max(0, len(lines)-complaintLines):], "\n")
}

// errorText returns what a line reports if it reports an error.
func errorText(line string) (string, bool) {
	if head := klogError.FindString(line); head != "" {
		return line[len(head):], true
	}
	for _, prefix := range []string{"Error: ", "error: ", "panic: ", "fatal error: "} {
		if strings.HasPrefix(line, prefix) {
			return line, true
		}
	}
	// etcd and KWOK log JSON.
	var entry struct{ Level, Msg, Error, Err string }
	if json.Unmarshal([]byte(line), &entry) != nil {
		return "", false
	}
	switch strings.ToLower(entry.Level) {
	case "error", "fatal", "panic":
	default:
		return "", false
	}
	text := entry.Msg
	for _, cause := range []string{entry.Error, entry.Err} {
		if cause != "" {
			text += ": " + cause
		}
	}
	return text, true
}
