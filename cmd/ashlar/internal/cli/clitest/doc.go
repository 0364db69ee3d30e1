// Package clitest runs commands of ashlar in tests and compares what they print.
package clitest
