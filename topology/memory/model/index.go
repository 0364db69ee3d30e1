package model

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/ashlar-dev/ashlar/topology"
)

// maxIndexSize bounds the text of an index; the largest published ones have some
// 10 MiB.
const maxIndexSize = 64 << 20

// Index is what model.safetensors.index.json says of a model's files.
type Index struct {
	// Size is the size of all tensors.
	Size topology.Bytes
	// Head says that the output head has a tensor of its own.
	Head bool
}

// ParseIndex reads a model.safetensors.index.json. Errors name the field.
func ParseIndex(text []byte) (Index, error) {
	if len(text) > maxIndexSize {
		return Index{}, fmt.Errorf("safetensors index is %d bytes long, at most %d are read", len(text), maxIndexSize)
	}
	var file struct {
		Metadata struct {
			TotalSize json.Number `json:"total_size"`
		} `json:"metadata"`
		WeightMap map[string]string `json:"weight_map"`
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	if err := decoder.Decode(&file); err != nil {
		return Index{}, fmt.Errorf("safetensors index: %w", err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return Index{}, fmt.Errorf("safetensors index: more than one JSON value")
	}
	if file.Metadata.TotalSize == "" {
		return Index{}, fmt.Errorf("safetensors index: metadata.total_size: missing")
	}
	size, whole := wholeNumber(file.Metadata.TotalSize)
	if !whole || size < 1 || size > maxParameters*4 {
		return Index{}, fmt.Errorf("safetensors index: metadata.total_size: %s is not a size between 1 and 2^48 bytes", file.Metadata.TotalSize)
	}
	index := Index{Size: topology.Bytes(size)}
	for name := range file.WeightMap {
		index.Head = index.Head || strings.HasSuffix(name, "lm_head.weight")
	}
	return index, nil
}

// maxBelievable is how far, in percent, an index may be from what the architecture
// counts before it must mean something else than the size of the files. Published
// cases: 1.369e12 for DeepSeek-V3, twice its files; sums over several copies of the
// same weights.
const maxBelievable = 25

// Files that are quantised without a word of it in config.json are so large, in percent of what it makes: from 3 bits with
// embeddings of 16 to 8 bits with a large embedding.
const (
	leastQuantised = 18
	mostQuantised  = 75
)

// WithIndex is the model with the published size of its files, where that is
// believable. The note says what was made of the index, "" if it was taken as it is.
func (m *Model) WithIndex(index Index) (with *Model, note string) {
	published, counted := index.Size, m.countedBytes(true)
	if m.Tied && index.Head {
		// The file stores the head though it is the embedding; servers keep one.
		published -= m.Format.Bytes(m.Vocabulary, m.Hidden)
		note = "the files store the tied output head a second time, which is not counted"
	}
	if m.Quantisation == "" && published > counted/100*leastQuantised && published < counted/100*mostQuantised {
		copied := *m
		copied.Published = published
		return &copied, fmt.Sprintf("the index states %s, and config.json's format makes %s: the files have fewer bits than config.json "+
			"says, and are taken to be as large as the index states", index.Size, counted)
	}
	if off := published - counted; off > counted/100*maxBelievable || -off > counted/100*maxBelievable {
		return m, fmt.Sprintf("the index states %s and the architecture counts %s: the index is not taken for the size of the files",
			index.Size, counted)
	}
	copied := *m
	copied.Published = published
	return &copied, note
}
