package ui

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/plugins/dryrun"
)

func TestWriteManifest(t *testing.T) {
	for name, tc := range map[string]struct {
		form  whatifForm
		names *deviceNames
		want  []string
		err   string
	}{
		"a model on counted GPUs": {form: whatifForm{Kind: "model", Model: "a/b", Count: 2}, want: []string{
			"- --model=a/b\n", "- --tensor-parallel-size=2\n", `nvidia.com/gpu: "2"`, "replicas: 1\n"}},
		"a model with a claim": {form: whatifForm{Kind: "model", Model: "a/b", Count: 1, Copies: 3}, names: &ownNames, want: []string{
			"deviceClassName: gpu.ashlar.dev", "count: 1", "replicas: 3\n", "resourceClaimTemplateName: what-if"}},
		"a model that is YAML": {form: whatifForm{Kind: "model", Model: "a: b\n  image: evil # \x00", Count: 1}, want: []string{
			`- "--model=a: b\n  image: evil # \0"`}},
		"a slice": {form: whatifForm{Kind: "mig", Profile: "1g.10gb+me", Count: 1}, names: &nvidiaNames, want: []string{
			"deviceClassName: mig.nvidia.com", `device.attributes["gpu.nvidia.com"].profile == "1g.10gb+me"`}},
		"a counted slice": {form: whatifForm{Kind: "mig", Profile: "1g.10gb", Count: 1}, want: []string{`nvidia.com/mig-1g.10gb: "1"`}},
		"a share": {form: whatifForm{Kind: "share", Memory: 20}, names: &ownNames, want: []string{"share.gpu.ashlar.dev",
			"memory: 20Gi"}},
		"a manifest": {form: whatifForm{Kind: "manifest", Manifest: "kind: Pod"}, want: []string{"kind: Pod"}},
		"an option": {form: whatifForm{Kind: "model", Model: "--x", Count: 1},
			err: `model "--x": want a name such as meta-llama/Llama-3.1-8B-Instruct`},
		"an expression": {form: whatifForm{Kind: "mig", Profile: `" || true`, Count: 1}, err: `profile "\" || true": want one such as 1g.10gb`},
		"too many":      {form: whatifForm{Kind: "gpu", Count: 1, Copies: 1001}, err: "copies 1001: want 1 to 1000"},
		"too few":       {form: whatifForm{Kind: "gpu", Count: 0}, err: "0 GPUs or slices: want 1 to 64"},
		"too large": {form: whatifForm{Kind: "share", Memory: 1 << 60}, names: &ownNames,
			err: "1152921504606846976 GiB: want 1 to 1000000"},
		"an empty text": {form: whatifForm{Kind: "manifest", Manifest: " \n"},
			err: "the manifest is empty: paste a Pod, a Deployment, a Job or the like"},
		"shares of nobody": {form: whatifForm{Kind: "share", Memory: 1},
			err: "shares by memory are handed out by Ashlar's driver, which no node of this cluster runs"},
		"no kind": {form: whatifForm{Count: 1}, err: `kind "": want model, gpu, mig, share or manifest`},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := tc.form.writeManifest(tc.names)
			got := ""
			if err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(tc.err, got); diff != "" {
				t.Fatalf("error (-want +got):\n%s", diff)
			}
			for _, want := range tc.want {
				if !strings.Contains(text, want) {
					t.Errorf("no %q in:\n%s", want, text)
				}
			}
			if err != nil || tc.form.Kind == "manifest" {
				return
			}
			manifest := &dryrun.AppliedManifest{}
			if err := manifest.ReadObjects("form", []byte(text), "default"); err != nil || len(manifest.Workloads) != 1 {
				t.Errorf("whatif reads %d workloads of it, %v:\n%s", len(manifest.Workloads), err, text)
			}
		})
	}
}
