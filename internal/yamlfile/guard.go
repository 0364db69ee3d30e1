package yamlfile

import (
	"github.com/goccy/go-yaml/token"
)

// Bounds of what is read.
const (
	// DefaultMaxBytes bounds a file unless Options say otherwise.
	DefaultMaxBytes = 4 << 20
	maxDepth        = 64
	// maxKeys bounds a mapping in block style: the parser recurses once for each key of
	// it, and copies all keys so far.
	maxKeys = 1000
	// maxNodes bounds a document with its aliases unfolded.
	maxNodes = 1 << 20
)

// tokenGuard looks through tokens for what would make the parser recurse without bound, and
// for what is no YAML or not read anyway.
type tokenGuard struct {
	line     int
	flow     []token.Type // the ends of the open brackets
	openers  int          // tokens in a row that each nest what follows
	property int          // tags and anchors in a row
	// key is the column of the line's first key.
	key      int
	mappings []openMapping // the block mappings that are open, outer ones first
}

type openMapping struct{ column, keys int }

// checkTokens returns what is wrong and where, "" if the parser may have the tokens. What seems
// wrong after a bracket that nothing closes is that bracket's fault, which the parser finds.
func checkTokens(tokens token.Tokens) (string, *token.Token) {
	g := tokenGuard{}
	inBrackets, place := "", (*token.Token)(nil)
	for _, next := range tokens {
		problem := strayProblem(next, len(g.flow) > 0)
		if problem != "" && len(g.flow) > 0 {
			if inBrackets == "" {
				inBrackets, place = problem, next
			}
			problem = ""
		}
		if problem == "" {
			problem = g.checkToken(next)
		}
		if problem != "" && inBrackets == "" {
			return problem, next
		} else if problem != "" {
			return inBrackets, place
		}
	}
	if len(g.flow) > 0 {
		return "", nil
	}
	return inBrackets, place
}

const (
	tooDeep      = "is nested more than 64 deep"
	tooManyKeys  = "has more than 1000 fields in one mapping"
	noDirectives = "is a directive, which are not read: leave the line out"
)

func (g *tokenGuard) checkToken(next *token.Token) string {
	if next.Position.Line != g.line && len(g.flow) == 0 {
		g.openers, g.key = 0, 0
	}
	g.line = next.Position.Line
	if g.property > 0 && next.Type != token.TagType && next.Type != token.AnchorType && next.PreviousType() != token.AnchorType {
		g.property = 0
	}
	switch next.Type {
	case token.SequenceStartType:
		g.flow = append(g.flow, token.SequenceEndType)
		g.openers = 0
	case token.MappingStartType:
		g.flow = append(g.flow, token.MappingEndType)
		g.openers = 0
	case token.SequenceEndType, token.MappingEndType:
		last := len(g.flow) - 1
		if last < 0 || g.flow[last] != next.Type {
			return noOpenBracket
		}
		g.flow = g.flow[:last]
		g.openers = 0
	case token.CollectEntryType:
		g.openers = 0
	case token.DocumentHeaderType, token.DocumentEndType:
		g.mappings = nil
	case token.DirectiveType:
		return noDirectives
	case token.TagType, token.AnchorType:
		g.property++
		g.openers++
	case token.SequenceEntryType:
		g.openers++
		g.closeRightOf(next.Position.Column)
		return g.depthProblem()
	case token.MappingKeyType, token.MappingValueType:
		g.openers++
		if g.key == 0 {
			g.key = next.Position.Column
		}
		if len(g.flow) == 0 && g.addKey(g.key) > maxKeys {
			return tooManyKeys
		}
	}
	if g.key == 0 {
		g.key = next.Position.Column
	}
	return g.depthProblem()
}

func (g *tokenGuard) depthProblem() string {
	if len(g.flow) > maxDepth || g.openers > maxDepth || g.property > maxDepth {
		return tooDeep
	}
	return ""
}

// closeRightOf ends the mappings whose keys are to the right of a column.
func (g *tokenGuard) closeRightOf(column int) {
	for len(g.mappings) > 0 && g.mappings[len(g.mappings)-1].column > column {
		g.mappings = g.mappings[:len(g.mappings)-1]
	}
}

// addKey counts a key in a column, and returns how many its mapping has.
func (g *tokenGuard) addKey(column int) int {
	g.closeRightOf(column)
	if len(g.mappings) == 0 || g.mappings[len(g.mappings)-1].column != column {
		g.mappings = append(g.mappings, openMapping{column: column})
	}
	last := &g.mappings[len(g.mappings)-1]
	last.keys++
	return last.keys
}
