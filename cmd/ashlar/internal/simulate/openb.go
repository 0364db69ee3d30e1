package simulate

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/simulator/openb"
	"github.com/ashlar-dev/ashlar/simulator/openb/policy"
	"github.com/ashlar-dev/ashlar/simulator/report"
)

// openbFlags are the flags of simulate openb.
type openbFlags struct {
	output   cli.OutputFlag
	nodes    string
	pods     []string
	policies []string
	seeds    seedList
	shard    shardFlag
	page     pageFlag
}

func newOpenbCommand() *cobra.Command {
	flags := openbFlags{seeds: seedList{42}}
	command := &cobra.Command{
		Use:   "openb --nodes NODES.csv --pods PODS.csv",
		Short: "Repeat the published experiments on Alibaba's trace openb",
		Long: `Lets the pods of a trace arrive one by one, in an order drawn from a seed, until
they have asked for 130 % of all GPUs, and reports how much of the GPUs they hold
when they have asked for 100 % (alloc100) and at the end (alloc130), in percent. With
the policies fgd, best-fit, dot-product, gpu-packing and gpu-clustering and the seeds
42 to 51 these are the results published with FGD (USENIX ATC 2023), digit by digit;
random agrees in distribution.

The files are those of cluster-trace-gpu-v2023 of github.com/alibaba/clusterdata, or
any with the columns sn,cpu_milli,memory_mib,gpu,model for nodes and
name,cpu_milli,memory_mib,num_gpu,gpu_milli, and gpu_spec if wanted, for pods.

Runs use all cores. cpu_seconds is the CPU time of a run alone.`,
		Example: `  ashlar simulate openb --nodes openb_node_list_gpu_node.csv --pods openb_pod_list_default.csv
  ashlar simulate openb --nodes nodes.csv --pods a.csv --pods b.csv --policy ashlar,fgd --seeds 42-51 -o csv`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := flags.checkFlags(); err != nil {
				return err
			}
			experiments, err := flags.readExperiments()
			if err != nil {
				return err
			}
			experiments = ofShard(flags.shard, experiments)
			progress := cli.NewProgress(cmd.ErrOrStderr())
			runs, err := runExperiments(cmd.Context(), experiments, progress)
			progress.End()
			if err != nil {
				return err
			}
			if err := flags.page.writePage(cmd, report.PageHeading{Title: "openb"}, pagesOf(runs)); err != nil {
				return err
			}
			return flags.writeRuns(cmd.OutOrStdout(), runs)
		},
	}
	set := command.Flags()
	set.StringVar(&flags.nodes, "nodes", "", "`FILE` with the nodes")
	set.StringArrayVar(&flags.pods, "pods", nil, "`FILE` with the pods of a trace; repeat for more traces")
	set.StringSliceVar(&flags.policies, "policy", []string{policy.Ashlar{}.Name()},
		"how to choose nodes, several with commas between them: "+strings.Join(nodePolicyNames(), ", "))
	set.Var(&flags.seeds, "seeds", "seeds of the arrivals: 42, 42-51 or 1,5,9-12")
	set.Var(&flags.shard, "shard", "run only one shard of the sweep, from 0: 3/20 is the fourth of 20; simulate merge joins them")
	set.Var(&flags.shard, "part", "the same as --shard")
	if err := set.MarkDeprecated("part", "it is called --shard now"); err != nil {
		panic(err) // the flag is not defined
	}
	flags.output.AddTo(command, "table (means over the seeds), or every run as csv, json or yaml", cli.FormatTable, cli.FormatCSV,
		cli.FormatJSON, cli.FormatYAML)
	flags.page.addTo(command)
	cli.CompleteFlag(command, "policy", nodePolicyNames)
	return command
}

// pagesOf are the runs as the page shows them, with the trace's name where there are
// several.
func pagesOf(runs []openbRun) []report.Run {
	var pages []report.Run
	for _, run := range runs {
		name := run.Policy
		if run.Pods != runs[0].Pods || run.Pods != runs[len(runs)-1].Pods {
			name = run.Pods + " " + run.Policy
		}
		pages = append(pages, report.Run{Name: name, Seed: run.Seed, Curves: run.result})
	}
	return pages
}

func nodePolicyNames() []string {
	var names []string
	for _, known := range policy.All() {
		names = append(names, known.Name())
	}
	return names
}

