package yamlfile

// Kind is what a node is.
type Kind int

// The kinds of nodes.
const (
	KindNull Kind = iota
	KindBoolean
	KindInteger
	KindFloat
	KindString
	KindMapping
	KindSequence
)

// Position is a place in a file. Lines and columns count from 1.
type Position struct{ Line, Column int }

// Node is a value in a document. Aliases are unfolded: what an alias stands for may be
// reached in several ways, and then has the position of its anchor.
type Node struct {
	Kind     Kind
	Position Position
	// Text is a scalar without its quotes, as it was written otherwise.
	Text string
	// Fields are those of a mapping, in the order of the file.
	Fields []Field
	// Items are those of a sequence.
	Items []*Node
	// faulty stands for an item that could not be read, of which there is a Fault.
	faulty bool
	// size counts the nodes below, each as often as it can be reached, and itself.
	size int
}

// Field is a key of a mapping with its value.
type Field struct {
	Name     string
	Position Position
	Value    *Node
}

// IsScalar reports whether n is neither a mapping nor a sequence.
func (n *Node) IsScalar() bool { return n.Kind != KindMapping && n.Kind != KindSequence }

// Field is the value of a field, nil if n is nil, no mapping, or without it.
func (n *Node) Field(name string) *Node {
	if field := n.findField(name); field != nil {
		return field.Value
	}
	return nil
}

func (n *Node) findField(name string) *Field {
	if n == nil {
		return nil
	}
	for i := range n.Fields {
		if n.Fields[i].Name == name {
			return &n.Fields[i]
		}
	}
	return nil
}

// String is the text of a scalar, "" if n is nil, null or no scalar.
func (n *Node) String() string {
	if n == nil || n.Kind == KindNull {
		return ""
	}
	return n.Text
}

// Value is n as encoding/json would read it: map[string]any, []any, string, bool, nil,
// and int64, uint64 or float64 for numbers.
func (n *Node) Value() any {
	switch n.Kind {
	case KindMapping:
		fields := make(map[string]any, len(n.Fields))
		for _, field := range n.Fields {
			fields[field.Name] = field.Value.Value()
		}
		return fields
	case KindSequence:
		items := make([]any, len(n.Items))
		for i, item := range n.Items {
			items[i] = item.Value()
		}
		return items
	case KindNull:
		return nil
	case KindBoolean:
		return isTrue(n.Text)
	case KindInteger, KindFloat:
		return numberOf(n.Text)
	}
	return n.Text
}
