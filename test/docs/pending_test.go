package docs

import (
	"regexp"
	"strings"
	"testing"
)

var codeSpan = regexp.MustCompile("`([^`]+)`")

// pendingMessages are the texts in backticks of docs/pending.md: those of the first column of its
// tables, and all of them.
func pendingMessages(t *testing.T) (first, all []string) {
	t.Helper()
	for line := range strings.Lines(readPage(t, "docs/pending.md")) {
		for _, match := range codeSpan.FindAllStringSubmatch(line, -1) {
			all = append(all, match[1])
		}
		if cells := strings.SplitN(line, "|", 3); len(cells) == 3 && cells[0] == "" {
			for _, match := range codeSpan.FindAllStringSubmatch(cells[1], -1) {
				first = append(first, match[1])
			}
		}
	}
	return first, all
}

// docs/pending.md has every message that the code can print.
func TestEveryMessageIsDocumented(t *testing.T) {
	_, documented := pendingMessages(t)
	messages := listMessages(t)
	if len(messages) < 150 {
		t.Fatalf("%d messages were found in the code, want at least 150: the walk finds too few to mean anything", len(messages))
	}
	text := strings.Join(documented, "\n")
	for _, m := range messages {
		if !m.pattern().MatchString(text) {
			t.Errorf("%s prints %q, which docs/pending.md does not have: add it with its cause and its fix", m.file, m.format)
		}
	}
}

// Every message that it has is one that the code prints.
func TestEveryDocumentedMessageIsPrinted(t *testing.T) {
	messages := listMessages(t)
	first, _ := pendingMessages(t)
	for _, documented := range first {
		printed := false
		for _, m := range messages {
			printed = printed || m.pattern().MatchString(documented)
		}
		if !printed {
			t.Errorf("docs/pending.md has %q, and no text of the code is like it: take what the program prints", documented)
		}
	}
}

func TestMessagePattern(t *testing.T) {
	for format, tc := range map[string]struct {
		text string
		want bool
	}{
		"have fewer than %d GPUs":        {"node(s) have fewer than 16 GPUs", true},
		"have fewer than %d %s free":     {"node(s) have fewer than 16 GPUs", false},
		"%d %% of %s":                    {"20 % of it", true},
		"did you mean %[1]s":             {"did you mean memory", true},
		"write %s.compareTo(semver(%q))": {`write x.compareTo(semver("1"))`, true},
	} {
		if got := (codeMessage{format: format}).pattern().MatchString(tc.text); got != tc.want {
			t.Errorf("%q and %q: got %v, want %v", format, tc.text, got, tc.want)
		}
	}
}
