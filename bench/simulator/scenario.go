package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/internal/yamlfile"
	"github.com/ashlar-dev/ashlar/simulator"
	"github.com/ashlar-dev/ashlar/simulator/scenario"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
)

// sizedScenario is a scenario whose number of nodes is open.
type sizedScenario struct{ name, text string }

var (
	//go:embed mig-mix.yaml
	migMixText string
	//go:embed mixed.yaml
	mixedText string

	migMix    = sizedScenario{"mig-mix", migMixText}
	mixedJobs = sizedScenario{"mixed", mixedText}
)

// fullSize is up to how many nodes the MIG mix runs for all of its time, half a million jobs
// in 12 hours. On larger clusters it is shorter, so that there are as many jobs.
const fullSize = 2000

// heading is what a scenario's file begins with.
const heading = "apiVersion: ashlar.dev/v1alpha1\nkind: Scenario\n"

// writeSized writes the scenario for so many nodes into a folder, with the heading that a
// file has.
func (s sizedScenario) writeSized(folder, heading string, nodes, hours int) (file string, err error) {
	file = fmt.Sprintf("%s/%s-%d.yaml", folder, s.name, nodes)
	minutes := min(hours*60, hours*60*fullSize/nodes)
	text := strings.NewReplacer("NODES", strconv.Itoa(nodes), "HORIZON", strconv.Itoa(minutes)+"m").Replace(s.text)
	return file, os.WriteFile(file, []byte(heading+text), 0o600)
}

// playScenario runs the scenario in a file and prints how many jobs arrived.
func playScenario(ctx context.Context, name string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	var file scenario.File
	if document, faults := yamlfile.Read(name, text, &file, yamlfile.Options{MaxBytes: 1 << 20}); document == nil {
		return faults.Err()
	}
	if err := file.Check(); err != nil {
		return err
	}
	in, err := file.Build(catalogue.Default(), file.Seed)
	if err != nil {
		return err
	}
	result, err := simulator.Run(in, simulator.Watch{Progress: func(simulator.Time) error { return context.Cause(ctx) }})
	if err != nil {
		return err
	}
	if result.Jobs.Arrived == 0 {
		return errors.New("no job arrived")
	}
	fmt.Printf("arrived\n%d\n", result.Jobs.Arrived)
	return nil
}
