package cluster

// changeLog is which nodes changed, in order, so that what is kept by node can follow:
// a node's devices, what is left of its host, or whether it takes anything new.
type changeLog struct {
	// kept says that somebody follows. Until then nothing is noted.
	kept  bool
	nodes []int32
	// dropped is how many changes were forgotten before the first of nodes.
	dropped int64
}

// changesPerNode bounds how many changes are remembered, for each node. Who has missed
// more than that looks at every node again, which takes no longer.
const changesPerNode = 2

// noteChanged notes that a node changed.
func (s *Snapshot) noteChanged(node int) {
	log := &s.changes
	if !log.kept {
		return
	}
	if len(log.nodes) >= changesPerNode*len(s.nodes)+64 {
		log.dropped += int64(len(log.nodes))
		log.nodes = log.nodes[:0]
	}
	log.nodes = append(log.nodes, int32(node))
}

// endPosition is the position behind the last change.
func (l *changeLog) endPosition() int64 { return l.dropped + int64(len(l.nodes)) }

// changedSince are the nodes that changed from a position on; not known if that was forgotten.
func (l *changeLog) changedSince(position int64) (nodes []int32, known bool) {
	if position < l.dropped {
		return nil, false
	}
	return l.nodes[position-l.dropped:], true
}
