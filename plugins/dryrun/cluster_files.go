package dryrun

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// objectExtensions are those of the files that a folder is read for.
var objectExtensions = []string{".json", ".yaml", ".yml"}

// ReadObjectFiles reads a snapshot from a file, from every file of a folder, or from stdin if
// the name is "-".
func ReadObjectFiles(name string, stdin io.Reader) (*ClusterObjects, error) {
	o := &ClusterObjects{}
	reader := snapshotReader{objects: o, seen: map[objectKey]snapshotObject{}}
	add := func(source string, text []byte) error { return decodeSnapshot(source, text, reader.addObject) }
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

// objectKey tells the objects of a cluster apart.
type objectKey struct {
	kind            schema.GroupKind
	namespace, name string
}

// snapshotReader collects the objects of a snapshot.
type snapshotReader struct {
	objects *ClusterObjects
	seen    map[objectKey]snapshotObject
}

// addObject takes an object. One that is there twice is taken once, and refused if the two differ,
// for then they are of different times or clusters.
func (r *snapshotReader) addObject(object snapshotObject) error {
	if object.typed == nil {
		r.objects.noteUnread(object.kind)
		return nil
	}
	if meta, ok := object.typed.(metav1.Object); ok && meta.GetName() != "" {
		key := objectKey{object.kind.GroupKind(), meta.GetNamespace(), meta.GetName()}
		if before, found := r.seen[key]; found {
			if equality.Semantic.DeepEqual(before.typed, object.typed) {
				return nil
			}
			return fmt.Errorf("%s: is there already (%s), and the two differ: want one snapshot of one cluster", object.where, before.where)
		}
		r.seen[key] = object
	}
	r.objects.AddObject(object.typed)
	return nil
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
