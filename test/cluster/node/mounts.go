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
	kept, err := openFolders(o.keep)
	if err != nil {
		return err
	}
	sysctls := filepath.Join(o.dir, "sysctls")
	for _, folder := range []string{"var/lib", "var/log", "var/tmp", "run", "sysctls"} {
		if err := os.MkdirAll(filepath.Join(o.dir, folder), 0o755); err != nil {
			return fmt.Errorf("making the node's folders: %w", err)
		}
	}
	if err := os.Symlink("/run", filepath.Join(o.dir, "var", "run")); err != nil {
		return fmt.Errorf("making the node's folders: %w", err)
	}
	for _, name := range keptSysctls {
		if err := copySysctl(name, sysctls); err != nil {
			return err
		}
	}
	for _, folder := range ownFolders {
		if err := bindMount(filepath.Join(o.dir, folder), folder); err != nil {
			return err
		}
	}
	for path, file := range kept {
		if err := os.MkdirAll(path, 0o755); err != nil {
			return fmt.Errorf("making room for %s: %w", path, err)
		}
		if err := bindMount(fmt.Sprintf("/proc/self/fd/%d", file.Fd()), path); err != nil {
			return err
		}
		if err := file.Close(); err != nil {
			return fmt.Errorf("closing %s: %w", path, err)
		}
	}
	return nil
}

// openFolders opens those of the folders that will be hidden.
func openFolders(paths []string) (map[string]*os.File, error) {
	files := map[string]*os.File{}
	for _, path := range paths {
		for _, own := range ownFolders {
			if !strings.HasPrefix(path, own+"/") {
				continue
			}
			file, err := os.Open(path)
			if err != nil {
				return nil, fmt.Errorf("keeping a folder in the node's sight: %w", err)
			}
			files[path] = file
		}
	}
	return files, nil
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
