package simulate

import (
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
)

func newMergeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "merge FILE...",
		Short: "Join the CSV files of a sweep's shards",
		Long: `Joins what the shards of a sweep printed with -o csv: the header once, rows sorted by
their first three columns (pods, policy, seed). Files must have the same header, and
no row may be there twice. - reads from standard input; log lines before a header are
skipped, so that kubectl logs can be piped in.`,
		Example: `  ashlar simulate merge shard-*.csv
  kubectl logs -l job-name=openb-sweep --tail=-1 --prefix=false | ashlar simulate merge -`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			var m sweepRows
			for _, file := range files {
				if err := m.readFile(file, cmd.InOrStdin()); err != nil {
					return err
				}
			}
			return m.writeRows(cmd.OutOrStdout())
		},
	}
}

// sweepRows is rows under one header.
type sweepRows struct {
	header []string
	rows   [][]string
}

func (m *sweepRows) readFile(file string, stdin io.Reader) error {
	in := stdin
	if file != "-" {
		opened, err := os.Open(file)
		if err != nil {
			return cli.MistakenInput(err)
		}
		defer opened.Close()
		in = opened
	}
	reader := csv.NewReader(in)
	reader.FieldsPerRecord = -1
	columns := 0
	for {
		row, err := reader.Read()
		line, _ := reader.FieldPos(0)
		switch {
		case err == io.EOF && columns == 0:
			return cli.UsageErrorf("%s: has no header %s", file, strings.Join(openbColumns, ","))
		case err == io.EOF:
			return nil
		case err != nil:
			return cli.UsageErrorf("%s: %w", file, err)
		case slices.Equal(row, openbColumns):
			m.header, columns = row, len(row)
		case columns == 0:
			// What a container printed before.
		case len(row) != columns:
			return cli.UsageErrorf("%s:%d: %d columns, want %d", file, line, len(row), columns)
		default:
			m.rows = append(m.rows, row)
		}
	}
}

func (m *sweepRows) writeRows(out io.Writer) error {
	// Seeds are numbers: shorter ones come first.
	slices.SortFunc(m.rows, func(a, b []string) int {
		for i := range sweepKey {
			if i == sweepKey-1 && len(a[i]) != len(b[i]) {
				return len(a[i]) - len(b[i])
			}
			if order := strings.Compare(a[i], b[i]); order != 0 {
				return order
			}
		}
		return 0
	})
	for i := 1; i < len(m.rows); i++ {
		if slices.Equal(m.rows[i][:sweepKey], m.rows[i-1][:sweepKey]) {
			return fmt.Errorf("%s is there twice: merge each shard once", strings.Join(m.rows[i][:sweepKey], ","))
		}
	}
	writer := csv.NewWriter(out)
	if err := writer.WriteAll(append([][]string{m.header}, m.rows...)); err != nil {
		return err
	}
	return writer.Error()
}

// sweepKey is how many columns tell runs apart: pods, policy, seed.
const sweepKey = 3
