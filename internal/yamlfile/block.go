package yamlfile

import (
	"strings"

	"github.com/goccy/go-yaml/token"
)

// blockHeader is the | or > of which a token is the text, nil if it is none.
func blockHeader(text *token.Token) *token.Token {
	if text.Type != token.StringType {
		return nil
	}
	header := text.Prev
	if header != nil && header.Type == token.CommentType {
		header = header.Prev
	}
	if header == nil || header.Type != token.LiteralType && header.Type != token.FoldedType {
		return nil
	}
	return header
}

// blockText is the text of a block scalar as YAML 1.2 has it, of its lines as they are in the
// file. The library drops spaces and folds wrongly at its end. It is not sure of a scalar
// whose header says how far it is indented, and of one without text.
func blockText(header *token.Token, origin string) (text string, sure bool) {
	lines := strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(origin), "\n")
	indent := firstIndent(lines)
	if indent < 0 || strings.ContainsAny(header.Value, "123456789") {
		return "", false
	}
	last := 0
	for i, line := range lines {
		if len(line) <= indent {
			lines[i] = ""
			continue
		}
		if strings.Trim(line[:indent], " ") != "" {
			return "", false
		}
		lines[i], last = line[indent:], i
	}
	content, after := lines[:last+1], len(lines)-1-last
	if header.Type == token.FoldedType {
		text = foldLines(content)
	} else {
		text = strings.Join(content, "\n")
	}
	switch {
	case strings.Contains(header.Value, "-"):
		after = 0
	case !strings.Contains(header.Value, "+"):
		after = min(after, 1)
	}
	return text + strings.Repeat("\n", after), true
}

// firstIndent is how far the first line with text is indented, -1 if there is none, or if
// more than that is in a line before it.
func firstIndent(lines []string) int {
	most := 0
	for _, line := range lines {
		indent := len(line) - len(strings.TrimLeft(line, " "))
		if indent == len(line) {
			most = max(most, indent)
		} else if indent < most {
			return -1
		} else {
			return indent
		}
	}
	return -1
}

// foldLines joins lines by spaces. Line breaks stay before and after empty lines, but for one
// of them, and lines that start with white space.
func foldLines(lines []string) string {
	var text strings.Builder
	breaks := 0
	started, spaced := false, false // whether there is a line with text, and the last is indented
	for _, line := range lines {
		if line == "" {
			breaks++
			continue
		}
		indented := line[0] == ' ' || line[0] == '\t'
		switch {
		case !started:
		case indented || spaced:
			breaks++
		case breaks == 0:
			text.WriteByte(' ')
		}
		text.WriteString(strings.Repeat("\n", breaks))
		text.WriteString(line)
		breaks, started, spaced = 0, true, indented
	}
	return text.String()
}
