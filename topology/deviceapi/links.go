package deviceapi

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/topology"
)

// maxAttribute is the longest string that an attribute may hold
// (k8s.io/api/resource/v1, DeviceAttributeMaxValueLength).
const maxAttribute = 64

// EncodeLinks writes one row of a link table, repeated entries as link*count:
// "X NV18*7". It reports false if the row is too irregular to fit an attribute;
// readers then know islands only.
func EncodeLinks(row []topology.Link) (string, bool) {
	var words []string
	for start := 0; start < len(row); {
		end := start + 1
		for end < len(row) && row[end] == row[start] {
			end++
		}
		word := row[start].String()
		if end-start > 1 {
			word += "*" + strconv.Itoa(end-start)
		}
		words = append(words, word)
		start = end
	}
	text := strings.Join(words, " ")
	return text, len(text) <= maxAttribute
}

// DecodeLinks reads what EncodeLinks wrote for a node of gpus GPUs.
func DecodeLinks(text string, gpus int) ([]topology.Link, error) {
	if gpus < 1 || gpus > topology.MaxGPUs {
		return nil, fmt.Errorf("links of %d GPUs, want 1 to %d", gpus, topology.MaxGPUs)
	}
	row := make([]topology.Link, 0, gpus)
	for word := range strings.FieldsSeq(text) {
		name, repeat, repeated := strings.Cut(word, "*")
		link, err := topology.ParseLink(name)
		if err != nil {
			return nil, err
		}
		count := 1
		if repeated {
			if count, err = strconv.Atoi(repeat); err != nil || count < 1 {
				return nil, fmt.Errorf("links %q: bad repeat %q", text, repeat)
			}
		}
		if count > gpus-len(row) {
			return nil, fmt.Errorf("links %q: more than %d entries", text, gpus)
		}
		for range count {
			row = append(row, link)
		}
	}
	if len(row) != gpus {
		return nil, fmt.Errorf("links %q: %d entries for %d GPUs", text, len(row), gpus)
	}
	return row, nil
}
