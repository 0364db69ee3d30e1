package capture

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/topology"
)

// Matrix is what `nvidia-smi topo -m` says.
type Matrix struct {
	// Links[i][j] is how GPU i reaches GPU j; square, Self on the diagonal.
	Links [][]topology.Link
	// NUMA[i] is the NUMA node of GPU i, topology.NoNUMA where the capture shows
	// none or more than one; len(NUMA) == len(Links).
	NUMA []int64
	// NICs are in the order of their rows. Their NUMA nodes are not in the capture.
	NICs []topology.NIC
	// Notes says what the capture shows and Matrix cannot hold.
	Notes []string

	at   captureLine   // the row of column names
	rows []captureLine // of the GPUs
	// pcieOnly says that there is a legend and NVLink is not in it.
	pcieOnly bool
}

const (
	// maxColumns bounds GPUs and NICs together; machines with 36 NICs exist.
	maxColumns = 256
	// maxNUMA bounds NUMA node numbers; Linux allows 1024 (CONFIG_NODES_SHIFT=10).
	maxNUMA = 1023
)

var (
	nicName   = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.:()-]*$`)
	nicLegend = regexp.MustCompile(`^\s*(?:- )?\s*(NIC[0-9]+)\s*:\s*(\S+)(?:\s+\(.*\))?$`)
	// drawn are the strokes of a Markdown table or emphasis, which no capture has, and
	// divider is what is left of the line below a table's heading.
	drawn   = regexp.MustCompile("[|*`]")
	divider = regexp.MustCompile(`^:?-{2,}:?$`)
)

// ParseMatrix reads what `nvidia-smi topo -m` printed. Lines before the row of
// column names and after the table are passed over, except for the NIC legend.
func ParseMatrix(text Text) (*Matrix, error) {
	all, err := text.splitLines()
	if err != nil {
		return nil, err
	}
	for i := range all {
		all[i].text = drawn.ReplaceAllString(all[i].text, " ")
	}
	start := slices.IndexFunc(all, isHeader)
	if start < 0 {
		return nil, all[0].lineErrorf("no row of column names GPU0 GPU1 ...%s", otherOutput(all, topoCommand))
	}
	p, err := newMatrixParser(all[start])
	if err != nil {
		return nil, err
	}
	for _, l := range all[start+1:] {
		if err := p.readLine(l); err != nil {
			return nil, err
		}
	}
	return p.finishMatrix(lastLine(all))
}

func gpuName(index int) string { return "GPU" + strconv.Itoa(index) }

type matrixParser struct {
	matrix  Matrix
	columns []string // the GPUs, then the NICs
	gpus    int
	// trailing are the columns after the links.
	trailing []string
	links    map[string][]topology.Link // by row
	rows     map[string]captureLine     // of every row read
	names    map[string]string          // NIC legend
	legend   bool                       // the table has ended
	legendOf map[string]bool            // links that the legend explains, for example "NV#"
}

// readLine takes one line after the row of column names.
func (p *matrixParser) readLine(l captureLine) error {
	words := strings.Fields(l.text)
	if len(words) == 0 || divider.MatchString(words[0]) {
		return nil
	}
	if strings.HasPrefix(strings.TrimSpace(l.text), "Legend:") || strings.HasPrefix(strings.TrimSpace(l.text), "NIC Legend:") {
		p.legend = true
		return nil
	}
	if match := nicLegend.FindStringSubmatch(l.text); match != nil {
		return p.readNICName(l, match[1], match[2])
	}
	if p.legend {
		if len(words) > 1 && words[1] == "=" {
			p.legendOf[words[0]] = true
		}
		return nil
	}
	words = p.cutRowName(words)
	if !slices.Contains(p.columns, words[0]) {
		if len(p.rows) == len(p.columns) {
			return nil // what follows the table
		}
		return l.lineErrorf(
			"row %q has no column, and %d of %d rows are missing: a long line may be wrapped, capture with nvidia-smi topo -m > file",
			words[0], len(p.columns)-len(p.rows), len(p.columns))
	}
	if before, found := p.rows[words[0]]; found {
		return l.lineErrorf("%s has a row on line %d already, keep one capture", words[0], before.number)
	}
	p.rows[words[0]] = l
	return p.readRow(l, words[0], words[1:])
}

