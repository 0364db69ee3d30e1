package docs

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// root is the repository.
var root = func() string {
	path, err := filepath.Abs("../..")
	if err != nil {
		panic(err)
	}
	return path
}()

// listPages are the pages that are held to what the programs do, by their paths in the repository.
func listPages(t testing.TB) []string {
	t.Helper()
	pages := []string{"README.md"}
	err := filepath.WalkDir(filepath.Join(root, "docs"), func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(file) != ".md" {
			return err
		}
		relative, err := filepath.Rel(root, file)
		pages = append(pages, filepath.ToSlash(relative))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return pages
}

func readPage(t testing.TB, page string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// fencedBlock is what stands between a line of three backticks and the next.
type fencedBlock struct {
	page string
	line int    // of the opening backticks, from 1
	info string // what stands behind them
	text string // with a newline at its end, unless it is empty
}

func (b *fencedBlock) place() string { return fmt.Sprintf("%s:%d", b.page, b.line) }

// indentedCommand is a command in a block that is marked by its indent alone, which nothing runs.
var indentedCommand = regexp.MustCompile(`^(?:    |\t)(?:\$ )?(?:ashlar|kubectl|make|go|helm|git|curl|bin/ashlar)\b`)

// splitPage lists the blocks of a page. Its error names the line.
func splitPage(page, text string) ([]fencedBlock, error) {
	var blocks []fencedBlock
	var open *fencedBlock
	for i, line := range strings.Split(text, "\n") {
		fence, isFence := strings.CutPrefix(strings.TrimLeft(line, " "), "```")
		switch {
		case isFence && open == nil:
			open = &fencedBlock{page: page, line: i + 1, info: strings.TrimSpace(fence)}
		case isFence && fence == "":
			blocks, open = append(blocks, *open), nil
		case isFence:
			return nil, fmt.Errorf("%s:%d: the block that begins at line %d is not closed: put three backticks after its last line",
				page, i+1, open.line)
		case open != nil:
			open.text += line + "\n"
		case indentedCommand.MatchString(line):
			return nil, fmt.Errorf("%s:%d: a command in an indented block is run by nobody: put it between ```sh and ```", page, i+1)
		}
	}
	if open != nil {
		return nil, fmt.Errorf("%s:%d: the block is not closed: put three backticks after its last line", page, open.line)
	}
	return blocks, nil
}
