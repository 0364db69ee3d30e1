package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
)

// mpsVariable makes this program the stand-in of nvidia-cuda-mps-control, which needs a GPU:
// as a daemon (-f) it answers commands on a socket, as a client it gives one to the daemon.
const mpsVariable = "ASHLAR_TEST_MPS"

const mpsProgram = "nvidia-cuda-mps-control"

func runTestMPS(args []string) error {
	socket := filepath.Join(os.Getenv("CUDA_MPS_PIPE_DIRECTORY"), "control")
	if len(args) == 1 && args[0] == "-f" {
		return serveTestMPS(socket)
	}
	connection, err := net.Dial("unix", socket)
	if err != nil {
		return errors.New("cannot find MPS control daemon process")
	}
	command, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err != nil {
		return err
	}
	fmt.Fprint(connection, command)
	answer, err := bufio.NewReader(connection).ReadString('\n')
	fmt.Print(answer)
	return err
}

func serveTestMPS(socket string) error {
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	for {
		connection, err := listener.Accept()
		if err != nil {
			return err
		}
		command, err := bufio.NewReader(connection).ReadString('\n')
		fmt.Fprintln(connection, "100.0")
		if closed := connection.Close(); err != nil || closed != nil {
			continue // the client went away
		}
		if strings.HasPrefix(command, "quit") {
			return nil
		}
	}
}
