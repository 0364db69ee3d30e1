package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"testing"
	"time"
)

func TestPackArchive(t *testing.T) {
	files := []archiveFile{{"LICENSE", 0o644, []byte("l")}, {"ashlar", 0o755, []byte("program")}}
	at := time.Unix(1_700_000_000, 0)
	first, err := packArchive(files, at)
	if err != nil {
		t.Fatal(err)
	}
	if second, err := packArchive(files, at); err != nil || !bytes.Equal(first, second) {
		t.Errorf("the same files gave two archives: %v", err)
	}
	compressed, err := gzip.NewReader(bytes.NewReader(first))
	if err != nil {
		t.Fatal(err)
	}
	reader := tar.NewReader(compressed)
	for _, file := range files {
		header, err := reader.Next()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(reader)
		if err != nil || header.Name != file.name || header.Mode != file.mode || !bytes.Equal(content, file.content) ||
			!header.ModTime.Equal(at) {
			t.Errorf("got %+v with %q, %v, want %+v", header, content, err, file)
		}
	}
}
