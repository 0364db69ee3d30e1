package launch_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/topology/memory"
	"github.com/ashlar-dev/ashlar/topology/memory/launch"
)

// What the grammar of shells makes of a script, where the parser, an earlier parser of
// this package and a shell might differ. Each row was run with GNU bash 5, and with
// dash where dash has the construct.
func TestShellGrammar(t *testing.T) {
	length := memory.Launch{Engine: memory.VLLM, MaxModelLen: 4096}
	none := memory.Launch{Engine: memory.VLLM}
	open := []string{"FitModelLen", "MaxModelLen"}
	const serve = "vllm serve org/model --max-model-len "
	for name, tc := range map[string]struct {
		script  string
		want    memory.Launch
		unknown []string
	}{
		"comment ends its line":           {serve + "4096 # short \\\n --enforce-eager", length, nil},
		"commented flag ends the command": {serve + "4096 \\\n  # --kv-cache-dtype fp8 \\\n  --enforce-eager", length, nil},
		"comment of two lines":            {serve + "4096 # a \\\n# b \\\nif true; then echo; fi", length, nil},
		"comment with Windows lines":      {serve + "4096 # short \\\r\n --enforce-eager", length, nil},
		"number sign in double quotes": {"A=\"4 # x\\\n\"; A=\"40# \\\n96\"\n" + serve + "\"40\\\n96\" --port \" # \\\n1\"", length,
			nil},
		"number sign in single quotes":          {serve + "4096 --port ' # \\\n'", length, nil},
		"number sign in a word":                 {serve + "4096 --port a#b", length, nil},
		"here-document without end":             {serve + "4096 <<EOF\nvllm serve other/model\n", length, nil},
		"two here-documents without end":        {serve + "4096 <<A <<-B\nx\nA\ny\n", length, nil},
		"here-document with quotes":             {"cat <<'E'\nit's ${x.y $(\nE\n" + serve + "4096", length, nil},
		"here-document in a substitution":       {"A=$(cat <<E\n)\nE\n)\n" + serve + "4096", length, nil},
		"redirections alone":                    {"> /x && " + serve + "4096", length, nil},
		"redirection first":                     {">/log 2>&1 " + serve + "4096", length, nil},
		"redirection between":                   {"vllm serve >/log org/model --max-model-len 4096", length, nil},
		"words of the grammar as arguments":     {"echo fi } done; " + serve + "4096", length, nil},
		"backslash at the end":                  {"echo a\\", memory.Launch{}, nil},
		"brace without space":                   {"{ " + serve + "4096;}", length, nil},
		"case with brackets":                    {"case a in (a) L=4096;; (*) L=4096; esac; " + serve + "$L", length, nil},
		"case of several patterns":              {"case a in b|*) L=4096;; esac; " + serve + "$L", length, nil},
		"case without arms":                     {"case a in esac; " + serve + "4096", length, nil},
		"for in braces":                         {"for i in 1 2; { :; }; " + serve + "4096", length, nil},
		"for over the arguments":                {"for i; do :; done; " + serve + "4096", length, nil},
		"function behind the keyword":           {"function start { " + serve + "$1; }; start 4096", length, nil},
		"function in a subshell":                {"start() ( " + serve + "$1 ); start 4096", length, nil},
		"command behind a function":             {"start() { vllm serve other/model; } && " + serve + "4096", length, nil},
		"pipe behind a function":                {"start() { vllm serve other/model; } | " + serve + "4096", length, nil},
		"time":                                  {"time " + serve + "4096", length, nil},
		"time with an option":                   {"time -p " + serve + "4096", length, nil},
		"coproc":                                {"coproc sleep 1; " + serve + "4096", length, nil},
		"export in quotes":                      {`export "L=4096"; ` + serve + "$L", length, nil},
		"export behind an assignment":           {`A=1 export L=4096; ` + serve + "$L", length, nil},
		"old arithmetic":                        {serve + "$[4 * 1024]", none, open},
		"indexed array":                         {"a=([1]=x [0]=4096); " + serve + "${a[0]}", none, open},
		"escapes by number":                     {serve + `$'\x34096'`, none, open},
		"operator over all arguments":           {serve + `"${@:-1}"`, none, open},
		"operator over an array":                {`a=(1 2); ` + serve + `${a[@]:-3}`, none, open},
		"single quotes in an operand":           {serve + `${X:-'4096'}`, length, nil},
		"quotes in quotes, expanded":            {serve + `"${X:-'$Y'}"`, none, open},
		"backslash in an operand":               {serve + `${X:-\4096}`, length, nil},
		"negated test":                          {`L=1; ! [ -z "" ] || L=4096; ` + serve + "$L", length, nil},
		"negated branch":                        {`L=4096; if ! [ -n x ]; then L=1; fi; ` + serve + "$L", length, nil},
		"negated pipe":                          {`L=1; ! true | false && L=4096; ` + serve + "$L", length, nil},
		"command that is there to succeed":      {`if ! curl -sf http://x; then exit 1; fi; ` + serve + "4096", length, nil},
		"arithmetic assigns":                    {"L=2048; ((L = L * 2)); " + serve + "$L", none, open},
		"arithmetic within a word":              {"L=4095; echo $((L++)); " + serve + "$L", none, open},
		"let":                                   {"L=2048; let L*=2; " + serve + "$L", none, open},
		"let in quotes":                         {`L=2048; let "L = 4096"; ` + serve + "$L", none, open},
		"arithmetic decides":                    {"L=4096; ((RANK > 0)) && L=1; " + serve + "$L", none, []string{"MaxModelLen"}},
		"loop that counts":                      {"for ((L = 0; L < 4096; L++)); do :; done; " + serve + "$L", none, open},
		"pattern of [[ ]]":                      {"if [[ $X == @(a|b) ]]; then L=4096; else L=4096; fi; " + serve + "$L", length, nil},
		"regular expression":                    {`if [[ $X =~ ^(a|b)\ c$ ]]; then :; fi; ` + serve + "4096", length, nil},
		"template in arithmetic":                {"L=$(({{ .Values.a }} * 2)); " + serve + "4096", length, nil},
		"text with the parser's own characters": {"echo \ufdd0\ufdd1\ufdd3; " + serve + "${HIDDEN}", none, open},
	} {
		t.Run(name, func(t *testing.T) {
			r := mustRead(t, launch.Container{Command: []string{"bash", "-c", tc.script},
				Env: []launch.EnvVar{{Name: "HIDDEN", From: "secretKeyRef a/b"}}})
			got := r.Launch
			if name == "arithmetic decides" {
				got.MaxModelLen = 0 // whichever way is read first
			}
			wantLaunch(t, tc.want, got)
			if diff := cmp.Diff(tc.unknown, unknown(r)); diff != "" {
				t.Errorf("unknown (-want +got):\n%s\n%v", diff, r.Unknown)
			}
		})
	}
}

