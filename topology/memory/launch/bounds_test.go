package launch_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/topology/memory/launch"
)

func TestTooMuch(t *testing.T) {
	doubling := []launch.EnvVar{{Name: "V0", Value: strings.Repeat("x", 1000)}}
	for i := range 30 {
		doubling = append(doubling, launch.EnvVar{Name: fmt.Sprintf("V%d", i+1), Value: fmt.Sprintf("$(V%d)$(V%d)", i, i)})
	}
	for name, tc := range map[string]struct {
		container launch.Container
		want      string
	}{
		"one argument":    {launch.Container{Args: []string{strings.Repeat("x", launch.MaxText+1)}}, "args[0]: more than 1048576 bytes"},
		"all arguments":   {launch.Container{Args: slicesOf(strings.Repeat("x", 1<<18), 5)}, "args[4]: more than 1048576 bytes"},
		"many arguments":  {launch.Container{Args: slicesOf("x", 1<<15)}, "at most 16384 are read"},
		"doubling values": {launch.Container{Command: []string{"vllm", "serve"}, Env: doubling}, "env"},
		"not UTF-8":       {launch.Container{Command: []string{"vllm", "\xff0\xfe"}}, "command[1]: is not UTF-8 text"},
		"NUL":             {launch.Container{Env: []launch.EnvVar{{Name: "A", Value: "\x00"}}}, "env[0]: is not UTF-8 text"},
		"deep JSON": {launch.Container{Command: []string{"vllm", "serve", "a/b", "--hf-overrides", strings.Repeat(`{"a":`, 1000)}},
			"is JSON more than 32 deep"},
		"deep dots": {launch.Container{Command: []string{"vllm", "serve", "a/b", "--hf-overrides" + strings.Repeat(".a", 1000), "1"}},
			"more than 16 keys"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := launch.Read(tc.container)
			wantError(t, err, tc.want)
		})
	}
}

func slicesOf(text string, n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = text
	}
	return all
}

// Scripts made to take long end soon, as unknown.
func TestHostileScripts(t *testing.T) {
	const serve = "\nvllm serve org/model --port $A --max-model-len $B"
	for name, script := range map[string]string{
		"doubling":          "A=x\n" + strings.Repeat("A=$A$A\n", 40),
		"recursion":         "f() { f; }; f",
		"eval in eval":      `A='eval "$A"'; eval "$A"`,
		"many forks":        strings.Repeat("if grep a; then B=$B.; fi\n", 1000),
		"many pipes":        strings.Repeat("a | ", 20_000) + "b",
		"many tests":        strings.Repeat("[ $X = y ] && ", 20_000) + "B=1",
		"many documents":    strings.Repeat("cat <<A\n", 20_000),
		"many brackets":     strings.Repeat("a=( ", 20_000),
		"deep nesting":      strings.Repeat("if a; then ", 20_000),
		"deep dollars":      strings.Repeat("$(", 200_000),
		"deep braces":       strings.Repeat("${a:-", 100_000),
		"deep quotes":       strings.Repeat(`"${a:-`, 100_000),
		"many unknowns":     strings.Repeat("A=$A$(x) ", 50_000),
		"distinct unknowns": distinct(10_000),
		"many words":        "set -- " + strings.Repeat("x ", 10_000) + strings.Repeat("\nset -- $@ $@", 20),
		"templates":         strings.Repeat("{{ a", 100_000),
		"references":        strings.Repeat("$($(", 100_000),
		"assignments":       strings.Repeat("x[", 100_000),
		"functions":         strings.Repeat("f()", 300_000),
		"brackets":          strings.Repeat("(", 900_000),
		"braces":            strings.Repeat("{ ", 450_000),
		"calculations":      "echo $((" + strings.Repeat("(", 900_000),
		"signs":             "echo $((" + strings.Repeat("-", 900_000),
		"sums":              "((A=" + strings.Repeat("1+", 400_000) + "1))",
		"questions":         "((A=" + strings.Repeat("1?1:", 200_000) + "1))",
		"conditions":        "[[ " + strings.Repeat("( ", 400_000),
		"conjunctions":      "[[ " + strings.Repeat("a && ", 150_000) + "a ]]",
		"lists":             strings.Repeat("a && ", 180_000) + "b",
		"elifs":             "if a; then b; " + strings.Repeat("elif a; then b; ", 50_000) + "fi",
		"backquotes":        strings.Repeat("`", 900_000),
		"escaped quotes":    strings.Repeat("`\\", 400_000),
		"substitutions":     strings.Repeat("<(", 400_000),
		"comments":          strings.Repeat("# \\\n", 200_000),
		"documents":         strings.Repeat("cat <<A <<B <<C <<D <<E <<F\n", 30_000),
		"deep and long":     strings.Repeat("(a;", 300) + strings.Repeat(" ", 900_000),
		"times":             strings.Repeat("time ", 180_000) + "a",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := launch.Read(launch.Container{Image: "vllm/vllm-openai:v0.11.0", Command: []string{"bash", "-c", script + serve}})
			if err != nil {
				wantError(t, err, "")
			}
		})
	}
}

func distinct(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "A=$A$(x%d)\n", i)
	}
	return b.String()
}
