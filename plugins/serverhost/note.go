package serverhost

import (
	"encoding/json"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// HostNote is one thing beside its GPUs that stops or slows a server.
type HostNote struct {
	// Cause is what is wrong, with figures, and Detail what follows from it, which may be left out.
	Cause, Detail string
	// Remedy is what to do, and Lines are what to type for it: fields of the container, and of the pod
	// where they begin with "volumes:".
	Remedy string
	Lines  []string
}

// String is the note in a sentence.
func (n *HostNote) String() string {
	text := n.Cause
	if n.Detail != "" {
		text += ": " + n.Detail
	}
	return text + ": " + n.Remedy
}

// WarningText is the note within so many bytes: with the lines to type if they have room, or else with
// what follows from the cause. It may be longer if cause and remedy are.
func (n *HostNote) WarningText(limit int) string {
	short := n.Cause + ": " + n.Remedy
	if len(n.Lines) > 0 {
		if text := short + ": " + strings.Join(n.Lines, "; "); len(text) <= limit {
			return text
		}
	}
	if full := n.String(); len(full) <= limit {
		return full
	}
	return short
}

// probeLine is a probe as it is typed, with the check of another one.
func probeLine(name, counts string, like *corev1.Probe) string {
	return name + ": {" + checkText(like) + ", " + counts + "}"
}

// checkText is how a probe checks, in YAML.
func checkText(p *corev1.Probe) string {
	switch {
	case p.HTTPGet != nil:
		path := p.HTTPGet.Path
		if path == "" {
			path = "/"
		}
		return "httpGet: {path: " + quoteText(path) + ", port: " + quoteText(p.HTTPGet.Port.String()) + "}"
	case p.TCPSocket != nil:
		return "tcpSocket: {port: " + quoteText(p.TCPSocket.Port.String()) + "}"
	case p.GRPC != nil:
		port, _ := json.Marshal(p.GRPC.Port)
		return "grpc: {port: " + string(port) + "}"
	}
	command, _ := json.Marshal(p.Exec.Command)
	return "exec: {command: " + string(command) + "}"
}

// quoteText is text in YAML's flow style, in quotes where it needs them.
func quoteText(text string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/-_.", r)
	}
	if text != "" && strings.IndexFunc(text, func(r rune) bool { return !plain(r) }) < 0 && text[0] != '-' {
		return text
	}
	quoted, _ := json.Marshal(text)
	return string(quoted)
}
