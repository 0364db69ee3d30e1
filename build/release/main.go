package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/ashlar-dev/ashlar/build/gobuild"
	"github.com/ashlar-dev/ashlar/build/krew"
	"github.com/ashlar-dev/ashlar/build/sbom"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := runCommand(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// releaseOptions are the flags.
type releaseOptions struct {
	root, out, cache, version, commit, platforms, address string
}

func runCommand(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o := releaseOptions{root: ".."}
	flags := flag.NewFlagSet("release", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.out, "out", "../bin/release", "folder for the archives")
	flags.StringVar(&o.cache, "cache", "../.ashlar/release", "folder for what is built on the way")
	flags.StringVar(&o.version, "version", "v0.0.0-devel", "version that the program prints, such as v0.3.0")
	flags.StringVar(&o.commit, "commit", "unknown", "commit that the program prints")
	flags.StringVar(&o.platforms, "platforms", "linux/amd64,linux/arm64,darwin/amd64,darwin/arm64", "platforms, separated by commas")
	flags.StringVar(
		&o.address,
		"address",
		"https://github.com/ashlar-dev/ashlar/releases/download",
		"where the archives will be, in krew's manifest",
	)
	if err := flags.Parse(args); err != nil {
		return err
	}
	created, err := gobuild.CommitTime(ctx, o.root)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return err
	}
	var archives []krew.Archive
	var sums strings.Builder
	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ARCHIVE\tSIZE\tSHA-256")
	for _, platform := range strings.Split(o.platforms, ",") {
		system, architecture, ok := strings.Cut(platform, "/")
		if !ok {
			return fmt.Errorf("-platforms %s: want linux/amd64 and the like, separated by commas", o.platforms)
		}
		fmt.Fprintf(stderr, "building ashlar for %s\n", platform)
		content, err := o.buildArchive(ctx, system, architecture, created)
		if err != nil {
			return err
		}
		name := fmt.Sprintf("ashlar_%s_%s_%s.tar.gz", o.version, system, architecture)
		if err := os.WriteFile(filepath.Join(o.out, name), content, 0o644); err != nil {
			return err
		}
		digest := fmt.Sprintf("%x", sha256.Sum256(content))
		fmt.Fprintf(&sums, "%s  %s\n", digest, name)
		fmt.Fprintf(table, "%s\t%.1f MB\t%s\n", name, float64(len(content))/1e6, digest)
		archives = append(
			archives,
			krew.Archive{OS: system, Architecture: architecture, URL: o.address + "/" + o.version + "/" + name, SHA256: digest},
		)
	}
	if err := os.WriteFile(filepath.Join(o.out, "checksums.txt"), []byte(sums.String()), 0o644); err != nil {
		return err
	}
	if err := o.writePlugin(archives); err != nil {
		return err
	}
	return table.Flush()
}

// buildArchive builds the command line for a platform, writes its SBOM, and packs it.
func (o *releaseOptions) buildArchive(ctx context.Context, system, architecture string, created time.Time) ([]byte, error) {
	compiler := gobuild.Compiler{Version: o.version, Commit: o.commit, Scratch: o.cache}
	program, err := compiler.Compile(ctx, gobuild.Job{Folder: o.root, Source: "./cmd/ashlar", System: system, Architecture: architecture})
	if err != nil {
		return nil, err
	}
	components, err := sbom.ProgramComponents(program, o.version)
	if err != nil {
		return nil, err
	}
	text, err := json.MarshalIndent(sbom.Document{Name: "ashlar", Version: o.version, Created: created, Components: components}, "", "  ")
	if err != nil {
		return nil, err
	}
	list := fmt.Sprintf("ashlar_%s_%s_%s.spdx.json", o.version, system, architecture)
	if err := os.WriteFile(filepath.Join(o.out, list), append(text, '\n'), 0o644); err != nil {
		return nil, err
	}
	content, err := os.ReadFile(program)
	if err != nil {
		return nil, err
	}
	licence, err := os.ReadFile(filepath.Join(o.root, "LICENSE"))
	if err != nil {
		return nil, err
	}
	return packArchive([]archiveFile{{"LICENSE", 0o644, licence}, {"ashlar", 0o755, content}}, created)
}

// writePlugin writes krew's manifest.
func (o *releaseOptions) writePlugin(archives []krew.Archive) error {
	plugin := krew.NewPlugin(o.version, archives)
	if err := krew.CheckPlugin(plugin); err != nil {
		return fmt.Errorf("krew would refuse the manifest: %w", err)
	}
	text, err := krew.FormatPlugin(plugin)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(o.out, "ashlar.yaml"), text, 0o644)
}
