package hub

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const llama = "meta-llama/Llama-3.1-8B-Instruct"

// token is what the tests' hub asks for.
const token = "hf_secret"

// answer is how the tests' hub answers one address.
type answer func(w http.ResponseWriter, r *http.Request)

// serve starts a hub. It notes the requests as "path authorization if-none-match".
func serve(t *testing.T, answers map[string]answer) (server *httptest.Server, seen *[]string) {
	t.Helper()
	seen = &[]string{}
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*seen = append(*seen,
			strings.TrimSpace(fmt.Sprintf("%s %s %s", r.URL.EscapedPath(), r.Header.Get("Authorization"), r.Header.Get("If-None-Match"))))
		if found := answers[r.URL.EscapedPath()]; found != nil {
			found(w, r)
			return
		}
		w.Header().Set("X-Error-Code", "RepoNotFound")
		w.WriteHeader(http.StatusUnauthorized)
	}))
	t.Cleanup(server.Close)
	return server, seen
}

func client(t *testing.T, o Options) *Client {
	t.Helper()
	if o.Cache == "" {
		o.Cache = t.TempDir()
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func tokenFile(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func text(body string) answer {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"1"`)
		if r.Header.Get("If-None-Match") == `"1"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = w.Write([]byte(body))
	}
}

func status(code int, header ...string) answer {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
	}
}

const configPath = "/" + llama + "/resolve/main/config.json"

func TestConfigIsReadAndKept(t *testing.T) {
	server, seen := serve(t, map[string]answer{configPath: text(`{"model_type": "llama"}`)})
	o := Options{URL: server.URL, TokenFile: tokenFile(t, token+"\n"), Cache: t.TempDir()}
	for range 2 {
		file, err := client(t, o).Config(context.Background(), llama)
		if err != nil || string(file.Text) != `{"model_type": "llama"}` || len(file.Notes) > 0 {
			t.Fatalf("%+v, %v", file, err)
		}
	}
	want := []string{configPath + " Bearer " + token, configPath + " Bearer " + token + ` "1"`}
	if strings.Join(*seen, "\n") != strings.Join(want, "\n") {
		t.Errorf("requests %q, want %q", *seen, want)
	}
	// Nobody else reads what a token made readable, and no scratch file is left.
	files := 0
	err := filepath.WalkDir(o.Cache, func(path string, entry os.DirEntry, err error) error {
		if err != nil || path == o.Cache {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		if !entry.IsDir() {
			files++
		}
		return err
	})
	if err != nil || files != 1 {
		t.Errorf("%d files, %v", files, err)
	}
}

func TestCopyServesWhileHubIsAway(t *testing.T) {
	down := false
	server, _ := serve(t, map[string]answer{configPath: func(w http.ResponseWriter, r *http.Request) {
		if down {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		text("{}")(w, r)
	}})
	o := Options{URL: server.URL, Cache: t.TempDir()}
	if _, err := client(t, o).Config(context.Background(), llama); err != nil {
		t.Fatal(err)
	}
	down = true
	used := func(want string) {
		t.Helper()
		file, err := client(t, o).Config(context.Background(), llama)
		if err != nil || string(file.Text) != "{}" || len(file.Notes) != 1 || !strings.Contains(file.Notes[0], want) {
			t.Errorf("%+v, %v, want a note with %q", file, err, want)
		}
	}
	used("502 Bad Gateway, try again later: using the copy of")
	t.Setenv("HF_HUB_OFFLINE", "1")
	used("HF_HUB_OFFLINE is set: using the copy of")
	if _, err := client(t, o).Index(context.Background(), llama); err == nil || !strings.Contains(err.Error(), "no copy is kept") {
		t.Errorf("offline without a copy: %v", err)
	}
	t.Setenv("HF_HUB_OFFLINE", "")
	server.Close()
	used("refused")
}

func TestDamagedCopyIsReadAgain(t *testing.T) {
	server, _ := serve(t, map[string]answer{configPath: text("{}")})
	o := Options{URL: server.URL, Cache: t.TempDir()}
	c := client(t, o)
	if _, err := c.Config(context.Background(), llama); err != nil {
		t.Fatal(err)
	}
	path := c.cacheEntry(llama, "config.json").path
	for _, damage := range []string{"", "{", "{\"etag\":\"\\\"1\\\"\",\"size\":7}\n{}"} {
		if err := os.WriteFile(path, []byte(damage), 0o600); err != nil {
			t.Fatal(err)
		}
		file, err := c.Config(context.Background(), llama)
		if err != nil || string(file.Text) != "{}" {
			t.Errorf("after %q: %q, %v", damage, file.Text, err)
		}
	}
}

// A redirect to another host, or another port of the same, goes without the token.
func TestTokenStaysWithItsHub(t *testing.T) {
	elsewhere, strangers := serve(t, map[string]answer{"/blob": text("{}")})
	server, own := serve(t, map[string]answer{
		configPath: status(http.StatusTemporaryRedirect, "Location", "/cache/config.json"),
		"/cache/config.json": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+"/blob", http.StatusFound)
		},
	})
	_, err := client(t, Options{URL: server.URL, TokenFile: tokenFile(t, token)}).Config(context.Background(), llama)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(*strangers, " "); got != "/blob" {
		t.Errorf("the other host saw %q", got)
	}
	if got := (*own)[1]; got != "/cache/config.json Bearer "+token {
		t.Errorf("the hub saw %q", got)
	}
}

// What came over https is not handed on to whoever listens on a port of this machine.
func TestRedirectsStaySecure(t *testing.T) {
	local, seen := serve(t, map[string]answer{"/config.json": text("{}")})
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, local.URL+"/config.json", http.StatusFound)
	}))
	t.Cleanup(server.Close)
	c := client(t, Options{URL: server.URL})
	c.http.Transport = server.Client().Transport
	_, err := c.Config(context.Background(), llama)
	if err == nil || !strings.Contains(err.Error(), "redirected from https to http://127.0.0.1") || len(*seen) > 0 {
		t.Errorf("got %v, the other server saw %q", err, *seen)
	}
}

