package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/ashlar-dev/ashlar/bench/readme"
	"github.com/ashlar-dev/ashlar/bench/schedulers/workload"
	"github.com/ashlar-dev/ashlar/test/cluster"
	"github.com/ashlar-dev/ashlar/test/install"
)

// The commands that write the tables of docs/results/schedulers.md.
const (
	claimCommand   = "go run ./bench/schedulers --readme docs/results/schedulers.md"
	againstCommand = "go run ./bench/schedulers --against " + cluster.EarlierKubernetesVersion + " --readme docs/results/schedulers.md"
	pluginCommand  = "go run ./bench/schedulers --device-plugin --readme docs/results/schedulers.md"
	// headlineCommand writes the first sentence of the first.
	headlineCommand = "go run ./bench/schedulers --headline README.md"
)

// runBenchmark measures, prints, and writes into the file of results.
func runBenchmark(ctx context.Context, options *benchmarkOptions) error {
	if options.from != "" {
		report, err := readReport(options.from)
		if err != nil {
			return err
		}
		return printReport(report, options)
	}
	start := time.Now()
	say := func(what string) { fmt.Fprintf(os.Stderr, "[%6.1fs] %s\n", time.Since(start).Seconds(), what) }
	binaries, err := cluster.FindBinaries()
	if err != nil {
		return err
	}
	if options.against != "" {
		if binaries, err = binaries.ForKubernetes(options.against); err != nil {
			return err
		}
	}
	if len(options.sizes)+len(options.gang) > 0 || options.devicePlugin {
		if err := binaries.Ensure(ctx, say, install.Commands...); err != nil {
			return err
		}
	}
	report := &benchmarkReport{
		Date: time.Now().UTC().Format(time.DateOnly), Go: runtime.Version(), Kubernetes: binaries.Kubernetes(), Cores: runtime.NumCPU(),
		Limit: options.limit.Seconds(),
	}
	measure := measureSizes
	switch {
	case options.devicePlugin:
		measure = measureDevicePlugin
	case options.against != "":
		measure = measureAgainst
	}
	if err := measure(ctx, options, binaries, say, report); err != nil {
		// What was measured until then may have taken half an hour.
		unwritten := *options
		unwritten.readme, unwritten.headline = "", ""
		return errors.Join(err, printReport(report, &unwritten))
	}
	return printReport(report, options)
}

// readReport reads what -o json printed.
func readReport(file string) (*benchmarkReport, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading an earlier report: %w", err)
	}
	report := &benchmarkReport{}
	if err := json.Unmarshal(text, report); err != nil {
		return nil, fmt.Errorf("reading an earlier report, %s: %w", file, err)
	}
	return report, nil
}

// commandName is the command that measures such a report, and names its place there.
func (r *benchmarkReport) commandName() string {
	switch {
	case r.DevicePlugin != nil:
		return pluginCommand
	case r.Against != nil:
		return againstCommand
	}
	return claimCommand
}

// printReport prints the report and writes it between the markers of its command.
func printReport(report *benchmarkReport, options *benchmarkOptions) error {
	table := report.describeReport()
	if options.json {
		encoder := json.NewEncoder(os.Stdout)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(report); err != nil {
			return err
		}
	} else {
		fmt.Println(table)
	}
	if headline := report.describeHeadline(); options.headline != "" && headline != "" {
		if err := readme.Write(options.headline, headlineCommand, wrapProse(headline)); err != nil {
			return err
		}
	}
	if options.readme == "" {
		return nil
	}
	return readme.Write(options.readme, report.commandName(), table)
}

// measureSizes measures the clusters, those in process, and the gangs.
func measureSizes(
	ctx context.Context, options *benchmarkOptions, binaries *cluster.Binaries, say func(string), report *benchmarkReport,
) error {
	for place, size := range options.sizes {
		measured, err := measureCluster(ctx, options, binaries, say, place)
		if err != nil {
			return fmt.Errorf("%s: %w", size, err)
		}
		report.Clusters = append(report.Clusters, measured)
	}
	for _, size := range options.gang {
		err := withSession(ctx, binaries, size, say, func(s *benchmarkSession) error {
			gang, err := s.measureGang(ctx, options.gangPods)
			report.Gangs = append(report.Gangs, gang)
			say(fmt.Sprintf("a gang of %d pods was bound %.1f s after its last pod was created", gang.Pods, gang.Seconds))
			return err
		})
		if err != nil {
			return fmt.Errorf("gang at %s: %w", size, err)
		}
	}
	root := filepath.Dir(filepath.Dir(binaries.Dir()))
	points, err := measureInProcess(ctx, options, root, say)
	report.InProcess = points
	return err
}

// withSession does something on a control plane of that size.
func withSession(
	ctx context.Context, binaries *cluster.Binaries, size workload.Size, say func(string), do func(*benchmarkSession) error,
) error {
	session, err := startSession(ctx, binaries, say)
	if err != nil {
		return err
	}
	if err := session.prepareNodes(ctx, size); err != nil {
		return errors.Join(err, session.cluster.Stop())
	}
	if err := do(session); err != nil {
		return errors.Join(err, session.cluster.Stop())
	}
	return session.endSession()
}

// measureCluster measures all forms on one control plane, the schedulers in turn.
func measureCluster(
	ctx context.Context, options *benchmarkOptions, binaries *cluster.Binaries, say func(string), place int,
) (clusterReport, error) {
	size := options.sizes[place]
	report := clusterReport{Size: size}
	var session *benchmarkSession
	err := withSession(ctx, binaries, size, say, func(s *benchmarkSession) error {
		session = s
		for range options.roundsAt(place) {
			for _, form := range []workload.Form{workload.PlainForm, workload.ClaimForm} {
				if err := s.measureBoth(ctx, options, form, &report); err != nil {
					return err
				}
			}
		}
		for _, form := range options.formsAt(place) {
			if err := s.measureBoth(ctx, options, form, &report); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return report, err
	}
	report.PublishSeconds, report.Memory = session.publishing.Seconds(), session.peaks.listProcesses()
	return report, nil
}

// measureBoth measures a form by both schedulers, and at the first claims bound by Ashlar how
// soon a pod that fits nowhere is told why.
func (s *benchmarkSession) measureBoth(ctx context.Context, options *benchmarkOptions, form workload.Form, report *clusterReport) error {
	for _, scheduler := range []schedulerName{stockScheduler, ashlarScheduler} {
		m := bindingMeasurement{scheduler: scheduler, form: form, pods: options.podsAt(s.size), limit: options.limit}
		if scheduler == ashlarScheduler && form.Name == workload.ClaimForm.Name && len(report.Refusals) == 0 {
			m.after = func(ctx context.Context) (err error) {
				report.Refusals, err = s.timeRefusals(ctx)
				return err
			}
		}
		result, err := s.measureBinding(ctx, m)
		if err != nil {
			return err
		}
		report.addRound(scheduler, form.Name, result)
	}
	return nil
}
