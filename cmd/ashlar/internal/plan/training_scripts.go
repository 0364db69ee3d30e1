package plan

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/memory/launch"
)

// shells are programs that run a script in a file.
var shells = []string{"sh", "bash", "dash", "ash", "zsh"}

// withMountedScript is a container with the text of a script that a ConfigMap of the manifest has, where it runs one: "bash
// /scripts/train.sh ARGUMENTS".
func withMountedScript(c launch.Container, texts map[string]string) launch.Container {
	words := slices.Concat(c.Command, c.Args)
	at := 0
	if len(words) > 0 && slices.Contains(shells, path.Base(words[0])) {
		for at = 1; at < len(words) && strings.HasPrefix(words[at], "-"); at++ {
			if strings.HasSuffix(words[at], "c") {
				return c // bash -c has its script with it
			}
		}
	}
	if at >= len(words) {
		return c
	}
	if text, found := texts[path.Clean(words[at])]; found && len(text) <= launch.MaxText {
		c.Command, c.Args = append([]string{"bash", "-c", text}, words[at:]...), nil
	}
	return c
}

// hereDocument is a file that a script writes: cat > FILE <<EOF, or cat <<EOF > FILE. Its text ends at a line of
// its own.
var hereDocument = regexp.MustCompile(`cat\s+(?:>\s*(\S+)\s+<<-?\s*['"]?(\w+)['"]?|<<-?\s*['"]?(\w+)['"]?\s*>\s*(\S+))[^\n]*\n`)

// addHereDocuments adds the files that a container's scripts write to those that it sees.
func addHereDocuments(c launch.Container, texts map[string]string) {
	for _, script := range slices.Concat(c.Command, c.Args) {
		for _, match := range hereDocument.FindAllStringSubmatchIndex(script, -1) {
			group := func(i int) string {
				if match[2*i] < 0 {
					return ""
				}
				return script[match[2*i]:match[2*i+1]]
			}
			name, end := group(1)+group(4), group(2)+group(3)
			var lines []string
			for line := range strings.Lines(script[match[1]:]) {
				if strings.TrimSpace(line) == end {
					name = strings.Trim(name, `'"`)
					if !path.IsAbs(name) {
						name = "/" + name // known by its name
					}
					texts[path.Clean(name)] = strings.Join(lines, "")
					break
				}
				lines = append(lines, line)
			}
		}
	}
}
