package capture

import (
	"regexp"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/topology"
)

// captureAgain is what to do about a table that is broken: a copy from a terminal may
// have lost something that a file has not.
const captureAgain = "capture it with nvidia-smi topo -m > file, or correct the entry"

// formerLinks are words of earlier drivers and of dcgmi, by what they are called today:
// SOC until driver 378 ("traversing PCIe as well as the SMP link between CPU sockets"),
// PSB for a switch on a board of two GPUs, such as K80's.
var formerLinks = map[string]topology.LinkKind{"SOC": topology.SYS, "PSB": topology.PIX}

// linkWord is a link at the beginning of a word. No link is the beginning of another
// one, except that digits after NV may belong to what follows.
var linkWord = regexp.MustCompile(`^(?:X|SYS|SOC|NODE|PHB|PXB|PIX|PSB|NV[0-9]+)`)

// p2pStatus are the entries of nvidia-smi topo -p2p.
var p2pStatus = []string{"OK", "NS", "CNS", "GNS", "TNS", "DR", "U"}

var (
	affinityStart = regexp.MustCompile(`^(?:[0-9,-]|N/A|\[N/A\])`)
	joinedNA      = regexp.MustCompile(`^[0-9,-]*(?:\[?N/A\]?)+$`)
	trailingEntry = regexp.MustCompile(`[0-9,-]+|\[?N/A\]?`)
)

// startsAffinity reports whether a text may be what follows the links in a GPU's row.
func startsAffinity(text string) bool { return affinityStart.MatchString(text) }

// startsLink reports whether a text begins with a link.
func startsLink(text string) bool { return linkWord.MatchString(text) }

// splitLinks splits a word into the links that it begins with and the rest.
func splitLinks(word string) (links []string, rest string) {
	for {
		link := linkWord.FindString(word)
		if link == "" {
			return links, word
		}
		links, word = append(links, link), word[len(link):]
	}
}

// parseLink reads a link as any driver prints it.
func parseLink(word string) (topology.Link, error) {
	if kind, found := formerLinks[word]; found {
		return topology.Link{Kind: kind}, nil
	}
	return topology.ParseLink(word)
}

// cutRowName splits the name of a row from links that ran together with it.
func (p *matrixParser) cutRowName(words []string) []string {
	for _, column := range p.columns {
		rest, found := strings.CutPrefix(words[0], column)
		if !found || rest == "" {
			continue
		}
		if links, end := splitLinks(rest); len(links) > 0 && (end == "" || startsAffinity(end)) {
			return append([]string{column, rest}, words[1:]...)
		}
	}
	return words
}

// readCells reads the links of a row, one for each column, also where several ran
// together, and returns the entries after them.
func (p *matrixParser) readCells(l captureLine, name string, words []string) (links []topology.Link, rest []string, err error) {
	for i, word := range words {
		if len(links) == len(p.columns) {
			return links, splitTrailing(words[i:]), p.refuseMoreLinks(l, name, words[i:])
		}
		found, end := splitLinks(word)
		if last := len(found) - 1; last >= 0 && end != "" && startsAffinity(end) && strings.HasPrefix(found[last], "NV") {
			return nil, nil, l.lineErrorf("%s to %s and what follows ran together as %q, and which digits are NVLinks cannot be told: "+
				"put a space between them", name, p.columns[min(len(links)+last, len(p.columns)-1)], word)
		}
		for j, text := range found {
			if len(links) == len(p.columns) {
				return nil, nil, p.refuseMoreLinks(l, name, append([]string{strings.Join(found[j:], "")}, words[i+1:]...))
			}
			link, err := parseLink(text)
			if err != nil {
				return nil, nil, l.lineErrorf("%s to %s: %w: %s", name, p.columns[len(links)], err, captureAgain)
			}
			if (link.Kind == topology.Self) != (p.columns[len(links)] == name) {
				return nil, nil, l.lineErrorf("%s to %s is %s, want X on the diagonal alone: %s", name, p.columns[len(links)], link, captureAgain)
			}
			links = append(links, link)
		}
		if end == "" {
			continue
		}
		if len(links) == len(p.columns) && len(found) > 0 && startsAffinity(end) {
			return links, splitTrailing(append([]string{end}, words[i+1:]...)), nil
		}
		return nil, nil, p.refuseCell(l, name, len(links), words, i, end)
	}
	if len(links) < len(p.columns) {
		return nil, nil, p.refuseShortRow(l, name, len(words))
	}
	return links, nil, nil
}

// refuseCell explains an entry that is no link: end is what is left of words[i] where
// the link to a column should be.
func (p *matrixParser) refuseCell(l captureLine, name string, column int, words []string, i int, end string) error {
	word := words[i]
	if column == len(p.columns) {
		return l.lineErrorf("%s to %s ran together with %q in %q, which is no link and no CPU affinity: correct the entry",
			name, p.columns[column-1], end, word)
	}
	to := p.columns[column]
	switch {
	case startsAffinity(end) && end == word && !slices.ContainsFunc(words[i:], startsLink):
		return p.refuseShortRow(l, name, column)
	case len(words) < len(p.columns) && end == word:
		return p.refuseShortRow(l, name, len(words))
	case slices.Contains(p2pStatus, end):
		return l.lineErrorf("%s to %s is %s, which nvidia-smi topo -p2p prints: capture nvidia-smi topo -m", name, to, end)
	case end != word:
		return l.lineErrorf("%s to %s is %q, what is left of %q where entries ran together, and no link: correct the entry", name, to, end, word)
	}
	_, err := parseLink(word)
	return l.lineErrorf("%s to %s: %w: %s", name, to, err, captureAgain)
}

func (p *matrixParser) refuseShortRow(l captureLine, name string, entries int) error {
	return l.lineErrorf(
		"%s has %d entries for %d columns, the row is cut off or entries are missing: capture with nvidia-smi topo -m > file",
		name, entries, len(p.columns))
}

// refuseMoreLinks refuses links after those that have a column.
func (p *matrixParser) refuseMoreLinks(l captureLine, name string, rest []string) error {
	if links, end := splitLinks(rest[0]); len(links) > 0 && end == "" {
		return l.lineErrorf("%s has %d entries after its links for %d columns, and %q is another link: line %d lacks the name of a column",
			name, len(rest), len(p.trailing), rest[0], p.matrix.at.number)
	}
	return nil
}

// splitTrailing splits N/A from the entries that it ran together with.
func splitTrailing(words []string) []string {
	var split []string
	for _, word := range words {
		if !joinedNA.MatchString(word) {
			split = append(split, word)
			continue
		}
		split = append(split, trailingEntry.FindAllString(word, -1)...)
	}
	return split
}