// Revisions and hubs that resemble each other are kept apart.
func TestCopiesDoNotCollide(t *testing.T) {
	places := map[string]string{}
	long := strings.Repeat("A", 199)
	addresses := []string{"https://hub.example", "https://hub.example/a", "https://hub.example_a", "https://hub.example:8443",
		"http://127.0.0.1:80", "http://[::1]:80"}
	for _, revision := range []string{"main", "Main", "a/b", "a_b", "a.b", "a-b", long, long + "A", strings.ToLower(long)} {
		for _, address := range addresses {
			path := client(t, Options{URL: address, Revision: revision, Cache: "/cache"}).cacheEntry(llama, "config.json").path
			what := address + " at " + revision
			if other, taken := places[strings.ToLower(path)]; taken {
				t.Errorf("%s and %s are both kept in %s", what, other, path)
			}
			places[strings.ToLower(path)] = what
			for part := range strings.SplitSeq(path, "/") {
				if len(part) > 255 {
					t.Errorf("%s: a name of %d bytes", what, len(part))
				}
			}
		}
	}
}

// HF_TOKEN is Hugging Face's, unless another hub is said to be its home.
func TestTokenOfEnvironment(t *testing.T) {
	t.Setenv("HF_TOKEN", token)
	for _, tc := range []struct{ url, endpoint, want string }{
		{"", "", token},
		{Default, "", token},
		{"https://mirror.example", "", ""},
		{"https://huggingface.co.example", "", ""},
		{"https://mirror.example", "https://mirror.example/", token},
	} {
		t.Setenv("HF_ENDPOINT", tc.endpoint)
		if got := client(t, Options{URL: tc.url}).token; got != tc.want {
			t.Errorf("%q with HF_ENDPOINT %q: token %q", tc.url, tc.endpoint, got)
		}
	}
}

