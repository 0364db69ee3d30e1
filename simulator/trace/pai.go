package trace

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/simulator"
)

// The tables of Alibaba's cluster-trace-gpu-v2020, by their number of columns. They are
// published without headers; a first row of these names is one.
var paiTables = map[int][]string{
	6:  {"job_name", "inst_id", "user", "status", "start_time", "end_time"},
	10: {"job_name", "task_name", "inst_num", "status", "start_time", "end_time", "plan_cpu", "plan_mem", "plan_gpu", "gpu_type"},
	9:  {"job_name", "task_name", "inst_name", "worker_name", "inst_id", "status", "start_time", "end_time", "machine"},
}

// paiSpan is a time from and to, in milliseconds.
type paiSpan struct{ from, to simulator.Time }

// paiReader reads the tables of one trace.
type paiReader struct {
	*logBuilder
	submitted map[string]simulator.Time // of jobs, from the job table
	instances map[string]paiSpan        // of tasks, from the instance table
	tasks     []paiTask
}

// paiTask is a row of the task table; without times of its own those of its instances count.
type paiTask struct {
	job      string
	pods     LoggedJob
	span     paiSpan
	has      bool
	at, task string
}

// readPAI reads the tables in any order. Each task is a job: its instances are pods that start
// together. It was submitted when its job was, or else when it started.
func (b *logBuilder) readPAI(files []LogFile, readers []*bufio.Reader) error {
	p := &paiReader{logBuilder: b, submitted: map[string]simulator.Time{}, instances: map[string]paiSpan{}}
	for i := range files {
		if err := p.readTable(files[i].Name, readers[i]); err != nil {
			return err
		}
	}
	if p.tasks == nil {
		return fmt.Errorf("%s: is no task table: what tasks ask for stands in pai_task_table.csv, with 10 columns", files[0].Name)
	}
	for i := range p.tasks {
		if err := p.addTask(&p.tasks[i]); err != nil {
			return err
		}
	}
	return nil
}

func (p *paiReader) readTable(file string, in io.Reader) error {
	reader := csv.NewReader(in)
	reader.ReuseRecord = true
	var columns []string
	for rows := 0; ; rows++ {
		cells, err := reader.Read()
		if errors.Is(err, io.EOF) {
			if columns == nil {
				return fmt.Errorf("%s:1: is empty", file)
			}
			return nil
		}
		if err != nil {
			var parse *csv.ParseError
			if errors.As(err, &parse) {
				return fmt.Errorf("%s:%d: %w", file, parse.Line, parse.Err)
			}
			return fmt.Errorf("%s: %w", file, err)
		}
		line, _ := reader.FieldPos(0)
		if rows > maxLogRows {
			return fmt.Errorf("%s:%d: more than %d rows: cut the table into several", file, line, maxLogRows)
		}
		if columns == nil {
			if columns = paiTables[len(cells)]; columns == nil {
				return fmt.Errorf("%s:%d: %d columns: want 10 of pai_task_table, 6 of pai_job_table or 9 of pai_instance_table", file, line, len(cells))
			}
			if strings.TrimPrefix(cells[0], "\ufeff") == columns[0] {
				continue
			}
		}
		if err := p.readRow(&paiRow{file, line, columns, cells}); err != nil {
			return err
		}
	}
}

// paiRow is one row with its columns' names.
type paiRow struct {
	file           string
	line           int
	columns, cells []string
}

func (r *paiRow) textOf(column string) string {
	for i, name := range r.columns {
		if name == column {
			return strings.TrimSpace(r.cells[i])
		}
	}
	return ""
}

func (r *paiRow) cellAt(column string) string {
	return fmt.Sprintf("%s:%d: %s", r.file, r.line, column)
}

