package docs

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// docBlock is a block with what its first line says of it.
type docBlock struct {
	fencedBlock
	language string
	file     string // what it is written to for the commands below
	exit     int
	cluster  bool
	noRun    string // why it is only shown, "" if it is run
}

// runs reports whether the block has commands that are run.
func (b *docBlock) runs() bool {
	return (b.language == "sh" || b.language == "console") && b.noRun == ""
}

var attribute = regexp.MustCompile(`^\s+([a-z-]+)(?:=("[^"]*"|\S+))?`)

const languages = "sh, console, yaml, json, text, go, promql or cel"

// readBlock reads what a block says of itself. Its error names page, line and remedy.
func readBlock(fenced fencedBlock) (docBlock, error) {
	b := docBlock{fencedBlock: fenced}
	wrong := func(format string, args ...any) (docBlock, error) {
		return b, fmt.Errorf("%s: ```%s: %s", fenced.place(), fenced.info, fmt.Sprintf(format, args...))
	}
	language, rest, _ := strings.Cut(fenced.info, " ")
	b.language = language
	for rest = strings.TrimRight(" "+rest, " "); rest != ""; {
		match := attribute.FindStringSubmatch(rest)
		if match == nil {
			return wrong("%q is no attribute: want exit=N, cluster, file=NAME or no-run=\"reason\"", strings.TrimSpace(rest))
		}
		rest = rest[len(match[0]):]
		value := strings.Trim(match[2], `"`)
		switch name := match[1]; {
		case name == "no-run" && value != "":
			b.noRun = value
		case name == "no-run":
			return wrong("say why nobody runs it: no-run=\"reason\"")
		case name == "cluster" && value == "":
			b.cluster = true
		case name == "exit":
			code, err := strconv.Atoi(value)
			if err != nil || code < 0 || code > 255 {
				return wrong("exit=%s: want an exit code", value)
			}
			b.exit = code
		case name == "file" && filepath.IsLocal(value):
			b.file = value
		default:
			return wrong("unknown attribute %s: want exit=N, cluster, file=NAME or no-run=\"reason\"", strings.TrimSpace(match[0]))
		}
	}
	switch b.language {
	case "sh", "console":
		if b.file != "" {
			return wrong("file=%s is for yaml and json", b.file)
		}
		if b.language == "console" && !strings.HasPrefix(b.text, "$ ") {
			return wrong("a transcript begins with a command behind \"$ \"; text is for what is only shown")
		}
	case "yaml":
		for decoder := yaml.NewDecoder(strings.NewReader(b.text)); ; {
			if err := decoder.Decode(new(any)); err == io.EOF {
				break
			} else if err != nil {
				return wrong("%v", err)
			}
		}
	case "json":
		if !json.Valid([]byte(b.text)) {
			return wrong("is no JSON")
		}
	case "text", "go", "promql", "cel":
	default:
		return wrong("want a language: %s", languages)
	}
	return b, nil
}

// readBlocks reads the blocks of a page; those that are wrong fail the test.
func readBlocks(t testing.TB, page string) []docBlock {
	t.Helper()
	fenced, err := splitPage(page, readPage(t, page))
	if err != nil {
		t.Error(err)
	}
	var blocks []docBlock
	for _, one := range fenced {
		b, err := readBlock(one)
		if err != nil {
			t.Error(err)
			continue
		}
		blocks = append(blocks, b)
	}
	return blocks
}

func TestReadBlockRefuses(t *testing.T) {
	for info, want := range map[string]string{
		"":                   "want a language",
		"bash":               "want a language",
		"sh no-run":          "say why nobody runs it",
		"sh exit=many":       "want an exit code",
		"sh clustre":         "unknown attribute clustre",
		"sh file=x":          "is for yaml and json",
		"yaml file=../x":     "unknown attribute file=../x",
		"sh no-run=\"x\" ==": "is no attribute",
	} {
		_, err := readBlock(fencedBlock{page: "page.md", line: 7, info: info, text: "x: 1\n"})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "page.md:7: ") {
			t.Errorf("```%s: got %v, want page.md:7 and %q", info, err, want)
		}
	}
	if _, err := readBlock(fencedBlock{info: "yaml", text: "a: [\n"}); err == nil {
		t.Error("YAML that does not parse was read")
	}
	for text, want := range map[string]string{
		"```sh\nx\n":                "page.md:1: the block is not closed",
		"```sh\nx\n```text\ny\n```": "page.md:3: the block that begins at line 1 is not closed",
		"a\n\n    make demo\n":      "page.md:3: a command in an indented block",
	} {
		if _, err := splitPage("page.md", text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}
