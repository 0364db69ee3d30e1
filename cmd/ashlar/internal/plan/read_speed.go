package plan

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/topology"
)

// readSpeed is the flag that says how many bytes of weights are read in a second, 0 for the usual.
type readSpeed topology.Bytes

func (r *readSpeed) String() string {
	if *r == 0 {
		return ""
	}
	return topology.Bytes(*r).ExactText()
}

// Set reads an amount like 500MiB, of at least a MiB and at most a TiB.
func (r *readSpeed) Set(text string) error {
	const least, most = topology.MiB, 1024 * topology.GiB
	bytes, err := topology.ParseBytes(text)
	if err == nil && (bytes < least || bytes > most) {
		err = fmt.Errorf("want %s to %s a second, like 500MiB", least, most)
	}
	if err != nil {
		return err
	}
	*r = readSpeed(bytes)
	return nil
}

// Type is what help calls the value.
func (r *readSpeed) Type() string { return "BYTES" }
