package cli

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// PageWidth is how wide text is that has no columns, in bytes.
const PageWidth = 96

// Page prints text and keeps the first error of writing it.
type Page struct {
	w   io.Writer
	err error
}

// NewPage prints to w.
func NewPage(w io.Writer) *Page { return &Page{w: w} }

// Err is the first error of writing.
func (p *Page) Err() error { return p.err }

// Printf prints as fmt.Printf does, nothing after an error.
func (p *Page) Printf(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}

// PrintTable prints rows whose cells line up, two spaces apart.
func (p *Page) PrintTable(rows [][]string) {
	if p.err != nil {
		return
	}
	var text strings.Builder
	aligned := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		if _, p.err = fmt.Fprintln(aligned, strings.Join(row, "\t")); p.err != nil {
			return
		}
	}
	if p.err = aligned.Flush(); p.err != nil {
		return
	}
	for line := range strings.Lines(text.String()) {
		p.Printf("%s\n", strings.TrimRight(line, " \n"))
	}
}
