package ui

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// deafServer answers no question: whoever gets that far is told so.
func deafServer(t *testing.T) (*pageServer, *httptest.Server) {
	t.Helper()
	feed := newFeed()
	feed.applyUpdate(&pictureUpdate{})
	server := newServer("a <b>cluster</b>", feed, newAsker("/does/not/exist", nil))
	served := httptest.NewServer(server.makeRoutes())
	t.Cleanup(func() { close(server.done); served.Close() })
	return server, served
}

func TestGuard(t *testing.T) {
	_, served := deafServer(t)
	const question = `{"kind":"gpu","count":1,"copies":1}`
	for name, tc := range map[string]struct {
		method, path, host, body string
		header                   map[string]string
		want                     int
	}{
		"the page":                     {path: "/", want: 200},
		"the page by its usual name":   {path: "/", host: "localhost:8265", want: 200},
		"the page through a tunnel":    {path: "/", host: "127.0.0.1:9999", want: 200},
		"the page by IPv6":             {path: "/", host: "[::1]:9999", want: 200},
		"a name that was made to lead": {path: "/", host: "evil.example:8265", want: 421},
		"a name that looks alike":      {path: "/", host: "localhost.evil.example", want: 421},
		"an address that looks alike":  {path: "/", host: "127.0.0.1.evil.example", want: 421},
		"an address of the network":    {path: "/", host: "10.0.0.1:8265", want: 421},
		"no name at all":               {path: "/", host: " ", want: 421},
		"a link from another site":     {path: "/", header: map[string]string{"Sec-Fetch-Site": "cross-site"}, want: 200},
		"events for another site":      {path: "/events", header: map[string]string{"Sec-Fetch-Site": "cross-site"}, want: 403},
		"the script for another port":  {path: "/page.js", header: map[string]string{"Sec-Fetch-Site": "same-site"}, want: 403},
		"a question from another site": {method: "POST", path: "/whatif", body: question,
			header: map[string]string{"Sec-Fetch-Site": "cross-site"}, want: 403},
		"a question with another origin": {method: "POST", path: "/whatif", body: question,
			header: map[string]string{"Origin": "http://evil.example"}, want: 403},
		"a question of a form": {method: "POST", path: "/whatif", body: "kind=gpu",
			header: map[string]string{"Content-Type": "text/plain"}, want: 415},
		"a question that is none": {method: "POST", path: "/whatif", body: "{", want: 400},
		"an unknown field":        {method: "POST", path: "/whatif", body: `{"kind":"gpu","program":"rm"}`, want: 400},
		"a question that is too large": {method: "POST", path: "/whatif", want: 413,
			body: `{"manifest":"` + strings.Repeat("x", maxQuestionBytes) + `"}`},
		"a question that is let through": {method: "POST", path: "/whatif", body: question, want: 422},
		"a question by GET":              {path: "/whatif", want: 405},
		"a change":                       {method: "PUT", path: "/", want: 405},
		"no pod":                         {path: "/explain?namespace=a", want: 400},
		"a file":                         {path: "/etc/passwd", want: 404},
		"something else":                 {path: "/debug/pprof/", want: 404},
	} {
		t.Run(name, func(t *testing.T) {
			method := tc.method
			if method == "" {
				method = http.MethodGet
			}
			request, err := http.NewRequestWithContext(t.Context(), method, served.URL, strings.NewReader(tc.body))
			if err != nil {
				t.Fatal(err)
			}
			path, query, _ := strings.Cut(tc.path, "?")
			request.URL.Path, request.URL.RawQuery = path, query
			request.Host = tc.host
			request.Header.Set("Content-Type", "application/json")
			for key, value := range tc.header {
				request.Header.Set(key, value)
			}
			response, err := http.DefaultTransport.RoundTrip(request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			if response.StatusCode != tc.want {
				text, _ := io.ReadAll(response.Body)
				t.Errorf("status %d, want %d: %.200s", response.StatusCode, tc.want, text)
			}
			if !strings.Contains(response.Header.Get("Content-Security-Policy"), "default-src 'none'") {
				t.Errorf("Content-Security-Policy %q", response.Header.Get("Content-Security-Policy"))
			}
		})
	}
}

// The page loads nothing from elsewhere, and its script makes elements of texts only.
func TestSelfContained(t *testing.T) {
	_, served := deafServer(t)
	for _, path := range []string{"/", "/page.css", "/page.js"} {
		response, err := http.Get(served.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(string(raw), "http://www.w3.org/2000/svg", "")
		for _, bad := range []string{"http://", "https://", "@import", "url(", "innerHTML", "insertAdjacentHTML", "document.write", "eval(",
			"<b>cluster"} {
			if strings.Contains(text, bad) {
				t.Errorf("%s has %q", path, bad)
			}
		}
	}
}
