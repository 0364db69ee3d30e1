package cli

import (
	"bytes"
	"io"
	"os"
)

// ReadBounded reads a file of at most limit bytes and one more, so that larger ones can
// be told.
func ReadBounded(name string, limit int64) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, MistakenInput(err)
	}
	defer file.Close()
	return readBounded(file, name, limit)
}

// ReadBoundedInput is ReadBounded, but for the name "-", which is standard input.
func ReadBoundedInput(stdin io.Reader, name string, limit int64) ([]byte, error) {
	if name == "-" {
		return readBounded(stdin, name, limit)
	}
	return ReadBounded(name, limit)
}

func readBounded(from io.Reader, name string, limit int64) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(from, limit+1))
	if err != nil {
		return nil, UsageErrorf("reading %s: %w", name, err)
	}
	return text, nil
}

// maxManifest bounds the text of a manifest; API servers take 3 MiB per object.
const maxManifest = 16 << 20

// ReadManifest reads a file of Kubernetes objects, standard input if its name is "-".
func ReadManifest(stdin io.Reader, name string) ([]byte, error) {
	text, err := ReadBoundedInput(stdin, name, maxManifest)
	if err != nil {
		return nil, err
	}
	if len(text) > maxManifest {
		return nil, UsageErrorf("%s:1: more than %d bytes, keep fewer objects in a file", name, maxManifest)
	}
	if bytes.Contains(text, []byte("{{")) && bytes.Contains(text, []byte(".Values")) {
		return nil, UsageErrorf("%s: is a template of Helm's: render it first, helm template ... | ashlar plan -f -", name)
	}
	return text, nil
}
