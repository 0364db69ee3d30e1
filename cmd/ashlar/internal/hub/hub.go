package hub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

// Default is the hub that model names belong to.
const Default = "https://huggingface.co"

// The most that is read. The largest published files have some 0.1 and 10 MiB.
const (
	MaxConfig = 4 << 20
	MaxIndex  = 64 << 20
	maxToken  = 4 << 10
)

// timeout is for one file, redirects included.
const timeout = 30 * time.Second

// Options say which hub is asked, and how.
type Options struct {
	// URL is the hub's address, "" for Default.
	URL string
	// TokenFile holds the token. Without one, HF_TOKEN does for Default and for a hub
	// that HF_ENDPOINT names: a token for one hub is not for the eyes of another.
	TokenFile string
	// Revision is a branch, tag or commit, "" for main.
	Revision string
	// Cache is the folder for answers, "" for the user's cache folder.
	Cache string
	// Timeout is for one file, 0 for half a minute.
	Timeout time.Duration
}

// Client reads from one hub.
type Client struct {
	base     *url.URL
	token    string
	revision string
	cache    string
	offline  bool
	http     *http.Client
}

// File is a file of a model.
type File struct {
	Text []byte
	// From is its address.
	From string
	// Notes say what the reader should know: that the copy is an old one.
	Notes []string
}

// New checks the options.
func New(o Options) (*Client, error) {
	if o.URL == "" {
		o.URL = Default
	}
	base, err := url.Parse(o.URL)
	if err != nil || base.Host == "" || base.RawQuery != "" || base.Fragment != "" || base.User != nil {
		return nil, invalidf("hub %q: want an address like %s", o.URL, Default)
	}
	if err := checkSecure(base); err != nil {
		return nil, invalidf("hub %v", err)
	}
	c := &Client{base: base, revision: o.Revision, cache: o.Cache, offline: isSet("HF_HUB_OFFLINE")}
	if c.revision == "" {
		c.revision = "main"
	}
	if err := checkRevision(c.revision); err != nil {
		return nil, err
	}
	if c.token, err = tokenFor(base, o.TokenFile); err != nil {
		return nil, err
	}
	if c.cache == "" {
		// Without a home there is no cache, and nothing else changes.
		if folder, err := os.UserCacheDir(); err == nil {
			c.cache = filepath.Join(folder, "ashlar", "hub")
		}
	}
	if o.Timeout == 0 {
		o.Timeout = timeout
	}
	c.http = &http.Client{Timeout: o.Timeout, CheckRedirect: c.checkRedirect}
	return c, nil
}

// Config reads a model's config.json.
func (c *Client) Config(ctx context.Context, name string) (File, error) {
	return c.readFile(ctx, name, "config.json", MaxConfig)
}

// Index reads a model's model.safetensors.index.json. Models of one file have none,
// which is a NotFound.
func (c *Client) Index(ctx context.Context, model string) (File, error) {
	return c.readFile(ctx, model, "model.safetensors.index.json", MaxIndex)
}

// NotKept is the error for a file of which no copy is kept while the hub must not be asked.
type NotKept struct{ error }

// Quantisation reads a model's hf_quant_config.json. Most models have none, which is a NotFound.
func (c *Client) Quantisation(ctx context.Context, name string) (File, error) {
	return c.readFile(ctx, name, model.QuantisationFile, MaxConfig)
}

func (c *Client) readFile(ctx context.Context, model, file string, most int64) (File, error) {
	if err := CheckName(model); err != nil {
		return File{}, err
	}
	address := c.fileAddress(model, file)
	kept := c.cacheEntry(model, file)
	old, found := kept.loadCopy(most)
	if c.offline {
		if !found {
			return File{}, &NotKept{fmt.Errorf("%s: HF_HUB_OFFLINE is set, and no copy is kept in %s", address, c.cache)}
		}
		return File{Text: old.text, From: address, Notes: []string{old.ageNote("HF_HUB_OFFLINE is set")}}, nil
	}
	fresh, err := c.fetchFile(ctx, address, model, old.tag, most)
	var unreachable *unreachableError
	switch {
	case errors.As(err, &unreachable) && found && ctx.Err() == nil:
		return File{Text: old.text, From: address, Notes: []string{old.ageNote(err.Error())}}, nil
	case err != nil:
		return File{}, err
	case fresh == nil: // not modified
		return File{Text: old.text, From: address}, nil
	}
	result := File{Text: fresh.text, From: address}
	if err := kept.storeCopy(fresh); err != nil {
		result.Notes = append(result.Notes, fmt.Sprintf("no copy of %s is kept: %v", address, err))
	}
	return result, nil
}

func (c *Client) fileAddress(model, file string) string {
	// Names are checked; a revision may contain slashes, which are part of it.
	return strings.TrimSuffix(c.base.String(), "/") + "/" + model + "/resolve/" + url.PathEscape(c.revision) + "/" + file
}

// fetchFile gets a file, nil if it is still what the tag stands for.
func (c *Client) fetchFile(ctx context.Context, address, model, tag string, most int64) (*cachedCopy, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("User-Agent", "ashlar")
	if tag != "" {
		request.Header.Set("If-None-Match", tag)
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, explainNetworkError(err)
	}
	defer response.Body.Close()
	switch status := response.StatusCode; {
	case status == http.StatusNotModified && tag != "":
		return nil, nil
	case status >= 500 || status == http.StatusTooManyRequests:
		return nil, &unreachableError{fmt.Errorf("%s: the hub answers %s, try again later", address, response.Status)}
	case status != http.StatusOK:
		return nil, c.refusalError(response, address, model)
	case response.ContentLength > most:
		return nil, tooLarge(address, most)
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, most+1))
	if err != nil {
		return nil, explainNetworkError(fmt.Errorf("%s: %w", address, err))
	}
	if int64(len(text)) > most {
		return nil, tooLarge(address, most)
	}
	return &cachedCopy{text: text, tag: response.Header.Get("ETag"), at: time.Now()}, nil
}

// checkRedirect follows to https only, and shows the token to no other host. A hub that is
// itself read over http, on this machine, may go on doing so; what came over https may
// not, since whoever listens on a port here would have answered.
func (c *Client) checkRedirect(request *http.Request, via []*http.Request) error {
	if len(via) >= maxRedirects {
		return refusedRedirect{fmt.Errorf("%s: more than %d redirects", via[0].URL, maxRedirects)}
	}
	if err := checkSecure(request.URL); err != nil {
		return refusedRedirect{fmt.Errorf("%s: redirected to %w", via[0].URL, err)}
	}
	if last := via[len(via)-1].URL; last.Scheme == "https" && request.URL.Scheme != "https" {
		return refusedRedirect{fmt.Errorf("%s: redirected from https to %s://%s: want https", via[0].URL, request.URL.Scheme, request.URL.Host)}
	}
	if request.URL.Host != c.base.Host || request.URL.Scheme != c.base.Scheme {
		// net/http would show it to subdomains.
		request.Header.Del("Authorization")
	}
	// Addresses of files are signed; nobody has to know where they come from.
	request.Header.Del("Referer")
	return nil
}

const maxRedirects = 5

// checkSecure refuses addresses over which anybody could read the token or forge the
// answer.
func checkSecure(address *url.URL) error {
	if address.Scheme == "https" || address.Scheme == "http" && isLoopback(address.Hostname()) {
		return nil
	}
	return fmt.Errorf("%s://%s: want https (http only on this machine)", address.Scheme, address.Host)
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
