package trace

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/simulator"
)

// logFiles opens samples of testdata.
func logFiles(t testing.TB, names ...string) []LogFile {
	t.Helper()
	var files []LogFile
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, LogFile{name, bytes.NewReader(text)})
	}
	return files
}

// Small samples in the published forms: what is used, and what is left out for which reason.
func TestReadJobLog(t *testing.T) {
	const minute = simulator.Minute
	tasks := []LoggedJob{
		{Name: "job-a/tensorflow", Class: "tensorflow", Ran: 10 * minute, Members: 1, GPUs: 1, PerGPU: 500, MilliCPU: 6000, Memory: 31457280000},
		{Name: "job-b/ps", Class: "ps", Submitted: 100 * simulator.Second, Ran: 60 * minute, Members: 2, MilliCPU: 4000, Memory: 16 << 30},
		{Name: "job-b/worker", Class: "worker", Submitted: 100 * simulator.Second, Ran: 3590 * simulator.Second, Members: 4,
			GPUs: 1, PerGPU: 1000, MilliCPU: 8000, Memory: 32 << 30},
		{Name: "job-d/worker", Class: "worker", Submitted: 305 * simulator.Second, Ran: 10 * minute, Members: 1, GPUs: 2, PerGPU: 1000,
			MilliCPU: 6000, Memory: 31457280000},
	}
	for name, tc := range map[string]struct {
		files []string
		want  JobLog
	}{
		"Philly": {[]string{"cluster_job_log"}, JobLog{Format: PhillyFormat, Rows: 4,
			Jobs: []LoggedJob{
				{Name: "application_1500000000000_0001", Class: "a1b2c3", Ran: 65 * minute, Members: 2, GPUs: 4, PerGPU: 1000},
				// Three GPUs on two machines: no pods of two machines have equally many.
				{Name: "application_1500000000000_0004", Class: "d4e5f6", Submitted: minute, Ran: minute, Members: 3, GPUs: 1, PerGPU: 1000},
			},
			Skipped: []SkippedRows{
				{"never started, and so do not say for how many GPUs", 1, "cluster_job_log:30: attempts"},
				{"have no attempt with a start and a later end", 1, "cluster_job_log:38: attempts"},
			}}},
		"Helios": {[]string{"cluster_log.csv"}, JobLog{Format: HeliosFormat, Rows: 5,
			Jobs: []LoggedJob{
				{Name: "5001", Class: "vcAAA", Ran: 60 * minute, Members: 1, GPUs: 1, PerGPU: 1000, MilliCPU: 4000},
				{Name: "5002", Class: "vcBBB", Submitted: 5 * minute, Ran: 10 * minute, Members: 2, GPUs: 8, PerGPU: 1000, MilliCPU: 32000},
				{Name: "5003", Class: "vcBBB", Submitted: 6 * minute, Ran: minute, Members: 1, PerGPU: 1000, MilliCPU: 8000},
			},
			Skipped: []SkippedRows{
				{"never started", 1, "cluster_log.csv:5: start_time"},
				{"do not have equally many GPUs on each of their nodes", 1, "cluster_log.csv:6: gpu_num"},
			}}},
		"PAI": {[]string{"pai_task_table.csv", "pai_job_table.csv", "pai_instance_table.csv"}, JobLog{Format: PAIFormat, Rows: 6, Jobs: tasks,
			Skipped: []SkippedRows{
				{"plan more than one GPU and no whole number of them", 1, "pai_task_table.csv:6: plan_gpu"},
				{"have no end after their start", 1, "pai_task_table.csv:4: end_time"},
			}}},
		"PAI, the tables in another order": {[]string{"pai_instance_table.csv", "pai_job_table.csv", "pai_task_table.csv"},
			JobLog{Format: PAIFormat, Rows: 6, Jobs: tasks, Skipped: []SkippedRows{
				{"plan more than one GPU and no whole number of them", 1, "pai_task_table.csv:6: plan_gpu"},
				{"have no end after their start", 1, "pai_task_table.csv:4: end_time"},
			}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ReadJobLog(logFiles(t, tc.files...)...)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&tc.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// Mistakes are named by file, line and field.
func TestReadJobLogRefuses(t *testing.T) {
	const (
		helios = "job_id,user,vc,gpu_num,cpu_num,node_num,state,submit_time,start_time,end_time\n"
		times  = "2020-06-09 18:00:00,2020-06-09 18:00:10,2020-06-09 19:00:10\n"
	)
	for name, tc := range map[string]struct{ text, want string }{
		"nothing":           {"", "f:1: no known job log: want Philly's cluster_job_log (JSON), Helios'"},
		"words":             {"hello\n", "f:1: no known job log"},
		"an empty list":     {"[]", "f: no job of 0 rows can be used: it has no rows"},
		"cut off":           {"[{\"jobid\": \"a\",\n", "f:2: no job of Philly's log: unexpected EOF"},
		"a number for text": {"[\n{\"jobid\": 7}]", "f:2: jobid: no job of Philly's log: json: cannot unmarshal number"},
		"no time": {"[{\"jobid\": \"a\",\n\"submitted_time\": \"yesterday\"}]",
			`f:1: submitted_time of a: "yesterday" is no time like 2017-`},
		"attempt's time": {"[{\"jobid\": \"a\",\"submitted_time\": \"2017-10-07 01:00:00\",\"attempts\":[{\"start_time\":\"x\"}]}]",
			`f:1: attempts[0].start_time of a: "x" is no time`},
		"nothing started": {"[{\"jobid\": \"a\",\"submitted_time\": \"2017-10-07 01:00:00\",\"attempts\":[]}]",
			"f: no job of 1 rows can be used: 1 never started, and so do not say for how many GPUs, the first at f:1: attempts"},
		"helios: no column":   {"job_id,gpu_num\n1,1\n", "f:1: cpu_num: the column is missing"},
		"helios: GPUs":        {helios + "1,u,v,x,1,1,C," + times, `f:2: gpu_num: "x" is not a whole number`},
		"helios: time":        {helios + "1,u,v,1,1,1,C,now,2020-06-09 18:00:10,\n", `f:2: submit_time: "now" is no time`},
		"helios: twice":       {helios + "1,u,v,1,1,1,C," + times + "1,u,v,1,1,1,C," + times, `f:3: job_id: "1" is in line 2 already`},
		"helios: no submit":   {helios + "1,u,v,1,1,1,C,,2020-06-09 18:00:10,\n", "f:2: submit_time: is empty"},
		"pai: columns":        {"a,b,c,d,e,f,g\n", "f:1: 7 columns: want 10 of pai_task_table, 6 of pai_job_table or 9"},
		"pai: columns differ": {"a,t,1,T,1,2,1,1,1,x\na,t,1\n", "f:2: wrong number of fields"},
		"pai: number":         {"a,t,1,T,1,2,1,1,many,x\n", `f:1: plan_gpu: "many" is no number from 0 to`},
		"pai: negative":       {"a,t,1,T,-1,2,1,1,1,x\n", `f:1: start_time: "-1" is no number`},
		"pai: infinite":       {"a,t,1,T,1,2,Inf,1,1,x\n", `f:1: plan_cpu: "Inf" is no number`},
		"pai: no task table":  {"a,i,u,T,1,2\n", "f: is no task table: what tasks ask for stands in pai_task_table.csv"},
		"pai: no name":        {",t,1,T,1,2,1,1,1,x\n", "f:1: job_name: is empty"},
		"pai: too many pods":  {"a,t,5000,T,1,2,1,1,1,x\n", "1 have no pods or more than 1024"},
	} {
		_, err := ReadJobLog(LogFile{"f", strings.NewReader(tc.text)})
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %s", name, err, tc.want)
		}
	}
	if _, err := ReadJobLog(); err == nil {
		t.Error("no error without files")
	}
	two := append(logFiles(t, "cluster_job_log"), logFiles(t, "cluster_log.csv")...)
	if _, err := ReadJobLog(two...); err == nil || !strings.Contains(err.Error(), "cluster_log.csv: a log of Philly is one file") {
		t.Errorf("two files: %v", err)
	}
}

func TestJobLogWords(t *testing.T) {
	log, err := ReadJobLog(logFiles(t, "cluster_log.csv")...)
	if err != nil {
		t.Fatal(err)
	}
	want := "Helios: 5 rows, 3 jobs of them used. 1 left out: they never started (the first: cluster_log.csv:5: start_time). " +
		"1 left out: they do not have equally many GPUs on each of their nodes (the first: cluster_log.csv:6: gpu_num)."
	if diff := cmp.Diff(want, log.DescribeRows()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// checkLog holds what is read to what a simulation takes.
func checkLog(t *testing.T, log *JobLog, err error) {
	t.Helper()
	if err != nil {
		return
	}
	used := len(log.Jobs)
	for i := range log.Jobs {
		j := &log.Jobs[i]
		if j.Submitted < 0 || j.Submitted > simulator.MaxTime || j.Ran <= 0 || j.Ran > simulator.MaxTime ||
			j.Members < 1 || j.Members > maxPods || j.GPUs < 0 || j.GPUs > maxPodGPUs || j.GPUs > 0 && (j.PerGPU < 1 || j.PerGPU > 1000) ||
			j.MilliCPU < 0 || j.Memory < 0 ||
			i > 0 && j.Submitted < log.Jobs[i-1].Submitted {
			t.Errorf("job %d: %+v", i, *j)
		}
	}
	for _, s := range log.Skipped {
		used += s.Count
	}
	if used > log.Rows {
		t.Errorf("%d of %d rows used or left out", used, log.Rows)
	}
}

func fuzzLog(f *testing.F, samples ...string) {
	for _, file := range logFiles(f, samples...) {
		var text bytes.Buffer
		if _, err := text.ReadFrom(file.In); err != nil {
			f.Fatal(err)
		}
		f.Add(text.String())
	}
}

func FuzzPhilly(f *testing.F) {
	fuzzLog(f, "cluster_job_log")
	f.Fuzz(func(t *testing.T, text string) {
		log, err := ReadJobLog(LogFile{"f", strings.NewReader("[" + strings.TrimPrefix(text, "["))})
		checkLog(t, log, err)
	})
}

func FuzzHelios(f *testing.F) {
	fuzzLog(f, "cluster_log.csv")
	f.Fuzz(func(t *testing.T, text string) {
		log, err := ReadJobLog(LogFile{"f", strings.NewReader(text)})
		checkLog(t, log, err)
	})
}

func FuzzPAI(f *testing.F) {
	fuzzLog(f, "pai_task_table.csv", "pai_job_table.csv", "pai_instance_table.csv")
	f.Fuzz(func(t *testing.T, text string) {
		log, err := ReadJobLog(append(logFiles(t, "pai_job_table.csv", "pai_instance_table.csv"), LogFile{"f", strings.NewReader(text)})...)
		checkLog(t, log, err)
	})
}
