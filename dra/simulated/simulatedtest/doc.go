// Package simulatedtest has the simulated machines that tests of the driver run on.
package simulatedtest
