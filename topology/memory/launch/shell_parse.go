package launch

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

const (
	// maxFrames bounds the call stack of the parser, which has no bound of its own and
	// recurses as deep as a script nests. An "if" takes about ten frames.
	maxFrames = 4096
	// maxUnclosed bounds the here-documents of one script whose end is missing.
	maxUnclosed = 4
)

var errTooDeep = fmt.Errorf("commands lie more than %d deep", maxNesting)

// parseScript reads a whole script in bash's language, of which the POSIX shell's is
// a part. The script may hold unknown text. Errors name the line. Scripts come from
// anybody: one on which the parser panics is an error as well.
func parseScript(script string) (commands commandList, err error) {
	defer func() {
		if failure := recover(); failure != nil {
			commands, err = nil, fmt.Errorf("shell script: the parser failed: %v", failure)
		}
	}()
	marks, err := freeMarks(script)
	if err != nil {
		return nil, fmt.Errorf("shell script: %w", err)
	}
	text := marks.endComments(marks.encode.Replace(script))
	for unclosed := 0; ; unclosed++ {
		reader := &stackReader{text: text}
		file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(reader, "")
		if err == nil {
			l := &treeLowering{text: text, marks: marks}
			commands, err := l.lowerList(file.Stmts)
			if err != nil {
				return nil, fmt.Errorf("shell script, line %d: %w", l.line, err)
			}
			return commands, nil
		}
		// A shell only warns of a here-document that the end of the script closes.
		end, isUnclosed := unclosedDocument(err)
		if !isUnclosed || unclosed == maxUnclosed {
			return nil, parseError(err, marks)
		}
		text += "\n" + end + "\n"
	}
}

// unclosedDocument is the line that a here-document lacks at its end, if that is what
// the parser's error says.
func unclosedDocument(err error) (string, bool) {
	var refused syntax.ParseError
	if !errors.As(err, &refused) {
		return "", false
	}
	quoted, found := strings.CutPrefix(refused.Text, "unclosed here-document ")
	if !found {
		return "", false
	}
	end, err := strconv.Unquote(quoted)
	return end, err == nil
}

// parseError puts the parser's error into this package's words.
func parseError(err error, marks unknownMarks) error {
	line, text := uint(0), err.Error()
	var refused syntax.ParseError
	var foreign syntax.LangError
	switch {
	case errors.As(err, &refused):
		line, text = refused.Pos.Line(), refused.Text
	case errors.As(err, &foreign):
		line = foreign.Pos.Line()
	}
	if line == 0 {
		return fmt.Errorf("shell script: %w", err)
	}
	return fmt.Errorf("shell script, line %d: %s", line, marks.decode.Replace(text))
}

// stackReader hands the parser its text and stops it when it has recursed too deep:
// it asks for the next kilobyte from within its recursion.
type stackReader struct {
	text   string
	frames [maxFrames]uintptr
}

// Read implements io.Reader.
func (r *stackReader) Read(into []byte) (int, error) {
	if runtime.Callers(0, r.frames[:]) == maxFrames {
		return 0, errTooDeep
	}
	if r.text == "" {
		return 0, io.EOF
	}
	n := copy(into, r.text)
	r.text = r.text[n:]
	return n, nil
}
