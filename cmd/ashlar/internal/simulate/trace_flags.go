package simulate

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/scenariofile"
	"github.com/ashlar-dev/ashlar/simulator"
	"github.com/ashlar-dev/ashlar/simulator/scenario"
	"github.com/ashlar-dev/ashlar/simulator/trace"
)

// traceFlags say which published job log takes the place of a scenario's workloads.
type traceFlags struct {
	files []string
	from  string
	part  float64
}

func (f *traceFlags) addTo(command *cobra.Command) {
	set := command.Flags()
	set.StringArrayVar(&f.files, "trace", nil, "run the jobs of this log in place of the scenario's workloads: Philly's cluster_job_log, "+
		"Helios' cluster_log.csv, or Alibaba's pai_task_table.csv (repeat for pai_job_table.csv, pai_instance_table.csv); a `FILE`")
	set.StringVar(&f.from, "trace-from", "0", "begin at this `TIME` of the log, like 30d")
	set.Float64Var(&f.part, "trace-part", 1, "take this part of the log's jobs, drawn from the seed")
}

// applyTo reads the log and puts its jobs in place of the scenario's workloads.
func (f *traceFlags) applyTo(s *scenariofile.File) error {
	if len(f.files) == 0 {
		return nil
	}
	jobs := &scenario.TracedJobs{Part: f.part}
	if !(f.part > 0 && f.part <= 1) {
		return cli.UsageErrorf("--trace-part %v: want above 0 and up to 1", f.part)
	}
	if err := jobs.From.UnmarshalText([]byte(f.from)); err != nil {
		return cli.UsageErrorf("--trace-from: %w", err)
	}
	var files []trace.LogFile
	for _, name := range f.files {
		in, err := os.Open(name)
		if err != nil {
			return cli.MistakenInput(err)
		}
		defer in.Close()
		files = append(files, trace.LogFile{Name: name, In: in})
	}
	log, err := trace.ReadJobLog(files...)
	if err != nil {
		return cli.MistakenInput(err)
	}
	jobs.Log = log
	count := jobs.UsedWithin(s.Horizon)
	if count == 0 {
		last := log.Jobs[len(log.Jobs)-1].Submitted
		return cli.UsageErrorf("--trace-from %s: no job of the log comes within %s from there; its last comes at %s",
			f.from, simulator.Time(s.Horizon), last)
	}
	s.Traced = jobs
	text := fmt.Sprintf("Jobs of %s on the nodes of scenario %s, %d of which come within its %s.",
		strings.Join(f.files, ", "), s.Name, count, simulator.Time(s.Horizon))
	if f.part < 1 {
		text += fmt.Sprintf(" A part of %g of them is drawn.", f.part)
	}
	s.About = text + " " + log.DescribeRows()
	return nil
}
