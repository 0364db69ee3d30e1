// Package prometheus reads from a Prometheus what DCGM exporter says of GPUs: how much of their memory is in use,
// and how busy they are. It is for putting that beside what was promised.
package prometheus
