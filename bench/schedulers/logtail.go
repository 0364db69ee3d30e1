package main

import "strings"

// tailLimit is how much of a log is kept, in bytes.
const tailLimit = 8 << 10

// logTail keeps the end of what is written to it.
type logTail struct{ text []byte }

// Write never fails.
func (l *logTail) Write(text []byte) (int, error) {
	l.text = append(l.text, text...)
	if surplus := len(l.text) - tailLimit; surplus > 0 {
		l.text = append([]byte(nil), l.text[surplus:]...)
	}
	return len(text), nil
}

// lastLine is the last line that says something.
func (l *logTail) lastLine() string {
	text := strings.TrimSpace(string(l.text))
	return text[strings.LastIndexByte(text, '\n')+1:]
}
