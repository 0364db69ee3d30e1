package demo

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// lineWidth is where the reasons of pending pods are wrapped.
const lineWidth = 118

// printTable writes who got what, and below it why the others wait.
func printTable(w io.Writer, rows []podRow) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "POD\tNODE\tPRODUCT\tGPUS, SLICE OR SHARE\tSLOWEST LINK, RING\tTHROUGH")
	for _, r := range rows {
		if r.node != nil {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n",
				r.pod.Name, r.node.Name, r.productCell(), r.devicesCell(), r.linkCell(), r.throughCell())
		}
	}
	for _, r := range rows {
		if r.node == nil {
			fmt.Fprintf(table, "%s\t(pending)\n", r.pod.Name)
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, r := range rows {
		if r.node == nil && r.reason != "" {
			fmt.Fprintf(w, "\n%s is pending:\n%s\n", r.pod.Name, wrapText(r.reason, "  "))
		}
	}
	return nil
}

// wrapText breaks text at spaces into indented lines.
func wrapText(text, indent string) string {
	var lines []string
	line := indent
	for word := range strings.FieldsSeq(text) {
		if len(line)+1+len(word) > lineWidth && line != indent {
			lines = append(lines, line)
			line = indent
		}
		if line != indent {
			line += " "
		}
		line += word
	}
	return strings.Join(append(lines, line), "\n")
}
