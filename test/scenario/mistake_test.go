package scenario

import (
	"os"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/google/go-cmp/cmp"
)

// A mistake in a scenario file is an error that says where it is and what to write.
func TestMistakesSayWhere(t *testing.T) {
	for name, tc := range map[string]struct{ command, input, want string }{
		"command": {
			"placed", "gpus=1", `unknown command "placed": want one of commit, compare, cordon, demand, explain, fork, group, hold, ` +
				`hostsonly, node, place, release, reset, revert, state, uncordon, victims`,
		},
		"machine": {
			"node name=b machine=8xpcie-pix-pairs", "",
			"node: machine 8xpcie-pix-pairs does not say which GPU it has: write 8xpcie-pix-pairs/MODEL, for example 8xpcie-pix-pairs/L40S",
		},
		"model":      {"node name=b machine=dgx-h100 replace=9:L4", "", "node: replace=9:L4: want GPU:MODEL, with a GPU of 0 to 7"},
		"node twice": {"node name=a", "", "node: there is a node a already"},
		"option": {
			"place polcy=spread", "gpus=1",
			"place: unknown option polcy: want as, asked, cpu, memory, on, pinned, pods, policy, priority, seed",
		},
		"option twice": {"place cpu=1 cpu=2", "gpus=1", "place: cpu is given twice"},
		"policy": {
			"place policy=best", "gpus=1", `place: unknown policy "best": want one of keep-placeable, first-fit, best-fit, packing, ` +
				`spread, dot-product, clustering, fragmentation, random`,
		},
		"number": {"place cpu=many", "gpus=1", "place: cpu=many: want a number of at least 0"},
		"memory": {
			"place memory=9GiX", "gpus=1", `place: memory: "9GiX" is not an amount of memory: write it like 40GiB, 40Gi or 2000MiB`,
		},
		"no request": {"place", "", "place: a request wants at least one line of parts, such as gpus=4"},
		"two forms": {
			"place", "gpus=1 mig=1g.10gb", `place: line "gpus=1 mig=1g.10gb": want one of gpus=, mig=, share= and any=`,
		},
		"requirement": {
			"place", "gpus=2 numa=1", `place: line "gpus=2 numa=1": unknown option numa: want any, capability>=, compute, count, ` +
				`gbps>=, gpus, memory>=, mig, model, name, nic>=, numa<=, share`,
		},
		"no GPUs": {"place", "gpus=0", `place: line "gpus=0": gpus=0: want a number of at least 1`},
		"property": {
			"place", "gpus=2\nsame=colour",
			`place: line "same=colour": want same= or distinct= with one of gpu, island, model, numa, pcie, profile`,
		},
		"parts": {
			"place", "gpus=2\nsame=numa parts=b", `place: line "same=numa parts=b": same= comes after the parts that it names`,
		},
		"unknown node": {"hold as=x node=b", "gpu=0", `hold: unknown node "b": want one of a`},
		"no such device": {
			"hold as=x node=a", "gpu=0 mig=1g.10gb at=7",
			`hold: line "gpu=0 mig=1g.10gb at=7": azure-nc96ads-a100 has no such device`,
		},
		"holder":              {"release x", "", "release: x holds nothing"},
		"priority of nobody":  {"place priority=3", "gpus=1", "place: priority= and pinned are about a holder: add as="},
		"pods without holder": {"place pods=3", "gpus=1", "place: pods= wants as=: without it every pod would get the same"},
		"fork":                {"revert", "", "revert: no fork is open"},
		"domain": {
			"group samedomain=maybe", "gpus=1", "group: samedomain=maybe: want indifferent, preferred or required",
		},
		"member": {
			"group", "member cont=2\ngpus=1", `group: line "member cont=2": unknown option cont: want count, cpu, memory, on, policy, seed`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			environment := NewEnvironment()
			setUp := &datadriven.TestData{Pos: "x.txt:1", Cmd: "node", CmdArgs: []datadriven.CmdArg{
				{Key: "name", Vals: []string{"a"}}, {Key: "machine", Vals: []string{"azure-nc96ads-a100"}},
			}}
			if _, err := environment.Execute(setUp); err != nil {
				t.Fatal(err)
			}
			command, args, err := datadriven.ParseLine(tc.command)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if _, err = environment.Execute(&datadriven.TestData{Pos: "x.txt:7", Cmd: command, CmdArgs: args, Input: tc.input}); err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff("x.txt:7: "+tc.want, got); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}

// Every file says first what it specifies.
func TestScenariosBeginWithTheirReason(t *testing.T) {
	files := 0
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		files++
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		comment := 0
		for line := range strings.Lines(string(text)) {
			if !strings.HasPrefix(line, "#") {
				break
			}
			comment++
		}
		if comment < 2 {
			t.Errorf("%s begins with %d lines of comment: say what it specifies, and why that is right", path, comment)
		}
	})
	if files < 20 {
		t.Errorf("only %d files were found", files)
	}
}
