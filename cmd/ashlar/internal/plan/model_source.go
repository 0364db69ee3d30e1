package plan

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/hub"
	"github.com/ashlar-dev/ashlar/topology/memory/launch"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

// modelSource says where the model's architecture is read.
type modelSource struct {
	name, config, index      string
	hub, tokenFile, revision string
}

// foundModel is a model and how it was found.
type foundModel struct {
	model *model.Model
	// config is the config.json, nil if there is none.
	config []byte
	notes  []string
}

func (s *modelSource) addTo(command *cobra.Command) {
	set := command.Flags()
	set.StringVar(&s.config, "config", "", "read the model's config.json from this `FILE`")
	set.StringVar(&s.index, "index", "", "read the size of the model's files from this model.safetensors.index.json `FILE`")
	set.StringVar(&s.hub, "hub", "", "read the model's config.json from this `URL`, with the token in HF_TOKEN (default "+hub.Default+")")
	set.Lookup("hub").NoOptDefVal = hub.Default
	set.StringVar(&s.tokenFile, "hub-token-file", "", "`FILE` with the token for --hub")
	set.StringVar(&s.revision, "revision", "main", "branch, tag or commit of the model on the hub")
}

// takeAddress removes the hub's URL from the arguments: a flag whose value may be left out
// does not take the next word.
func (s *modelSource) takeAddress(args []string) ([]string, error) {
	var rest []string
	for _, arg := range args {
		if strings.HasPrefix(arg, "https://") || strings.HasPrefix(arg, "http://") {
			if s.hub != hub.Default {
				return nil, cli.UsageErrorf("%s: a MODEL is a name like meta-llama/Llama-3.1-8B-Instruct; the hub's address goes with --hub", arg)
			}
			s.hub = arg
			continue
		}
		rest = append(rest, arg)
	}
	return rest, nil
}

// findModel reads the model.
func (s *modelSource) findModel(ctx context.Context) (foundModel, error) {
	result, err := s.findConfig(ctx)
	if err != nil {
		return result, err
	}
	if s.index != "" {
		text, err := readJSON(s.index, hub.MaxIndex)
		if err != nil {
			return foundModel{}, err
		}
		if err := result.addIndex(text, s.index); err != nil {
			return foundModel{}, cli.MistakenInput(err)
		}
	}
	result.notePromise()
	return result, nil
}

// addIndex takes the size of the model's files from an index.
func (f *foundModel) addIndex(text []byte, where string) error {
	index, err := model.ParseIndex(text)
	if err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	var note string
	if f.model, note = f.model.WithIndex(index); note != "" {
		f.notes = append(f.notes, note)
	}
	return nil
}

func (s *modelSource) findConfig(ctx context.Context) (foundModel, error) {
	switch {
	case s.config != "":
		return fromConfig(s.config, s.name)
	case s.hub != "":
		return s.fromHub(ctx)
	}
	if info, err := os.Stat(s.name); err == nil {
		if !info.IsDir() {
			return fromConfig(s.name, "")
		}
		result, err := fromConfig(filepath.Join(s.name, "config.json"), s.name)
		if err != nil {
			return foundModel{}, err
		}
		index := filepath.Join(s.name, "model.safetensors.index.json")
		if _, err := os.Stat(index); err != nil || s.index != "" {
			return result, nil
		}
		text, err := readJSON(index, hub.MaxIndex)
		if err != nil {
			return foundModel{}, err
		}
		return result, cli.MistakenInput(result.addIndex(text, index))
	}
	m, err := model.Known(s.name)
	if unknown := (&model.UnknownModel{}); errors.As(err, &unknown) {
		return foundModel{}, fmt.Errorf("%w; give its config.json with --config FILE, or have it read with --hub", err)
	}
	config, _ := model.Config(s.name)
	return foundModel{model: m, config: config}, err
}

func fromConfig(file, name string) (foundModel, error) {
	text, err := readJSON(file, hub.MaxConfig)
	if err != nil {
		return foundModel{}, err
	}
	beside := filepath.Join(filepath.Dir(file), model.QuantisationFile)
	if _, missing := os.Stat(beside); missing == nil && !model.StatesQuantisation(text) {
		quantisation, err := readJSON(beside, hub.MaxConfig)
		if err != nil {
			return foundModel{}, err
		}
		if text, err = model.WithQuantisation(text, quantisation); err != nil {
			return foundModel{}, fmt.Errorf("%s: %w", filepath.Dir(file), err)
		}
	}
	m, err := model.Parse(text)
	if err != nil {
		return foundModel{}, cli.UsageErrorf("%s: %w", file, err)
	}
	if m.Name = name; name == "" {
		m.Name = file
	}
	return foundModel{model: m, config: text}, nil
}

