package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"text/tabwriter"
)

func main() {
	if err := checkModules("..", "./cmd/...", os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "licences:", err)
		os.Exit(1)
	}
}

// checkModules prints the licences of the modules that are in some packages' programs, and
// fails if one is not allowed.
func checkModules(folder, packages string, out io.Writer) error {
	var problems bytes.Buffer
	command := exec.Command(
		"go",
		"list",
		"-deps",
		"-f",
		"{{with .Module}}{{if not .Main}}{{.Path}}\t{{with .Replace}}{{.Dir}}{{else}}{{.Dir}}{{end}}{{end}}{{end}}",
		packages,
	)
	command.Dir, command.Stderr = folder, &problems
	listed, err := command.Output()
	if err != nil {
		return fmt.Errorf("listing the modules of %s: %w: %s", packages, err, strings.TrimSpace(problems.String()))
	}
	lines := strings.Fields(strings.ReplaceAll(string(listed), "\t", "="))
	slices.Sort(lines)
	lines = slices.Compact(lines)
	faults := 0
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, line := range lines {
		path, dir, _ := strings.Cut(line, "=")
		names, err := moduleLicences(path, dir)
		switch refused := refusedLicence(names); {
		case err != nil:
			faults++
			fmt.Fprintf(table, "%s\tUNKNOWN: %v\n", path, err)
		case refused != "":
			faults++
			fmt.Fprintf(table, "%s\tNOT ALLOWED: %s\n", path, refused)
		default:
			fmt.Fprintf(table, "%s\t%s\n", path, strings.Join(names, " and "))
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if faults > 0 {
		return fmt.Errorf("%d of %d modules have no licence that is allowed: see build/licences/allowed.go", faults, len(lines))
	}
	if len(lines) == 0 {
		return fmt.Errorf("%s has no modules: the walk finds too few to mean anything", packages)
	}
	fmt.Fprintf(out, "%d modules, all with a licence that is allowed\n", len(lines))
	return nil
}
