package whatif

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/plugins/dryrun"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// readAdditions reads all --add.
func (f *whatifFlags) readAdditions() ([]*nodeAddition, error) {
	var additions []*nodeAddition
	for _, text := range f.add {
		addition, err := readAddition(catalogue.Default(), text)
		if err != nil {
			return nil, err
		}
		additions = append(additions, addition)
	}
	return additions, nil
}

// askAdditions puts the question to the cluster with each addition, orders them, the best first, and returns
// the cluster with that one.
func (f *whatifFlags) askAdditions(
	ctx context.Context,
	cluster *dryrun.ClusterObjects,
	question *dryrun.PlacementQuestion,
	policy placement.Policy,
	additions []*nodeAddition,
) (*dryrun.ClusterObjects, error) {
	for _, addition := range additions {
		grown, err := addition.growCluster(catalogue.Default(), cluster)
		if err != nil {
			return nil, err
		}
		if addition.Answer, err = dryrun.AnswerQuestion(ctx, grown, question, policy); err != nil {
			if mistake := (&dryrun.QuestionError{}); errors.As(err, &mistake) {
				err = cli.MistakenInput(err)
			}
			return nil, withErrors(err, question.Manifest.Errors)
		}
	}
	slices.SortStableFunc(additions, bestAddition)
	return additions[0].growCluster(catalogue.Default(), cluster)
}

// sizeNote says what nodes that were added, the last of the cluster, have of what the catalogue does not know.
func sizeNote(cluster *dryrun.ClusterObjects) string {
	amounts := cluster.Nodes[len(cluster.Nodes)-1].Status.Allocatable
	return fmt.Sprintf("the catalogue knows the GPUs of machines, not their CPU and memory: each added node was given %s CPU and %s, "+
		"as the largest node of the cluster has them, at least %s and %s", amounts.Cpu(), amounts.Memory(), &usualCPU, &usualMemory)
}

// writeAdditions compares additions, one a line, and says with which the answer is.
func (r *PlacementReport) writeAdditions(p *cli.Page) {
	if len(r.Additions) == 0 {
		return
	}
	rows := [][]string{{"ADD", "FIT", "$/HOUR", "GPUS OPENED", "NODES OPENED"}}
	for _, a := range r.Additions {
		rows = append(rows, []string{
			a.Text, fmt.Sprintf("%d of %d", a.Answer.Fit, a.Answer.Asked), a.priceText(),
			strconv.Itoa(a.Answer.GPUsOpened), strconv.Itoa(a.Answer.NodesOpened),
		})
	}
	p.PrintTable(rows)
	p.Printf("\nwith %s:\n", r.Additions[0].Text)
}
