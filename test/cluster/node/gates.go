//go:build linux

package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// loopback is the same address on the machine and on the node, and not the same thing.
const loopback = "127.0.0.1"

func listenOutside(port int) (net.Listener, error) {
	listener, err := net.Listen("tcp", net.JoinHostPort(loopback, strconv.Itoa(port)))
	if err != nil {
		return nil, fmt.Errorf("listening for the kubelet's clients: %w", err)
	}
	return listener, nil
}

// openGates lets the node reach the API server, at the address that it has on the
// machine and at that of its Service, and lets the machine reach the kubelet.
func openGates(pid int, o nodeOptions, outside net.Listener) error {
	network, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", pid))
	if err != nil {
		return fmt.Errorf("finding the node's network: %w", err)
	}
	if err := inNetwork(network, func() error { return raiseLoopback(o.nodeIP, o.serviceIP) }); err != nil {
		return fmt.Errorf("raising the node's network: %w", err)
	}
	addresses := []string{o.api}
	if o.serviceIP != "" {
		addresses = append(addresses, net.JoinHostPort(o.serviceIP, "443"))
	}
	for _, address := range addresses {
		var inside net.Listener
		err := inNetwork(network, func() (err error) {
			inside, err = net.Listen("tcp", address)
			return err
		})
		if err != nil {
			return fmt.Errorf("listening on the node for clients of the API server: %w", err)
		}
		go passConnections(inside, func() (net.Conn, error) { return net.Dial("tcp", o.api) })
	}
	go passConnections(outside, func() (connection net.Conn, err error) {
		err = inNetwork(network, func() (err error) {
			connection, err = net.Dial("tcp", net.JoinHostPort(loopback, strconv.Itoa(o.kubeletPort)))
			return err
		})
		return connection, err
	})
	return nil
}

// inNetwork calls a function in a network namespace. What it opens stays there.
func inNetwork(network *os.File, call func() error) error {
	result := make(chan error)
	go func() {
		runtime.LockOSThread() // for good: the thread ends with the goroutine
		if err := unix.Setns(int(network.Fd()), unix.CLONE_NEWNET); err != nil {
			result <- fmt.Errorf("entering the node's network: %w", err)
			return
		}
		result <- call()
	}()
	return <-result
}

// passConnections connects each that comes in with one that dial opens, until the
// listener is closed.
func passConnections(listener net.Listener, dial func() (net.Conn, error)) {
	for {
		in, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer in.Close()
			out, err := dial()
			if err != nil {
				return // the client sees its connection closed, and asks again
			}
			defer out.Close()
			passBytes(in, out)
		}()
	}
}

// passBytes copies in both directions, and passes on that one of them has ended.
func passBytes(a, b net.Conn) {
	var both sync.WaitGroup
	pass := func(to, from net.Conn) {
		_, _ = io.Copy(to, from) // what broke one side shows on the other
		if half, ok := to.(*net.TCPConn); ok {
			_ = half.CloseWrite()
		}
	}
	both.Go(func() { pass(a, b) })
	both.Go(func() { pass(b, a) })
	both.Wait()
}
