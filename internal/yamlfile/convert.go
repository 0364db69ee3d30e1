package yamlfile

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// treeConverter makes Nodes of the library's tree, and notes what is wrong with it. A faulty
// field is left out of its mapping.
type treeConverter struct {
	file    string
	options Options
	// anchors are those so far; one that is nil is still being read.
	anchors map[string]*Node
	faults  Faults
	// full says that a bound was reached, after which nothing more is said.
	full bool
}

func (c *treeConverter) reportFault(at Position, path, format string, args ...any) {
	c.faults.addFault(&Fault{File: c.file, Position: at, Path: path, Problem: fmt.Sprintf(format, args...)})
}

func (c *treeConverter) convertNode(from ast.Node, path string, depth int) *Node {
	if c.full {
		return nil
	}
	at := startOf(from)
	if depth > maxDepth {
		c.full = true
		c.reportFault(at, "", tooDeep)
		return nil
	}
	node := c.convertKind(from, at, path, depth)
	if node != nil && node.size > maxNodes && !c.full {
		c.full = true
		c.reportFault(at, path, "holds more than %d values once its aliases are unfolded", maxNodes)
		return nil
	}
	return node
}

func (c *treeConverter) convertKind(from ast.Node, at Position, path string, depth int) *Node {
	switch from := from.(type) {
	case *ast.MappingNode:
		return c.convertMapping(from.Values, at, path, depth)
	case *ast.MappingValueNode:
		return c.convertMapping([]*ast.MappingValueNode{from}, at, path, depth)
	case *ast.SequenceNode:
		node := &Node{Kind: KindSequence, Position: at, size: 1}
		for i, item := range from.Values {
			converted := c.convertNode(item, path+"["+strconv.Itoa(i)+"]", depth+1)
			if converted == nil {
				converted = &Node{Kind: KindNull, Position: startOf(item), faulty: true, size: 1} // keeps the others' numbers
			}
			node.Items = append(node.Items, converted)
			node.addSize(converted)
		}
		return node
	case *ast.AnchorNode:
		return c.convertAnchor(from, at, path, depth)
	case *ast.AliasNode:
		return c.convertAlias(from, at, path)
	case *ast.TagNode:
		return c.convertTagged(from, at, path, depth)
	case *ast.LiteralNode:
		return &Node{Kind: KindString, Position: at, Text: from.Value.Value, size: 1}
	case *ast.StringNode:
		if quoted := from.Token.Type == token.SingleQuoteType || from.Token.Type == token.DoubleQuoteType; quoted {
			return &Node{Kind: KindString, Position: at, Text: from.Value, size: 1}
		}
		return plainNode(from.Value, at)
	case *ast.NullNode:
		if from.Token.Type == token.NullType {
			return plainNode(from.Token.Value, at)
		}
		return &Node{Kind: KindNull, Position: at, size: 1}
	case nil:
		return &Node{Kind: KindNull, Position: at, size: 1}
	case ast.ScalarNode:
		return plainNode(from.GetToken().Value, at)
	}
	c.reportFault(at, path, "cannot be read here")
	return nil
}

func plainNode(text string, at Position) *Node {
	return &Node{Kind: plainKind(text), Position: at, Text: text, size: 1}
}

// addSize adds the size of a child, up to what is over every bound.
func (n *Node) addSize(child *Node) { n.size = min(n.size+child.size, math.MaxInt32) }

func (c *treeConverter) convertMapping(values []*ast.MappingValueNode, at Position, path string, depth int) *Node {
	node := &Node{Kind: KindMapping, Position: at, size: 1}
	seen := make(map[string]bool, len(values))
	var merges []*Node
	for _, value := range values {
		place := startOf(value.Key)
		if value.Key.IsMergeKey() {
			merges = append(merges, c.mergeValues(value.Value, place, path, depth)...)
			continue
		}
		name, fine := c.keyName(value.Key, place, path)
		if !fine {
			continue
		}
		inner := joinPath(path, name)
		if seen[name] {
			c.reportFault(place, inner, "occurs twice")
			continue
		}
		seen[name] = true
		converted := c.convertNode(value.Value, inner, depth+1)
		if converted == nil {
			continue
		}
		if converted.Kind == KindNull && converted.Text == "" {
			converted = &Node{Kind: KindNull, Position: place, size: 1} // it is nowhere itself
		}
		node.Fields = append(node.Fields, Field{name, place, converted})
		node.addSize(converted)
	}
	for _, merged := range merges {
		for _, field := range merged.Fields {
			if !seen[field.Name] {
				seen[field.Name] = true
				node.Fields = append(node.Fields, field)
				node.addSize(field.Value)
			}
		}
	}
	return node
}

