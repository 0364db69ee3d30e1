package ui

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/plugins/dryrun"
)

// askTimeout is how long an answer may take.
const askTimeout = 2 * time.Minute

// questionAsker answers the page's questions with ashlar's other commands, each in a process of its
// own: the answers are theirs, and the copy of the cluster that they make, which may be several
// times as large as all that the page needs, goes with them. One is asked at a time.
type questionAsker struct {
	// program is ashlar itself.
	program string
	// source are the flags that name the cluster.
	source []string
	// free holds something while nothing is asked.
	free chan struct{}
}

func newAsker(program string, source []string) questionAsker {
	free := make(chan struct{}, 1)
	free <- struct{}{}
	return questionAsker{program: program, source: source, free: free}
}

// whatifAnswer is what the page shows.
type whatifAnswer struct {
	// Summary is the answer in a sentence.
	Summary string `json:"summary"`
	// Report is what whatif -o json prints.
	Report json.RawMessage `json:"report"`
	// Manifest is what was asked about.
	Manifest string `json:"manifest"`
}

// askWhatif is what whatif -f says of a manifest. copies is 1 for as many as it says. The error is
// whatif's.
func (a *questionAsker) askWhatif(ctx context.Context, manifest string, copies int) (*whatifAnswer, error) {
	args := []string{"whatif", "-f", "-", "-o", "json"}
	if copies > 1 {
		args = append(args, "--copies", strconv.Itoa(copies))
	}
	output, said, err := a.runCommand(ctx, manifest, args...)
	if err != nil {
		return nil, err
	}
	if !json.Valid(output) {
		return nil, errors.New("whatif did not answer in JSON")
	}
	if said == "" {
		said = "Every pod fits"
	}
	return &whatifAnswer{Summary: said, Report: output, Manifest: manifest}, nil
}

// askExplanation is what would become of a waiting pod if all that wait were tried now, in the
// scheduler's order.
func (a *questionAsker) askExplanation(ctx context.Context, namespace, pod string) (string, error) {
	output, _, err := a.runCommand(ctx, "", "whatif", "--waiting", "-o", "json")
	if err != nil {
		return "", err
	}
	var report struct {
		Answers []struct{ Pods []dryrun.PodPlacement }
	}
	if err := json.Unmarshal(output, &report); err != nil {
		return "", fmt.Errorf("reading the answer of whatif: %w", err)
	}
	for _, answer := range report.Answers {
		for _, p := range answer.Pods {
			switch {
			case p.Namespace != namespace || p.Name != pod:
			case p.Node == "":
				return p.Reason, nil
			default:
				return fmt.Sprintf("It would find its place now: %s (%s) on node %s. Its scheduler has not tried since, or another one is to place it.",
					cmp.Or(p.Got, "no GPU"), cmp.Or(p.Product, "no product"), p.Node), nil
			}
		}
	}
	return "", fmt.Errorf("pod %s/%s does not wait any more", namespace, pod)
}

// runCommand runs a command of ashlar's. said is what it says beside its answer if that is no, and an error
// if it has none.
func (a *questionAsker) runCommand(ctx context.Context, input string, args ...string) (output []byte, said string, err error) {
	select {
	case <-a.free:
		defer func() { a.free <- struct{}{} }()
	case <-ctx.Done():
		return nil, "", ctx.Err()
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	var stdout, stderr bytes.Buffer
	command := exec.CommandContext(ctx, a.program, slices.Concat(args, a.source)...)
	command.Env = os.Environ()
	command.Stdin, command.Stdout, command.Stderr = strings.NewReader(input), &stdout, &stderr
	err = command.Run()
	said = strings.TrimPrefix(strings.TrimSpace(stderr.String()), "ashlar: ")
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return nil, "", fmt.Errorf("ashlar %s took longer than %s", args[0], askTimeout)
	case errors.As(err, &exit) && exit.ExitCode() == cli.ExitNothingFits && stdout.Len() > 0, err == nil:
		return stdout.Bytes(), said, nil
	case said != "":
		return nil, "", errors.New(said)
	}
	return nil, "", fmt.Errorf("running ashlar %s: %w", args[0], err)
}
