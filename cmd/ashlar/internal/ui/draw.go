package ui

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/plugins/clustermap"
	"github.com/ashlar-dev/ashlar/plugins/dryrun"
	"github.com/ashlar-dev/ashlar/plugins/resourceslices"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

const (
	// gather is how long changes are gathered before nodes are drawn anew.
	gather = 100 * time.Millisecond
	// drawnAtOnce is how many nodes are drawn before pages are told.
	drawnAtOnce = 64
	// maxNotes bounds how much is said of what is not understood.
	maxNotes = 8
)

// clusterDrawer draws nodes, and remembers what pages and questions need beside them.
type clusterDrawer struct {
	mu sync.Mutex
	// sources are those of the nodes, and notes what is not understood of them.
	sources map[string]string
	notes   map[string][]string
	// readings are of the makes of pools, so that one that is like others costs little to read.
	readings resourceslices.Readings
}

func newDrawer() *clusterDrawer {
	return &clusterDrawer{sources: map[string]string{}, notes: map[string][]string{}}
}

// drawOne draws a node; nil if it has no GPUs to be shown.
func (d *clusterDrawer) drawOne(node *corev1.Node, objects *dryrun.ClusterObjects) (json.RawMessage, error) {
	tile, notes := clustermap.DrawNode(node, objects, &d.readings)
	d.mu.Lock()
	d.sources[node.Name] = tile.Source
	delete(d.notes, node.Name)
	if len(notes) > 0 {
		d.notes[node.Name] = notes
	}
	d.mu.Unlock()
	if len(tile.GPUs) == 0 {
		return nil, nil
	}
	return json.Marshal(tile)
}

func (d *clusterDrawer) forgetNode(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.sources, name)
	delete(d.notes, name)
}

// deviceNames are what claims on this cluster are to name; nil where GPUs are counted only.
func (d *clusterDrawer) deviceNames() *deviceNames {
	d.mu.Lock()
	defer d.mu.Unlock()
	var names *deviceNames
	for _, source := range d.sources {
		switch source {
		case deviceapi.Driver:
			return &ownNames
		case deviceapi.NVIDIADriver:
			names = &nvidiaNames
		}
	}
	return names
}

// noteLines is what is said below the map.
func (d *clusterDrawer) noteLines() json.RawMessage {
	d.mu.Lock()
	defer d.mu.Unlock()
	lines := []string{}
	counted := 0
	for _, source := range d.sources {
		if source == clustermap.DevicePlugin {
			counted++
		}
	}
	if counted > 0 {
		lines = append(lines, "Which GPU of a device plugin's node a pod has is the kubelet's choice, which it tells nobody: "+
			"squares are filled in the order of the pods' names.")
	}
	for _, name := range slices.Sorted(maps.Keys(d.notes)) {
		lines = append(lines, d.notes[name]...)
	}
	if len(lines) > maxNotes {
		lines = append(lines[:maxNotes], "and more of this kind")
	}
	text, _ := json.Marshal(lines) // strings can be written
	return text
}

// drawAll draws a cluster whose objects are all at hand.
func (d *clusterDrawer) drawAll(objects *dryrun.ClusterObjects) (*pictureUpdate, error) {
	split := newObjects()
	for _, object := range objects.Nodes {
		split.setObject(object)
	}
	for _, object := range objects.Slices {
		packed, err := packSlice(object)
		if err != nil {
			return nil, err
		}
		if packed.Name == "" { // as of one that a server has yet to name
			packed.Name = packed.pool.Driver + "/" + packed.pool.Pool + "/" + object.GenerateName
		}
		split.setObject(packed)
	}
	for _, object := range objects.Classes {
		split.setObject(object)
	}
	for _, object := range objects.Pods {
		split.setObject(object)
	}
	for _, object := range objects.Claims {
		split.setObject(object)
	}
	update := &pictureUpdate{Nodes: map[string]json.RawMessage{}}
	d.mu.Lock()
	clear(d.sources)
	clear(d.notes)
	d.mu.Unlock()
	for name, node := range split.nodes {
		own, err := split.objectsOf(name)
		if err != nil {
			return nil, err
		}
		text, err := d.drawOne(node, own)
		if err != nil {
			return nil, err
		}
		if text != nil {
			update.Nodes[name] = text
		}
	}
	update.Waiting, update.Notes = waitingText(split.waitingPods()), d.noteLines()
	return update, nil
}

// drawChanged draws what changed since the last call, some nodes at a time.
func (d *clusterDrawer) drawChanged(ctx context.Context, objects *clusterObjects, feed *mapFeed) error {
	names, waiting := objects.takeChanged()
	if waiting {
		feed.applyUpdate(&pictureUpdate{Waiting: waitingText(objects.waitingPods())})
	}
	for chunk := range slices.Chunk(names, drawnAtOnce) {
		update := &pictureUpdate{Nodes: map[string]json.RawMessage{}}
		for _, name := range chunk {
			own, err := objects.objectsOf(name)
			if err != nil {
				return err
			}
			update.Nodes[name] = nil
			if own == nil {
				d.forgetNode(name)
				continue
			}
			if update.Nodes[name], err = d.drawOne(own.Nodes[0], own); err != nil {
				return err
			}
		}
		update.Notes = d.noteLines()
		feed.applyUpdate(update)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// keepDrawing draws what changes until the context ends.
func (d *clusterDrawer) keepDrawing(ctx context.Context, objects *clusterObjects, feed *mapFeed) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-objects.news:
		}
		if err := d.drawChanged(ctx, objects, feed); err != nil && ctx.Err() == nil {
			feed.setTrouble("what is shown may be old: " + err.Error())
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(gather):
		}
	}
}

// waitingText is the pods that wait for GPUs, those that wait longest first.
func waitingText(pods []*corev1.Pod) json.RawMessage {
	text, _ := json.Marshal(clustermap.ListWaiting(pods)) // strings and times can be written
	return text
}
