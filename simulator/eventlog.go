package simulator

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/placement"
)

// LogEvent is what a line of the event log tells.
type LogEvent string

// The events of the log. Those of a job in the order of its life, then those of nodes.
const (
	LogArrival     LogEvent = "arrival"       // it was submitted
	LogWaits       LogEvent = "waits"         // it does not fit now
	LogPlaced      LogEvent = "placed"        // its members have places, and load
	LogReady       LogEvent = "ready"         // it works
	LogOutOfMemory LogEvent = "out-of-memory" // it found too little memory, and starts again in its place
	LogCrash       LogEvent = "crash"         // it had a fatal GPU error
	LogCrashedWith LogEvent = "crashed-with"  // another client's fatal error ended it
	LogPreempted   LogEvent = "preempted"     // it made room for one of higher priority
	LogMoved       LogEvent = "moved"         // it was ended to start elsewhere, so that another fits
	LogEvicted     LogEvent = "evicted"       // its node was drained
	LogLost        LogEvent = "lost"          // its node failed
	LogDeparture   LogEvent = "departure"     // it is done, or was taken away
	LogFailed      LogEvent = "failed"        // it was given up, see Reason
	LogNodeUp      LogEvent = "node-up"
	LogNodeDown    LogEvent = "node-down"
	LogNodeDrain   LogEvent = "node-drain"
)

// logLine is one line of the event log. Which fields it has depends on Event.
type logLine struct {
	At    Time     `json:"t"`
	Line  int64    `json:"n"`
	Event LogEvent `json:"event"`
	Job   string   `json:"job,omitempty"`
	Class string   `json:"class,omitempty"`
	// Priority, Ask (PodTemplate.Name) and Members are an arrival's; Members only a gang's.
	Priority int64  `json:"priority,omitempty"`
	Ask      string `json:"ask,omitempty"`
	Members  int    `json:"members,omitempty"`
	// On is where the members were placed, Reslices how many MIG instances were created.
	On       []logPlace `json:"on,omitempty"`
	Reslices int64      `json:"reslices,omitempty"`
	Node     string     `json:"node,omitempty"`
	Lost     Time       `json:"lostMs,omitempty"`
	Reason   string     `json:"reason,omitempty"`
}

// logPlace is where one member is.
type logPlace struct {
	Node string `json:"node"`
	// Devices are GPUs by index: "3", a MIG instance "3 mig 4:2" by its memory slices, a
	// share "3 share 20GiB 250m", a replica "3 replica", or "3 replica of slice 1" where MIG cuts it.
	Devices []string `json:"devices,omitempty"`
}

// eventLog writes the event log, and keeps the first error of doing so.
type eventLog struct {
	w       *bufio.Writer
	encoder *json.Encoder
	lines   int64
	err     error
}

func newEventLog(w io.Writer) eventLog {
	if w == nil {
		return eventLog{}
	}
	buffered := bufio.NewWriter(w)
	encoder := json.NewEncoder(buffered)
	encoder.SetEscapeHTML(false)
	return eventLog{w: buffered, encoder: encoder}
}

func (j *eventLog) writeLine(l logLine) {
	j.lines++
	if j.encoder == nil || j.err != nil {
		return
	}
	l.Line = j.lines
	if err := j.encoder.Encode(&l); err != nil {
		j.err = fmt.Errorf("writing the event log: %w", err)
	}
}

func (j *eventLog) flushLines() error {
	if j.w != nil && j.err == nil {
		if err := j.w.Flush(); err != nil {
			j.err = fmt.Errorf("writing the event log: %w", err)
		}
	}
	return j.err
}

// logPlaces spells out where members are, for the log.
func (e *simulationRun) logPlaces(members []jobMember) []logPlace {
	if e.log.encoder == nil {
		return nil
	}
	var places []logPlace
	for i := range members {
		n := e.cluster.nodes[members[i].node]
		p := logPlace{Node: n.Name}
		for k := range members[i].devices {
			p.Devices = append(p.Devices, n.grantText(&members[i], k))
		}
		places = append(places, p)
	}
	return places
}

// grantText says what a member has as its device k.
func (n *nodeState) grantText(m *jobMember, k int) string {
	if len(m.replicas) == 0 {
		return n.deviceText(&m.devices[k])
	}
	at := m.replicas[k]
	if len(n.parts[at.gpu]) == 1 {
		return fmt.Sprintf("%d replica", at.gpu)
	}
	return fmt.Sprintf("%d replica of slice %d", at.gpu, at.part)
}

func (n *nodeState) deviceText(allocation *placement.DeviceAllocation) string {
	device := &n.Inventory.Devices[allocation.Device]
	text := fmt.Sprint(device.GPU)
	switch device.Form {
	case placement.MIG:
		text += " mig " + device.Placement.String()
	case placement.Share:
		var words []string
		if allocation.Bytes > 0 {
			words = append(words, allocation.Bytes.ExactText())
		}
		if allocation.Compute > 0 {
			words = append(words, fmt.Sprintf("%dm", allocation.Compute))
		}
		text = strings.Join(append([]string{text, "share"}, words...), " ")
	}
	return text
}
