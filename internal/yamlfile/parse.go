package yamlfile

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Options say what a file may hold.
type Options struct {
	// MaxBytes bounds its size, 0 for DefaultMaxBytes.
	MaxBytes int
	// Aliases allows anchors, aliases and merge keys.
	Aliases bool
	// Empty is what to say of a file without any document to Read, with what to do.
	Empty string
}

// Document is one document of a file.
type Document struct {
	File string
	// Line is where its content starts.
	Line int
	Root *Node
	// Faults are those within it, of which the fields are missing in Root.
	Faults Faults
}

// Parse reads all documents of a file; those without any content are left out. The error
// is Faults. If only parts of the file are at fault, the documents are there as well, but for
// those that are not YAML.
func Parse(file string, text []byte, options Options) ([]*Document, error) {
	documents, broken, faults := parseAll(file, text, options)
	return documents, append(broken, faults...).Err()
}

// parseAll reads all documents of a file, with what is not YAML in it, and the faults within
// documents that are.
func parseAll(file string, text []byte, options Options) (documents []*Document, broken, faults Faults) {
	most := options.MaxBytes
	if most == 0 {
		most = DefaultMaxBytes
	}
	if len(text) > most {
		return nil, Faults{faultAt(file, nil, fmt.Sprintf("is larger than %d bytes", most))}, nil
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff")) {
		return nil, Faults{faultAt(file, nil, "is UTF-16, as > of PowerShell writes it: save it as UTF-8")}, nil
	}
	if at := invalidByte(text); at >= 0 {
		start := bytes.LastIndexByte(text[:at], '\n') + 1
		place := Position{Line: 1 + bytes.Count(text[:at], []byte("\n")), Column: 1 + utf8.RuneCount(text[start:at])}
		return nil, Faults{{File: file, Position: place, Problem: fmt.Sprintf("byte 0x%02x is no text in UTF-8", text[at])}}, nil
	}
	if most := maxTokens(most); countTokens(string(text)) > most {
		problem := fmt.Sprintf("has more than %d words and punctuation marks: divide it into several files", most)
		return nil, Faults{faultAt(file, nil, problem)}, nil
	}
	if tabCost(string(text)) > maxTabCost {
		return nil, Faults{faultAt(file, nil, "has too many tabs in long lines: take them out")}, nil
	}
	bodies, broken := parseDocuments(file, string(text))
	for _, body := range bodies {
		c := treeConverter{file: file, options: options, anchors: map[string]*Node{}}
		if root := c.convertNode(body, "", 0); root != nil {
			documents = append(documents, &Document{File: file, Line: root.Position.Line, Root: root, Faults: c.faults})
		}
		for _, fault := range c.faults {
			faults.addFault(fault)
		}
	}
	return documents, broken, faults
}

// invalidByte is where text is no UTF-8 or has a control character that YAML forbids, -1
// if it is fine.
func invalidByte(text []byte) int {
	for at := 0; at < len(text); {
		char, size := utf8.DecodeRune(text[at:])
		if char == utf8.RuneError && size == 1 || char < ' ' && !strings.ContainsRune("\t\n\r", char) || char == 0x7f {
			return at
		}
		at += size
	}
	return -1
}

// maxParts bounds into how many documents a text is divided that is not YAML as a whole.
const maxParts = 1000

// parseDocuments runs the library for the bodies of all documents. Where the text is not YAML as
// a whole, its documents are read one by one, so that those without fault are there.
func parseDocuments(file, text string) (bodies []ast.Node, faults Faults) {
	bodies, fault := parseText(file, text, 0)
	if fault == nil {
		return bodies, nil
	}
	parts := cutDocuments(text)
	if len(parts) == 1 || len(parts) > maxParts {
		return nil, Faults{fault}
	}
	lines := 0
	for _, part := range parts {
		found, fault := parseText(file, part, lines)
		if fault != nil {
			faults.addFault(fault)
		}
		bodies = append(bodies, found...)
		lines += strings.Count(part, "\n")
	}
	return bodies, faults
}

