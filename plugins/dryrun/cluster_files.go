package dryrun

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// objectExtensions are those of the files that a folder is read for.
var objectExtensions = []string{".json", ".yaml", ".yml"}

// ReadObjectFiles reads a snapshot from a file, from every file of a folder, or from stdin if
// the name is "-".
func ReadObjectFiles(name string, stdin io.Reader) (*ClusterObjects, error) {
	o := &ClusterObjects{}
	add := func(source string, text []byte) error {
		return decodeSnapshot(source, text, func(_ string, object any) error {
			o.AddObject(object)
			return nil
		})
	}
	if name == "-" {
		text, err := io.ReadAll(stdin)
		if err != nil {
			return nil, fmt.Errorf("reading standard input: %w", err)
		}
		return o, checkedObjects("standard input", o, add("standard input", text))
	}
	files, err := filesOf(name)
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if err := add(file, text); err != nil {
			return nil, err
		}
	}
	return o, checkedObjects(name, o, nil)
}

func checkedObjects(source string, o *ClusterObjects, err error) error {
	if err != nil {
		return err
	}
	if err := o.CheckComplete(); err != nil {
		return fmt.Errorf("%s: %w", source, err)
	}
	return nil
}

// filesOf is a file itself, or the files of a folder.
func filesOf(name string) ([]string, error) {
	about, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !about.IsDir() {
		return []string{name}, nil
	}
	entries, err := os.ReadDir(name)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, entry := range entries {
		if !entry.IsDir() && slices.Contains(objectExtensions, filepath.Ext(entry.Name())) {
			files = append(files, filepath.Join(name, entry.Name()))
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s: no .json, .yaml or .yml file in it", name)
	}
	return files, nil
}
