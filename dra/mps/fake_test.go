package mps

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// fakeMode makes the test binary an nvidia-cuda-mps-control, of a kind.
const fakeMode = "ASHLAR_FAKE_MPS"

const (
	good     = "good"
	slow     = "slow"     // it answers after a while
	dying    = "dying"    // it ends at once
	stubborn = "stubborn" // it does not quit
	mute     = "mute"     // it runs, and does not answer
	picky    = "picky"    // it refuses settings
)

func TestMain(m *testing.M) {
	mode := os.Getenv(fakeMode)
	switch {
	case mode == "":
		os.Exit(m.Run())
	case len(os.Args) == 2 && os.Args[1] == "-f":
		os.Exit(runFakeDaemon(mode))
	default:
		os.Exit(runFakeClient())
	}
}

func fakeSocket() string { return filepath.Join(os.Getenv("CUDA_MPS_PIPE_DIRECTORY"), "control") }

// runFakeDaemon answers commands on a socket in the pipe directory, and writes what it was told to the
// log directory. It ends when its directory is gone, so that no test leaves one behind.
func runFakeDaemon(mode string) int {
	if mode == dying {
		fmt.Println("Cannot find a CUDA device")
		return 3
	}
	go func() {
		for range 600 {
			time.Sleep(100 * time.Millisecond)
			if _, err := os.Stat(os.Getenv("CUDA_MPS_PIPE_DIRECTORY")); err != nil {
				break
			}
		}
		os.Exit(4)
	}()
	if mode == slow {
		time.Sleep(300 * time.Millisecond)
	}
	if mode == mute {
		select {}
	}
	listener, err := net.Listen("unix", fakeSocket())
	if err != nil {
		fmt.Println(err)
		return 5
	}
	log, err := os.Create(filepath.Join(os.Getenv("CUDA_MPS_LOG_DIRECTORY"), "commands"))
	if err != nil {
		fmt.Println(err)
		return 6
	}
	fmt.Fprintln(log, "device "+os.Getenv("CUDA_VISIBLE_DEVICES"))
	for {
		connection, err := listener.Accept()
		if err != nil {
			return 7
		}
		command, _ := bufio.NewReader(connection).ReadString('\n')
		command = strings.TrimSpace(command)
		answer := ""
		switch {
		case command == question:
			answer = "100.0"
		case strings.HasPrefix(command, "quit") && mode == stubborn:
			answer = "error"
		case mode == picky:
			answer = "error"
		}
		if command != question {
			fmt.Fprintln(log, command)
		}
		fmt.Fprintln(connection, answer)
		_ = connection.Close()
		if strings.HasPrefix(command, "quit") && mode != stubborn {
			return 0
		}
	}
}

func runFakeClient() int {
	connection, err := net.Dial("unix", fakeSocket())
	if err != nil {
		fmt.Println("Cannot find MPS control daemon process")
		return 1
	}
	command, _ := bufio.NewReader(os.Stdin).ReadString('\n')
	fmt.Fprint(connection, command)
	answer, _ := bufio.NewReader(connection).ReadString('\n')
	if strings.TrimSpace(answer) == "error" {
		fmt.Println("Invalid command")
		return 1
	}
	fmt.Print(answer)
	return 0
}