// cutDocuments divides a text before its lines of ---, which end whatever is open before them.
func cutDocuments(text string) []string {
	var parts []string
	start := 0
	for at := 0; at < len(text); {
		rest := text[at:]
		separates := strings.HasPrefix(rest, "---") && (len(rest) == 3 || strings.IndexByte(" \t\r\n", rest[3]) >= 0)
		if separates && at > start {
			parts = append(parts, text[start:at])
			start = at
		}
		next := strings.IndexByte(rest, '\n')
		if next < 0 {
			break
		}
		at += next + 1
	}
	return append(parts, text[start:])
}

// parseText runs the library for the bodies of the documents in a text that has so many lines
// before it. The library is known to panic on some texts, which then are no YAML that anybody
// means.
func parseText(file, text string, linesBefore int) (bodies []ast.Node, fault *Fault) {
	defer func() {
		if recover() != nil {
			bodies, fault = nil, faultAt(file, nil, "is not YAML that can be read")
			fault.Line += linesBefore
		}
	}()
	tokens := lexText(text)
	moveTokens(tokens, linesBefore)
	invalid := tokens.InvalidToken()
	if invalid != nil {
		tokens = tokens[:len(tokens)-1]
	}
	if problem, at := checkTokens(tokens); problem != "" {
		return nil, faultAt(file, at, problem)
	}
	if invalid != nil {
		fault := faultAt(file, invalid, "is not YAML: "+invalid.Error)
		if isTabIndented(text, fault.Line-linesBefore) {
			fault.Problem = "is not YAML: a tab indents the line, where only spaces may"
		}
		return nil, fault
	}
	for _, document := range splitDocuments(tokens) {
		parsed, err := parser.Parse(withNulls(document), 0, parser.AllowDuplicateMapKey())
		if err != nil {
			return nil, syntaxFault(file, err)
		}
		for _, from := range parsed.Docs {
			if from.Body != nil {
				bodies = append(bodies, from.Body)
			}
		}
	}
	return bodies, nil
}

// moveTokens has tokens stand so many lines further down.
func moveTokens(tokens token.Tokens, lines int) {
	moved := map[*token.Position]bool{}
	for _, t := range tokens {
		if lines > 0 && t.Position != nil && !moved[t.Position] {
			moved[t.Position] = true
			t.Position.Line += lines
		}
	}
}

// isTabIndented reports whether a tab is among the white space that starts a line.
func isTabIndented(text string, line int) bool {
	for range line - 1 {
		_, text, _ = strings.Cut(text, "\n")
	}
	return strings.Contains(text[:len(text)-len(strings.TrimLeft(text, " \t"))], "\t")
}

// splitDocuments divides tokens at --- and ... lines. The library would do so itself, but
// drops whatever follows two --- in a row.
func splitDocuments(tokens token.Tokens) []token.Tokens {
	var documents []token.Tokens
	start, empty := 0, true
	end := func(at int) {
		if !empty {
			documents = append(documents, tokens[start:at:at])
		}
		start, empty = at, true
	}
	for i, next := range tokens {
		switch next.Type {
		case token.DocumentHeaderType:
			end(i)
		case token.DocumentEndType:
			end(i)
			start++
		case token.CommentType:
		default:
			empty = false
		}
	}
	end(len(tokens))
	return documents
}

func syntaxFault(file string, err error) *Fault {
	var located yaml.Error
	if errors.As(err, &located) {
		return faultAt(file, located.GetToken(), "is not YAML: "+located.GetMessage())
	}
	return faultAt(file, nil, "is not YAML: "+err.Error())
}

// faultAt is a fault of the file rather than of a field.
func faultAt(file string, at *token.Token, problem string) *Fault {
	return &Fault{File: file, Position: positionOf(at), Problem: problem}
}

func positionOf(at *token.Token) Position {
	if at == nil || at.Position == nil {
		return Position{1, 1}
	}
	return Position{max(1, at.Position.Line), max(1, at.Position.Column)}
}
