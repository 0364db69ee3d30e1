package ui

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"sync"
)

// mapFeed is the picture of the cluster as pages are told it: a text of JSON for each node and for
// the rest, with the version of the picture in which it changed. Who has seen a version is told
// what is newer.
type mapFeed struct {
	mu      sync.Mutex
	version int64
	nodes   map[string]versionedText
	gone    map[string]int64
	waiting versionedText
	notes   versionedText
	trouble string
	// news is closed at the next change.
	news chan struct{}
}

type versionedText struct {
	version int64
	text    json.RawMessage
}

// mapChange is what a page is told.
type mapChange struct {
	Version int64 `json:"version"`
	// Whole says that there are no other nodes.
	Whole   bool              `json:"whole,omitempty"`
	Nodes   []json.RawMessage `json:"nodes,omitempty"`
	Gone    []string          `json:"gone,omitempty"`
	Waiting json.RawMessage   `json:"waiting,omitempty"`
	Notes   json.RawMessage   `json:"notes,omitempty"`
}

func newFeed() *mapFeed {
	return &mapFeed{nodes: map[string]versionedText{}, gone: map[string]int64{}, news: make(chan struct{})}
}

// pictureUpdate is what is known anew. A node that is nil is gone. Waiting and Notes are left as they
// are where they are nil.
type pictureUpdate struct {
	Nodes   map[string]json.RawMessage
	Waiting json.RawMessage
	Notes   json.RawMessage
}

// applyUpdate takes an update; what is as it was is no news.
func (f *mapFeed) applyUpdate(update *pictureUpdate) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.applyLocked(update)
}

// replaceAll takes a whole picture: nodes that are not in it are gone.
func (f *mapFeed) replaceAll(update *pictureUpdate) {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := pictureUpdate{Nodes: maps.Clone(update.Nodes), Waiting: update.Waiting, Notes: update.Notes}
	for name := range f.nodes {
		if all.Nodes[name] == nil {
			all.Nodes[name] = nil
		}
	}
	f.applyLocked(&all)
}

func (f *mapFeed) applyLocked(update *pictureUpdate) {
	next, changed := f.version+1, false
	for name, text := range update.Nodes {
		before, found := f.nodes[name]
		switch {
		case text == nil && found:
			delete(f.nodes, name)
			f.gone[name], changed = next, true
		case text != nil && !bytes.Equal(before.text, text):
			delete(f.gone, name)
			f.nodes[name], changed = versionedText{next, text}, true
		}
	}
	for _, part := range []struct {
		now  *versionedText
		text json.RawMessage
	}{{&f.waiting, update.Waiting}, {&f.notes, update.Notes}} {
		if part.text != nil && !bytes.Equal(part.now.text, part.text) {
			*part.now, changed = versionedText{next, part.text}, true
		}
	}
	if changed || f.version == 0 {
		f.version = next
		f.wakeReaders()
	}
}

// setTrouble says why the picture may be old, "" if it is not.
func (f *mapFeed) setTrouble(text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.trouble != text {
		f.trouble = text
		f.wakeReaders()
	}
}

// wakeReaders tells who waits; f.mu is held.
func (f *mapFeed) wakeReaders() {
	close(f.news)
	f.news = make(chan struct{})
}

// changesSince is what a page that has seen a version lacks, nil if nothing; what troubles; and a
// channel that is closed at the next news. A page that has seen none has the version 0.
func (f *mapFeed) changesSince(seen int64) (change *mapChange, trouble string, news <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.version == seen {
		return nil, f.trouble, f.news
	}
	change = &mapChange{Version: f.version, Whole: seen == 0}
	for _, name := range slices.Sorted(maps.Keys(f.nodes)) {
		if node := f.nodes[name]; node.version > seen {
			change.Nodes = append(change.Nodes, node.text)
		}
	}
	if seen > 0 {
		for _, name := range slices.Sorted(maps.Keys(f.gone)) {
			if f.gone[name] > seen {
				change.Gone = append(change.Gone, name)
			}
		}
	}
	if f.waiting.version > seen {
		change.Waiting = f.waiting.text
	}
	if f.notes.version > seen {
		change.Notes = f.notes.text
	}
	return change, f.trouble, f.news
}
