package trace

import (
	"cmp"
	"fmt"
	"io"
)

// readHelios reads a CSV with the columns of Helios' cluster_log.csv. A job of several nodes is
// as many pods with equally many GPUs and CPUs each.
func (b *logBuilder) readHelios(file string, in io.Reader) error {
	t, err := newCSVTable(file, in, "job_id", "gpu_num", "cpu_num", "node_num", "submit_time", "start_time", "end_time")
	if err != nil {
		return err
	}
	t.maxRows = maxLogRows
	for {
		ok, err := t.nextRow()
		if err != nil || !ok {
			return err
		}
		b.log.Rows++
		if err := b.addHelios(t); err != nil {
			return err
		}
	}
}

func (b *logBuilder) addHelios(t *csvTable) error {
	job := LoggedJob{Name: t.nameOf("job_id"), Class: cmp.Or(t.textOf("vc"), "no vc"), PerGPU: 1000}
	gpus, cpus := t.wholeNumber("gpu_num", 1<<20), t.wholeNumber("cpu_num", 1<<24)
	job.Members = max(1, t.wholeNumber("node_num", 1<<20))
	submitted, _, errSubmitted := clockTime(t.textOf("submit_time"))
	start, started, errStart := clockTime(t.textOf("start_time"))
	end, ended, errEnd := clockTime(t.textOf("end_time"))
	for _, field := range []struct {
		name string
		err  error
	}{{"submit_time", errSubmitted}, {"start_time", errStart}, {"end_time", errEnd}} {
		if field.err != nil {
			t.refuseCell(field.name, "%w", field.err)
		}
	}
	if t.textOf("submit_time") == "" {
		t.refuseCell("submit_time", "is empty")
	}
	if t.err != nil {
		return t.err
	}
	at := fmt.Sprintf("%s:%d", t.file, t.line)
	switch {
	case !started:
		b.skipRow("never started", at+": start_time")
		return nil
	case !ended || end <= start:
		b.skipRow("have no end after their start", at+": end_time")
		return nil
	case gpus%job.Members != 0 || gpus > 0 && gpus < job.Members:
		b.skipRow("do not have equally many GPUs on each of their nodes", at+": gpu_num")
		return nil
	}
	job.Submitted, job.Ran = submitted, end-start
	job.GPUs, job.MilliCPU = gpus/job.Members, cpus*1000/job.Members
	return b.addJob(job, at)
}
