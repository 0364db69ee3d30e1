package trace

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/ashlar-dev/ashlar/simulator"
)

// LoggedJob is one job of a published job log, or one task of it: pods that start together.
type LoggedJob struct {
	Name string
	// Class is what statistics are kept by: the virtual cluster, or the role of a task.
	Class string
	// Submitted is the time since the first submission of the log, Ran how long it ran.
	Submitted, Ran simulator.Time
	// Members are the pods, of which each takes GPUs whole GPUs, or PerGPU thousandths of one;
	// GPUs is 0 for pods without any.
	Members, GPUs, PerGPU int64
	// MilliCPU and Memory (bytes) are what each pod takes of its node, 0 where the log does not say.
	MilliCPU, Memory int64
}

// JobLog is what was read of a job log.
type JobLog struct {
	// Format is whose log it is.
	Format string
	// Jobs are those that can be used, by submission.
	Jobs []LoggedJob
	// Rows is how many the log has, and Skipped what was left out of them.
	Rows    int
	Skipped []SkippedRows
}

// SkippedRows are rows that were left out for a reason: Count of them, the first at First, which
// names file, line and field.
type SkippedRows struct {
	Reason string
	Count  int
	First  string
}

// The formats.
const (
	PhillyFormat = "Philly"
	HeliosFormat = "Helios"
	PAIFormat    = "Alibaba PAI 2020"
)

// LogFile is one file of a job log; Name is what errors call it.
type LogFile struct {
	Name string
	In   io.Reader
}

// Bounds of a job log. The largest published tables have 7.5 million rows and 2 GB.
const (
	maxLogBytes = 4 << 30
	maxLogRows  = 20_000_000
	// maxLogJobs is how many jobs are kept; a run takes no more.
	maxLogJobs = 2_000_000
	// maxPods is the most pods that a job may have, and maxPodGPUs the most GPUs of one.
	maxPods, maxPodGPUs = 1024, 16
)

// ReadJobLog reads a job log in its published form, which it knows by its beginning:
//
//	Philly            cluster_job_log of github.com/msr-fiddle/philly-traces, JSON
//	Helios            cluster_log.csv of github.com/S-Lab-System-Group/HeliosData
//	Alibaba PAI 2020  pai_task_table.csv of github.com/alibaba/clusterdata,
//	                  cluster-trace-gpu-v2020, with pai_job_table.csv and
//	                  pai_instance_table.csv if wanted, without headers or with them
//
// Rows that say nothing a simulation could use are counted; what is no such log at all is an
// error with file, line and field.
func ReadJobLog(files ...LogFile) (*JobLog, error) {
	if len(files) == 0 {
		return nil, errors.New("no file of a job log")
	}
	b := &logBuilder{reasons: map[string]int{}}
	readers := make([]*bufio.Reader, len(files))
	starts := make([]string, len(files))
	for i, file := range files {
		readers[i] = bufio.NewReaderSize(&boundedReader{file.In, maxLogBytes, errLogTooLong}, 1<<16)
		start, err := readers[i].Peek(512)
		if err != nil && !errors.Is(err, io.EOF) && len(start) == 0 {
			return nil, fmt.Errorf("%s: %w", file.Name, err)
		}
		starts[i] = strings.TrimSpace(string(bytes.TrimPrefix(start, []byte("\ufeff"))))
	}
	first, _, _ := strings.Cut(starts[0], "\n")
	var err error
	switch {
	case strings.HasPrefix(starts[0], "["):
		b.log.Format, err = PhillyFormat, errOneFile(files, PhillyFormat)
		if err == nil {
			err = b.readPhilly(files[0].Name, readers[0])
		}
	case strings.Contains(first, "job_id") && strings.Contains(first, "gpu_num"):
		b.log.Format, err = HeliosFormat, errOneFile(files, HeliosFormat)
		if err == nil {
			err = b.readHelios(files[0].Name, readers[0])
		}
	case strings.Count(first, ",") >= 5:
		b.log.Format = PAIFormat
		err = b.readPAI(files, readers)
	default:
		err = fmt.Errorf("%s:1: no known job log: want Philly's cluster_job_log (JSON), Helios' cluster_log.csv or Alibaba's pai_task_table.csv",
			files[0].Name)
	}
	if err != nil {
		return nil, err
	}
	return b.finishLog(files[0].Name)
}

