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

// cacheEntry is the place of one file in the cache.
type cacheEntry struct{ path string }

// cachedCopy is a file as it was once read.
type cachedCopy struct {
	text []byte
	tag  string
	at   time.Time
}

// cacheHeader is the first line of a kept file. It is in the same file as the text, so
// that the two cannot come apart.
type cacheHeader struct {
	ETag string    `json:"etag"`
	At   time.Time `json:"at"`
	Size int       `json:"size"`
}

// cacheEntry places a file by hub, model and revision. Checked names are safe as paths;
// colons of ports and slashes of revisions are not, and no two of them may come to lie
// in one place, on file systems that ignore case neither.
func (c *Client) cacheEntry(model, file string) cacheEntry {
	if c.cache == "" {
		return cacheEntry{}
	}
	hub := escapedName(c.base.Scheme + "://" + strings.ToLower(c.base.Host) + strings.TrimSuffix(c.base.EscapedPath(), "/"))
	return cacheEntry{filepath.Join(c.cache, hub, filepath.FromSlash(model), "at_"+escapedName(c.revision), file)}
}

// longestName is of file names, by which all file systems go.
const longestName = 200

// escapedName writes a text as the name of one file: other texts have other names.
func escapedName(text string) string {
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

// loadCopy reads the kept copy. One that is damaged is as good as none.
func (e cacheEntry) loadCopy(most int64) (cachedCopy, bool) {
	if e.path == "" {
		return cachedCopy{}, false
	}
	if info, err := os.Stat(e.path); err != nil || info.Size() > most+maxHeader {
		return cachedCopy{}, false
	}
	content, err := os.ReadFile(e.path)
	if err != nil {
		return cachedCopy{}, false
	}
	line, text, found := bytes.Cut(content, []byte("\n"))
	var h cacheHeader
	if !found || json.Unmarshal(line, &h) != nil || h.Size != len(text) {
		return cachedCopy{}, false
	}
	return cachedCopy{text: text, tag: h.ETag, at: h.At}, true
}

const maxHeader = 4 << 10

// storeCopy keeps a copy: whole, or not at all.
func (e cacheEntry) storeCopy(c *cachedCopy) (err error) {
	if e.path == "" {
		return nil
	}
	if len(c.tag) > maxHeader/2 {
		c.tag = ""
	}
	line, err := json.Marshal(cacheHeader{ETag: c.tag, At: c.at.UTC().Truncate(time.Second), Size: len(c.text)})
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

// ageNote says how old a copy is that is used because the hub was not asked.
func (c *cachedCopy) ageNote(because string) string {
	return fmt.Sprintf("%s: using the copy of %s", because, c.at.Local().Format("2 January 2006 15:04"))
}
