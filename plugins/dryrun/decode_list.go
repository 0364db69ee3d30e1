package dryrun

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
)

// splitList takes a text apart that is one List in JSON, as kubectl and SaveObjects write it, in one pass: a
// snapshot of a thousand nodes has hundreds of megabytes. It reports false for anything else, and for what is
// not in order, of which decodeSnapshot says more. The header's kind is that of the items.
func splitList(text []byte) (objectHeader, bool) {
	var list objectHeader
	decoder := json.NewDecoder(bytes.NewReader(text))
	if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
		return list, false
	}
	seen := map[string]bool{}
	for decoder.More() {
		token, err := decoder.Token()
		key, isText := token.(string)
		folded := strings.ToLower(key)
		if err != nil || !isText || seen[folded] {
			return list, false
		}
		seen[folded] = true
		switch key {
		case "apiVersion":
			err = decoder.Decode(&list.APIVersion)
		case "kind":
			err = decoder.Decode(&list.Kind)
		case "metadata":
			err = decoder.Decode(&list.Metadata)
		case "items":
			err = decoder.Decode(&list.Items)
		default:
			var other json.RawMessage
			err = decoder.Decode(&other)
		}
		if err != nil {
			return list, false
		}
	}
	if _, err := decoder.Token(); err != nil { // the closing brace
		return list, false
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return list, false
	}
	for _, name := range []string{"apiVersion", "kind", "items"} {
		if !seen[strings.ToLower(name)] {
			return list, false
		}
	}
	kind, isList := strings.CutSuffix(list.Kind, "List")
	list.Kind = kind
	return list, isList && list.APIVersion != "" && list.Metadata.Name == ""
}

// decodeItems decodes the items of a list on all processors, and visits their objects in order. list has the
// kind of items that do not say theirs.
func decodeItems(where string, list objectHeader, visit func(snapshotObject) error) error {
	type item struct {
		objects []snapshotObject
		err     error
	}
	items := make([]item, len(list.Items))
	var workers sync.WaitGroup
	count := min(runtime.GOMAXPROCS(0), len(items))
	for worker := range count {
		workers.Go(func() {
			for i := worker; i < len(items); i += count {
				items[i].err = decodeDocument(fmt.Sprintf("%s, item %d", where, i+1), list.Items[i],
					objectHeader{Kind: list.Kind, APIVersion: list.APIVersion}, func(object snapshotObject) error {
						items[i].objects = append(items[i].objects, object)
						return nil
					})
				list.Items[i] = nil // the text of a large cluster is larger than its objects
			}
		})
	}
	workers.Wait()
	for i := range items {
		for _, object := range items[i].objects {
			if err := visit(object); err != nil {
				return err
			}
		}
		if items[i].err != nil {
			return items[i].err
		}
	}
	return nil
}
