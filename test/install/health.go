package install

import (
	"crypto/tls"
	"net/http"
	"time"
)

// insecureClient is a client for the scheduler's health check, whose certificate the
// scheduler makes up at every start.
func insecureClient() *http.Client {
	return &http.Client{
		Timeout: 2 * time.Second,
		Transport: &http.Transport{
			DisableKeepAlives: true,
			TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // self-signed, on loopback
		},
	}
}