func (f *openbFlags) checkFlags() error {
	switch {
	case f.nodes == "":
		return cli.UsageErrorf("--nodes is missing: give it a node list, for example openb_node_list_gpu_node.csv")
	case len(f.pods) == 0:
		return cli.UsageErrorf("--pods is missing: give it a pod list, for example openb_pod_list_default.csv")
	case len(f.policies) == 0:
		return cli.UsageErrorf("--policy is empty: want one or more of %s", strings.Join(nodePolicyNames(), ", "))
	}
	for i, name := range f.policies {
		if _, err := policy.ByName(name); err != nil {
			return cli.UsageErrorf("--policy: %w", err)
		}
		if slices.Contains(f.policies[:i], name) {
			return cli.UsageErrorf("--policy: %s is there twice", name)
		}
	}
	for i, file := range f.pods {
		for _, earlier := range f.pods[:i] {
			if traceName(file) == traceName(earlier) {
				return cli.UsageErrorf("--pods: %s and %s would both be called %s in the results: rename one", earlier, file, traceName(file))
			}
		}
	}
	if err := f.page.checkFolder(); err != nil {
		return err
	}
	return f.output.CheckFormat()
}

// openbExperiment is an experiment and the name of its trace.
type openbExperiment struct {
	openb.Experiment
	trace string
}

// readExperiments are in the order of the results: traces as given, then policies as
// given, then seeds.
func (f *openbFlags) readExperiments() ([]openbExperiment, error) {
	nodes, err := readTrace(f.nodes, openb.ReadNodes)
	if err != nil {
		return nil, err
	}
	var experiments []openbExperiment
	for _, file := range f.pods {
		pods, err := readTrace(file, openb.ReadPods)
		if err != nil {
			return nil, err
		}
		for _, name := range f.policies {
			chosen, err := policy.ByName(name)
			if err != nil {
				return nil, err
			}
			for _, seed := range f.seeds {
				experiments = append(experiments, openbExperiment{
					openb.Experiment{Nodes: nodes, Pods: pods, Policy: chosen, Seed: seed}, traceName(file),
				})
			}
		}
	}
	return experiments, nil
}

func readTrace[T any](file string, read func(string, io.Reader) ([]T, error)) ([]T, error) {
	in, err := os.Open(file)
	if err != nil {
		return nil, cli.MistakenInput(err)
	}
	defer in.Close()
	rows, err := read(file, in)
	return rows, cli.MistakenInput(err)
}

// traceName is what results call the trace of a pod list.
func traceName(file string) string {
	name := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
	return cmp.Or(strings.TrimPrefix(name, "openb_pod_list_"), name)
}

// openbColumns is the header of the CSV.
var openbColumns = []string{"pods", "policy", "seed", "alloc100", "alloc130", "failed", "cpu_seconds"}

func (f *openbFlags) writeRuns(w io.Writer, runs []openbRun) error {
	return f.output.Write(w, map[string][]openbRun{"runs": runs}, func(w io.Writer) error {
		if f.output.Format == cli.FormatCSV {
			return writeOpenbCSV(w, runs)
		}
		p := cli.NewPage(w)
		p.PrintTable(openbTable(runs))
		return p.Err()
	})
}

func writeOpenbCSV(w io.Writer, runs []openbRun) error {
	rows := [][]string{openbColumns}
	for _, run := range runs {
		rows = append(rows, []string{
			run.Pods, run.Policy, strconv.FormatInt(run.Seed, 10), fmt.Sprintf("%.2f", run.Alloc100), fmt.Sprintf("%.2f", run.Alloc130),
			strconv.Itoa(run.Failed), fmt.Sprintf("%.3f", run.CPUSeconds),
		})
	}
	return csv.NewWriter(w).WriteAll(rows)
}

// openbTable is the means of each trace and policy over their seeds.
func openbTable(runs []openbRun) [][]string {
	rows := [][]string{{"PODS", "POLICY", "SEEDS", "ALLOC100", "ALLOC130", "FAILED", "CPU SECONDS"}}
	for len(runs) > 0 {
		first := runs[0]
		var same int
		var sum openbRun
		for same < len(runs) && runs[same].Pods == first.Pods && runs[same].Policy == first.Policy {
			run := runs[same]
			sum.Alloc100 += run.Alloc100
			sum.Alloc130 += run.Alloc130
			sum.Failed += run.Failed
			sum.CPUSeconds += run.CPUSeconds
			same++
		}
		n := float64(same)
		rows = append(rows, []string{
			first.Pods, first.Policy, fmt.Sprint(same), fmt.Sprintf("%.2f", sum.Alloc100/n), fmt.Sprintf("%.2f", sum.Alloc130/n),
			fmt.Sprintf("%.0f", float64(sum.Failed)/n), fmt.Sprintf("%.3f", sum.CPUSeconds/n),
		})
		runs = runs[same:]
	}
	return rows
}
