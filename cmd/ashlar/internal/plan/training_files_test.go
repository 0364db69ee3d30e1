package plan

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/plugins/podspec"
	"github.com/ashlar-dev/ashlar/topology/memory/launch"
)

// A container sees the files of ConfigMaps where it mounts them: all keys, those of items under their paths, one
// under a path of its own, those of projected volumes.
func TestMountedTexts(t *testing.T) {
	maps := configMaps{"one": {"a.json": "{}", "b.yaml": "b: 1"}, "two": {"c": "text"}}
	spec := &corev1.PodSpec{Volumes: []corev1.Volume{
		{
			Name: "all",
			VolumeSource: corev1.VolumeSource{
				ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "one"}},
			},
		},
		{Name: "items", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
			LocalObjectReference: corev1.LocalObjectReference{Name: "one"}, Items: []corev1.KeyToPath{{Key: "b.yaml", Path: "sub/x.yaml"},
				{Key: "no", Path: "n"}},
		}}},
		{Name: "projected", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
			{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: corev1.LocalObjectReference{Name: "two"}}}, {},
		}}}},
		{Name: "elsewhere", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
			LocalObjectReference: corev1.LocalObjectReference{Name: "not here"},
		}}},
	}}
	container := &corev1.Container{VolumeMounts: []corev1.VolumeMount{
		{Name: "all", MountPath: "/all/"}, {Name: "items", MountPath: "/items"}, {Name: "projected", MountPath: "/p"}, {Name: "elsewhere",
			MountPath: "/e"},
		{Name: "all", MountPath: "/one.json", SubPath: "a.json"}, {Name: "unknown", MountPath: "/u"},
	}}
	want := map[string]string{"/all/a.json": "{}", "/all/b.yaml": "b: 1", "/items/sub/x.yaml": "b: 1", "/p/c": "text", "/one.json": "{}"}
	if diff := cmp.Diff(want, maps.mountedTexts(spec, container)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestHereDocuments(t *testing.T) {
	for script, want := range map[string]map[string]string{
		"cat > /tmp/a.json <<EOF\n{}\nEOF\nx":            {"/tmp/a.json": "{}\n"},
		"cat <<'END' > b.yaml\na: 1\nb: 2\n  END\n":      {"/b.yaml": "a: 1\nb: 2\n"},
		"cat <<-\"X\" >\"c\"\n1\nX\ncat > d <<Y\n2\nY\n": {"/c": "1\n", "/d": "2\n"},
		"cat > e <<EOF\nnever closed":                    {},
		"cat file":                                       {},
	} {
		texts := map[string]string{}
		addHereDocuments(launch.Container{Command: []string{"bash", "-c", script}}, texts)
		if diff := cmp.Diff(want, texts); diff != "" {
			t.Errorf("%q (-want +got):\n%s", script, diff)
		}
	}
}

// FuzzTrainingFiles holds that no file or script of a ConfigMap stops what reads jobs.
func FuzzTrainingFiles(f *testing.F) {
	for _, seed := range []string{
		"distributed_type: FSDP\nfsdp_config: {fsdp_sharding_strategy: 1}\n", "base_model: a/b\nadapter: qlora\nmicro_batch_size: 2\n",
		`{"zero_optimization": {"stage": 3}}`, "a: &a [*a]\n", "#!/bin/sh\ncat > x.json <<EOF\n{}\nEOF\ntorchrun t.py --deepspeed x.json",
		"x: !!binary x\n<<: {a: 1}\n", "---\n---\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		maps := configMaps{"c": {"f": text}}
		volume := corev1.Volume{Name: "v", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
			LocalObjectReference: corev1.LocalObjectReference{Name: "c"},
		}}}
		for _, command := range [][]string{
			{"accelerate", "launch", "--config_file", "/c/f", "t.py"}, {"axolotl", "train", "--config", "/c/f"}, {"deepspeed", "t.py",
				"--deepspeed", "/c/f"},
			{"bash", "/c/f"}, {"bash", "-c", text},
		} {
			pod := podspec.Pod{Spec: corev1.PodSpec{Volumes: []corev1.Volume{volume}, Containers: []corev1.Container{{
				Name: "c", Command: command, VolumeMounts: []corev1.VolumeMount{{Name: "v", MountPath: "/c"}},
			}}}}
			if one, trains := readJob(&pod, maps); trains && one.allGPUs() < 0 {
				t.Errorf("%d GPUs", one.allGPUs())
			}
		}
	})
}