// What bash refuses starts nothing, and some of what it takes is not followed: nothing
// is known then.
func TestShellGrammarRefuses(t *testing.T) {
	for name, tc := range map[string]struct{ script, want string }{
		"else alone":              {"else vllm serve a/b", "line 1: `else` can only be used in an `if`"},
		"no commands in an if":    {"if true; then\nfi; vllm serve a/b", "line 1: `then` must be followed by a statement list"},
		"command behind fi":       {"if true; then :; fi vllm serve a/b", "statements must be separated"},
		"brackets in a word":      {"vllm serve a/b @(c)", "unless the shell's extglob is on"},
		"double semicolon":        {"vllm serve a/b;; echo", "can only be used in a case clause"},
		"nested array":            {"a=(b (c)); vllm serve a/b", "array element values must be words"},
		"empty brackets":          {"(); vllm serve a/b", "must be followed by a statement"},
		"several unclosed in one": {"vllm serve a/b <<A <<B <<C <<D <<E <<F\n", "unclosed here-document"},
		"falls through":           {"case a in a) x=1;& *) vllm serve a/b;; esac", ";& is not followed"},
		"select":                  {"select x in a; do vllm serve a/b; done", "select asks a person"},
		"reserved characters":     {"vllm serve a/b " + noncharacters(), "U+FDD0 to U+FDEF"},
	} {
		t.Run(name, func(t *testing.T) {
			r := mustRead(t, launch.Container{Image: "vllm/vllm-openai:v0.11.0", Command: []string{"bash", "-c", tc.script}})
			if r.IsKnown(launch.FieldModel) || r.IsKnown(launch.FieldMaxModelLen) {
				t.Errorf("model %q settled", r.Model)
			}
			if because := r.Unknown[0].Because; !strings.Contains(because, tc.want) {
				t.Errorf("because %q, want it to contain %q", because, tc.want)
			}
		})
	}
}

func noncharacters() string {
	var b strings.Builder
	for r := rune(0xFDD0); r <= 0xFDEF; r++ {
		b.WriteRune(r)
	}
	return b.String()
}
