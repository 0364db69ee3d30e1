package capture

import (
	"regexp"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/topology"
)

// Columns after the links of a GPU's row, in the order in which drivers added them.
const (
	cpuAffinity  = "CPU Affinity"
	numaAffinity = "NUMA Affinity"
	gpuNUMA      = "GPU NUMA ID"
)

// trailingColumns are the spellings of these columns, also run together with what is
// before or after them.
var trailingColumns = []struct {
	name string
	sign *regexp.Regexp
}{
	{cpuAffinity, regexp.MustCompile(`^CPU\s*Affinity\s*`)},
	{numaAffinity, regexp.MustCompile(`^NUMA\s*Affinity\s*`)},
	{gpuNUMA, regexp.MustCompile(`^(?:GPU\s*)?NUMA\s*ID\s*`)},
}

var (
	// trailing is where the columns after the links begin.
	trailing = regexp.MustCompile(`(?:CPU|NUMA)\s*Affinity|(?:GPU\s*)?NUMA\s*ID|\b(?:CPU|NUMA)\b`)
	// joinedNames are column names that ran together, joinedName is one of them.
	joinedNames = regexp.MustCompile(`^(?:(?:GPU|NIC|mlx5_)[0-9]+){2,}$`)
	joinedName  = regexp.MustCompile(`(?:GPU|NIC|mlx5_)[0-9]+`)
)

// isHeader reports whether a line is the row of column names. A row of GPU0 has
// links in second place instead.
func isHeader(l captureLine) bool {
	names := l.text
	if at := trailing.FindStringIndex(names); at != nil {
		names = names[:at[0]]
	}
	words := strings.Fields(names)
	if len(words) == 0 || splitNames(words[0])[0] != gpuName(0) {
		return false
	}
	if len(words) == 1 || len(splitNames(words[0])) > 1 {
		return true
	}
	links, rest := splitLinks(words[1])
	return len(links) == 0 || links[0] != "X" || rest != "" && !startsAffinity(rest)
}

// splitNames splits column names that ran together.
func splitNames(word string) []string {
	if joinedNames.MatchString(word) {
		return joinedName.FindAllString(word, -1)
	}
	return []string{word}
}

func newMatrixParser(header captureLine) (*matrixParser, error) {
	p := &matrixParser{
		links: map[string][]topology.Link{}, rows: map[string]captureLine{}, names: map[string]string{}, legendOf: map[string]bool{},
	}
	p.matrix.at = header
	names := header.text
	if at := trailing.FindStringIndex(names); at != nil {
		if err := p.readTrailing(header, names[at[0]:]); err != nil {
			return nil, err
		}
		names = names[:at[0]]
	}
	for word := range strings.FieldsSeq(names) {
		p.columns = append(p.columns, splitNames(word)...)
	}
	if len(p.columns) > maxColumns {
		return nil, header.lineErrorf("%d columns, at most %d are read: remove NICs that do not matter", len(p.columns), maxColumns)
	}
	for p.gpus < len(p.columns) && p.columns[p.gpus] == gpuName(p.gpus) {
		p.gpus++
	}
	if p.gpus > topology.MaxGPUs {
		return nil, header.lineErrorf("%d GPUs, at most %d are supported: capture one node", p.gpus, int64(topology.MaxGPUs))
	}
	for i, column := range p.columns {
		if strings.HasPrefix(column, "GPU") && i >= p.gpus {
			return nil, header.lineErrorf("column %s, want GPU0, GPU1 ... in order and then NICs: capture all GPUs of the node", column)
		}
		if !nicName.MatchString(column) || slices.Contains(p.columns[:i], column) {
			return nil, header.lineErrorf("column %q twice or not a name: %s", column, captureAgain)
		}
	}
	return p, nil
}

// readTrailing takes the names of the columns after the links.
func (p *matrixParser) readTrailing(header captureLine, rest string) error {
	for rest != "" {
		found := false
		for _, column := range trailingColumns {
			if at := column.sign.FindStringIndex(rest); at != nil && !slices.Contains(p.trailing, column.name) {
				p.trailing, rest, found = append(p.trailing, column.name), rest[at[1]:], true
			}
		}
		if !found {
			return header.lineErrorf("unknown columns %q after the links, want %s, %s and %s: remove them",
				strings.Join(strings.Fields(rest), " "), cpuAffinity, numaAffinity, gpuNUMA)
		}
	}
	return nil
}
