package ui

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/ashlar-dev/ashlar/plugins/dryrun"
)

// pollEvery is how often it is looked whether a snapshot was written anew.
const pollEvery = time.Second

// watchSnapshot draws a snapshot whenever its file, or a file of its folder, changes, until the
// context ends. What cannot be read leaves what was shown before.
func watchSnapshot(ctx context.Context, name string, feed *mapFeed, draw func(*dryrun.ClusterObjects) (*pictureUpdate, error)) {
	last := stampOf(name)
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pollEvery):
		}
		stamp := stampOf(name)
		if stamp == last {
			continue
		}
		last = stamp
		if err := drawSnapshot(name, feed, draw); err != nil {
			feed.setTrouble("what is shown is old: " + err.Error())
			continue
		}
		feed.setTrouble("")
	}
}

// drawSnapshot draws a snapshot once.
func drawSnapshot(name string, feed *mapFeed, draw func(*dryrun.ClusterObjects) (*pictureUpdate, error)) error {
	objects, err := dryrun.ReadObjectFiles(name, nil)
	if err != nil {
		return err
	}
	update, err := draw(objects)
	if err != nil {
		return err
	}
	feed.replaceAll(update)
	return nil
}

// stampOf changes when a file does, or a file of a folder.
func stampOf(name string) string {
	stamp := ""
	// What cannot be looked at shows as another stamp, and as an error when it is read.
	_ = filepath.WalkDir(name, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && path != name {
			return fs.SkipDir
		}
		var about fs.FileInfo
		if err == nil {
			about, err = entry.Info()
		}
		if err != nil {
			stamp += err.Error()
			return nil
		}
		stamp += fmt.Sprintf("%s %d %s\n", path, about.Size(), about.ModTime())
		return nil
	})
	return stamp
}
