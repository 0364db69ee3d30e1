package policy

// changeLog lists the nodes of a cluster in the order of their changes.
type changeLog struct {
	changed []int32
	// forgotten is how many changes came before those listed.
	forgotten int64
}

// noteChange adds a change. The list stays within a few times the number of nodes: who is
// further behind looks at every node anyway.
func (l *changeLog) noteChange(node, nodes int) {
	if len(l.changed) >= 4*nodes {
		l.forgotten += int64(len(l.changed))
		l.changed = l.changed[:0]
	}
	l.changed = append(l.changed, int32(node))
}

// countChanges is how many changes there were so far.
func (l *changeLog) countChanges() int64 { return l.forgotten + int64(len(l.changed)) }

// changedSince is the nodes that changed since there were that many changes, some repeatedly;
// not known if that is too long ago.
func (l *changeLog) changedSince(count int64) (nodes []int32, known bool) {
	if count < l.forgotten {
		return nil, false
	}
	return l.changed[count-l.forgotten:], true
}