func errOneFile(files []LogFile, format string) error {
	if len(files) > 1 {
		return fmt.Errorf("%s: a log of %s is one file: leave it out", files[1].Name, format)
	}
	return nil
}

var errLogTooLong = errors.New("is larger than a job log may be: cut it into several")

// logBuilder collects jobs and counts what is left out.
type logBuilder struct {
	log     JobLog
	reasons map[string]int // index into log.Skipped
}

// skipRow counts a row that cannot be used. at is file:line: field.
func (b *logBuilder) skipRow(reason, at string) {
	i, known := b.reasons[reason]
	if !known {
		i = len(b.log.Skipped)
		b.reasons[reason] = i
		b.log.Skipped = append(b.log.Skipped, SkippedRows{Reason: reason, First: at})
	}
	b.log.Skipped[i].Count++
}

// addJob keeps a job whose Submitted is still absolute, or counts why not.
func (b *logBuilder) addJob(j LoggedJob, at string) error {
	switch {
	case j.Members < 1 || j.Members > maxPods:
		b.skipRow(fmt.Sprintf("have no pods or more than %d", maxPods), at)
	case j.GPUs > maxPodGPUs:
		b.skipRow(fmt.Sprintf("ask for more than %d GPUs of one node", maxPodGPUs), at)
	case len(b.log.Jobs) >= maxLogJobs:
		return fmt.Errorf("%s: more than %d jobs: cut the log into several", at, maxLogJobs)
	default:
		b.log.Jobs = append(b.log.Jobs, j)
	}
	return nil
}

// finishLog sorts the jobs and counts their times from the first submission.
func (b *logBuilder) finishLog(file string) (*JobLog, error) {
	if len(b.log.Jobs) == 0 {
		reason := "it has no rows"
		if len(b.log.Skipped) > 0 {
			s := &b.log.Skipped[0]
			reason = fmt.Sprintf("%d %s, the first at %s", s.Count, s.Reason, s.First)
		}
		return nil, fmt.Errorf("%s: no job of %d rows can be used: %s", file, b.log.Rows, reason)
	}
	slices.SortStableFunc(b.log.Jobs, func(x, y LoggedJob) int {
		switch {
		case x.Submitted < y.Submitted:
			return -1
		case x.Submitted > y.Submitted:
			return 1
		}
		return 0
	})
	first := b.log.Jobs[0].Submitted
	kept := b.log.Jobs[:0]
	for _, j := range b.log.Jobs {
		j.Submitted -= first
		if j.Submitted > simulator.MaxTime || j.Ran > simulator.MaxTime {
			b.skipRow("are longer than a run may be", file+": "+j.Name)
			continue
		}
		kept = append(kept, j)
	}
	b.log.Jobs = kept
	return &b.log, nil
}

// DescribeRows says what was read and what was left out, in sentences.
func (l *JobLog) DescribeRows() string {
	text := fmt.Sprintf("%s: %d rows, %d jobs of them used.", l.Format, l.Rows, len(l.Jobs))
	for i := range l.Skipped {
		s := &l.Skipped[i]
		text += fmt.Sprintf(" %d left out: they %s (the first: %s).", s.Count, s.Reason, s.First)
	}
	return text
}

// clockTime reads a time as logs write it, "2017-10-07 01:12:09"; not known for none, which is
// "", None or null there. The zone does not matter: only differences count.
func clockTime(text string) (at simulator.Time, known bool, err error) {
	switch text {
	case "", "None", "null", "NaN", "Unknown":
		return 0, false, nil
	}
	t, err := time.Parse(time.DateTime, text)
	if err != nil {
		return 0, false, fmt.Errorf("%q is no time like 2017-10-07 01:12:09", text)
	}
	return simulator.Time(t.UnixMilli()), true, nil
}
