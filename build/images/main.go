package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/ashlar-dev/ashlar/build/debian"
	"github.com/ashlar-dev/ashlar/build/gobuild"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := runCommand(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "images:", err)
		os.Exit(1)
	}
}

// imageOptions are the flags.
type imageOptions struct {
	out, repository, version, commit, cache string
	only, platforms                         string
	pin                                     bool
}

func runCommand(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var o imageOptions
	flags := flag.NewFlagSet("images", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.out, "out", "../bin/images", "folder for the images")
	flags.StringVar(&o.repository, "repository", "ghcr.io/ashlar-dev", "where the images will be pushed: it is in their names")
	flags.StringVar(&o.version, "version", "devel", "version that the programs print, and the images' tag")
	flags.StringVar(&o.commit, "commit", "unknown", "commit that the programs print")
	flags.StringVar(&o.cache, "cache", "../.ashlar/images", "folder for what is built and downloaded on the way")
	flags.StringVar(&o.only, "only", "", "programs, separated by commas (default: all that cmd/ has)")
	flags.StringVar(&o.platforms, "platforms", "linux/amd64,linux/arm64", "platforms, separated by commas")
	flags.BoolVar(&o.pin, "pin-packages", false, "write debian/packages.lock anew, with the present packages, and build nothing")
	if err := flags.Parse(args); err != nil {
		return err
	}
	architectures, err := parsePlatforms(o.platforms)
	if err != nil {
		return err
	}
	if o.pin {
		return pinPackages(ctx, debian.Downloader{Folder: o.cache}, architectures)
	}
	return o.buildImages(ctx, architectures, stdout, stderr)
}

func (o *imageOptions) buildImages(ctx context.Context, architectures []string, stdout, stderr io.Writer) error {
	root, err := filepath.Abs("..")
	if err != nil {
		return err
	}
	programs, err := findPrograms(root, splitList(o.only))
	if err != nil {
		return err
	}
	created, err := gobuild.CommitTime(ctx, root)
	if err != nil {
		return err
	}
	builder := Builder{Created: created, Source: "https://github.com/ashlar-dev/ashlar", Debian: debian.Downloader{Folder: o.cache},
		Root: root, Compiler: gobuild.Compiler{Version: o.version, Commit: o.commit, Scratch: filepath.Join(o.cache, "programs")}}
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return err
	}
	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "IMAGE\tPLATFORM\tUSER\tSIZE\tDIGEST")
	for _, program := range programs {
		var built []*builtImage
		for _, architecture := range architectures {
			fmt.Fprintf(stderr, "building %s for linux/%s\n", program.Name, architecture)
			image, err := builder.BuildImage(ctx, program, architecture)
			if err != nil {
				return err
			}
			built = append(built, image)
		}
		digest, err := writeImage(o.out, program.Name, o.repository, o.version, built)
		if err != nil {
			return err
		}
		for _, image := range built {
			size, err := compressedSize(image)
			if err != nil {
				return err
			}
			fmt.Fprintf(
				table,
				"%s\tlinux/%s\t%s\t%.1f MB\t%s\n",
				program.Name,
				image.architecture,
				program.User,
				float64(size)/1e6,
				image.document.Digest,
			)
		}
		fmt.Fprintf(table, "%s/%s:%s\tall\t\t\t%s\n", o.repository, program.Name, imageTag(o.version), digest)
	}
	return table.Flush()
}

// compressedSize is what an image's layers have, in bytes, as they are pulled.
func compressedSize(built *builtImage) (int64, error) {
	layers, err := built.image.Layers()
	if err != nil {
		return 0, err
	}
	var sum int64
	for _, layer := range layers {
		size, err := layer.Size()
		if err != nil {
			return 0, err
		}
		sum += size
	}
	return sum, nil
}

func parsePlatforms(list string) ([]string, error) {
	var architectures []string
	for _, platform := range splitList(list) {
		architecture, ok := strings.CutPrefix(platform, "linux/")
		if !ok || architecture != "amd64" && architecture != "arm64" {
			return nil, fmt.Errorf("-platforms %s: want linux/amd64, linux/arm64 or both", list)
		}
		if !slices.Contains(architectures, architecture) {
			architectures = append(architectures, architecture)
		}
	}
	if len(architectures) == 0 {
		return nil, fmt.Errorf("-platforms %q names none: want linux/amd64, linux/arm64 or both", list)
	}
	return architectures, nil
}

func splitList(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' })
}

// pinPackages writes packages.lock.
func pinPackages(ctx context.Context, downloader debian.Downloader, architectures []string) error {
	var packages []debian.Package
	for _, architecture := range architectures {
		for _, packageName := range debian.Names {
			p, err := downloader.LatestPackage(ctx, packageName, architecture)
			if err != nil {
				return err
			}
			packages = append(packages, p)
		}
	}
	return os.WriteFile("debian/packages.lock", []byte(debian.FormatLock(packages)), 0o644)
}
