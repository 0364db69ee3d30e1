package discovery

import (
	"errors"
	"fmt"
	"time"
)

// answerTimeout is how long a driver may take for all that is asked about one GPU. One that
// no process holds open starts the GPU anew for every session, which takes seconds.
const answerTimeout = time.Minute

// ErrHangs means that NVML did not answer in time.
var ErrHangs = errors.New("the driver does not answer")

// within returns what ask does, or ErrHangs if that takes too long. What hangs in the
// driver cannot be ended: it is left behind, and its answer is dropped.
func within[T any](timeout time.Duration, about string, ask func() (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	answers := make(chan answer, 1)
	go func() {
		value, err := ask()
		answers <- answer{value, err}
	}()
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case a := <-answers:
		return a.value, a.err
	case <-timer.C:
		var none T
		return none, fmt.Errorf("%s: nothing within %s: %w", about, timeout, ErrHangs)
	}
}
