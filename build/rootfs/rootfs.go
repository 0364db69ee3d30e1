package rootfs

import (
	"archive/tar"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"time"
)

// Entry is one file, folder or symbolic link of a root file system. All are root's.
type Entry struct {
	// Content is a file's.
	Content []byte
	// Mode has the permissions, with 01000 for the sticky bit.
	Mode int64
	// Target is where a symbolic link leads.
	Target string
	// Folder says that the entry is one.
	Folder bool
}

// Root is a root file system: entries by their path from the root, without a slash at the
// start. Folders above an entry need none of their own: they are made with mode 0755.
type Root map[string]Entry

// AddFile adds a file, in place of what was at that path.
func (r Root) AddFile(name string, mode int64, content []byte) {
	r[cleanPath(name)] = Entry{Content: content, Mode: mode}
}

// AddFolder adds a folder.
func (r Root) AddFolder(name string, mode int64) {
	r[cleanPath(name)] = Entry{Mode: mode, Folder: true}
}

// AddLink adds a symbolic link.
func (r Root) AddLink(name, target string) {
	r[cleanPath(name)] = Entry{Mode: 0o777, Target: target}
}

// AddTar adds what a tar stream holds where keep, given a path without a slash at the start,
// is true. Hard links become files; devices, which no package here has, are an error.
func (r Root) AddTar(stream io.Reader, keep func(name string) bool) error {
	reader := tar.NewReader(stream)
	for {
		header, err := reader.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading a tar stream: %w", err)
		}
		name := cleanPath(header.Name)
		if name == "" || !keep(name) {
			continue
		}
		switch header.Typeflag {
		case tar.TypeDir:
			r.AddFolder(name, header.Mode&0o1777)
		case tar.TypeSymlink:
			r.AddLink(name, header.Linkname)
		case tar.TypeLink:
			target, found := r[cleanPath(header.Linkname)]
			if !found {
				return fmt.Errorf("%s is a hard link to %s, which is not there", name, header.Linkname)
			}
			r[name] = target
		case tar.TypeReg:
			content, err := io.ReadAll(reader)
			if err != nil {
				return fmt.Errorf("reading %s of a tar stream: %w", name, err)
			}
			r.AddFile(name, header.Mode&0o1777, content)
		default:
			return fmt.Errorf("%s is of type %q, which no image here has", name, header.Typeflag)
		}
	}
}

// WriteTar writes the root as a tar stream, in order of the paths and all of one time.
func (r Root) WriteTar(out io.Writer, at time.Time) error {
	all := maps.Clone(r)
	for name := range r {
		for folder := path.Dir(name); folder != "."; folder = path.Dir(folder) {
			entry, found := all[folder]
			if found && !entry.Folder {
				return fmt.Errorf("%s is below %s, which is no folder", name, folder)
			}
			if !found {
				all[folder] = Entry{Mode: 0o755, Folder: true}
			}
		}
	}
	writer := tar.NewWriter(out)
	for _, name := range slices.Sorted(maps.Keys(all)) { // a folder sorts before what it holds
		entry := all[name]
		header := &tar.Header{Name: name, Mode: entry.Mode, ModTime: at, Format: tar.FormatPAX}
		switch {
		case entry.Folder:
			header.Typeflag, header.Name = tar.TypeDir, name+"/"
		case entry.Target != "":
			header.Typeflag, header.Linkname = tar.TypeSymlink, entry.Target
		default:
			header.Typeflag, header.Size = tar.TypeReg, int64(len(entry.Content))
		}
		if err := writer.WriteHeader(header); err != nil {
			return fmt.Errorf("writing %s into a layer: %w", name, err)
		}
		if _, err := writer.Write(entry.Content); err != nil {
			return fmt.Errorf("writing %s into a layer: %w", name, err)
		}
	}
	return writer.Close()
}

// cleanPath is a path from the root without a slash at the start, "" for the root. It cannot
// lead out of the root.
func cleanPath(name string) string {
	return strings.TrimPrefix(path.Clean("/"+name), "/")
}
