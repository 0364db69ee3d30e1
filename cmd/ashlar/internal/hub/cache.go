package hub

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// entry is the place of one file in the cache.
type entry struct{ path string }

// copied is a file as it was once read.
type copied struct {
	text []byte
	tag  string
	at   time.Time
}

// header is the first line of a kept file. It is in the same file as the text, so
// that the two cannot come apart.
type header struct {
	ETag string    `json:"etag"`
	At   time.Time `json:"at"`
	Size int       `json:"size"`
}

// entry places a file by hub, model and revision. Checked names are safe as paths;
// colons of ports and slashes of revisions are not, and no two of them may come to lie
// in one place, on file systems that ignore case neither.
func (c *Client) entry(model, file string) entry {
	if c.cache == "" {
		return entry{}
	}
	hub := escaped(c.base.Scheme + "://" + strings.ToLower(c.base.Host) + strings.TrimSuffix(c.base.EscapedPath(), "/"))
	return entry{filepath.Join(c.cache, hub, filepath.FromSlash(model), "at_"+escaped(c.revision), file)}
}

// longestName is of file names, by which all file systems go.
const longestName = 200

// escaped writes a text as the name of one file: other texts have other names.
func escaped(text string) string {
	var name strings.Builder
	for _, b := range []byte(text) {
		if b >= 'a' && b <= 'z' || b >= '0' && b <= '9' || b == '.' || b == '-' || b == '_' {
			name.WriteByte(b)
		} else {
			fmt.Fprintf(&name, "%%%02x", b)
		}
	}
	if name.Len() > longestName {
		return fmt.Sprintf("%%sha256-%x", sha256.Sum256([]byte(text))) // %sh is no escape
	}
	return name.String()
}

// load reads the kept copy. One that is damaged is as good as none.
func (e entry) load(most int64) (copied, bool) {
	if e.path == "" {
		return copied{}, false
	}
	if info, err := os.Stat(e.path); err != nil || info.Size() > most+maxHeader {
		return copied{}, false
	}
	content, err := os.ReadFile(e.path)
	if err != nil {
		return copied{}, false
	}
	line, text, found := bytes.Cut(content, []byte("\n"))
	var h header
	if !found || json.Unmarshal(line, &h) != nil || h.Size != len(text) {
		return copied{}, false
	}
	return copied{text: text, tag: h.ETag, at: h.At}, true
}

const maxHeader = 4 << 10

// store keeps a copy: whole, or not at all.
func (e entry) store(c *copied) (err error) {
	if e.path == "" {
		return nil
	}
	if len(c.tag) > maxHeader/2 {
		c.tag = ""
	}
	line, err := json.Marshal(header{ETag: c.tag, At: c.at.UTC().Truncate(time.Second), Size: len(c.text)})
	if err != nil {
		return err
	}
	// What a token made readable is nobody else's.
	folder := filepath.Dir(e.path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	scratch, err := os.CreateTemp(folder, ".new-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(scratch.Name())
		}
	}()
	_, err = scratch.Write(append(append(line, '\n'), c.text...))
	if err = errors.Join(err, scratch.Close()); err != nil {
		return err
	}
	return os.Rename(scratch.Name(), e.path)
}

// age says how old a copy is that is used because the hub was not asked.
func (c *copied) age(because string) string {
	return fmt.Sprintf("%s: using the copy of %s", because, c.at.Local().Format("2 January 2006 15:04"))
}
