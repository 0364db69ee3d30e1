package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"text/tabwriter"
)

func main() {
	if err := checkFindings(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "vulnerabilities:", err)
		os.Exit(1)
	}
}

// scanMessage is one object of govulncheck's JSON, as far as it is used.
type scanMessage struct {
	Config *struct {
		DB string `json:"db"`
	} `json:"config"`
	OSV *struct {
		ID      string `json:"id"`
		Summary string `json:"summary"`
	} `json:"osv"`
	Finding *scanFinding `json:"finding"`
}

// scanFinding is one way in which a vulnerability concerns the program: the module has it,
// the package is linked, or, where Function is there, the code itself is.
type scanFinding struct {
	OSV          string `json:"osv"`
	FixedVersion string `json:"fixed_version"`
	Trace        []struct {
		Module   string `json:"module"`
		Version  string `json:"version"`
		Function string `json:"function"`
	} `json:"trace"`
}

// checkFindings prints the vulnerabilities whose code is in the program.
func checkFindings(input io.Reader, out io.Writer) error {
	summaries, found, scanned := map[string]string{}, map[string]scanFinding{}, false
	decoder := json.NewDecoder(input)
	for {
		var message scanMessage
		err := decoder.Decode(&message)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("reading govulncheck's JSON: %w", err)
		}
		scanned = scanned || message.Config != nil
		if message.OSV != nil {
			summaries[message.OSV.ID] = message.OSV.Summary
		}
		if finding := message.Finding; finding != nil && len(finding.Trace) > 0 && finding.Trace[0].Function != "" {
			found[finding.OSV] = *finding
		}
	}
	if !scanned {
		return errors.New("govulncheck said nothing: see its own message")
	}
	table, open := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0), 0
	for _, id := range slices.Sorted(maps.Keys(found)) {
		finding := found[id]
		verdict := "fixed in " + finding.FixedVersion
		if finding.FixedVersion == "" {
			verdict = "no fixed version"
		}
		if reason, known := accepted[id]; known {
			verdict = "accepted: " + reason
		} else {
			open++
		}
		fmt.Fprintf(table, "%s\t%s@%s\t%s\t%s\n", id, finding.Trace[0].Module, finding.Trace[0].Version, verdict, summaries[id])
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if open > 0 {
		return fmt.Errorf("%d vulnerabilities are in the program: take the fixed versions, "+
			"or add to build/vulnerabilities/accepted.go why one does not concern it", open)
	}
	fmt.Fprintf(out, "no vulnerability that is not accepted\n")
	return nil
}
