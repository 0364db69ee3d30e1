package plan

import (
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// trainingLaunchers are programs and Python modules that start training, with the word that
// must follow, "" for any.
var trainingLaunchers = map[string]string{
	"torchrun": "", "torch.distributed.run": "", "torch.distributed.launch": "", "accelerate": "launch", "accelerate.commands.launch": "",
	"deepspeed": "", "axolotl": "", "axolotl.cli.train": "", "llamafactory-cli": "train", "tune": "run", "horovodrun": "",
}

// beforeProgram are words of a shell after which a program is named, or a module.
var beforeProgram = []string{"&&", "||", ";", "|", "(", "{", "then", "do", "else", "exec", "time", "nohup", "-m", "-c", "-lc", "-xc", "-ec"}

// trainingLauncher is the program by which a pod trains, as it is called there; "" if it starts none
// that is known. Containers of model servers are not asked about.
func trainingLauncher(spec *corev1.PodSpec) string {
	for i := range spec.Containers {
		c := &spec.Containers[i]
		var words []string
		for _, text := range slices.Concat(c.Command, c.Args) {
			for line := range strings.Lines(text) {
				words = append(append(words, strings.Fields(line)...), ";")
			}
			words = words[:max(0, len(words)-1)] // the last line goes on with the next argument
		}
		for at, word := range words {
			name := path.Base(word)
			follows, known := trainingLaunchers[name]
			if known && startsProgram(words[:at]) && (follows == "" || at+1 < len(words) && words[at+1] == follows) {
				return name
			}
		}
	}
	return ""
}

// startsProgram reports whether the next word after those is a program's name.
func startsProgram(before []string) bool {
	if len(before) == 0 {
		return true
	}
	last := before[len(before)-1]
	if name, _, assigned := strings.Cut(last, "="); assigned && !strings.HasPrefix(name, "-") && strings.ToUpper(name) == name {
		return startsProgram(before[:len(before)-1])
	}
	return slices.Contains(beforeProgram, last) || strings.HasSuffix(last, ";")
}
