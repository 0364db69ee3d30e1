//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// ownFolders are those of the machine in whose place the node has its own.
var ownFolders = []string{"/var", "/run"}

// keptSysctls are those that a kubelet sets for the whole machine. The node gets copies.
var keptSysctls = []string{
	"vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops",
	"kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes",
}

// mountPrivately keeps mounts of this namespace from the machine, and shows that it can.
func mountPrivately() error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making mounts private: %w", err)
	}
	return mountProc()
}

func mountProc() error {
	if err := syscall.Mount("proc", "/proc", "proc", syscall.MS_NOSUID|syscall.MS_NODEV|syscall.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mounting /proc: %w", err)
	}
	return nil
}

// mountFiles gives the node its own /proc, /var, /run and sysctls.
func (o nodeOptions) mountFiles() error {
	if err := mountPrivately(); err != nil {
		return err
	}
	// Within the node mounts spread, as kubelets and containerd expect.
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_SHARED, ""); err != nil {
		return fmt.Errorf("sharing mounts within the node: %w", err)
	}
	for _, folder := range []string{"var/lib", "var/log", "var/tmp", "run", "sysctls"} {
		if err := os.MkdirAll(filepath.Join(o.dir, folder), 0o755); err != nil {
			return fmt.Errorf("making the node's folders: %w", err)
		}
	}
	if err := os.Symlink("/run", filepath.Join(o.dir, "var", "run")); err != nil && !os.IsExist(err) {
		return fmt.Errorf("making the node's folders: %w", err)
	}
	for _, name := range keptSysctls {
		if err := copySysctl(name, filepath.Join(o.dir, "sysctls")); err != nil {
			return err
		}
	}
	// All are opened before any is mounted: the first may hide the next.
	var mounts []folderMount
	for _, own := range ownFolders {
		mounts = append(mounts, folderMount{from: filepath.Join(o.dir, own), to: own})
	}
	for _, path := range o.keep {
		if isHidden(path) {
			mounts = append(mounts, folderMount{from: path, to: path})
		}
	}
	for i := range mounts {
		file, err := os.Open(mounts[i].from)
		if err != nil {
			return fmt.Errorf("opening a folder of the node: %w", err)
		}
		defer file.Close()
		mounts[i].opened = file
	}
	for _, m := range mounts {
		if err := os.MkdirAll(m.to, 0o755); err != nil {
			return fmt.Errorf("making room for %s: %w", m.to, err)
		}
		if err := bindMount(fmt.Sprintf("/proc/self/fd/%d", m.opened.Fd()), m.to); err != nil {
			return err
		}
	}
	return nil
}

// folderMount is a folder and where the node sees it.
type folderMount struct {
	from, to string
	opened   *os.File
}

// isHidden reports whether a path of the machine lies where the node has its own folders.
func isHidden(path string) bool {
	for _, own := range ownFolders {
		if strings.HasPrefix(path, own+"/") {
			return true
		}
	}
	return false
}

// copySysctl puts a copy in the place of a sysctl, where the machine has it.
func copySysctl(name, folder string) error {
	path := filepath.Join("/proc/sys", name)
	text, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading a sysctl: %w", err)
	}
	copied := filepath.Join(folder, strings.ReplaceAll(name, "/", "."))
	if err := os.WriteFile(copied, text, 0o600); err != nil {
		return fmt.Errorf("copying a sysctl: %w", err)
	}
	return bindMount(copied, path)
}

func bindMount(from, to string) error {
	if err := syscall.Mount(from, to, "", syscall.MS_BIND|syscall.MS_REC, ""); err != nil {
		return fmt.Errorf("mounting %s on %s: %w", from, to, err)
	}
	return nil
}
