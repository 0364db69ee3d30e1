package launch

import (
	"errors"
	"strings"
)

// unknownMarks are characters that stand in a script while it is parsed: for the
// bytes that begin and end unknown text, as the parser takes UTF-8 only, and for the
// backslash at the end of a comment's line.
type unknownMarks struct {
	encode, decode *strings.Replacer
	backslash      string
}

// freeMarks picks four of Unicode's noncharacters that the script does not have.
func freeMarks(script string) (unknownMarks, error) {
	var free []string
	for r := rune(0xFDD0); r <= 0xFDEF && len(free) < 4; r++ {
		if !strings.ContainsRune(script, r) {
			free = append(free, string(r))
		}
	}
	if len(free) < 4 {
		return unknownMarks{}, errors.New("uses the characters U+FDD0 to U+FDEF, which Unicode keeps free")
	}
	return unknownMarks{
		encode:    strings.NewReplacer(unknownWord, free[0], unknownWords, free[1], unknownEnd, free[2]),
		decode:    strings.NewReplacer(free[0], unknownWord, free[1], unknownWords, free[2], unknownEnd, free[3], `\`),
		backslash: free[3],
	}, nil
}

// endComments hides the backslash at the end of lines in which there may be a comment.
// In a shell the line ends there; the parser would go on. Within quotes decode and
// joinLines bring the backslash back.
func (m unknownMarks) endComments(text string) string {
	if !strings.Contains(text, "#") {
		return text
	}
	var b strings.Builder
	for line := range strings.Lines(text) {
		body := strings.TrimRight(line, "\r\n")
		if cut, ends := strings.CutSuffix(body, `\`); ends && !strings.HasSuffix(cut, `\`) && mayComment(cut) {
			line = cut + m.backslash + line[len(body):]
		}
		b.WriteString(line)
	}
	return b.String()
}

// joinLines does to literal text what a shell does to a backslash before a newline.
func (m unknownMarks) joinLines(text string) string {
	return m.decode.Replace(strings.ReplaceAll(text, m.backslash+"\n", ""))
}

// mayComment reports whether a line has # where a word may begin.
func mayComment(line string) bool {
	for i := range len(line) {
		if line[i] == '#' && (i == 0 || strings.IndexByte(" \t;&|()<>`", line[i-1]) >= 0) {
			return true
		}
	}
	return false
}