// notePromise says where a model's name promises fewer bits than its config.json states.
func (f *foundModel) notePromise() {
	if bits := f.model.PromisedBits(); bits != "" {
		f.notes = append(
			f.notes,
			fmt.Sprintf("the name promises weights of %s, and config.json states no quantisation: the weights are counted in %d bits; "+
				"put %s beside config.json, or give the size of the files with --index", bits, f.model.Format.Bits, model.QuantisationFile),
		)
	}
}

func (s *modelSource) fromHub(ctx context.Context) (foundModel, error) {
	client, err := hub.New(hub.Options{URL: s.hub, TokenFile: s.tokenFile, Revision: s.revision})
	if errors.As(err, new(*hub.Invalid)) {
		return foundModel{}, cli.UsageErrorf("%w", err)
	}
	if err != nil {
		return foundModel{}, err
	}
	config, err := client.Config(ctx, s.name)
	if err != nil {
		var missing *hub.NotFound
		if near := nearModels(s.name); errors.As(err, &missing) && len(near) > 0 {
			return foundModel{}, fmt.Errorf("%w; did you mean %s?", err, strings.Join(near, ", "))
		}
		return foundModel{}, err
	}
	text := config.Text
	if !model.StatesQuantisation(text) {
		if text, err = withHubQuantisation(ctx, client, s.name, text); err != nil {
			return foundModel{}, err
		}
	}
	m, err := model.Parse(text)
	if err != nil {
		return foundModel{}, fmt.Errorf("%s: %w", config.From, err)
	}
	m.Name = s.name
	result := foundModel{model: m, config: text, notes: config.Notes}
	if s.index != "" {
		return result, nil
	}
	index, err := client.Index(ctx, s.name)
	var missing *hub.NotFound
	if errors.As(err, &missing) {
		return result, nil // a small model is one file, without an index
	}
	if err != nil {
		return foundModel{}, err
	}
	return result, result.addIndex(index.Text, index.From)
}

// withHubQuantisation adds what the hub has beside a config.json that states no quantisation; most models have
// nothing there.
func withHubQuantisation(ctx context.Context, client *hub.Client, name string, config []byte) ([]byte, error) {
	beside, err := client.Quantisation(ctx, name)
	switch {
	case errors.As(err, new(*hub.NotFound)), errors.As(err, new(*hub.NotKept)):
		return config, nil
	case err != nil:
		return nil, err
	}
	whole, err := model.WithQuantisation(config, beside.Text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", beside.From, err)
	}
	return whole, nil
}

// ggufDoubt is what a pod says of the GGUF files that it serves, "" if it serves none.
func ggufDoubt(r *launch.Reading) string {
	for _, unknown := range r.Unknown {
		if unknown.Field == launch.FieldModel && strings.Contains(strings.ToLower(unknown.Because), "gguf") {
			return unknown.Because
		}
	}
	return ""
}

// useGGUF counts the weights as the GGUF files have them that a pod serves, where their name tells the format.
func (f *foundModel) useGGUF(files string) {
	if files == "" || f.model.Published > 0 {
		return
	}
	format := model.GGUFFormat(files)
	if format == "" {
		f.notes = append(
			f.notes,
			fmt.Sprintf("the pod serves GGUF files whose name does not tell their format: the weights are counted in the model's own %d bits, "+
				"which is the most that they take; give the size of the files with --index", f.model.Format.Bits),
		)
		return
	}
	f.model = f.model.WithGGUF(format)
	f.notes = append(f.notes, fmt.Sprintf("the pod serves GGUF files of %s: the weights are counted by what llama.cpp states of that format, "+
		"which the files may miss by a few percent", format))
}

// nearModels are the catalogue's names near one that does not exist.
func nearModels(name string) []string {
	_, err := model.Known(name)
	var missing *model.UnknownModel
	if errors.As(err, &missing) {
		return missing.Near
	}
	return nil
}

// readJSON reads a file of at most so many bytes.
func readJSON(name string, most int64) ([]byte, error) {
	text, err := cli.ReadBounded(name, most)
	switch {
	case err != nil:
		return nil, err
	case len(bytes.TrimSpace(text)) == 0:
		return nil, cli.UsageErrorf("%s: is empty: want the JSON that the model's publisher put there", name)
	case int64(len(text)) > most:
		return nil, cli.UsageErrorf("%s: more than %d bytes, which is more than any model's", name, most)
	}
	return text, nil
}