// mergeValues are the mappings whose fields a merge key adds.
func (c *treeConverter) mergeValues(value ast.Node, at Position, path string, depth int) []*Node {
	inner := joinPath(path, "<<")
	if !c.options.Aliases {
		c.reportFault(at, inner, "anchors and aliases are not read: write it out")
		return nil
	}
	converted := c.convertNode(value, inner, depth+1)
	if converted == nil {
		return nil
	}
	mappings := []*Node{converted}
	if converted.Kind == KindSequence {
		mappings = converted.Items
	}
	for _, mapping := range mappings {
		if mapping.Kind != KindMapping {
			c.reportFault(at, inner, "want a mapping, or a list of them")
			return nil
		}
	}
	return mappings
}

// keyName is the text of a key, which must be a scalar.
func (c *treeConverter) keyName(key ast.MapKeyNode, at Position, path string) (string, bool) {
	var inner ast.Node = key
	if explicit, ok := inner.(*ast.MappingKeyNode); ok {
		inner = explicit.Value
	}
	node := (*Node)(nil)
	if scalar, ok := inner.(ast.ScalarNode); ok {
		before := len(c.faults)
		if node = c.convertNode(scalar, path, 0); node == nil && len(c.faults) > before {
			return "", false
		}
	}
	if node == nil || !node.IsScalar() {
		c.reportFault(at, path, "a field's name must be a word")
		return "", false
	}
	return node.Text, true
}

func (c *treeConverter) convertAnchor(from *ast.AnchorNode, at Position, path string, depth int) *Node {
	if !c.options.Aliases {
		c.reportFault(at, path, "anchors and aliases are not read: write it out")
		return nil
	}
	name := from.Name.GetToken().Value
	c.anchors[name] = nil
	node := c.convertNode(from.Value, path, depth+1)
	if node != nil {
		c.anchors[name] = node
	}
	return node
}

func (c *treeConverter) convertAlias(from *ast.AliasNode, at Position, path string) *Node {
	if !c.options.Aliases {
		c.reportFault(at, path, "anchors and aliases are not read: write it out")
		return nil
	}
	name := from.Value.GetToken().Value
	node := c.anchors[name]
	if node == nil {
		c.reportFault(at, path, "*%s: no anchor &%s is before it", name, name)
	}
	return node
}

// tagKinds are the tags that are read, and what they make of a scalar.
var tagKinds = map[string]Kind{
	"!!str": KindString, "!!int": KindInteger, "!!float": KindFloat, "!!bool": KindBoolean, "!!null": KindNull,
	"!!map": KindMapping, "!!seq": KindSequence,
}

func (c *treeConverter) convertTagged(from *ast.TagNode, at Position, path string, depth int) *Node {
	tag := from.Start.Value
	kind, known := tagKinds[tag]
	if !known {
		c.reportFault(at, path, "the tag %s is not read: leave it out", tag)
		return nil
	}
	node := c.convertNode(from.Value, path, depth+1)
	switch {
	case node == nil || node.Kind == kind:
		return node
	case kind == KindString && node.IsScalar():
		return &Node{Kind: KindString, Position: at, Text: node.Text, size: 1}
	case node.Kind == KindString && plainKind(node.Text) == kind, node.Kind == KindInteger && kind == KindFloat:
		return &Node{Kind: kind, Position: at, Text: node.Text, size: 1}
	}
	c.reportFault(at, path, "is no %s, as its tag says", strings.TrimPrefix(tag, "!!"))
	return nil
}

// startOf is where a node starts. The library has the colon for a mapping in block style.
func startOf(from ast.Node) Position {
	switch from := from.(type) {
	case nil:
		return Position{1, 1}
	case *ast.MappingNode:
		if !from.IsFlowStyle && len(from.Values) > 0 {
			return startOf(from.Values[0].Key)
		}
	case *ast.MappingValueNode:
		return startOf(from.Key)
	case *ast.LiteralNode:
		return positionOf(from.Start)
	}
	return positionOf(from.GetToken())
}
