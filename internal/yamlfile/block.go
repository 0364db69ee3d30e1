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

// hasWideStart reports whether an empty line before a block scalar's text has more spaces than
// the text, which YAML refuses.
func hasWideStart(text *token.Token) bool {
	header := blockHeader(text)
	if header == nil || strings.ContainsAny(header.Value, "123456789") {
		return false
	}
	indent, most := firstIndent(splitLines(text.Origin))
	return indent < most
}

// blockText is the text of a block scalar as YAML 1.2 has it, of its lines as they are in the
// file. The library drops spaces and folds wrongly at its end. It is not sure of a scalar
// whose header says how far it is indented.
func blockText(header *token.Token, origin string) (text string, sure bool) {
	lines := splitLines(origin)
	indent, most := firstIndent(lines)
	if strings.ContainsAny(header.Value, "123456789") && strings.Trim(origin, "\r\n") != "" || indent < most {
		return "", false
	}
	last := -1
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
	content, after := lines[:last+1], len(lines)-1-max(last, 0)
	if header.Type == token.FoldedType {
		text = foldLines(content)
	} else {
		text = strings.Join(content, "\n")
	}
	switch {
	case strings.Contains(header.Value, "-"):
		after = 0
	case !strings.Contains(header.Value, "+"):
		after = min(after, len(content), 1)
	}
	return text + strings.Repeat("\n", after), true
}

// firstIndent is how far the first line with text is indented, and how far the empty ones
// before it are at most, which is not to be more.
func firstIndent(lines []string) (indent, most int) {
	for _, line := range lines {
		indent = len(line) - len(strings.TrimLeft(line, " "))
		if indent < len(line) {
			return indent, most
		}
		most = max(most, indent)
	}
	return most, most
}

// plainText is a text without quotes that has several lines, of them as they are in the file.
func plainText(origin string) string {
	lines := splitLines(strings.Trim(origin, " \t\r\n"))
	for i, line := range lines {
		lines[i] = strings.Trim(line, " \t")
	}
	return foldLines(lines)
}

func splitLines(text string) []string {
	return strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text), "\n")
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