func TestRefusals(t *testing.T) {
	endless := func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) }
	stuck := make(chan struct{})
	server, _ := serve(t, map[string]answer{
		"/a/gated/resolve/main/config.json":     status(http.StatusUnauthorized, "X-Error-Code", "GatedRepo"),
		"/a/forbidden/resolve/main/config.json": status(http.StatusForbidden),
		"/a/teapot/resolve/main/config.json":    status(http.StatusTeapot),
		"/a/plain/resolve/main/config.json":     status(http.StatusNotFound),
		"/a/empty/resolve/main/config.json":     status(http.StatusNotFound, "X-Error-Code", "EntryNotFound"),
		"/a/old/resolve/v0%2F1/config.json":     status(http.StatusNotFound, "X-Error-Code", "RevisionNotFound"),
		"/a/endless/resolve/main/config.json":   endless,
		"/a/http/resolve/main/config.json":      status(http.StatusFound, "Location", "http://example.com/config.json"),
		"/a/file/resolve/main/config.json":      status(http.StatusFound, "Location", "file:///etc/passwd"),
		"/a/large/resolve/main/config.json":     status(http.StatusOK, "Content-Length", fmt.Sprint(MaxConfig+1)),
		"/a/endless-body/resolve/main/config.json": func(w http.ResponseWriter, _ *http.Request) {
			for range MaxConfig/1024 + 2 {
				if _, err := w.Write(make([]byte, 1024)); err != nil {
					return
				}
			}
		},
		"/a/slow/resolve/main/config.json": func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-stuck:
			case <-r.Context().Done():
			}
		},
	})
	t.Cleanup(func() { close(stuck) })
	with := tokenFile(t, token)
	for _, tc := range []struct {
		model, revision, token, want string
		missing                      bool
	}{
		{model: "a/gated", want: "the model is gated: accept its licence at " + server.URL + "/a/gated, then give a token"},
		{model: "a/gated", token: with, want: "the token's owner has no access"},
		{model: "a/forbidden", want: "then give a token"},
		{model: "a/forbidden", token: with, want: "the token does not give access"},
		{model: "a/nothing", want: "no such model, or it is private", missing: true},
		{model: "a/plain", want: "no such model or file", missing: true},
		{model: "a/empty", want: "no such file", missing: true},
		{model: "a/old", revision: "v0/1", want: `no revision "v0/1"`, missing: true},
		{model: "a/teapot", want: "418"},
		{model: "a/endless", want: "more than 5 redirects"},
		{model: "a/http", want: "redirected to http://example.com: want https"},
		{model: "a/file", want: "redirected to file://: want https"},
		{model: "a/large", want: "larger than 4 MiB"},
		{model: "a/endless-body", want: "larger than 4 MiB"},
		{model: "a/slow", want: "the hub does not answer in time"},
	} {
		t.Run(tc.model, func(t *testing.T) {
			c := client(t, Options{URL: server.URL, Revision: tc.revision, TokenFile: tc.token, Timeout: 500 * time.Millisecond})
			_, err := c.Config(context.Background(), tc.model)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("got %v, want %q", err, tc.want)
			}
			var missing *NotFound
			if errors.As(err, &missing) != tc.missing {
				t.Errorf("%v is NotFound: %v", err, !tc.missing)
			}
			if strings.Contains(err.Error(), token) {
				t.Errorf("%v shows the token", err)
			}
			if !strings.Contains(err.Error(), server.URL) {
				t.Errorf("%v does not say where", err)
			}
		})
	}
}

func TestNames(t *testing.T) {
	for _, good := range []string{"gpt2", llama, "a/b.c_d-e", "01-ai/Yi-6B"} {
		if err := CheckName(good); err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []string{
		"", "/", "a/", "/b", "a//b", "a/b/c", "../b", "a/..", "a/b..c", ".a/b", "a/.git", "a/b.git", "a/b?x=1", "a/b#c", "a/b%2e", "a b/c",
		"a/b\n", "a\x00/b", "a\\b/c", "é/b", "a@b/c", "https://huggingface.co/a/b", strings.Repeat("a", 97) + "/b",
	} {
		if err := CheckName(bad); err == nil {
			t.Errorf("%q was taken for a name", bad)
		}
	}
}

func TestBadOptions(t *testing.T) {
	for want, o := range map[string]Options{
		"want an address like":  {URL: "huggingface.co"},
		"want an address":       {URL: "https://user:password@huggingface.co"},
		"want https":            {URL: "http://huggingface.co"},
		"--revision":            {Revision: "../main"},
		"is empty":              {TokenFile: tokenFile(t, "\n")},
		"more than a token":     {TokenFile: tokenFile(t, "two words")},
		"longer than any token": {TokenFile: tokenFile(t, strings.Repeat("x", 5000))},
		"no such file":          {TokenFile: "/nowhere/token"},
	} {
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: got %v, want %q", o, err, want)
		}
	}
}
