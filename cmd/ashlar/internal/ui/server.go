package ui

import (
	_ "embed"
	"encoding/json"
	"errors"
	"html/template"
	"io"
	"net/http"
	"strings"

	"github.com/ashlar-dev/ashlar/internal/page"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

var (
	//go:embed page.html
	pageText string
	//go:embed page.css
	styleText string
	//go:embed page.js
	scriptText string

	pageTemplate = template.Must(template.New("page").Parse(pageText))
)

// maxQuestionBytes bounds what may be posted.
const maxQuestionBytes = 1 << 20

// pageServer serves the page, what it draws, and answers to its questions.
type pageServer struct {
	// cluster is what the cluster is called.
	cluster string
	feed    *mapFeed
	drawer  *clusterDrawer
	asker   questionAsker
	// pages has an entry for each page that is told of changes.
	pages chan struct{}
	// done is closed when the server ends.
	done chan struct{}
}

func newServer(cluster string, feed *mapFeed, asker questionAsker) *pageServer {
	return &pageServer{cluster: cluster, feed: feed, asker: asker, drawer: newDrawer(), pages: make(chan struct{}, maxPages),
		done: make(chan struct{})}
}

// makeRoutes gives all that is served. What is not here is not found.
func (s *pageServer) makeRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.servePage)
	mux.HandleFunc("GET /page.css", serveText("text/css; charset=utf-8", page.WriteStyle(styleText)))
	mux.HandleFunc("GET /page.js", serveText("text/javascript; charset=utf-8", page.WriteScript(scriptText)))
	mux.HandleFunc("GET /events", s.serveEvents)
	mux.HandleFunc("GET /explain", s.serveExplanation)
	mux.HandleFunc("POST /whatif", s.serveWhatif)
	return guardRequests(mux)
}

func (s *pageServer) servePage(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	// An error is the reader's: the template was tried by tests.
	_ = pageTemplate.Execute(w, struct {
		Cluster string
		Models  []string
	}{s.cluster, model.Names()})
}

func serveText(kind, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		_, _ = io.WriteString(w, text)
	}
}

// serveWhatif answers what a form asks.
func (s *pageServer) serveWhatif(w http.ResponseWriter, r *http.Request) {
	if kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); kind != "application/json" {
		http.Error(w, "a question is asked in JSON", http.StatusUnsupportedMediaType)
		return
	}
	var form whatifForm
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxQuestionBytes))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&form); err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			http.Error(w, "the question is larger than 1 MiB: ask with ashlar whatif -f FILE", http.StatusRequestEntityTooLarge)
			return
		}
		http.Error(w, "the question cannot be read: "+err.Error(), http.StatusBadRequest)
		return
	}
	manifest, err := form.writeManifest(s.drawer.deviceNames())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	answer, err := s.asker.askWhatif(r.Context(), manifest, form.Copies)
	s.writeAnswer(w, answer, err)
}

// serveExplanation says why a pod waits.
func (s *pageServer) serveExplanation(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	if query.Get("namespace") == "" || query.Get("pod") == "" {
		http.Error(w, "which pod: want namespace and pod", http.StatusBadRequest)
		return
	}
	text, err := s.asker.askExplanation(r.Context(), query.Get("namespace"), query.Get("pod"))
	s.writeAnswer(w, map[string]string{"text": text}, err)
}

func (s *pageServer) writeAnswer(w http.ResponseWriter, answer any, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer) // an error is the reader's
}
