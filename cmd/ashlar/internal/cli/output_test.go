package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

func TestOutputFlag(t *testing.T) {
	value := map[string]any{"b": 1, "a": "<x>"}
	for format, want := range map[string]string{
		FormatTable: "in text\n",
		FormatJSON:  "{\n  \"a\": \"<x>\",\n  \"b\": 1\n}\n",
		FormatYAML:  "a: <x>\nb: 1\n",
	} {
		var output OutputFlag
		command := &cobra.Command{Use: "x"}
		output.AddTo(command, "any", FormatTable, FormatJSON, FormatYAML)
		if err := command.ParseFlags([]string{"-o", format}); err != nil {
			t.Fatal(err)
		}
		if err := output.CheckFormat(); err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		err := output.Write(&got, value, func(w io.Writer) error {
			_, err := fmt.Fprintln(w, "in text")
			return err
		})
		if diff := cmp.Diff(want, got.String()); err != nil || diff != "" {
			t.Errorf("-o %s: %v (-want +got):\n%s", format, err, diff)
		}
	}
}

func TestExitCode(t *testing.T) {
	for name, tc := range map[string]struct {
		err  error
		want int
	}{
		"failure":      {errors.New("broken"), ExitFailure},
		"usage":        {fmt.Errorf("wrapped: %w", UsageErrorf("want %d", 1)), ExitUsage},
		"success":      {nil, ExitSuccess},
		"input":        {fmt.Errorf("wrapped: %w", MistakenInput(errors.New("no such machine"))), ExitUsage},
		"no mistake":   {MistakenInput(nil), ExitSuccess},
		"found":        {fmt.Errorf("wrapped: %w", FoundTrouble{Message: "no"}), ExitNothingFits},
		"nothing fits": {fmt.Errorf("wrapped: %w", NothingFits{Message: "no"}), ExitNothingFits},
		"format":       {(&OutputFlag{Format: "xml", formats: []string{FormatText, FormatJSON}}).CheckFormat(), ExitUsage},
	} {
		if got := ExitCode(tc.err); got != tc.want {
			t.Errorf("%s: exit code %d, want %d", name, got, tc.want)
		}
	}
}
