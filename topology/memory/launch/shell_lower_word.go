package launch

import (
	"errors"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// wordContext says what a stretch of a word stands in.
type wordContext struct {
	quoted  bool // within double quotes
	pattern bool // within [[ ]], where a pattern may stand
}

func (l *treeLowering) lowerWord(w *syntax.Word) (shellWord, error) {
	return l.lowerParts(nil, w.Parts, wordContext{})
}

// lowerPattern lowers a word of [[ ]].
func (l *treeLowering) lowerPattern(w *syntax.Word) (shellWord, error) {
	return l.lowerParts(nil, w.Parts, wordContext{pattern: true})
}

func (l *treeLowering) lowerParts(all shellWord, parts []syntax.WordPart, in wordContext) (shellWord, error) {
	if err := l.goDeeper(); err != nil {
		return nil, err
	}
	defer func() { l.depth-- }()
	for _, part := range parts {
		var err error
		switch p := part.(type) {
		case *syntax.Lit:
			all = l.appendLiteral(all, p.Value, in.quoted)
		case *syntax.SglQuoted:
			all = l.appendSingleQuoted(all, p, in.quoted)
		case *syntax.DblQuoted:
			all = all.appendText("", true) // "" is a word
			all, err = l.lowerParts(all, p.Parts, wordContext{quoted: true, pattern: in.pattern})
		case *syntax.ParamExp:
			var expansion wordPart
			expansion, err = l.lowerParameter(p, in)
			all = append(all, expansion)
		case *syntax.ArithmExp:
			err = l.collectCalculated(p.X)
			all = append(all, wordPart{quoted: in.quoted, opaque: l.sourceText(p), because: "the shell calculates it"})
		case *syntax.CmdSubst, *syntax.ProcSubst:
			all = append(all, wordPart{quoted: in.quoted, opaque: l.sourceText(p), because: "the shell runs it"})
		case *syntax.ExtGlob:
			if !in.pattern {
				return nil, errors.New("patterns like " + l.sourceText(p) + " are an error unless the shell's extglob is on")
			}
			all = append(all, wordPart{quoted: in.quoted, opaque: l.sourceText(p), because: "it is a pattern"})
		default:
			err = errors.New("part of a word of a kind that is not known")
		}
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// appendText appends text, to the last part if that is of the same kind.
func (w shellWord) appendText(text string, quoted bool) shellWord {
	if n := len(w) - 1; n >= 0 && w[n].quoted == quoted && w[n].name == "" && w[n].opaque == "" {
		w[n].text += text
		return w
	}
	if text == "" && !quoted {
		return w
	}
	return append(w, wordPart{quoted: quoted, text: text})
}

// appendLiteral appends literal text without its backslashes. Within double quotes a
// backslash counts before $ ` " \ only.
func (l *treeLowering) appendLiteral(all shellWord, text string, quoted bool) shellWord {
	text = l.marks.joinLines(text)
	for {
		before, after, found := strings.Cut(text, `\`)
		all = all.appendText(before, quoted)
		switch {
		case !found:
			return all
		case after == "", quoted && strings.IndexByte("$`\"\\", after[0]) < 0:
			all = all.appendText(`\`, true)
			text = after
		default:
			all = all.appendText(after[:1], true)
			text = after[1:]
		}
	}
}

// appendSingleQuoted appends '...' and $'...'. Within double quotes, the quotes around the
// word behind an operator are text like any other.
func (l *treeLowering) appendSingleQuoted(all shellWord, q *syntax.SglQuoted, quoted bool) shellWord {
	text := l.marks.decode.Replace(q.Value)
	switch {
	case quoted && (q.Dollar || strings.ContainsAny(text, "$`\\")):
		return append(all, wordPart{quoted: true, opaque: l.sourceText(q), because: "shells disagree on quotes within quotes"})
	case quoted:
		return all.appendText("'"+text+"'", true)
	case !q.Dollar:
		return all.appendText(text, true)
	}
	decoded, known := decodeEscapes(text)
	if !known {
		return append(all, wordPart{quoted: true, opaque: l.sourceText(q), because: "the shell decodes it"})
	}
	return all.appendText(decoded, true)
}

var escapedBytes = map[byte]string{
	'n': "\n", 't': "\t", 'r': "\r", '\\': `\`, '\'': "'", '"': `"`, 'a': "\a", 'b': "\b", 'e': "\x1b", 'f': "\f", 'v': "\v", '?': "?",
}

// decodeEscapes decodes the inside of $'...', unless it names bytes by their number.
func decodeEscapes(text string) (decoded string, known bool) {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(text, `\`)
		b.WriteString(before)
		if !found {
			return b.String(), true
		}
		if after == "" {
			return "", false
		}
		escaped, known := escapedBytes[after[0]]
		if !known {
			return "", false
		}
		b.WriteString(escaped)
		text = after[1:]
	}
}