// numberOf is a cell with a number from 0 to most; not known for an empty one.
func (r *paiRow) numberOf(column string, most float64) (float64, bool, error) {
	text := r.textOf(column)
	if text == "" {
		return 0, false, nil
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || !(n >= 0 && n <= most) {
		return 0, false, fmt.Errorf("%s: %q is no number from 0 to %g", r.cellAt(column), text, most)
	}
	return n, true, nil
}

// spanOf is from start_time to end_time, which are in seconds; not known if either is missing.
func (r *paiRow) spanOf() (paiSpan, bool, error) {
	const mostSeconds = 1e10
	from, started, err := r.numberOf("start_time", mostSeconds)
	if err != nil {
		return paiSpan{}, false, err
	}
	to, ended, err := r.numberOf("end_time", mostSeconds)
	if err != nil {
		return paiSpan{}, false, err
	}
	// A start or end of 0 is one that is not known.
	return paiSpan{simulator.Time(from * 1000), simulator.Time(to * 1000)}, started && ended && from > 0 && to > from, nil
}

func (p *paiReader) readRow(r *paiRow) error {
	span, known, err := r.spanOf()
	if err != nil {
		return err
	}
	job := strings.Clone(r.textOf("job_name"))
	if job == "" {
		return fmt.Errorf("%s: is empty", r.cellAt("job_name"))
	}
	switch len(r.columns) {
	case 6:
		if span.from > 0 {
			p.submitted[job] = span.from
		}
		return nil
	case 9:
		key := job + "/" + r.textOf("task_name")
		if before, found := p.instances[key]; known && found {
			span = paiSpan{min(span.from, before.from), max(span.to, before.to)}
		}
		if known {
			p.instances[key] = span
		}
		return nil
	}
	p.log.Rows++
	return p.readTask(r, job, span, known)
}

// Bounds of what a task may plan: thousand-fold of what is there.
const (
	mostPlanCPU, mostPlanGPU = 1e9, 1e6 // percent
	mostPlanMemory           = 1e6      // GB
)

func (p *paiReader) readTask(r *paiRow, job string, span paiSpan, known bool) error {
	count, some, errCount := r.numberOf("inst_num", 1e9)
	cpu, _, errCPU := r.numberOf("plan_cpu", mostPlanCPU)
	memory, _, errMemory := r.numberOf("plan_mem", mostPlanMemory)
	gpu, _, errGPU := r.numberOf("plan_gpu", mostPlanGPU)
	if err := errors.Join(errCount, errCPU, errMemory, errGPU); err != nil {
		return err
	}
	if !some || count < 1 {
		p.skipRow("have no instances", r.cellAt("inst_num"))
		return nil
	}
	task := strings.Clone(r.textOf("task_name"))
	t := paiTask{job: job, task: task, span: span, has: known, at: r.cellAt("end_time"), pods: LoggedJob{
		Name: job + "/" + task, Class: task, Members: int64(count),
		MilliCPU: int64(cpu * 10), Memory: int64(memory * (1 << 30)),
	}}
	switch {
	case gpu == 0:
	case gpu < 100:
		t.pods.GPUs, t.pods.PerGPU = 1, max(1, int64(gpu*10))
	case math.Mod(gpu, 100) == 0:
		t.pods.GPUs, t.pods.PerGPU = int64(gpu/100), 1000
	default:
		p.skipRow("plan more than one GPU and no whole number of them", r.cellAt("plan_gpu"))
		return nil
	}
	if len(p.tasks) >= maxLogJobs {
		return fmt.Errorf("%s: more than %d tasks: cut the table into several", r.cellAt("job_name"), maxLogJobs)
	}
	p.tasks = append(p.tasks, t)
	return nil
}

func (p *paiReader) addTask(t *paiTask) error {
	if !t.has {
		t.span, t.has = p.instances[t.job+"/"+t.task]
	}
	if !t.has {
		p.skipRow("have no end after their start", t.at)
		return nil
	}
	t.pods.Submitted, t.pods.Ran = t.span.from, t.span.to-t.span.from
	if at, known := p.submitted[t.job]; known {
		t.pods.Submitted = min(at, t.span.from)
	}
	return p.addJob(t.pods, t.at)
}
