package launch_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/topology/memory"
	"github.com/ashlar-dev/ashlar/topology/memory/launch"
)

func TestSplit(t *testing.T) {
	for text, want := range map[string][]string{
		"":                       nil,
		"  a   b\tc ":            {"a", "b", "c"},
		`a 'b c' "d e"`:          {"a", "b c", "d e"},
		`a'b'"c"d`:               {"abcd"},
		`'' ""`:                  {"", ""},
		`a\ b`:                   {"a b"},
		`"a\"b" "a\nb" '\n'`:     {`a"b`, `a\nb`, `\n`},
		"a \\\n  b":              {"a", "b"},
		"a # comment":            {"a"},
		"a#b":                    {"a#b"},
		`$'tab\there'`:           {"tab\there"},
		`--x '{"a": {"b": 1}}'`:  {"--x", `{"a": {"b": 1}}`},
		`--x "{\"a\": \"b\"}"`:   {"--x", `{"a": "b"}`},
		"a > /dev/null 2>&1":     {"a"},
		"a <<EOF\nnot read\nEOF": {"a"},
		"price$ is":              {"price$", "is"},
	} {
		got, err := launch.SplitWords(text)
		if err != nil {
			t.Fatalf("%v: %v", text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
	for text, want := range map[string]string{
		"a 'b":                                "reached EOF without closing quote `'`",
		`a "b`:                                "reached EOF without closing quote `\"`",
		"a `b":                                "reached EOF without closing quote \"`\"",
		"a $(b":                               "reached EOF without matching `$(` with `)`",
		"a ${b":                               "reached EOF without matching `${` with `}`",
		"a $b":                                "word 2 needs a shell",
		"a *.txt":                             "word 2 needs a shell",
		"a {b,c}":                             "word 2 needs a shell",
		"a; b":                                "more than one command",
		"a && b":                              "more than one command",
		"x=1 a":                               "more than one command",
		"if a; then b":                        "`if` statement must end with `fi`",
		"if a; then":                          "`then` must be followed by a statement list",
		"a )":                                 "encountered `)`",
		"a & & b":                             "`&` can only immediately follow a statement",
		"while true":                          "`while <cond>` must be followed by `do`",
		"case x in y":                         "case patterns must be separated with `|`",
		"case x in y) z":                      "`case` statement must end with `esac`",
		"a >":                                 "`>` must be followed by a word",
		"a\n'b":                               "shell script, line 2: ",
		"a \xff":                              "is not UTF-8 text",
		strings.Repeat("( ", 200):             "`(` must be followed by a statement list",
		nested("( ", "a", " )", 200):          "commands lie more than 64 deep",
		nested("$(", "a", ")", 9000):          "commands lie more than 64 deep",
		strings.Repeat("a", launch.MaxText+1): "is longer than",
	} {
		_, err := launch.SplitWords(text)
		wantError(t, err, want)
	}
}

func nested(open, inner, closing string, n int) string {
	return strings.Repeat(open, n) + inner + strings.Repeat(closing, n)
}

// What a script starts. Each starts vLLM with a length of 4096 unless it says more.
func TestScripts(t *testing.T) {
	env := []launch.EnvVar{
		{Name: "MODEL", Value: "org/model"},
		{Name: "LENGTH", Value: "4096"},
		{Name: "FLAGS", Value: "--max-model-len 4096 --enforce-eager"},
		{Name: "EMPTY", Value: ""},
		{Name: "HIDDEN", From: "secretKeyRef vault/length"},
		{Name: "LIST", Value: "$(LENGTH) $(MODEL)"},
	}
	length := memory.Launch{Engine: memory.VLLM, MaxModelLen: 4096}
	eager := memory.Launch{Engine: memory.VLLM, MaxModelLen: 4096, Eager: true}
	none := memory.Launch{Engine: memory.VLLM}
	for name, tc := range map[string]struct {
		script  string
		want    memory.Launch
		unknown []string
	}{
		"plain":              {"vllm serve org/model --max-model-len 4096", length, nil},
		"exec":               {"exec vllm serve org/model --max-model-len 4096", length, nil},
		"continued lines":    {"vllm serve org/model \\\n  --max-model-len \\\n  4096\n", length, nil},
		"windows lines":      {"vllm serve org/model \\\r\n  --max-model-len 4096\r\n", length, nil},
		"quotes":             {`vllm serve "org/model" '--max-model-len' "40""96"`, length, nil},
		"after cd":           {"cd /app && mkdir -p /x; vllm serve org/model --max-model-len 4096", length, nil},
		"piped":              {"vllm serve org/model --max-model-len 4096 2>&1 | tee /var/log/vllm.log", length, nil},
		"redirected":         {"vllm serve org/model --max-model-len 4096 > /log 2>&1 < /dev/null", length, nil},
		"in the background":  {"vllm serve org/model --max-model-len 4096 &\nwait $!", length, nil},
		"or sleep":           {"vllm serve org/model --max-model-len 4096 || sleep infinity", length, nil},
		"environment prefix": {"CUDA_VISIBLE_DEVICES=0 HF_HUB_OFFLINE=1 vllm serve org/model --max-model-len 4096", length, nil},
		"env":                {"env A=b vllm serve org/model --max-model-len 4096", length, nil},
		"timeout":            {"timeout -k 5 3600 nice -n 5 vllm serve org/model --max-model-len 4096", length, nil},
		"subshell":           {"(cd /app; vllm serve org/model --max-model-len 4096)", length, nil},
		"braces":             {"{ vllm serve org/model --max-model-len 4096; } 2>/dev/null", length, nil},
		"comments":           {"# vllm serve other/model\nvllm serve org/model --max-model-len 4096 # --max-model-len 1", length, nil},
		"here-document":      {"cat > /x <<'EOF'\nvllm serve other/model $(x) '\nEOF\nvllm serve org/model --max-model-len 4096", length, nil},
		"nested shell":       {`bash -c "vllm serve org/model --max-model-len 4096"`, length, nil},
		"eval":               {`eval "exec vllm serve org/model --max-model-len $LENGTH"`, length, nil},
		"eval of a variable": {`CMD="vllm serve org/model --max-model-len 4096"; eval $CMD`, length, nil},
		"function":           {"start() {\n vllm serve org/model --max-model-len \"$1\"\n}\nstart 4096", length, nil},
		"loop around":        {"while true; do vllm serve org/model --max-model-len 4096; sleep 5; done", length, nil},
		"set":                {"set -euxo pipefail; vllm serve org/model --max-model-len 4096", length, nil},

		"variable":              {"vllm serve $MODEL --max-model-len $LENGTH", length, nil},
		"braced":                {`vllm serve "${MODEL}" --max-model-len="${LENGTH}"`, length, nil},
		"several words":         {"vllm serve org/model $FLAGS", eager, nil},
		"quoted is one word":    {`A="4096"; vllm serve org/model --max-model-len "$A"`, length, nil},
		"empty vanishes":        {"vllm serve org/model $EMPTY --max-model-len 4096", length, nil},
		"default":               {"vllm serve org/model --max-model-len ${UNSET:-4096}", length, nil},
		"default for empty":     {"vllm serve org/model --max-model-len ${EMPTY:-4096}", length, nil},
		"default not needed":    {"vllm serve org/model --max-model-len ${LENGTH:-1}", length, nil},
		"default is a variable": {`vllm serve org/model --max-model-len "${UNSET:-${LENGTH}}"`, length, nil},
		"alternative":           {"vllm serve org/model ${LENGTH:+--max-model-len $LENGTH} ${EMPTY:+--enforce-eager}", length, nil},
		"assigned":              {"LEN=4096\nexport M=org/model\nvllm serve $M --max-model-len $LEN", length, nil},
		"assigned default":      {": ${LEN:=4096}; vllm serve org/model --max-model-len $LEN", length, nil},
		"built up": {`ARGS="--max-model-len"; ARGS="$ARGS 4096"; ARGS+=" --enforce-eager"; vllm serve org/model $ARGS`, eager,
			nil},
		"array":               {`args=(org/model --max-model-len "4096"); args+=(--enforce-eager); vllm serve "${args[@]}"`, eager, nil},
		"arguments":           {`set -- org/model --max-model-len 4096; vllm serve "$@"`, length, nil},
		"shifted":             {`set -- x org/model --max-model-len 4096; shift; vllm serve "$@"`, length, nil},
		"unset":               {"unset LENGTH; vllm serve org/model --max-model-len ${LENGTH:-4096}", length, nil},
		"dependent variable":  {"set -- $LIST; vllm serve $2 --max-model-len $1", length, nil},
		"KServe's, unset":     {"vllm serve org/model --max-model-len 4096 ${VLLM_ADDITIONAL_ARGS}", length, nil},
		"exported to a shell": {`export LEN=4096; sh -c 'vllm serve org/model --max-model-len $LEN'`, length, nil},
		"not exported":        {`LEN=9; sh -c 'vllm serve org/model --max-model-len ${LEN:-4096}'`, length, nil},

		"value unknown":      {"vllm serve org/model --max-model-len $HIDDEN", none, []string{"FitModelLen", "MaxModelLen"}},
		"value computed":     {"vllm serve org/model --max-model-len $(cat /len)", none, []string{"FitModelLen", "MaxModelLen"}},
		"value in backticks": {"vllm serve org/model --max-model-len `cat /len`", none, []string{"FitModelLen", "MaxModelLen"}},
		"value calculated":   {"vllm serve org/model --max-model-len $((4 * 1024))", none, []string{"FitModelLen", "MaxModelLen"}},
		"value cut":          {"vllm serve org/model --max-model-len ${LENGTH%6}", none, []string{"FitModelLen", "MaxModelLen"}},
		"variable computed": {"LEN=$(cat /len)\nvllm serve org/model --max-model-len $LEN", none,
			[]string{"FitModelLen", "MaxModelLen"}},
		"variable read": {"read LEN < /len; vllm serve org/model --max-model-len $LEN", none,
			[]string{"FitModelLen", "MaxModelLen"}},
		"variable unset": {"vllm serve org/model --max-model-len $NOWHERE", none, []string{"FitModelLen", "MaxModelLen"}},
		"set in a loop": {"for LEN in 1 2; do echo; done; vllm serve org/model --max-model-len $LEN", none,
			[]string{"FitModelLen", "MaxModelLen"}},
		"file read in":  {". /env.sh; vllm serve org/model --max-model-len $LENGTH", none, []string{"FitModelLen", "MaxModelLen"}},
		"part unknown":  {"vllm serve org/model --max-model-len 4${HIDDEN}", none, []string{"FitModelLen", "MaxModelLen"}},
		"port unknown":  {"vllm serve org/model --port $PORT --max-model-len 4096", length, nil},
		"model unknown": {"vllm serve $NOWHERE --max-model-len 4096", length, []string{"Model"}},
		"branches differ": {"if grep -q x /y; then L=4096; else L=8192; fi; vllm serve org/model --max-model-len $L", length,
			[]string{"MaxModelLen"}},
		"branches agree": {"if grep -q x /y; then P=1; else P=2; fi; vllm serve org/model --max-model-len 4096 --port $P", length,
			nil},
		"branches of servers": {"if grep -q x /y; then vllm serve org/model --max-model-len 4096; else vllm serve org/model " +
			"--max-model-len 4096 --port 1; fi", length, nil},
		"branch decided": {`if [ "$MODEL" = other ]; then L=1; else L=4096; fi; vllm serve org/model --max-model-len $L`, length,
			nil},
		"test decided":             {`[ -z "$EMPTY" ] && L=4096; vllm serve org/model --max-model-len $L`, length, nil},
		"case":                     {"case $(hostname) in a*) L=4096;; *) L=4096;; esac; vllm serve org/model --max-model-len $L", length, nil},
		"template":                 {"vllm serve org/model --max-model-len {{ .Values.length }}", none, []string{"FitModelLen", "MaxModelLen"}},
		"branch that sets nothing": {"if grep -q x /y; then echo yes; fi; vllm serve org/model --max-model-len 4096", length, nil},
	} {
		t.Run(name, func(t *testing.T) {
			c := launch.Container{Command: []string{"/bin/bash", "-c", tc.script}, Env: env}
			r := mustRead(t, c)
			wantLaunch(t, tc.want, r.Launch)
			if diff := cmp.Diff(tc.unknown, unknown(r)); diff != "" {
				t.Fatalf("%v: unknown(r) (-want +got):\n%s", r.Unknown, diff)
			}
			if r.IsKnown(launch.FieldModel) {
				if r.Model != "org/model" {
					t.Fatalf("r.Model = %q, want %q", r.Model, "org/model")
				}
			}
		})
	}
}

// Words that are not known may hold any flag: what is stated behind them is certain.
func TestUnseenFlags(t *testing.T) {
	for name, script := range map[string]string{
		"variable":         "vllm serve org/model --max-num-seqs 8 $EXTRA --max-model-len 4096",
		"command":          "vllm serve org/model --max-num-seqs 8 $(cat /flags) --max-model-len 4096",
		"quoted":           `vllm serve org/model --max-num-seqs 8 "$EXTRA" --max-model-len 4096`,
		"wildcard":         "vllm serve org/model --max-num-seqs 8 /extra/* --max-model-len 4096",
		"array":            `vllm serve org/model --max-num-seqs 8 ${EXTRA[@]:1} --max-model-len 4096`,
		"name of the flag": "vllm serve org/model --max-num-seqs 8 --$EXTRA --max-model-len 4096",
		"template":         "vllm serve org/model --max-num-seqs 8 {{ .Values.extraArgs }} --max-model-len 4096",
		"template with if": "vllm serve org/model --max-num-seqs 8 {{- if .Values.eager }} --enforce-eager{{ end }} --max-model-len 4096",
	} {
		t.Run(name, func(t *testing.T) {
			r := mustRead(t, launch.Container{Command: []string{"bash", "-c", script}})
			if r.Model != "org/model" {
				t.Fatalf("r.Model = %q, want %q", r.Model, "org/model")
			}
			if r.Launch.MaxModelLen != int64(4096) {
				t.Fatalf("r.Launch.MaxModelLen = %v, want %v", r.Launch.MaxModelLen, int64(4096))
			}
			if !r.IsKnown(launch.FieldMaxModelLen) {
				t.Fatal("r.IsKnown(launch.FieldMaxModelLen) is false")
			}
			if !r.IsKnown(launch.FieldModel) {
				t.Fatal("r.IsKnown(launch.FieldModel) is false")
			}
			for _, field := range []launch.Field{launch.FieldMaxSequences, launch.FieldTensorParallel, launch.FieldEager, launch.FieldKVFormat,
				launch.FieldDraft} {
				if r.IsKnown(field) {
					t.Fatalf("%v", field)
				}
			}
		})
	}
}

func TestShells(t *testing.T) {
	for _, command := range [][]string{
		{"bash", "-c"}, {"/bin/sh", "-c"}, {"sh", "-lc"}, {"bash", "-ec"}, {"bash", "-e", "-c"}, {"/bin/bash", "-o", "pipefail", "-c"},
		{"bash", "-euo", "pipefail", "-c"}, {"bash", "--login", "-c"}, {"/usr/bin/env", "bash", "-c"}, {"tini", "--", "sh", "-c"},
		{"busybox", "sh", "-c"},
	} {
		t.Run(strings.Join(command, " "), func(t *testing.T) {
			c := launch.Container{Command: command, Args: []string{"vllm serve org/model -tp 2"}}
			if got := mustRead(t, c).Launch.TensorParallel; got != int64(2) {
				t.Fatalf("mustRead(t, c).Launch.TensorParallel = %v, want %v", got, int64(2))
			}
		})
	}
	_, err := launch.Read(launch.Container{Command: []string{"sh", "-c"}})
	wantError(t, err, "sh -c: no script follows")
}

// Variables that are not exported do not reach the program.
func TestExportedVariables(t *testing.T) {
	const start = "\npython3 -m vllm.entrypoints.openai.api_server --model org/model"
	for script, want := range map[string]bool{
		"VLLM_MEMORY_PROFILER_ESTIMATE_CUDAGRAPHS=0":                                                  false,
		"export VLLM_MEMORY_PROFILER_ESTIMATE_CUDAGRAPHS=0":                                           true,
		"VLLM_MEMORY_PROFILER_ESTIMATE_CUDAGRAPHS=0; export VLLM_MEMORY_PROFILER_ESTIMATE_CUDAGRAPHS": true,
		"declare -x VLLM_MEMORY_PROFILER_ESTIMATE_CUDAGRAPHS=0":                                       true,
	} {
		r := mustRead(t, launch.Container{Command: []string{"bash", "-c", script + start}})
		if r.Launch.GraphsUncounted != want {
			t.Fatalf("%v: r.Launch.GraphsUncounted = %v, want %v", script, r.Launch.GraphsUncounted, want)
		}
	}
}

func TestTwoServersInOneContainer(t *testing.T) {
	r := mustRead(t, launch.Container{Command: []string{"bash", "-c", "vllm serve a/b --port 1 &\nvllm serve c/d --port 2 &\nwait"}})
	if r.Model != "a/b" {
		t.Fatalf("r.Model = %q, want %q", r.Model, "a/b")
	}
	if len(r.Contradictions) != 1 {
		t.Fatalf("len(r.Contradictions) = %d, want %d: %v", len(r.Contradictions), 1, r.Contradictions)
	}
	if !strings.Contains(r.Contradictions[0], "starts 2 model servers") {
		t.Fatalf("%q does not contain %q", r.Contradictions[0], "starts 2 model servers")
	}
}

// A script out of sight leaves everything unknown; whether there is a server at all,
// only the image says.
func TestScriptsOutOfSight(t *testing.T) {
	for name, command := range map[string][]string{
		"file":          {"/scripts/start.sh"},
		"shell's file":  {"bash", "/scripts/start.sh", "--fast"},
		"in a script":   {"bash", "-c", "exec /scripts/start.sh"},
		"variable":      {"bash", "-c", "$START"},
		"broken":        {"bash", "-c", "if vllm serve org/model"},
		"too many ways": {"bash", "-c", strings.Repeat("if grep a b; then X=$X.; fi\n", 12) + "vllm serve org/model --port $X"},
	} {
		t.Run(name, func(t *testing.T) {
			r := mustRead(t, launch.Container{Image: "vllm/vllm-openai:v0.11.0", Command: command})
			if r.Server != "vllm" {
				t.Fatalf("r.Server = %q, want %q", r.Server, "vllm")
			}
			if got := r.Launch.Version.String(); got != "0.11.0" {
				t.Fatalf("r.Launch.Version.String() = %q, want %q", got, "0.11.0")
			}
			for _, field := range []launch.Field{launch.FieldModel, launch.FieldTensorParallel, launch.FieldMaxModelLen} {
				if r.IsKnown(field) {
					t.Fatalf("%v", field)
				}
			}
		})
	}
	if mustRead(t, launch.Container{Image: "corp/app", Command: []string{"/scripts/start.sh"}}).IsServer() {
		t.Fatal("got is true")
	}
	if mustRead(t, launch.Container{Image: "vllm/vllm-openai", Command: []string{"sleep", "infinity"}}).IsServer() {
		t.Fatal("got is true")
	}
	if mustRead(t, launch.Container{Image: "vllm/vllm-openai",
		Command: []string{"sh", "-c", "echo vllm serve a/b; pkill vllm serve"}}).IsServer() {
		t.Fatal("got is true")
	}
}

// A script like those of KServe's LLMInferenceService: a loop that resolves an
// address, branches on what a command printed, and the server within eval.
func TestLongScript(t *testing.T) {
	const script = `
# comment with 'quotes
TRIES=${RESOLVE_TRIES:-30}
for ((i=1; i<=TRIES; i++)); do
  ADDRESS=$(getent hosts ${LEADER} | cut -d' ' -f1)
  if [ -n "$ADDRESS" ]; then
    echo "ADDRESS=${ADDRESS} (try $i)"; break
  else
    sleep 1
  fi
done
if [ -z "$ADDRESS" ]; then ADDRESS=${LEADER}; fi
if [ "$INFER" = "true" ]; then
  active=()
  for dir in /sys/class/infiniband/mlx5_*; do
    if [ -d "$dir" ]; then name=$(basename "$dir"); active+=("$name"); fi
  done
  if [ ${#active[@]} -gt 0 ]; then
    hcas=$(IFS=,; echo "${active[*]}")
    declare -A count
    count["${hcas}"]=$((${count["${hcas}"]} + 1))
    export NCCL_IB_HCA=${NCCL_IB_HCA:-${hcas}}
  fi
fi
START_RANK=0
LOG_ARGS="--disable-uvicorn-access-log"
VERSION=$(vllm --version 2>/dev/null | tail -1 | awk '{print $NF}')
if [[ "$VERSION" =~ ^[0-9]+\.[0-9]+ ]] && [ "$(printf '%s\n%s\n' "0.16.0" "${VERSION}" | sort -V | head -1)" = "0.16.0" ]; then
  LOG_ARGS="--disable-access-log-for-endpoints /health,/metrics"
fi
STOP_ARGS=""
if [[ "$VERSION" =~ ^[0-9]+\.[0-9]+ ]]; then STOP_ARGS="--shutdown-timeout 15"; fi
eval "exec vllm serve \
  /mnt/models \
  --served-model-name "llama" "publishers/llama" \
  --api-server-count ${SERVERS:-8} \
  --tensor-parallel-size 2 \
  --data-parallel-size 4 --data-parallel-size-local 2 \
  --data-parallel-address ${ADDRESS} \
  --data-parallel-start-rank $START_RANK \
  ${LOG_ARGS} \
  ${STOP_ARGS} \
  ${VLLM_ADDITIONAL_ARGS} \
  $@"
`
	pod := launch.Pod{
		Containers: []launch.Container{{
			Name: "main", Image: "ghcr.io/llm-d/llm-d-cuda:v0.6.0", GPUs: 4,
			Command: []string{"/bin/bash", "-c", script, "--"},
			Args:    []string{"--max-num-seqs", "32"},
			Env:     []launch.EnvVar{{Name: "VLLM_ADDITIONAL_ARGS", Value: `--max-model-len 32k --kv-cache-dtype fp8 --hf-overrides '{"a":1}'`}},
		}},
		InitContainers: []launch.Container{{Name: "storage-initializer", Args: []string{"hf://org/model", "/mnt/models"}}},
	}
	r, err := pod.Read()
	if err != nil {
		t.Fatal(err)
	}
	if r.Model != "org/model" {
		t.Fatalf("r.Model = %q, want %q", r.Model, "org/model")
	}
	wantLaunch(t, memory.Launch{
		Engine: memory.VLLM, TensorParallel: 2, DataParallel: 4, MaxModelLen: 32_000, MaxSequences: 32, KVFormat: memory.KVFP8,
	}, r.Launch)
	if got := unknown(r); len(got) > 0 {
		t.Fatalf("%v: unknown(r) = %v, want none", r.Unknown, got)
	}
	if len(r.Contradictions) > 0 {
		t.Fatalf("two local ranks of two GPUs each: r.Contradictions = %v, want none", r.Contradictions)
	}
	if len(r.Unrecognised) > 0 {
		t.Fatalf("r.Unrecognised = %v, want none", r.Unrecognised)
	}
	if len(r.Overrides) != 1 {
		t.Fatalf("len(r.Overrides) = %d, want %d: %v", len(r.Overrides), 1, r.Overrides)
	}
}
