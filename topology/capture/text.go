package capture

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// MaxText is the most bytes that one capture may have. `nvidia-smi -q` prints
// about 12 KiB for each GPU.
const MaxText = 1 << 20

// Text is one capture.
type Text struct {
	// File names the capture in errors.
	File    string
	Content string
}

// isEmpty reports whether the capture was left out.
func (t Text) isEmpty() bool { return t.File == "" && t.Content == "" }

// captureLine is one line of a capture, without terminal escapes and trailing space.
type captureLine struct {
	file   string
	number int
	text   string
}

// lineErrorf is an error about the line: what is wrong and what to do about it.
func (l captureLine) lineErrorf(format string, args ...any) error {
	return fmt.Errorf("%s:%d: %w", l.file, l.number, fmt.Errorf(format, args...))
}

// lineNotef is a note about the line.
func (l captureLine) lineNotef(format string, args ...any) string {
	return l.lineErrorf(format, args...).Error()
}

// escapes are the terminal sequences that nvidia-smi underlines its header with,
// also where a copy lost the escape character or shows it in writing, window titles
// and charset switches.
var escapes = regexp.MustCompile(`(?:(?i:\^\[|\\e|\\033|\\x1b|\\u001b)|\x{241b})\[[0-9;]*m` +
	"|\x1b?\\[[0-9;]*m|\x1b\\][^\x07\x1b]*(?:\x07|\x1b\\\\)|\x1b\\[[0-9;?]*[A-Za-z]|\x1b[()][0-9A-Za-z]|\x1b")

// stamps are what kubectl logs --prefix or --timestamps and mpirun write before a line.
var stamps = regexp.MustCompile(`^(?:\[[^\]\s]+\](?:<stdout>:)? ?|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(?:Z|[+-][0-9:]+) )+`)

// quotes are the marks before the lines of a quotation, with one space each.
var quotes = regexp.MustCompile(`^\s*>(?: ?>)* ?`)

// blanks are spaces that are none to strings.Fields or to the eye.
var blanks = strings.NewReplacer("\u00a0", " ", "\u200b", "", "\ufeff", "")

// comment is what source code, YAML and patches have before each line that they quote.
var comment = regexp.MustCompile(`^\s*(#|//|;|--|\+|\*)(?: |$)`)

// cutComments cuts the mark that all lines begin with.
func cutComments(all []captureLine) {
	mark := ""
	for _, l := range all {
		match := comment.FindStringSubmatch(l.text)
		switch {
		case l.text == "":
			continue
		case match == nil, mark != "" && match[1] != mark:
			return
		}
		mark = match[1]
	}
	for i, l := range all {
		all[i].text = l.text[len(comment.FindString(l.text)):]
	}
}

// splitLines splits the capture. It refuses what is too large or not text.
func (t Text) splitLines() ([]captureLine, error) {
	start := captureLine{file: t.File, number: 1}
	content := strings.TrimPrefix(t.Content, "\ufeff")
	switch {
	case len(content) > MaxText:
		return nil, start.lineErrorf("%d bytes, at most %d are read: keep what one nvidia-smi command printed", len(content), MaxText)
	case strings.HasPrefix(content, "\xff\xfe") || strings.HasPrefix(content, "\xfe\xff"):
		return nil, start.lineErrorf("is UTF-16, save it as UTF-8")
	case strings.Contains(content, "\x00") || !utf8.ValidString(content):
		return nil, start.lineErrorf("is not UTF-8 text, save it as UTF-8")
	}
	if !strings.Contains(content, "\n") {
		content = strings.ReplaceAll(content, "\r", "\n")
	}
	var all []captureLine
	for raw := range strings.Lines(content) {
		text := blanks.Replace(escapes.ReplaceAllString(raw, ""))
		text = quotes.ReplaceAllString(stamps.ReplaceAllString(text, ""), "")
		text = strings.TrimRight(text, " \t\r\n")
		all = append(all, captureLine{t.File, len(all) + 1, text})
	}
	if strings.TrimSpace(content) == "" {
		return nil, start.lineErrorf("is empty, paste what nvidia-smi printed")
	}
	cutComments(all)
	return all, nil
}

// lastLine is the line that an error about the end of a capture names.
func lastLine(all []captureLine) captureLine { return all[len(all)-1] }

// wholeNumber reads a whole number from 0 to high.
func (l captureLine) wholeNumber(what, text string, high int64) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > high {
		return 0, l.lineErrorf("%s is %q, want a whole number from 0 to %d: correct it or capture again", what, text, high)
	}
	return n, nil
}
