package trace

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/ashlar-dev/ashlar/simulator"
)

// phillyJob is an entry of Philly's cluster_job_log. Times may be null or "None".
type phillyJob struct {
	ID        string          `json:"jobid"`
	Cluster   string          `json:"vc"`
	Submitted *string         `json:"submitted_time"`
	Attempts  []phillyAttempt `json:"attempts"`
}

type phillyAttempt struct {
	Start  *string `json:"start_time"`
	End    *string `json:"end_time"`
	Detail []struct {
		GPUs []string `json:"gpus"`
	} `json:"detail"`
}

// maxPhillyBytes bounds the file, which is read as a whole to say in which line mistakes are.
// The published one has 0.1 GB.
const maxPhillyBytes = 1 << 30

// readPhilly reads a JSON list of jobs. What a job asks for is what its first attempt got: its
// machines are the pods, with equally many GPUs each. It runs as long as all its attempts did.
func (b *logBuilder) readPhilly(file string, in io.Reader) error {
	text, err := io.ReadAll(&boundedReader{in, maxPhillyBytes, errLogTooLong})
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	lineAt := newLineCounter(text)
	locate := func(err error) error {
		offset := decoder.InputOffset()
		var syntax *json.SyntaxError
		var wrong *json.UnmarshalTypeError
		field := ""
		if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
			offset = int64(len(text))
		} else if errors.As(err, &syntax) {
			offset = max(offset, syntax.Offset)
		} else if errors.As(err, &wrong) {
			field = wrong.Field + ": "
		}
		return fmt.Errorf("%s:%d: %sno job of Philly's log: %w", file, lineAt(offset), field, err)
	}
	if _, err := decoder.Token(); err != nil {
		return locate(err)
	}
	for decoder.More() {
		var job phillyJob
		start := decoder.InputOffset()
		line := lineAt(start + int64(max(0, bytes.IndexByte(text[start:], '{'))))
		if err := decoder.Decode(&job); err != nil {
			return locate(err)
		}
		if b.log.Rows++; b.log.Rows > maxLogRows {
			return fmt.Errorf("%s:%d: more than %d jobs", file, line, maxLogRows)
		}
		if err := b.addPhilly(&job, fmt.Sprintf("%s:%d", file, line)); err != nil {
			return err
		}
	}
	if _, err := decoder.Token(); err != nil {
		return locate(err)
	}
	return nil
}

func (b *logBuilder) addPhilly(job *phillyJob, at string) error {
	submitted, known, err := phillyTime(job.Submitted)
	if err != nil {
		return fmt.Errorf("%s: submitted_time of %s: %w", at, job.ID, err)
	}
	if !known {
		b.skipRow("have no submitted_time", at+": submitted_time")
		return nil
	}
	if len(job.Attempts) == 0 {
		b.skipRow("never started, and so do not say for how many GPUs", at+": attempts")
		return nil
	}
	j := LoggedJob{Name: job.ID, Class: job.Cluster, Submitted: submitted, PerGPU: 1000}
	for i := range job.Attempts {
		attempt := &job.Attempts[i]
		start, started, err := phillyTime(attempt.Start)
		if err != nil {
			return fmt.Errorf("%s: attempts[%d].start_time of %s: %w", at, i, job.ID, err)
		}
		end, ended, err := phillyTime(attempt.End)
		if err != nil {
			return fmt.Errorf("%s: attempts[%d].end_time of %s: %w", at, i, job.ID, err)
		}
		if started && ended && end > start {
			j.Ran += end - start
		}
	}
	if j.Ran <= 0 {
		b.skipRow("have no attempt with a start and a later end", at+": attempts")
		return nil
	}
	gpus := int64(0)
	for i := range job.Attempts[0].Detail {
		gpus += int64(len(job.Attempts[0].Detail[i].GPUs))
	}
	if gpus == 0 {
		b.skipRow("name no GPUs", at+": attempts[0].detail")
		return nil
	}
	// As many pods as machines, or the next number that divides the GPUs.
	for j.Members = int64(len(job.Attempts[0].Detail)); j.Members > gpus || gpus%j.Members != 0; {
		if j.Members++; j.Members > gpus {
			j.Members = gpus
		}
	}
	j.GPUs = gpus / j.Members
	return b.addJob(j, at)
}

func phillyTime(text *string) (simulator.Time, bool, error) {
	if text == nil {
		return 0, false, nil
	}
	return clockTime(*text)
}

// newLineCounter returns a function that says in which line an offset is; offsets must rise.
func newLineCounter(text []byte) func(int64) int {
	line, last := 1, int64(0)
	return func(offset int64) int {
		if offset = min(offset, int64(len(text))); offset > last {
			line += bytes.Count(text[last:offset], []byte{'\n'})
			last = offset
		}
		return line
	}
}
