//go:build linux

package main

import (
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// raiseLoopback brings the loopback interface of the calling thread's network up, with
// these addresses beside 127.0.0.1. A kubelet wants one that is not a loopback address.
func raiseLoopback(addresses ...string) error {
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("opening a socket: %w", err)
	}
	defer unix.Close(socket)
	if err := raiseInterface(socket, "lo"); err != nil {
		return err
	}
	for i, address := range addresses {
		if address == "" {
			continue
		}
		alias := fmt.Sprintf("lo:%d", i+1)
		request, err := unix.NewIfreq(alias)
		if err != nil {
			return fmt.Errorf("naming %s: %w", alias, err)
		}
		for _, part := range []struct {
			call  uint
			value net.IP
		}{
			{unix.SIOCSIFADDR, net.ParseIP(address)},
			{unix.SIOCSIFNETMASK, net.IPv4bcast}, // the address alone, no network
		} {
			if err := request.SetInet4Addr(part.value.To4()); err != nil {
				return fmt.Errorf("address %q: %w", address, err)
			}
			if err := unix.IoctlIfreq(socket, part.call, request); err != nil {
				return fmt.Errorf("giving %s the address %s: %w", alias, address, err)
			}
		}
		if err := raiseInterface(socket, alias); err != nil {
			return err
		}
	}
	return nil
}

func raiseInterface(socket int, name string) error {
	request, err := unix.NewIfreq(name)
	if err != nil {
		return fmt.Errorf("naming %s: %w", name, err)
	}
	request.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(socket, unix.SIOCSIFFLAGS, request); err != nil {
		return fmt.Errorf("raising %s: %w", name, err)
	}
	return nil
}