// readRow takes the row of one GPU or NIC.
func (p *matrixParser) readRow(l captureLine, name string, words []string) error {
	own := slices.Index(p.columns, name)
	isGPU := own < p.gpus
	all, rest, err := p.readCells(l, name, words)
	if err != nil {
		return err
	}
	links := make([]topology.Link, p.gpus)
	for i, link := range all {
		if link.Kind == topology.NVLink && (!isGPU || i >= p.gpus) {
			return l.lineErrorf("%s to %s is %s, a NIC has no NVLink: %s", name, p.columns[i], link, captureAgain)
		}
		if i < p.gpus {
			links[i] = link
		}
	}
	p.links[name] = links
	if !isGPU {
		if len(rest) > 0 {
			return l.lineErrorf("%s has %d entries for %d columns: %s", name, len(all)+len(rest), len(p.columns), captureAgain)
		}
		return nil
	}
	if len(rest) > len(p.trailing) {
		return l.lineErrorf("%s has %d entries after its links for %d columns: %s", name, len(rest), len(p.trailing), captureAgain)
	}
	numa, note, err := p.numaColumn(l, name, rest)
	if err != nil {
		return err
	}
	// Rows of GPUs are put in order by finish: the name tells the index.
	if p.matrix.NUMA == nil {
		p.matrix.NUMA = slices.Repeat([]int64{topology.NoNUMA}, p.gpus)
	}
	p.matrix.NUMA[own] = numa
	if note != "" {
		p.matrix.Notes = append(p.matrix.Notes, note)
	}
	return nil
}

// noNUMA are what drivers print where a GPU is near to no NUMA node.
var noNUMA = []string{"N/A", "-1", "ERR!", "Unknown"}

// numaColumn reads the NUMA affinity of a GPU. With fewer entries than columns it
// cannot be told which are missing, so that the node stays unknown.
func (p *matrixParser) numaColumn(l captureLine, name string, rest []string) (int64, string, error) {
	column := slices.Index(p.trailing, numaAffinity)
	if column < 0 || len(rest) != len(p.trailing) || slices.Contains(noNUMA, strings.Trim(rest[column], "[]")) {
		return topology.NoNUMA, "", nil
	}
	text := rest[column]
	nodes, err := parseList(l, name+" "+numaAffinity, text)
	if err != nil {
		return 0, "", err
	}
	if nodes != 1 {
		return topology.NoNUMA, l.lineNotef("NUMA Affinity of %s printed as %q, which is not one node: name one with --numa", name, text), nil
	}
	first, _, _ := strings.Cut(text, "-")
	n, err := l.wholeNumber(name+" "+numaAffinity, first, maxNUMA)
	return n, "", err
}

// parseList counts the members of a list such as "0,3-9,11-17".
func parseList(l captureLine, what, text string) (int64, error) {
	count := int64(0)
	for word := range strings.SplitSeq(text, ",") {
		low, high, isRange := strings.Cut(word, "-")
		from, err := l.wholeNumber(what, low, maxNUMA)
		if err != nil {
			return 0, err
		}
		to := from
		if isRange {
			if to, err = l.wholeNumber(what, high, maxNUMA); err != nil {
				return 0, err
			}
		}
		if to < from {
			return 0, l.lineErrorf("%s is %q, which runs backwards: %s", what, text, captureAgain)
		}
		count += to - from + 1
	}
	return count, nil
}

// readNICName takes a line of the NIC legend.
func (p *matrixParser) readNICName(l captureLine, column, name string) error {
	switch {
	case slices.Index(p.columns, column) < p.gpus:
		return l.lineErrorf("%s is not in the table, paste legend and table of one capture", column)
	case p.names[column] != "":
		return l.lineErrorf("%s is %s already, keep one legend", column, p.names[column])
	case !nicName.MatchString(name) || strings.HasPrefix(name, "GPU"):
		return l.lineErrorf("%s is %q, want a name like mlx5_0: correct it", column, name)
	}
	p.names[column] = name
	return nil
}

// finishMatrix checks that every column has its row and puts the rows in order.
func (p *matrixParser) finishMatrix(end captureLine) (*Matrix, error) {
	nameless := false
	for i, column := range p.columns {
		links, found := p.links[column]
		if !found {
			return nil, end.lineErrorf("the row of %s is missing, the capture is cut off: paste all of it", column)
		}
		if i < p.gpus {
			p.matrix.Links = append(p.matrix.Links, links)
			p.matrix.rows = append(p.matrix.rows, p.rows[column])
			continue
		}
		name := column
		if p.names[column] != "" {
			name = p.names[column]
		} else if strings.HasPrefix(column, "NIC") {
			nameless = true
		}
		if slices.ContainsFunc(p.matrix.NICs, func(nic topology.NIC) bool { return nic.Name == name }) {
			return nil, p.rows[column].lineErrorf("two NICs are called %s, correct the legend", name)
		}
		p.matrix.NICs = append(p.matrix.NICs, topology.NIC{Name: name, NUMA: topology.NoNUMA, Links: links})
	}
	p.matrix.pcieOnly = p.legendOf["SYS"] && p.legendOf["PIX"] && !p.legendOf["NV#"]
	if nameless {
		p.matrix.Notes = append(p.matrix.Notes, "the NIC legend is missing or cut off: NICs without a name in it keep their number")
	}
	return &p.matrix, nil
}
