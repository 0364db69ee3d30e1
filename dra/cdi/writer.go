package cdi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tags.cncf.io/container-device-interface/pkg/cdi"
	specs "tags.cncf.io/container-device-interface/specs-go"
)

// DefaultDirectory is where container runtimes look for specs that do not outlive a reboot.
const DefaultDirectory = "/var/run/cdi"

// Writer keeps the specs of a node's claims in a directory. It may be used for several claims
// at the same time.
type Writer struct {
	directory string
	host      HostFiles
}

// NewWriter makes a Writer of specs in the directory, which need not exist, but must be one
// that can be written.
func NewWriter(directory string, host HostFiles) (*Writer, error) {
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return nil, notWritable(directory, err)
	}
	probe, err := os.CreateTemp(directory, ".ashlar-probe-*.tmp")
	if err != nil {
		return nil, notWritable(directory, err)
	}
	_ = probe.Close()
	if err := os.Remove(probe.Name()); err != nil {
		return nil, notWritable(directory, err)
	}
	return &Writer{directory: directory, host: host}, nil
}

func notWritable(directory string, err error) error {
	return fmt.Errorf("the directory %s for CDI specs cannot be written: %w: "+
		"mount the host's directory into the driver's container read-write, at the same path", directory, err)
}

// Write writes the claim's spec, in place of one that there may be, and returns the CDI IDs of
// its devices, in their order. Container runtimes see all of the spec or nothing of it.
func (w *Writer) Write(_ context.Context, claim Claim) (ids []string, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("write the CDI spec of claim %s/%s (%s): %w", claim.Namespace, claim.Name, claim.UID, err)
		}
	}()
	path, err := w.specPath(claim.UID)
	if err != nil {
		return nil, err
	}
	spec, err := ClaimSpec(w.host, claim)
	if err != nil {
		return nil, err
	}
	if err := w.replaceSpec(path, spec); err != nil {
		return nil, err
	}
	for _, device := range claim.Devices {
		ids = append(ids, DeviceID(claim.UID, device))
	}
	return ids, nil
}

func (w *Writer) replaceSpec(path string, spec *specs.Spec) error {
	if err := checkSpec(spec); err != nil {
		return err
	}
	text, err := json.MarshalIndent(spec, "", " ") // an order of magnitude faster than YAML
	if err != nil {
		return err
	}
	draft := draftPath(path)
	err = os.WriteFile(draft, text, 0o644)
	if errors.Is(err, fs.ErrNotExist) { // somebody removed the directory
		if err = os.MkdirAll(w.directory, 0o755); err == nil {
			err = os.WriteFile(draft, text, 0o644)
		}
	}
	if err != nil {
		_ = os.Remove(draft)
		return notWritable(w.directory, err)
	}
	if err := os.Rename(draft, path); err != nil {
		_ = os.Remove(draft)
		return notWritable(w.directory, err)
	}
	return nil
}

// checkSpec finds what a container runtime would refuse the spec for.
func checkSpec(spec *specs.Spec) error {
	for _, device := range spec.Devices {
		if err := (&cdi.ContainerEdits{ContainerEdits: &device.ContainerEdits}).Validate(); err != nil {
			return fmt.Errorf("device %s: %w", device.Name, err)
		}
	}
	return (&cdi.ContainerEdits{ContainerEdits: &spec.ContainerEdits}).Validate()
}

// Remove removes the spec of the claim of that UID. One that does not exist is no error.
func (w *Writer) Remove(uid string) error {
	path, err := w.specPath(uid)
	if err != nil {
		return fmt.Errorf("remove the CDI spec of claim %s: %w", uid, err)
	}
	for _, file := range []string{path, draftPath(path)} {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove the CDI spec of claim %s: %w", uid, notWritable(w.directory, err))
		}
	}
	return nil
}

// List returns the UIDs of the claims that have a spec, or the rest of one that was being
// written when the process ended, sorted.
func (w *Writer) List() ([]string, error) {
	entries, err := os.ReadDir(w.directory)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list the CDI specs of claims: %w", err)
	}
	var uids []string
	for _, entry := range entries {
		name := strings.TrimSuffix(strings.TrimPrefix(entry.Name(), "."), ".tmp")
		uid, ours := strings.CutPrefix(name, specPrefix)
		uid, complete := strings.CutSuffix(uid, specSuffix)
		if ours && complete && uid != "" && !slices.Contains(uids, uid) {
			uids = append(uids, uid)
		}
	}
	slices.Sort(uids)
	return uids, nil
}

const (
	specPrefix = Vendor + "-" + Class + "_"
	specSuffix = ".json"
)

// specPath refuses what is no UID, since it becomes part of a path.
func (w *Writer) specPath(uid string) (string, error) {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-'
	}
	if uid == "" || len(uid) > 128 || strings.ContainsFunc(uid, func(r rune) bool { return !plain(r) }) {
		return "", fmt.Errorf("%.140q is no UID: want letters, digits and dashes", uid)
	}
	return filepath.Join(w.directory, specPrefix+uid+specSuffix), nil
}

// draftPath is where a spec is written before it takes its place: container runtimes read
// neither files of that ending nor hidden ones.
func draftPath(path string) string {
	return filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".tmp")
}
