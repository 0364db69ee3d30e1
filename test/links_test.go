package test

import (
	"go/ast"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	// markdownLink is [text](target), with the target in group 1.
	markdownLink = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	// linkText is a whole link: its target is a link's, not a map's.
	linkText = regexp.MustCompile(`\[[^\[\]]*\]\([^()\s]+\)`)
	// codeSpan is what stands between backticks: an example of a link is none.
	codeSpan = regexp.MustCompile("(?s)```.*?```|`[^`\n]*`")
	// goFile is the name of a Go file, or a pattern for several.
	goFile = regexp.MustCompile(`[a-z0-9_*/.-]+\.go\b`)
)

// A link of a page to a file or folder of the repository leads somewhere.
func TestLinksLeadToFiles(t *testing.T) {
	pages, links := 0, 0
	eachFile(t, ".md", func(file, text string) {
		pages++
		for _, target := range relativeLinks(text) {
			links++
			if _, err := os.Stat(filepath.Join("..", filepath.Dir(file), target)); err != nil {
				t.Errorf("%s links to %s, which does not exist: name the file that it means now", file, target)
			}
		}
	})
	if pages < 10 || links < 50 {
		t.Fatalf("%d links on %d pages, want at least 50 on 10: the walk finds too few to mean anything", links, pages)
	}
}

// A Go file that a package comment or a page names is beside it, or below the root.
func TestMapsNameFilesThatExist(t *testing.T) {
	named := 0
	check := func(file, text string) {
		for _, name := range goFile.FindAllString(text, -1) {
			named++
			if name == "doc.go" { // that of any folder
				continue
			}
			if !isFile(t, filepath.Join("..", filepath.Dir(file), name)) && !isFile(t, filepath.Join("..", name)) {
				t.Errorf("%s names %s, which is neither beside it nor below the repository's root: name the file that it means now", file, name)
			}
		}
	}
	eachFile(t, "/doc.go", check)
	eachFile(t, ".md", func(file, text string) { check(file, linkText.ReplaceAllString(text, "")) })
	if named < 100 {
		t.Fatalf("%d names of Go files, want at least 100: the walk finds too few to mean anything", named)
	}
}

// Every folder with Go code says in its doc.go what it is.
func TestFoldersSayWhatTheyAre(t *testing.T) {
	said := map[string]bool{}
	eachGoFile(t, func(file string, syntax *ast.File) {
		folder := path.Dir(file)
		said[folder] = said[folder] || path.Base(file) == "doc.go" && syntax.Doc != nil
		if path.Base(file) != "doc.go" && syntax.Doc != nil {
			t.Errorf("%s has a package comment: it belongs into doc.go", file)
		}
	})
	for folder, documented := range said {
		if !documented {
			t.Errorf("%s has no doc.go with a package comment: say what the package is for", folder)
		}
	}
}

// isFile reports whether a path, or a pattern, names a file.
func isFile(t *testing.T, pattern string) bool {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return len(found) > 0
}

func TestRelativeLinks(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		want string // separated by spaces
	}{
		"a file":       {"see [the design](docs/design.md).", "docs/design.md"},
		"a heading":    {"[limits](README.md#limits) and [here](#limits)", "README.md"},
		"two":          {"[a](a), [b](../b)", "a ../b"},
		"another site": {"[x](https://example.com/x) [y](mailto:y@example.com)", ""},
		"code":         {"`[x](y)`\n```\n[x](y)\n```\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := strings.Join(relativeLinks(tc.text), " "); got != tc.want {
				t.Errorf("relativeLinks(%q) = %q, want %q", tc.text, got, tc.want)
			}
		})
	}
}

// relativeLinks lists what a page links to within the repository, without headings.
func relativeLinks(text string) []string {
	var targets []string
	for _, match := range markdownLink.FindAllStringSubmatch(codeSpan.ReplaceAllString(text, ""), -1) {
		target, _, _ := strings.Cut(match[1], "#")
		if target != "" && !strings.Contains(target, ":") {
			targets = append(targets, target)
		}
	}
	return targets
}

// eachFile reads every file of the repository whose path has this end.
func eachFile(t *testing.T, end string, visit func(file, text string)) {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && file != root && (strings.HasPrefix(name, ".") || name == "bin") {
			return filepath.SkipDir
		}
		if entry.IsDir() || !strings.HasSuffix(filepath.ToSlash(file), end) {
			return nil
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		visit(filepath.ToSlash(relative), string(text))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
