package job

import (
	"fmt"
	"path"
	"reflect"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/memory/launch"
)

// Source is a container that may train.
type Source struct {
	// Ways are the programs that it starts, for each way that it may take.
	Ways [][]launch.Program
	// Files are the configuration files that are known, parsed, by the path at which the container sees
	// them.
	Files map[string]map[string]any
}

// Read finds what trains among the programs, and reads how. A container that does not train, as far
// as can be told, gives a Reading whose IsTraining is false.
func (s *Source) Read() Reading {
	var readings []Reading
	for _, programs := range s.Ways {
		for i := range programs {
			if r, found := s.readProgram(&programs[i]); found {
				readings = append(readings, r)
				break
			}
		}
	}
	if len(readings) == 0 {
		return Reading{}
	}
	first := readings[0]
	for i := range readings[1:] {
		if !reflect.DeepEqual(first, readings[i+1]) {
			first.Notes = append(first.Notes, "its script starts training in several ways, of which one is read")
			break
		}
	}
	return first
}

// readProgram reads one program.
func (s *Source) readProgram(p *launch.Program) (Reading, bool) {
	st := &saidValues{said: map[string]saidValue{}, unknown: map[string]saidValue{}, names: map[string]bool{}, files: s.Files}
	found, isLauncher := findLauncher(p)
	if !isLauncher {
		return st.readPlain(p)
	}
	own, rest, script := found.splitLauncher()
	inner, nested := launcherPrograms[script]
	framework := found.framework
	if nested && framework == "" {
		framework = inner.framework
	}
	st.addArguments(rest)
	if framework == litgptName && len(rest) > 1 && rest[1].name == "" {
		st.addStatement("model", strings.TrimPrefix(rest[1].value, "checkpoints/"), rest[1].place) // litgpt finetune_lora MODEL
	}
	if framework == "" {
		framework = tellFramework(script, st.names)
	}
	if found.isTrainer || nested && inner.isTrainer || framework == torchtuneName || st.names["config"] {
		st.addTrainerFile(rest)
	}
	st.addArguments(own)
	st.addNamedFiles(own)
	if framework == "" {
		framework = tellFramework(script, st.names)
	}
	r := Reading{Launcher: found.name, Framework: framework}
	st.resolveReading(&r, found.name, script)
	return r, true
}

// readPlain reads python train.py, which trains if its arguments say so.
func (s *saidValues) readPlain(p *launch.Program) (Reading, bool) {
	if len(p.Words) < 2 || !isPython(path.Base(p.Words[0])) {
		return Reading{}, false
	}
	rest := readArguments(p, 1)
	s.addArguments(rest)
	framework := tellFramework("", s.names)
	if framework == "" {
		return Reading{}, false
	}
	if s.names["config"] {
		s.addTrainerFile(rest)
	}
	s.addNamedFiles(nil)
	r := Reading{Launcher: path.Base(p.Words[0]), Framework: framework}
	s.resolveReading(&r, "python", "")
	r.Processes = 1
	return r, true
}

// addTrainerFile takes the configuration that a framework is started with: behind --config, or the first word
// that names a YAML or JSON file.
func (s *saidValues) addTrainerFile(rest []wordArgument) {
	for i := range rest {
		a := &rest[i]
		isFile := a.name == "" && (hasEnding(a.value, ".yaml") || hasEnding(a.value, ".yml") || hasEnding(a.value, ".json"))
		if a.name != "config" && !isFile || a.name == "config" && a.value == "" {
			continue
		}
		if content, known := s.knownFile(a.value); known {
			s.addFile(content, a.value)
			return
		}
		s.unknown["file"] = saidValue{fmt.Sprintf("%s is not in the manifest", a.value), a.place}
		return
	}
}

func hasEnding(text, ending string) bool { return strings.HasSuffix(strings.ToLower(text), ending) }

// addNamedFiles takes the files that flags name: Accelerate's, DeepSpeed's and FSDP's.
func (s *saidValues) addNamedFiles(own []wordArgument) {
	for i := range own {
		if a := &own[i]; a.name == "config_file" {
			if content, known := s.knownFile(a.value); known {
				s.addAccelerate(content, "file "+a.value)
			} else {
				s.unknown["accelerate file"] = saidValue{fmt.Sprintf("%s is not in the manifest", a.value), a.place}
			}
		}
	}
	if said, found := s.said["deepspeed"]; found && isFileName(said.value) {
		if content, known := s.knownFile(said.value); known {
			s.addDeepSpeed(content, "file "+said.value)
		} else {
			s.unknown["deepspeed file"] = saidValue{fmt.Sprintf("%s is not in the manifest", said.value), said.place}
		}
	}
	if said, found := s.said["fsdp file"]; found && isFileName(said.value) {
		if content, known := s.knownFile(said.value); known {
			s.addFSDP(content, "file "+said.value)
		}
	}
}

// isFileName reports whether a value names a file rather than switching something on.
func isFileName(text string) bool { return strings.ContainsAny(text, "./") }

// knownFile is a file by its path, or by its name where only one file has it.
func (s *saidValues) knownFile(name string) (map[string]any, bool) {
	if content, found := s.files[path.Clean(name)]; found {
		return content, true
	}
	if path.IsAbs(name) {
		return nil, false
	}
	var content map[string]any
	matches := 0
	for known, inner := range s.files {
		if strings.HasSuffix(known, "/"+path.Clean(name)) {
			content, matches = inner, matches+1
		}
	}
	return content, matches == 1
}
