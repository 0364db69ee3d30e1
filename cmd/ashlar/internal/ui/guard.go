package ui

import (
	"net"
	"net/http"
	"strings"
)

// contentPolicy lets the page use what this server serves, and nothing else.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// guardRequests refuses what is not asked by a page of this server:
//
//   - a Host that is not this machine's own name, which is how a page elsewhere whose name was made
//     to lead here (DNS rebinding) shows;
//   - requests that another site's page makes, of which the browser says so;
//   - changes of any kind: there are none, and a question is asked by POST from here alone.
func guardRequests(next http.Handler) http.Handler {
	sameOrigin := http.NewCrossOriginProtection().Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", contentPolicy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		header.Set("Cache-Control", "no-store")
		if !isLoopbackHost(r.Host) {
			http.Error(w, "ashlar ui answers to localhost and 127.0.0.1 only, not to the name by which it was asked", http.StatusMisdirectedRequest)
			return
		}
		// A link elsewhere may lead to the page itself; nothing else is for others.
		site := r.Header.Get("Sec-Fetch-Site")
		if (site == "cross-site" || site == "same-site") && r.URL.Path != "/" {
			http.Error(w, "a page of another site asks, which ashlar ui does not answer", http.StatusForbidden)
			return
		}
		sameOrigin.ServeHTTP(w, r)
	})
}

// isLoopbackHost reports whether a Host header names this machine as seen from itself. Any port
// will do: a tunnel may have another.
func isLoopbackHost(host string) bool {
	name := host
	if before, _, err := net.SplitHostPort(host); err == nil {
		name = before
	}
	name = strings.TrimSuffix(strings.TrimPrefix(name, "["), "]")
	if strings.EqualFold(name, "localhost") {
		return true
	}
	ip := net.ParseIP(name)
	return ip != nil && ip.IsLoopback()
}
