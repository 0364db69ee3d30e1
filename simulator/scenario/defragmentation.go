package scenario

import (
	"errors"

	"github.com/ashlar-dev/ashlar/simulator"
)

// Defragmentation moves running jobs now and then, so that jobs that wait find room.
type Defragmentation struct {
	// Every is the time between rounds.
	Every Span `json:"every"`
	// Moves is how many jobs a round moves at most, by default 4.
	Moves int64 `json:"moves,omitempty"`
	// Restart is how long a moved job takes to end and start again, beside its loading.
	Restart Span `json:"restart,omitempty"`
}

// defaultMoves is how many jobs a round moves where a scenario does not say.
const defaultMoves = 4

func (d *Defragmentation) checkFields(path string) error {
	if d == nil {
		return nil
	}
	return errors.Join(d.Every.checkPositive(path+".every"), checkRange(path+".moves", d.Moves, 0, simulator.MaxMoves),
		d.Restart.checkNotNegative(path+".restart"))
}

// buildInput is it as the simulator takes it.
func (d *Defragmentation) buildInput() simulator.Defragmentation {
	if d == nil {
		return simulator.Defragmentation{}
	}
	moves := int(d.Moves)
	if moves == 0 {
		moves = defaultMoves
	}
	return simulator.Defragmentation{Every: simulator.Time(d.Every), Moves: moves, Restart: simulator.Time(d.Restart)}
}
