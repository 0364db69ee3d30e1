package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"
)

// planOutput is -o of plan, which knows more formats than the other commands.
type planOutput struct{ format string }

const (
	formatTable = "table"
	formatYAML  = "yaml"
	// formatClaim is a ResourceClaimTemplate for what fits.
	formatClaim = "claim"
)

func planFormats() []string { return []string{formatTable, formatJSON, formatYAML, formatClaim} }

func (o *planOutput) add(command *cobra.Command) {
	command.Flags().StringVarP(&o.format, "output", "o", formatTable,
		"output format: "+strings.Join(planFormats(), ", ")+" (a ResourceClaimTemplate sized by the answer)")
	completeFlag(command, "output", planFormats)
}

func (o *planOutput) check() error {
	if !slices.Contains(planFormats(), o.format) {
		return usagef("--output %q: want one of %s", o.format, strings.Join(planFormats(), ", "))
	}
	return nil
}

func (o *planOutput) write(w io.Writer, answers *planAnswers, f *planFlags) error {
	switch o.format {
	case formatJSON:
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		return encoder.Encode(answers)
	case formatYAML:
		text, err := yaml.Marshal(answers)
		if err != nil {
			return fmt.Errorf("writing YAML: %w", err)
		}
		_, err = w.Write(text)
		return err
	case formatClaim:
		return answers.writeClaims(w)
	}
	return answers.writeText(w, f)
}
